/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands behind a whole RDB, up to the end of its file? A server that loads the file as its
 * dump passes over all of it; one that loads it as an append log, or as the base of one, runs what
 * stands there, and refuses what are no commands. Decided here, for every verb:
 *
 *   NOTHING    or lines of annotation alone, which no server minds
 *   COMMANDS   a command begins there, or is found behind damage, or has left a trace (the line of
 *              an argument's length): the file is a log
 *   OTHER      no command is in it: the data set is whole without it (docs/tools.md). A second copy
 *              of an RDB may hold any text: of one, traces do not count
 *
 * Bytes are looked at only where they do not begin as commands do. Memory: log_read.h's. */
#ifndef TOOLS_RDB_BEHIND_H
#define TOOLS_RDB_BEHIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "tools/input.h"

enum rdb_behind { RDB_BEHIND_NOTHING, RDB_BEHIND_COMMANDS, RDB_BEHIND_OTHER };

/* at: where the RDB ends, and its block index; size: of the file. */
enum rdb_behind rdb_behind_look(int fd, uint64_t at, uint64_t size);
/* Of an input whose stream was read up to there. What is no plain file is read to its end, unless
 * commands begin. bytes: how many are OTHER. False with f: they can't be read, or there is no room
 * for them. */
bool rdb_behind_read(struct input *i, enum rdb_behind *is, uint64_t *bytes, struct fault *f);
/* What OTHER means, in a sentence behind their number. */
extern const char rdb_behind_other[];

#endif
