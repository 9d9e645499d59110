/* SPDX-License-Identifier: BSD-3-Clause */
/* First pass of a comparison: which keys of two data sets differ. Of each key a record is kept
 * (hashes of name and value, type, expiry, its number in the order of reading), sorted by name on
 * disk (diff_sort.h); keys with the same value vanish. For each side remain the keys to look at
 * again, in the order in which they will be read.
 *
 *   struct diff_keys *k = diff_keys_new(&filter, functions);
 *   diff_keys_read(k, side, read, &dataset, &f);           both sides
 *   diff_keys_match(k, ignore_expiry, &counts, wanted, &f);
 *   struct diff_wanted w; diff_wanted_next(wanted[side], &w) ...
 *
 * A value is compared by 128 bits of a hash without a secret: it finds what differs by accident,
 * not what was made to look the same. A key that one side has twice (a file may) is taken
 * as it was read last. */
#ifndef TOOLS_DIFF_KEYS_H
#define TOOLS_DIFF_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "format/sink.h"
#include "tools/diff_sort.h"
#include "tools/key_filter.h"

enum diff_kind { DIFF_ADDED, DIFF_REMOVED, DIFF_CHANGED, DIFF_EXPIRY, DIFF_RETYPED };
enum { DIFF_FUNCTION = VALUE_MODULE + 1 }; /* as a type: a library */
enum { DIFF_A, DIFF_B, DIFF_SIDES };

struct diff_counts {
    uint64_t keys[DIFF_SIDES];
    uint64_t same, added, removed, changed /* type or value */, expiry;
    uint64_t functions; /* libraries that differ */
};
struct diff_wanted {
    uint64_t ordinal; /* among keys and libraries, as they are read */
    uint64_t id;      /* the same on both sides */
    uint32_t kind, type;
    int64_t expire_other; /* of the other side's; KEY_NO_EXPIRE where it has none */
};

/* Hands a data set to a sink, the same each time; its fault, or the sink's. */
typedef bool diff_read(void *arg, struct sink *to, struct fault *f);

struct diff_keys; /* opaque */
struct diff_keys *diff_keys_new(const struct key_filter *filter, bool functions);
void diff_keys_free(struct diff_keys *k);
bool diff_keys_read(struct diff_keys *k, int side, diff_read *read, void *arg,
                    struct fault *f);
/* wanted: new sorters, the caller's to free in any case. */
bool diff_keys_match(struct diff_keys *k, bool ignore_expiry, struct diff_counts *c,
                     struct diff_sort *wanted[DIFF_SIDES], struct fault *f);
bool diff_wanted_next(struct diff_sort *wanted, struct diff_wanted *w);

#endif
