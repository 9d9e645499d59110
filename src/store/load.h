/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyspace as a consumer: a sink that builds entries from events.
 *
 *   struct load l; load_init(&l, ks, LOAD_DROP_EXPIRED, now_ms);
 *   while (rdb_next(&r, &rec)) rdb_body(&r, &rec, &l.sink);
 *   if (!load_finish(&l)) ... l.sink.fault ...
 *
 * A duplicate key, a database out of range, and values this server cannot hold (modules', field
 * expiry, what streams of later versions hold besides) are faults with the key's name: nothing is
 * dropped silently. So are function libraries and a module's own data, when whoever reads has not
 * given them to their features. After a fault the half-built value is freed; the keys loaded before
 * stay.
 *
 * Would all of it be taken? LOAD_TRIAL tells without building anything, on any thread (only what
 * stands fixed in the keyspace is read): the same faults, but for duplicate keys and what a module
 * thinks of its values. */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include <stdbool.h>

#include "store/db.h"
#include "store/value_ops.h"

enum {
    LOAD_DROP_EXPIRED = 1, /* a primary reading its dump file */
    LOAD_ONE_VALUE = 2,    /* RESTORE, COPY: the value goes to l.value, not into a db */
    LOAD_TRIAL = 4,        /* nothing is kept */
};

/* A key that is complete, and waits while the memory of its place in the table is on its way. */
struct load_pending {
    struct db *db;
    struct buf name, text; /* text: a string's value */
    uint64_t hash;         /* hash_slice of the name */
    struct val value;
    int64_t expire_ms, idle_s;
    int freq;
    uint8_t rdb_type;
    uint64_t offset; /* where its record begins */
};
enum { LOAD_AHEAD = 8 };

struct load {
    struct sink sink;
    struct keyspace *keyspace;
    unsigned flags;
    int64_t now_ms;
    struct db *db;
    uint64_t keys_loaded, keys_expired;
    struct buf name;          /* key being built */
    int64_t expire_ms, idle_s;
    int freq;
    bool building;
    struct val value;         /* what is built so far */
    struct buf text;          /* a string being built */
    struct stream_loading stream;
    uint8_t rdb_type;
    uint64_t offset;
    struct load_pending ahead[LOAD_AHEAD]; /* a ring */
    unsigned first, waiting;
};

void load_init(struct load *l, struct keyspace *ks, unsigned flags, int64_t now_ms);
void load_release(struct load *l); /* frees a value not handed over */
/* Puts what waits into its place. False when anything was refused. */
bool load_finish(struct load *l);

#endif
