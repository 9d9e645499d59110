/* SPDX-License-Identifier: BSD-3-Clause */
/* Temporary files of saves and rewrites whose process died: temp-<pid>.rdb, and
 * temp-rewriteaof-<pid>.aof with or without bg- in front of the number. */
#ifndef PERSIST_LEFTOVERS_H
#define PERSIST_LEFTOVERS_H

#include <stdbool.h>
#include <sys/types.h>

/* The pid in such a name; 0 when it is none. */
pid_t leftovers_pid(const char *name);
/* Removes those in dir whose process is gone (or whose pid is ours now); tells the log. */
void leftovers_remove(const char *dir);

#endif
