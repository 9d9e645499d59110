/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check wants to know of an RDB's events beyond that they can be read: counts, the digest,
 * who wrote the file, what its data set will need in memory, and elements that a value has twice
 * (the reader need not look for those then: rdb_options.trust_distinct). One for each thread; added
 * up with check_sink_add.
 *
 * Memory that a loaded data set needs, estimated (bytes; n elements of b bytes in all):
 *   key            40 + name, 24 more with an expiry
 *   string         its bytes; integers 8
 *   packed         the block's bytes + 16
 *   list           the blocks' bytes + 48 each; elements that come singly: b + 4 n
 *   set, hash      in a table: b + 40 n          sorted set in a table and a skip list: b + 90 n
 *   stream         the nodes' bytes + 100 each, 100 for each group, 40 for each pending entry
 *   module, array  twice its bytes in the file
 * A set, hash or sorted set of few short elements is packed when it is loaded, whatever the file
 * has:
 * b + 4 n. Within 15 % of what INFO shows for mixed sets; the server's own 2 MiB not counted. */
#ifndef TOOLS_CHECK_SINK_H
#define TOOLS_CHECK_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/digest.h"
#include "format/sink.h"
#include "tools/key_twice.h"

enum { CHECK_TYPES = VALUE_MODULE + 1, CHECK_TWICE_NAMED = 100 };

struct check_value_twice { /* an element that a value has twice */
    unsigned db;
    uint64_t at;
    char key[FAULT_KEY_MAX];
};
struct check_sink {
    struct sink sink;
    struct digest digest;
    struct key_feed *feed;  /* gets each key's hash and place; NULL: nobody */
    uint64_t base;          /* place of the stream's first byte */
    int64_t now_ms;
    bool (*library)(void *arg, struct slice code); /* a lock is its own affair */
    void *library_arg;

    uint64_t keys, expires, already_expired, functions;
    uint64_t of_type[CHECK_TYPES], memory;
    uint64_t foreign;       /* keys for which our redis-server refuses the file: store/load.c */
    char writer[64], digest_told[DIGEST_TEXT + 1], integrity[64];
    int64_t made_ms;        /* -1: not told */
    struct buf twice;       /* struct check_value_twice, up to CHECK_TWICE_NAMED */
    uint64_t twice_count;
    struct fault unsearched; /* why a value was not: there was no room for files */

    /* the value being read */
    enum value_type type;
    uint64_t elements, bytes;
    struct check_value_twice now;
    struct buf name; /* of a set, hash, sorted set */
    bool told, spilled, is_foreign;
    uint64_t seed;          /* of hashes of elements: nobody outside knows it */
    uint64_t *slots;        /* hashes of its elements */
    size_t size, cap;
    struct key_twice *many; /* when they are too many for that */
    struct key_feed many_feed;
};

void check_sink_init(struct check_sink *c, int64_t now_ms);
void check_sink_free(struct check_sink *c);
void check_sink_add(struct check_sink *to, const struct check_sink *more);
#endif
