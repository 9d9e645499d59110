/* SPDX-License-Identifier: BSD-3-Clause */
/* The order of letters that locale-collate, or the environment, asks for.
 *
 *   if (collate_is_on())
 *       collate_add(&texts, word);      // slice_cmp of two such: how the words stand
 */
#ifndef COMMANDS_COLLATE_H
#define COMMANDS_COLLATE_H

#include <stdbool.h>

#include "base/slice.h"

struct buf;

/* Is it another than that of the bytes? */
bool collate_is_on(void);
/* Appends bytes that are ordered as text is, which may lie in to. What is behind a zero byte does
 * not count. Cost: a copy of the text, and several times its length. */
void collate_add(struct buf *to, struct slice text);

#endif
