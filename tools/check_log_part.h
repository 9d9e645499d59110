/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks the commands of one file of a log, behind an RDB if it begins with one (which
 * check_rdb_part looks at): names every fault, and goes on behind each (log_read.h).
 *
 *   TRUNCATED  a write that was cut off: nobody was told that it had arrived
 *   DAMAGED    a block that stands twice; a command that the server would not run, or a
 *              transaction out of place: the rest loads when they are left out
 *   LOSS       bytes that are not what was written */
#ifndef TOOLS_CHECK_LOG_PART_H
#define TOOLS_CHECK_LOG_PART_H

#include <stddef.h>

#include "tools/check_totals.h"
#include "tools/findings.h"
#include "tools/source.h"
#include "tools/tool.h"

void check_log_part(struct tool *t, struct findings *to, const struct source *s, size_t part,
                    struct check_totals *totals);

#endif
