/* SPDX-License-Identifier: BSD-3-Clause */
/* The latest bytes of the history, in blocks that are shared: the backlog holds those of the last
 * repl-backlog-size bytes, a replica those from its cursor on. A block goes when nobody needs it.
 * Offsets are of the history: the byte at offset n is the n-th, counted from 1, as PSYNC does. */
#ifndef REPLICATION_BACKLOG_H
#define REPLICATION_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/slice.h"

struct backlog; /* opaque */
struct backlog_block;

struct backlog *backlog_new(size_t keep_bytes);
void backlog_free(struct backlog *b); /* no cursor is left */
/* Begins (again) without a byte: the next one is first. Cursors keep what they hold. */
void backlog_start(struct backlog *b, int64_t first);
void backlog_stop(struct backlog *b); /* keeps nothing any more; is_on is false */
bool backlog_is_on(const struct backlog *b);
void backlog_resize(struct backlog *b, size_t keep_bytes);
void backlog_add(struct backlog *b, struct slice bytes);
int64_t backlog_first(const struct backlog *b); /* offset of the first byte that it has */
int64_t backlog_next(const struct backlog *b);  /* of the next one to come */
size_t backlog_memory(const struct backlog *b); /* of all blocks, those that only cursors hold too */
size_t backlog_kept(const struct backlog *b);   /* bytes of history, at most keep_bytes once full */

struct backlog_cursor { /* zero it; a holder of blocks */
    struct backlog_block *block;
    size_t at; /* in it */
    int64_t offset;
};
/* At the byte offset, which the backlog has, or which comes next. */
void backlog_seek(struct backlog *b, struct backlog_cursor *c, int64_t offset);
void backlog_release(struct backlog *b, struct backlog_cursor *c);
size_t backlog_left(const struct backlog *b, const struct backlog_cursor *c);
int backlog_parts(const struct backlog *b, const struct backlog_cursor *c, size_t most,
                  struct iovec *to, int max);
void backlog_take(struct backlog *b, struct backlog_cursor *c, size_t n); /* it goes on by n bytes */

#endif
