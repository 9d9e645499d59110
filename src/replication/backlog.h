/* SPDX-License-Identifier: BSD-3-Clause */
/* The latest bytes of a stream, in blocks that are shared: the backlog holds those of the last
 * keep_bytes bytes, a reader those from his cursor on. A block goes when nobody needs it. Bytes are
 * copied once, however many readers there are, and never moved.
 *
 * Offsets are of the history: the byte at offset n is the n-th, counted from 1, as PSYNC does.
 *
 *   struct backlog_cursor c = {0};
 *   backlog_seek(b, &c, offset);
 *   int n = backlog_parts(b, &c, SIZE_MAX, parts, 16);   // to be sent
 *   backlog_take(b, &c, sent);
 *   backlog_release(b, &c);
 *
 * Costs: adding, taking and releasing O(1) a block, seeking O(blocks). */
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
/* What follows is for one that is on. */
void backlog_add(struct backlog *b, struct slice bytes);
/* The same without a copy: room for at least a byte, of which the first n were filled. */
char *backlog_room(struct backlog *b, size_t *room);
void backlog_grew(struct backlog *b, size_t n);
int64_t backlog_first(const struct backlog *b); /* offset of the first byte that it has */
int64_t backlog_next(const struct backlog *b);  /* of the next one to come */
size_t backlog_kept(const struct backlog *b);   /* bytes of history, at most keep_bytes */
size_t backlog_memory(const struct backlog *b); /* of all blocks, those that only cursors hold too;
                                                 * on or not */

struct backlog_cursor { /* zero it; a holder of blocks */
    struct backlog_block *block; /* NULL: it stands nowhere */
    size_t at; /* in it */
    int64_t offset; /* of the next byte that is taken */
};
/* At the byte offset, which the backlog has, or which comes next. It stood nowhere before. */
void backlog_seek(struct backlog *b, struct backlog_cursor *c, int64_t offset);
void backlog_release(struct backlog *b, struct backlog_cursor *c);
/* Bytes behind it. One that stands in what was before backlog_start sees the end of that. */
size_t backlog_left(const struct backlog *b, const struct backlog_cursor *c);
/* The next ones, at most most bytes in at most max parts. Returns how many parts. */
int backlog_parts(const struct backlog *b, const struct backlog_cursor *c, size_t most,
                  struct iovec *to, int max);
/* It goes on by n bytes. */
void backlog_take(struct backlog *b, struct backlog_cursor *c, size_t n);

#endif
