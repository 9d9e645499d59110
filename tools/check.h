/* SPDX-License-Identifier: BSD-3-Clause */
/* The check tools: redis-check-rdb and redis-check-aof, and what they share. Output and exit codes
 * are those of Redis 7.2, the verdict is that of our server: both use the readers of src/format.
 *
 *   redis-check-rdb [--databases N] FILE
 *   redis-check-aof [--fix|--truncate-to-timestamp TS] FILE
 *   redis-check-aof --plain FILE OUT
 *
 * Memory is bounded by the largest single value, whatever the file's size. */
#ifndef TOOLS_CHECK_H
#define TOOLS_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "format/in.h"

enum { CHECK_DATABASES = 0 }; /* as many as may be: a server is told by its configuration */

/* Would a server load these libraries of functions? Somebody else is asked, as the tools do not
 * know the language: about all that stand in one dump, and about each by itself in a log. */
struct check_libraries {
    void *(*begin)(void);
    bool (*take)(void *set, struct slice code, struct buf *why); /* false: why tells */
    void (*end)(void *set);
};

/* The first word asks what the tool takes. libraries: NULL, nobody is asked. */
bool check_asks_help(const char *word);

struct tool_env; /* tool.h */
int check_rdb_main(int argc, char **argv, const struct tool_env *env);
int check_aof_main(int argc, char **argv, const struct tool_env *env);

/* Reads one RDB from in (of check_open, which gave fd) up to its trailer and reports to out. name
 * is for the first line only; databases as in rdb_options. True when a server would load it. Leaves
 * in behind the trailer. */
bool check_rdb_stream(struct in *in, int fd, const char *name, unsigned databases,
                      const struct check_libraries *libraries, FILE *out);

/* Behind a fault in the RDB that fd holds from its first byte on: each damaged block, where the
 * file has block checksums (rdb_block.h); else nothing. */
void check_blocks(int fd, uint64_t size, FILE *out);

/* Before a log is changed: false, with a line printed, when a server is using it. */
bool check_lock(const char *path);
bool check_lock_free(const char *path, struct buf *why); /* the same, but why has the line */
/* Of the tools that change the log one at a time. A descriptor, to be closed; -1: with why another
 * has it, without why the file system has no locks. */
int check_lock_turn(const char *path, struct buf *why);

/* A stream over a file, FIFO or device; -errno when it cannot be opened. *size: 0 unless a file. */
int check_open(const char *path, int flags, struct in *in, uint64_t *size);
void check_close(int fd, struct in *in);

#endif
