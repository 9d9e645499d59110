/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink that takes a data set's statistics: types, encodings, expiry, prefixes, largest keys, and
 * what advice needs. In bounded memory, whatever there is of keys, prefixes and elements.
 *
 *   report_begin(&r, &limits, top, now_ms, separators);       NULL: found by the first names
 *   dataset_read(&d, &r.sink, &f); report_end(&r);
 *   report_free(&r); */
#ifndef TOOLS_REPORT_COLLECT_H
#define TOOLS_REPORT_COLLECT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/sink.h"
#include "tools/report_memory.h"
#include "tools/report_tree.h"

enum { REPORT_TYPES = VALUE_MODULE + 1, REPORT_ENCODINGS = ENC_MODULE + 1, REPORT_TTLS = 8,
       REPORT_TOP_MAX = 1000, REPORT_NAME_MAX = 256, REPORT_SAMPLE = 2000 };

/* The largest by one measure: a heap of a fixed number, the smallest of them on top. */
struct report_key {
    uint64_t memory, elements, bytes;
    int64_t expire_ms;
    unsigned db;
    enum value_type type;
    uint64_t name_bytes;
    uint32_t name_len; /* of name; shorter than name_bytes where it is cut */
    char name[REPORT_NAME_MAX];
};
enum report_measure { BY_MEMORY, BY_ELEMENTS, BY_BYTES, REPORT_MEASURES };
struct report_top {
    struct report_key *keys;
    size_t count, max;
    enum report_measure measure;
};

/* Collections a limit keeps from being packed, by how far it would have to be raised. */
enum near_kind { NEAR_HASH_ENTRIES, NEAR_HASH_VALUE, NEAR_SET_ENTRIES, NEAR_SET_VALUE,
                 NEAR_ZSET_ENTRIES, NEAR_ZSET_VALUE, NEAR_KINDS };
enum { NEAR_STEPS = 6 }; /* to 1.25, 1.5, 2, 3, 4, 8 times the limit */
struct report_near {
    uint64_t keys[NEAR_STEPS], saving[NEAR_STEPS];
};
uint64_t report_near_limit(const struct report_limits *l, enum near_kind kind, unsigned step);

struct report_totals {
    uint64_t keys, elements, bytes, memory, expiring;
};
struct report {
    struct sink sink;
    struct report_limits limits;
    int64_t now_ms;
    struct report_totals all, types[REPORT_TYPES], ttls[REPORT_TTLS];
    struct report_totals encodings[REPORT_TYPES][REPORT_ENCODINGS];
    uint64_t functions, function_bytes;
    struct report_top top[REPORT_MEASURES];
    struct report_near near[NEAR_KINDS];
    uint64_t huge_keys, huge_memory; /* of 64 MiB or a million elements and more */
    struct report_tree tree;
    /* names wait here until the separators are known */
    bool separated;
    struct report_separators seen;
    struct buf waiting; /* u32 length, sums, name */
    /* the key */
    struct report_key key;
    struct report_value value;
};
enum { REPORT_HUGE_MEMORY = 64 << 20, REPORT_HUGE_ELEMENTS = 1000000 };

void report_begin(struct report *r, const struct report_limits *l, size_t top, int64_t now_ms,
                  const char *separators);
void report_end(struct report *r); /* what waits is counted; tops and tree are in order */
void report_free(struct report *r);
extern const char *const report_ttl_names[REPORT_TTLS]; /* "none", "expired", "<1m", ... */
const char *report_type_name(unsigned type);

#endif
