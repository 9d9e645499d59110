/* SPDX-License-Identifier: BSD-3-Clause */
/* Borders between databases that are lost without a hole: where bytes went and what was left reads
 * well, keys of the next database are taken for those of the one before.
 *
 * The rule. In a file without block checksums whose own checksum is wrong, a database for which
 * more keys are read than its RESIZEDB says has some of another. Nothing tells where they begin:
 * all of its keys count as doubtful, or, when there is a hole among them, those behind the first.
 * Fewer keys than said, and no hole among them: bytes are gone, and the border may be one of them,
 * with keys of the next database behind it; all are doubtful. (Where there is a hole, it took
 * them.)
 * A writer that says 0 does not say. When just as many keys came in as went, nothing tells: only
 * block checksums would. Nor does anything in a file without a checksum.
 *
 *   struct rdb_borders b;
 *   rdb_borders_find(&b, &x);       x: a rescue about to be run; one more pass, and only when the
 *   x.borders = &b;                 checksum is wrong
 *   rescue_run(&x); ...
 *   rdb_borders_free(&b);
 *
 * Memory: at most BORDERS_MAX of them; when there are more, all behind the last is doubtful. */
#ifndef TOOLS_RDB_BORDER_H
#define TOOLS_RDB_BORDER_H

#include "tools/rdb_rescue.h"

enum { BORDERS_MAX = 4096 };

void rdb_borders_find(struct rdb_borders *b, const struct rescue *x);
void rdb_borders_free(struct rdb_borders *b);

#endif
