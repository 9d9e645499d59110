/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory a key will take in our server, told from its value as it passes, without making
 * it. The rule:
 *
 *   entry       4, 12 with an expiry, the key with its length (1 or 5), and an integer (8), a
 *               string of up to 128 bytes with its length (1), or a pointer (8); in a slab's size;
 *               15 for its place in the table, 8 for one among those that expire
 *   string      longer ones: 16 and the bytes, in the allocator's size
 *   packed      a list's nodes, small hashes, sets and sorted sets: the bytes of the listpack or
 *               intset, in the allocator's size; a list's node of 8 KiB is another 64
 *   table       each element: 15, and a block of 4 (set) or 8 (hash) and the bytes
 *   skip list   each element: 15, and a block of 32 (one of four: 52) and the bytes
 *   stream      the bytes of its nodes' listpacks, 4 less for each entry, and 24 a node; 320 a
 *               group, 96 a consumer, 48 a pending entry
 *   module      the bytes in the file
 *
 * A value is packed within the limits of struct report_limits. Not in it: what the server needs
 * without keys, clients, and what the allocator cannot use. A test compares it with MEMORY USAGE
 * and used_memory. */
#ifndef TOOLS_REPORT_MEMORY_H
#define TOOLS_REPORT_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "format/sink.h"
#include "store/entry.h"

struct report_limits {
    uint64_t hash_entries, hash_value;
    uint64_t intset_entries, set_entries, set_value;
    uint64_t zset_entries, zset_value;
};
/* Those of a server without a configuration. */
void report_limits_init(struct report_limits *l);
/* "hash-max-listpack-entries=128". False: there is no such limit. */
bool report_limits_set(struct report_limits *l, const char *text);

/* A key while its value passes. */
struct report_value {
    enum value_type type;
    uint64_t name_bytes;
    bool expires;
    uint64_t elements; /* 1 of a string */
    uint64_t bytes;    /* of name, fields, values, members */
    uint64_t packed;   /* if it is one listpack; of a list: all of them */
    uint64_t loose;    /* if it is not */
    uint64_t widest;   /* bytes of the longest element */
    bool integers;     /* a set's members, a string */
    int64_t least, most; /* of them */
};
void report_value_begin(struct report_value *v, const struct key_event *key);
void report_value_item(struct report_value *v, struct slice text);
void report_value_part(struct report_value *v, size_t bytes);
void report_value_pair(struct report_value *v, struct slice field, struct slice value);
void report_value_score(struct report_value *v, struct slice member, double score);

/* How it will be kept, and the bytes of key and value. */
enum encoding report_value_encoding(const struct report_value *v, const struct report_limits *l);
uint64_t report_value_memory(const struct report_value *v, const struct report_limits *l);
/* The same if it were packed, whatever the limits. */
uint64_t report_value_packed(const struct report_value *v);
const char *report_encoding_name(enum encoding e);

#endif
