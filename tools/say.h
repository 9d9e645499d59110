/* SPDX-License-Identifier: BSD-3-Clause */
/* What a verb answers: sentences for people, or one JSON object for programs; said once.
 *
 *   say_fields(s, FIELDS(SAY_U64("keys", n)), "%" PRIu64 " keys", n);         {"keys": 3, ...
 *   say_row(s, "faults", FIELDS(SAY_U64("offset", at), SAY_BYTES("key", key)),
 *           "offset %" PRIu64 ": %s", at, what);                    "faults": [{"offset": ...}]
 *
 * In text, each call prints its line (format NULL or "": none) at once. Under --json nothing is
 * printed before say_end: fields in the order they came, then each list with its rows; a list that
 * may be empty is named with say_list, so that it is there. Rows are kept in memory up to 1 MiB a
 * list, then in a file without a name. Every name stands in docs/tools-json.md; a test compares.
 *
 * Bytes (keys, values) are a JSON string when they are UTF-8, else {"base64": "..."}; in text lines
 * print them through say_text. */
#ifndef TOOLS_SAY_H
#define TOOLS_SAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/slice.h"

enum say_kind { SAY_END, SAY_KIND_U64, SAY_KIND_I64, SAY_KIND_DOUBLE, SAY_KIND_BOOL, SAY_KIND_TEXT,
                SAY_KIND_BYTES, SAY_KIND_NULL, SAY_KIND_TIME, SAY_KIND_JSON };
struct say_field {
    enum say_kind kind;
    const char *name;
    union {
        uint64_t u;
        int64_t i;
        double d;
        const char *text;
        struct slice bytes;
    };
};
#define SAY_U64(name_, x) {SAY_KIND_U64, name_, {.u = (x)}}
#define SAY_I64(name_, x) {SAY_KIND_I64, name_, {.i = (x)}}
#define SAY_DOUBLE(name_, x) {SAY_KIND_DOUBLE, name_, {.d = (x)}}
#define SAY_BOOL(name_, x) {SAY_KIND_BOOL, name_, {.u = (x)}}
#define SAY_TEXT(name_, x) {SAY_KIND_TEXT, name_, {.text = (x)}} /* NULL: null */
#define SAY_BYTES(name_, x) {SAY_KIND_BYTES, name_, {.bytes = (x)}}
#define SAY_TIME(name_, ms) {SAY_KIND_TIME, name_, {.i = (ms)}} /* unix ms as ISO 8601; < 0: null */
#define SAY_JSON(name_, x) {SAY_KIND_JSON, name_, {.bytes = (x)}} /* written by who calls */
#define FIELDS(...) ((const struct say_field[]){__VA_ARGS__, {SAY_END, NULL, {.u = 0}}})

enum { SAY_LISTS = 16, SAY_SCHEMA = 1 };
struct say_list_of {
    const char *name;
    uint64_t rows;
    struct buf buf;
    FILE *spilled; /* NULL: all is in buf */
};
struct say {
    FILE *to;
    bool json, quiet;  /* quiet: no text lines at all */
    const char *verb;
    struct buf fields; /* of the object, each with a comma in front */
    struct say_list_of lists[SAY_LISTS];
    bool ended;
};

void say_begin(struct say *s, FILE *to, bool json, bool quiet, const char *verb);
void say_fields(struct say *s, const struct say_field *fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void say_row(struct say *s, const char *list, const struct say_field *fields, const char *format,
             ...) __attribute__((format(printf, 4, 5)));
void say_list(struct say *s, const char *list); /* it exists, maybe without rows */
/* A line for people only. */
void say_line(struct say *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The object is written, with "schema", "verb", "result" (tool_exit_name) and "exit". */
void say_end(struct say *s, const char *result, int exit_code);
void say_free(struct say *s);

/* ---- building blocks ---- */

/* Appends bytes as JSON: a string, or {"base64": ...}. */
void json_bytes(struct buf *to, struct slice bytes);
void json_base64(struct buf *to, struct slice bytes); /* without quotes */
/* Bytes for a line of text: printable as they are, all else as \xhh; cut to max bytes with "...".
 * Returns buf_cstr(hold). */
const char *say_text(struct buf *hold, struct slice bytes, size_t max);
/* In place, all of it. */
void say_escape(struct buf *text);
/* One line: what begins another, moves the cursor otherwise or is no UTF-8 is printed as \xhh. */
void say_print(FILE *to, struct slice text);
/* Unix milliseconds as 2026-11-29T14:03:00.250Z. */
enum { SAY_TIME_TEXT = 40 };
const char *say_time(char out[SAY_TIME_TEXT], int64_t unix_ms);

#endif
