/* SPDX-License-Identifier: BSD-3-Clause */
/* What a log is like, for every verb that reads one: each item it reads is judged, so that the same
 * log has the same exit code (docs/tools.md) whoever reads it.
 *
 *   struct log_judge j;
 *   log_judge_begin(&j, t);
 *   while ((what = log_read_next(&r)) != LOG_END)
 *       log_judge_item(&j, &part, &r, what, last);
 *   log_judge_item(&j, &part, &r, LOG_END, last);
 *   code = log_judge_end(&j);
 *
 * Commands that a server would not run, by name and number of arguments or as a library that does
 * not load, are told: the first one, and how many more. Holes are their verb's to tell. What a
 * command meets in the data set, only a server knows. */
#ifndef TOOLS_LOG_JUDGE_H
#define TOOLS_LOG_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tools/aof_commands.h"
#include "tools/log_part.h"
#include "tools/log_read.h"
#include "tools/tool.h"

struct log_judge {
    struct tool *tool;
    struct aof_known known;
    struct buf why;
    enum tool_exit worst;
    uint64_t unloaded; /* commands that a server would not run */
};

void log_judge_begin(struct log_judge *j, struct tool *t);
/* Why a server would not run a command, until the next one is asked about; NULL: it would. */
const char *log_judge_command(struct log_judge *j, struct log_bytes *b,
                              const struct log_command *c);
/* Counts one of which that is known, and says the first. */
void log_judge_unloaded(struct log_judge *j, const struct source_part *p,
                        const struct log_command *c, const char *why);
/* last: no file follows. With the first item of a part comes what is wrong around it. Behind a unit
 * of several commands r->command is another one. */
void log_judge_item(struct log_judge *j, struct log_part *p, struct log_reader *r,
                    enum log_item what, bool last);
/* Says how many there were, and gives the worst. */
enum tool_exit log_judge_end(struct log_judge *j);

#endif
