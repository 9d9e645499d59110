/* SPDX-License-Identifier: BSD-3-Clause */
/* Scores as text. Same result and same refusals as num_parse_double for finite decimal texts, about
 * six times as fast on what servers write; longer ones than SCORE_TEXT_MAX are refused. */
#ifndef FORMAT_SCORE_H
#define FORMAT_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { SCORE_TEXT_MAX = 128 };

bool score_parse(struct slice text, double *score);
/* One element of a listpack of texts that are scores: an integer, or a number's text. */
bool score_at(const uint8_t *lp, size_t at, double *score);

#endif
