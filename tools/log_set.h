/* SPDX-License-Identifier: BSD-3-Clause */
/* Are the files that a manifest names there, and are they those it means? What no file tells by
 * itself: order, ids, and the sizes that files had when they were closed (format/aof_parts.h). */
#ifndef TOOLS_LOG_SET_H
#define TOOLS_LOG_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "tools/source.h"
#include "tools/tool.h"

/* An aof_part_look (arg: the const struct source). */
bool log_set_look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f);
/* None is missing. Good, or with what is wrong, the first: it can't be opened, or something is
 * lost. */
enum tool_exit log_set_check(const struct source *s, struct buf *what);
/* Says which files are missing; if none is, what log_set_check says. Of a single file: good. */
enum tool_exit log_set_tell(struct tool *t, const struct source *s);

#endif
