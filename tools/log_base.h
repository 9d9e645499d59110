/* SPDX-License-Identifier: BSD-3-Clause */
/* Would a server start from a base, with increments behind it? It is read once, front to back: what
 * an RDB's checksums, the structure of its values and its libraries of functions tell, keys and
 * elements that are there twice; of commands that they are whole, also at the end, as no server
 * forgives a torn end where another file follows.
 *
 *   enum tool_exit is = log_base_tell(t, &source, part, &starts);  good, or what is wrong was said
 *
 * part: of the source, and there. Of one that is no base only the RDB it begins with is looked at,
 * if it does. Memory: that of the search for keys that come twice (key_twice.h). */
#ifndef TOOLS_LOG_BASE_H
#define TOOLS_LOG_BASE_H

#include <stddef.h>

#include "tools/source.h"
#include "tools/tool.h"

/* *starts: is it good for a server? What is wrong with a block index, none minds. */
enum tool_exit log_base_tell(struct tool *t, const struct source *s, size_t part, bool *starts);
/* The same without the commands: of one that is no base, or that somebody reads the commands of. */
enum tool_exit log_base_refused(struct tool *t, const struct source *s, size_t part);

#endif
