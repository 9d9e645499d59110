/* SPDX-License-Identifier: BSD-3-Clause */
/* Choosing which key goes when memory is full.
 *
 * A policy names who may go (all keys, or only those that expire) and who goes first: the one
 * unused for longest (LRU), least used (LFU), next to expire (TTL), any (random). All but random
 * look at a few keys by chance and keep the best seen so far in a small pool of names, so the
 * choice gets better with each key evicted. */
#ifndef STORE_EVICT_H
#define STORE_EVICT_H

#include <stdbool.h>

#include "store/db.h"

enum evict_policy {
    EVICT_VOLATILE_LRU, EVICT_VOLATILE_LFU, EVICT_VOLATILE_RANDOM, EVICT_VOLATILE_TTL,
    EVICT_ALLKEYS_LRU, EVICT_ALLKEYS_LFU, EVICT_ALLKEYS_RANDOM, EVICT_NOTHING,
};

enum { EVICT_POOL = 16 };

struct evict_candidate {
    struct buf name;
    unsigned db;
    uint64_t weight; /* the higher the sooner it goes */
};

struct evict { /* zero it; evict_release at the end */
    struct evict_candidate pool[EVICT_POOL];
    unsigned count; /* ascending by weight */
};

void evict_release(struct evict *x);
/* Removes one key (KEY_EVICTED). False when the policy has none to give. Cost: samples look-ups. */
bool evict_one(struct evict *x, struct keyspace *ks, enum evict_policy policy, unsigned samples);
/* Does the policy look at the access frequency rather than the time of the last access? */
bool evict_uses_lfu(enum evict_policy policy);
bool evict_uses_lru(enum evict_policy policy);

#endif
