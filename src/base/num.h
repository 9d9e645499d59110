/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and their text. Parsers take the whole slice or refuse: no blanks, no junk behind. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { NUM_I64_TEXT = 21, NUM_DOUBLE_TEXT = 40 }; /* room that a formatted number needs, with NUL */

/* Canonical decimal only: no plus, no leading zero, no "-0". True exactly when formatting the
 * result gives the same text back (so it also decides integer encodings). */
bool num_parse_i64(struct slice text, int64_t *out);
bool num_parse_u64(struct slice text, uint64_t *out);
/* Decimal, hex, exponent, inf/infinity/-inf with any case; NaN, blanks, junk refused. No locale. */
bool num_parse_double(struct slice text, double *out);
bool num_parse_long_double(struct slice text, long double *out);
/* "1024", "10k" 1000, "10kb" 1024, "1m" "1mb" "1g" "1gb", any case; a leading '-' refused. */
bool num_parse_size(struct slice text, uint64_t *out);

/* Of one hexadecimal digit of any case; -1 for another character. */
int num_hex_digit(char c);
/* Lower-case hexadecimal digits, 1 to 16 of them. */
bool num_parse_hex(struct slice text, uint64_t *out);

/* The lowest 4 * width bits of n as exactly width digits, no NUL. */
void num_put_hex(char *out, unsigned width, uint64_t n);
size_t num_format_i64(char out[NUM_I64_TEXT], int64_t n);  /* length, NUL added */
size_t num_format_u64(char out[NUM_I64_TEXT], uint64_t n);
size_t num_i64_digits(int64_t n); /* length num_format_i64 would give */
/* Shortest text that reads back as the same double, laid out as Redis 7.2 prints scores:
 * 3, 1.5, -0, 1e+21, 1.5e-7, inf, -inf, nan. */
size_t num_format_double(char out[NUM_DOUBLE_TEXT], double d);
/* "%.17Lf" with trailing zeros (and a then bare point) removed: INCRBYFLOAT's text. out
 * holds the largest long double, 4933 digits before the point. */
enum { NUM_LONG_DOUBLE_TEXT = 5 * 1024 };
size_t num_format_long_double(char out[NUM_LONG_DOUBLE_TEXT], long double d);
/* 1023 -> "1023B", 1536 -> "1.50K", then M G T P. */
size_t num_format_bytes(char out[NUM_DOUBLE_TEXT], uint64_t n);

#endif
