/* SPDX-License-Identifier: BSD-3-Clause */
/* Are the files that a manifest names there, and are they those it means? What no file tells by
 * itself: order, ids, and the sizes that files had when they were closed (format/aof_parts.h). */
#ifndef TOOLS_LOG_SET_H
#define TOOLS_LOG_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "format/aof_parts.h"
#include "tools/source.h"
#include "tools/tool.h"

/* An aof_part_look (arg: the const struct source). */
bool log_set_look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f);
/* None is missing. Good, or with what is wrong, the first: it can't be opened, or something is
 * lost. */
enum tool_exit log_set_check(const struct source *s, struct buf *what);
/* Is part i, of a set that nobody packed, the one that the manifest means? If not f says so: it is
 * of another log, or another part of this one, whose name it should have. Asked in order, with the
 * same found, which begins with zeros. What can't be read, and history, is not said to be
 * another. */
enum log_set_part { PART_MEANT, PART_FOREIGN, PART_MISPLACED };
enum log_set_part log_set_part(const struct source *s, size_t i, struct aof_parts *found,
                               struct fault *f);
/* Says which files are missing; if none is, what log_set_check says. Of a single file: good. */
enum tool_exit log_set_tell(struct tool *t, const struct source *s);

#endif
