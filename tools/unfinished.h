/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of what is being made and is not whole yet: NAME, a mark, and the process that makes it. So
 * a later run knows what nobody goes on with.
 *
 *   char *tmp = unfinished_name(path, ".new-");                  path.new-1234
 *   if (unfinished_left(found, ".new-", &n)) ... of the name that is found's first n bytes ... */
#ifndef TOOLS_UNFINISHED_H
#define TOOLS_UNFINISHED_H

#include <stdbool.h>
#include <stddef.h>

/* For mem_free. */
char *unfinished_name(const char *path, const char *mark);
/* Is name such a one, and its maker not there any more, or this process, which would begin anew? */
bool unfinished_left(const char *name, const char *mark, size_t *length);

#endif
