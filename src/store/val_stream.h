/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream value: entries in the order of their ids, in nodes, and consumer groups. One encoding,
 * so a struct stream is all there is to it: entry_val(e).ptr.
 *
 *   stream_append(s, id, pairs, n, limits);               // id above s->last
 *   stream_iter_init(&it, s, from, to, false);
 *   while (stream_iter_next(&it, &e)) ...                  // stream_block.h: e's fields
 *
 * A node ends where a listpack of it would be as long as the limits say, and what removes whole
 * nodes only (an approximate trim) finds the same ones as other servers do. Appending does not look
 * for the last node. Costs: an entry its texts and some five bytes. */
#ifndef STORE_VAL_STREAM_H
#define STORE_VAL_STREAM_H

#include "store/id_index.h"
#include "store/stream_block.h"
#include "store/stream_group.h"
#include "store/value_ops.h"

struct radix;

struct stream_node {
    struct stream_id master; /* of its first entry */
    struct stream_block *block;
};

struct stream {
    struct id_index nodes;        /* struct stream_node; each with an entry that is not deleted */
    uint64_t length;              /* entries that are there */
    uint64_t entries_added;       /* ever */
    struct stream_id last;        /* the highest id ever given */
    struct stream_id first;       /* of the first entry that is there; else 0-0 */
    struct stream_id max_deleted; /* the highest id that XDEL removed */
    struct radix *groups;         /* by name, in its order; NULL before the first */
};

#define STREAM_ID_MAX ((struct stream_id){UINT64_MAX, UINT64_MAX})
#define STREAM_ID_MIN ((struct stream_id){0, 0})
/* The next id, and the one before; false: there is none. */
bool stream_id_increment(struct stream_id *id);
bool stream_id_decrement(struct stream_id *id);

struct val stream_new(void);

/* What a listpack needs at most for an entry, and its node, beside its so many texts: with them it
 * must not be longer than LP_BYTES_MAX. */
#define STREAM_ENTRY_OVERHEAD(texts) (UINT64_C(16) * (texts) + 128)

void stream_append(struct stream *s, struct stream_id id, const struct slice *pairs, size_t n,
                   const struct value_limits *limits);
bool stream_delete(struct stream *s, struct stream_id id); /* false: it was not there */
bool stream_has(const struct stream *s, struct stream_id id);

enum stream_trim_by { TRIM_NOT, TRIM_MAXLEN, TRIM_MINID };
struct stream_trim {
    enum stream_trim_by by;
    bool approximate;         /* only whole nodes go */
    uint64_t maxlen;          /* so many stay; or */
    struct stream_id minid;   /* all below go */
    uint64_t limit;           /* approximate: at most so many go; 0: any number */
};
uint64_t stream_trim(struct stream *s, const struct stream_trim *t); /* how many went */

struct stream_iter {
    const struct stream *stream;
    const struct stream_node *node; /* NULL: at the end */
    struct id_cursor cursor;
    struct stream_id bound;
    uint32_t at;
    bool reverse;
};
/* Entries from the id from up to the id to, or in reverse. Void after a change of the stream. */
void stream_iter_init(struct stream_iter *it, const struct stream *s, struct stream_id from,
                      struct stream_id to, bool reverse);
bool stream_iter_next(struct stream_iter *it, struct block_entry *e);

/* ---- groups ---- */
struct stream_group *stream_group(const struct stream *s, struct slice name); /* NULL: absent */
/* False: there is one of that name, which stays. */
bool stream_add_group(struct stream *s, struct slice name, struct stream_id last,
                      int64_t entries_read);
bool stream_remove_group(struct stream *s, struct slice name);
uint64_t stream_groups(const struct stream *s);
/* In the order of their names. visit may neither add nor remove any. */
typedef bool stream_group_visit(void *arg, struct slice name, struct stream_group *g);
bool stream_each_group(const struct stream *s, stream_group_visit *visit, void *arg);

/* The group was given the entry of that id, above its last one. */
void stream_group_advance(const struct stream *s, struct stream_group *g, struct stream_id id);
/* Entries the group has not been given yet; below 0 when somebody said that it has read more than
 * there are. */
#define STREAM_LAG_UNKNOWN INT64_MIN
int64_t stream_group_lag(const struct stream *s, const struct stream_group *g);

extern const struct value_ops stream_ops;

#endif
