/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream's node as memory keeps it: the entries of one listpack (format/rdb_stream.c draws it),
 * packed tighter. To files and sinks it goes as that listpack, and comes as one. It knows how long
 * the listpack would be, for that decides where a stream's nodes end.
 *
 *   b = stream_block_new(pairs, n);                      // names of its first entry: its own
 *   b = stream_block_add(b, master, id, pairs, n);       // it may move
 *   for (at = stream_block_first(b); at < b->len; at = e.end) {
 *       stream_block_entry(b, master, at, &e);           // deleted ones, too
 *       while (stream_entry_next(&e, &name, &value)) ...
 *   }
 *
 * An entry is known by its offset. master: the id of the node, which the block does not hold.
 * pairs: name, value, name, value... in 2 * n slices. */
#ifndef STORE_STREAM_BLOCK_H
#define STORE_STREAM_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "base/slice.h"
#include "format/stream_event.h"

struct stream_block {
    uint32_t live, deleted; /* entries */
    uint32_t names;         /* of its own, which most entries share */
    uint32_t first;         /* offset of the first entry */
    uint32_t len, cap;      /* of bytes */
    uint32_t listpack;      /* bytes of the listpack, without the two counts of entries */
    uint8_t bytes[];
};

/* An entry, and the walk through its fields. */
struct block_entry {
    struct stream_id id;
    uint32_t at, end;       /* its offset, and that of the next */
    uint32_t fields;
    bool deleted;

    const uint8_t *name, *value; /* the next ones; name NULL: it stands in front of the value */
    uint32_t left;
    char scratch[2][NUM_I64_TEXT];
};

struct stream_block *stream_block_new(const struct slice *pairs, size_t n);
void stream_block_free(struct stream_block *b);
struct stream_block *stream_block_copy(const struct stream_block *b);
size_t stream_block_memory(const struct stream_block *b);
/* Appends an entry; its id is above all others and not below master. */
struct stream_block *stream_block_add(struct stream_block *b, struct stream_id master,
                                      struct stream_id id, const struct slice *pairs, size_t n);
/* No more will be added: gives room back. */
struct stream_block *stream_block_close(struct stream_block *b);
size_t stream_block_listpack_bytes(const struct stream_block *b);

static inline uint32_t stream_block_first(const struct stream_block *b)
{
    return b->first;
}
/* The offset of the entry that ends at at, which is not the first one's. */
uint32_t stream_block_before(const struct stream_block *b, uint32_t at);
/* The offset of the first entry whose id is not below; b->len: there is none. */
uint32_t stream_block_seek(const struct stream_block *b, struct stream_id master,
                           struct stream_id id);
void stream_block_entry(const struct stream_block *b, struct stream_id master, uint32_t at,
                        struct block_entry *e);
/* The next field; the texts are valid until the next call, or the next change of the block. */
bool stream_entry_next(struct block_entry *e, struct slice *name, struct slice *value);
void stream_block_delete(struct stream_block *b, uint32_t at); /* one that is not deleted */

/* The listpack; the caller's. */
uint8_t *stream_block_to_listpack(const struct stream_block *b, struct stream_id master);
/* From a node that was validated. */
struct stream_block *stream_block_from_listpack(struct stream_id master, const uint8_t *lp);

#endif
