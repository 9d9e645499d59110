/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sink is told of a key (sink.h), and the two enumerations that values are known by between
 * their producers and consumers. */
#ifndef FORMAT_KEY_EVENT_H
#define FORMAT_KEY_EVENT_H

#include <stdint.h>

#include "base/slice.h"

enum value_type {
    VALUE_STRING, VALUE_LIST, VALUE_SET, VALUE_ZSET, VALUE_HASH, VALUE_STREAM, VALUE_MODULE,
};

/* What a packed block holds. Listpack blocks were validated: structure, pairs even, scores numbers
 * and in order, no duplicates. A list arrives as one PACK_LIST block a node. */
enum pack {
    PACK_LIST,       /* listpack of elements */
    PACK_SET,        /* listpack of members */
    PACK_INTSET,     /* intset of members */
    PACK_HASH,       /* listpack field, value, ... */
    PACK_HASH_TTL,   /* listpack field, value, expiry ms (0 none), ... */
    PACK_ZSET,       /* listpack member, score, ... ascending */
};

enum { KEY_NO_EXPIRE = -1, KEY_NO_IDLE = -1, KEY_NO_FREQ = -1 };

struct key_event {
    struct slice name;
    enum value_type type;
    uint8_t rdb_type;   /* type number in the file; the writer's choice when walking memory */
    unsigned db;
    uint64_t count;     /* list, set, hash, zset: elements that will come; exact, 0 unknown. From a
                         * socket it is not backed by bytes yet: cap it before reserving by it */
    uint64_t blocks;    /* list: packed and item events that will come, 0 unknown (but then a list
                         * whose count is known comes as items); stream: nodes that will come */
    int64_t expire_ms;  /* absolute unix time, or KEY_NO_EXPIRE */
    int64_t idle_s;     /* LRU idle seconds, or KEY_NO_IDLE */
    int freq;           /* LFU counter 0-255, or KEY_NO_FREQ */
    uint64_t offset;    /* of the key's first byte in its file; 0 from memory */
};

#endif
