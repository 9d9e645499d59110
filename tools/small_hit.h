/* SPDX-License-Identifier: BSD-3-Clause */
/* For log_footing.c: was a small batch hit where it stands, so that no value can lie around the
 * batches behind it? Their lines tell of no log, and a value may hold as good ones.
 *
 *   if (small_hit(text, line, at)) ... text[line..] is the log's own, and what it leads to ...
 *
 * Such a value lies in a long batch (no line of a small one begins with '#'), of which the line is
 * gone and what stands in front of the value, or both would tell where it ends: 44 bytes at least.
 * So what is asked for is that all of text up to line is pieces of small batches (heads, arguments,
 * lines) but for one stretch of at most SMALL_HIT_GAP bytes behind what tells its length.
 * And no block of a file system may begin from the line in front of the damage to this one: a block
 * of something else, or one behind others that are lost, could begin in the middle of a value, and
 * what there is on both sides fits together more often than one thinks. Single sectors that come
 * from elsewhere are shorter than what log_footing.h asks for. */
#ifndef TOOLS_SMALL_HIT_H
#define TOOLS_SMALL_HIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "format/aof_sum.h"

enum {
    SMALL_HIT_GAP = 40,
    SMALL_HIT_BLOCK = 4096,
    SMALL_HIT_MAX = 2 * (AOF_SMALL_BYTES + AOF_SMALL_LINE), /* one batch, or a line between two */
};
/* text: from the border where a batch is due and damage begins, which is at at in the file, until
 * behind the line of a small batch, the first that is whole. */
bool small_hit(struct slice text, size_t line, uint64_t at);

#endif
