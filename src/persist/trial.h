/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set read as a load reads it, before anything goes for it: would all of it be taken?
 *
 *   struct trial t;
 *   trial_init(&t, server_keyspace(s));
 *   ok = trial_read(&t, &in, unguarded, &f) &&     on any thread
 *        trial_features(&t, p, &f);                on the loop, while nothing is loaded
 *   ... t.keys ... t.unsure ...
 *   trial_free(&t);
 *
 * A fault is found wherever a load would find it: in the bytes, their checksums, the digest and the
 * block index, in the structure of values and elements that one has twice, in databases, types and
 * parts of values that are not here, in libraries of functions that do not compile, and in whatever
 * else features keep beside the keys (server/hooks.h, AUX): they are asked, and told to drop it.
 *
 * What needs more than is at hand makes it unsure, and the load has to be one that can be taken
 * back (replace.h): a key that seems to come twice, by its hash (values are not kept, names
 * neither), the same of elements of a value of more than half a million, and values of modules,
 * where there are any.
 *
 * Cost: that of reading it. Memory: 11 to 22 bytes for each key, the largest value once, what
 * belongs to features. */
#ifndef PERSIST_TRIAL_H
#define PERSIST_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "containers/seen.h"
#include "format/rdb_read.h"

struct in;
struct keyspace;
struct persist;

struct trial {
    uint64_t keys;
    bool unsure;
    /* private */
    struct keyspace *keyspace; /* whose data set it would be: only what stands fixed is read */
    struct seen names, elements;
    struct buf features;       /* event_batch.h */
};

void trial_init(struct trial *t, struct keyspace *ks);
/* Up to the end of the stream: bytes behind the data set are a fault. unguarded: rdb_options. */
bool trial_read(struct trial *t, struct in *in, bool unguarded, struct fault *f);
bool trial_features(struct trial *t, struct persist *p, struct fault *f);
void trial_free(struct trial *t);

/* What a load that was no trial may still be asked: the data is covered without it, but it tells
 * that not all came as it was sent. */
bool trial_trailer(enum rdb_trailer_state state, struct fault *f);

#endif
