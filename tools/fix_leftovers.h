/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fix --in-place or --undo that was interrupted left beside the log: FILE.mended-PID, which
 * takes FILE's place when all of them are whole; FILE may be what --undo puts back, too. */
#ifndef TOOLS_FIX_LEFTOVERS_H
#define TOOLS_FIX_LEFTOVERS_H

#include <stdbool.h>

#include "tools/tool.h"

/* Behind the log's name, in front of a number: what --undo puts back (log_undo.h). */
#define UNDO_MARK ".fix-"

/* The name, for mem_free. */
char *fix_mended_name(const char *path);
/* Those of the log at path (its manifest, or the single file), of processes that are gone: each is
 * named, and removed if it is to be; who has the log locked may (check.h). */
void fix_leftovers(struct tool *t, const char *path, bool remove);

#endif
