/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads all records of a maybe damaged RDB, span by span of its plan: in order, each once, with how
 * much it can be relied on; and tells of each hole. The same events at every run over the same
 * file.
 *
 *   struct rescue x = {.image = &m, .plan = &p, .ops = &ops, .arg = me, .digests = true};
 *   rescue_run(&x);
 *   rescue_free(&x);
 *
 * What is doubtful: every key in a span whose checksum is wrong or missing (SPAN_DOUBTFUL), however
 * well it can be read, as a flipped bit inside a value does not show. In a span without checksums
 * (SPAN_UNSURE) the last RESCUE_BEFORE keys before a hole, since a length that was changed makes a
 * key swallow its neighbours before anything looks wrong, and the first RESCUE_BEHIND behind one,
 * as some may be misread before a record's true begin is met (rdb_footing.h); when one of them has
 * an odd name, and none that is not doubtful had, as many behind that. And all keys up to the
 * next selection when the hole may have had one: the keys still due to the database (its
 * RESIZEDB) do not show that it goes on. Of writers without RESIZEDB only a hole in front of all
 * keys counts so. And what borders says (rdb_border.h), where a selection was lost without a
 * hole. A library of functions is doubtful as a key in its place would be. In such spans zeros
 * are not taken for keys: a key without a name is damage when another follows it. Memory: a
 * record's name, and what the reader needs for one element; long pending lists lie in a file.
 * Should that fail, the run ends there, with pending.fault. */
#ifndef TOOLS_RDB_RESCUE_H
#define TOOLS_RDB_RESCUE_H

#include "tools/pending_file.h"
#include "tools/rdb_footing.h"
#include "tools/rdb_plan.h"
#include "tools/rdb_rescued.h"

enum { RESCUE_BEFORE = 2, RESCUE_BEHIND = FOOTING_RECORDS, RESCUE_HELD = 8, RESCUE_MAGIC = 9 };

struct rescue_ops {
    /* False: no more is wanted. */
    bool (*record)(void *arg, const struct rescued *r);
    /* A key whose value breaks off: it lies in the hole that is told of next. May call
     * rescue_again. May be NULL, as all below. */
    void (*broken)(void *arg, const struct rescued *r);
    void (*hole)(void *arg, const struct rescue_hole *h);
    /* All of a span is through: keys that were read in it. */
    void (*span)(void *arg, const struct rdb_span *s, uint64_t keys, bool holes);
    /* False: a server would refuse it. */
    bool (*library)(void *arg, struct slice code, uint64_t at);
    void (*at)(void *arg, uint64_t place); /* for progress */
    /* Events come of a key whose offset, as they say, is this, and that lies at place. */
    void (*key)(void *arg, uint64_t offset, uint64_t place);
};

/* Of the database that is being read: is all of it through? */
struct rescue_db {
    bool selected, sized; /* by records of their own */
    uint64_t keys_due, keys, bytes, hole_bytes;
};

struct rescue {
    struct rdb_image *image;
    const struct rdb_plan *plan;
    const struct rescue_ops *ops;
    void *arg;
    bool digests;
    unsigned databases; /* as in rdb_options */
    struct sink *also;  /* gets all events, instead of the digest; NULL */
    const struct rdb_search *search; /* of values of many elements; NULL */
    const struct rdb_borders *borders; /* NULL: nobody looked */

    /* results */
    bool ended;         /* the RDB's end was read */
    uint64_t end_at;    /* place behind it, its checksum included */
    bool end_short;     /* the checksum behind it is cut off */
    bool end_checked;   /* it was compared here, and is that of all bytes before */
    uint64_t records, keys, doubtful, empty_skipped;
    struct pending_file pending; /* its fault: not all was read */

    /* its own */
    char magic[RESCUE_MAGIC + 7];
    struct rdb_reader reader;
    struct in head, in;
    bool open, stopped;
    struct image_stream stream;
    struct digest digest;
    const struct rdb_span *span;
    uint64_t span_keys;
    bool span_holes, db_unsure, db_lost;
    struct rdb_names names;
    struct rescue_db current;
    unsigned db, wary;
    size_t border; /* of borders: the first that ends behind the last key */
    struct rescued held[RESCUE_HELD]; /* the last RESCUE_BEFORE keys, and what stands between */
    size_t held_count, held_keys;
    struct rescue_hole hole;
    bool hole_open;
    char last_key[FAULT_KEY_MAX];
    bool has_last;
    struct rdb_footing footing;
};

void rescue_run(struct rescue *x);
void rescue_free(struct rescue *x);
/* For ops->broken: the value's events once more, up to the damage. False: elements that came were
 * there before, though nobody could tell which when they came (search). */
bool rescue_again(struct rescue *x, const struct rescued *r, struct sink *sink);

#endif
