/* SPDX-License-Identifier: BSD-3-Clause */
/* Second pass of a comparison: of the keys that differ (diff_keys.h), names and elements go to a
 * sorter, where those of both sides meet, key by key in the order of database and name; the values
 * that a patch must write whole are written while they are read.
 *
 *   diff_detail_read(&opt, side, read, &dataset, wanted[side], sorter, &f);    A, then B
 *   diff_sort_end(sorter);
 *   while (diff_sort_next(sorter, &r)) { diff_row_of(&r, &row); ... }
 *
 * Of a key come first a row of DIFF_ROW_KEY for each side, then its elements: those with the same
 * element number meet, A's before B's. */
#ifndef TOOLS_DIFF_DETAIL_H
#define TOOLS_DIFF_DETAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/diff_keys.h"
#include "tools/diff_patch.h"

enum {
    DIFF_SHOWN_BYTES = 1024,  /* of an element, where no patch needs it whole */
    DIFF_CHUNK = 64 << 10,    /* strings are compared in pieces of it */
    DIFF_ROW_KEY_BYTES = 50,
};
enum diff_row_kind { DIFF_ROW_KEY, DIFF_ROW_ELEMENT, DIFF_ROW_GROUP, DIFF_ROW_INFO };

struct diff_detail_options {
    const struct key_filter *filter;
    bool functions;
    bool values;              /* elements with what they hold */
    struct diff_patch *patch; /* NULL: none */
};
bool diff_detail_read(const struct diff_detail_options *opt, int side, diff_read *read, void *arg,
                      struct diff_sort *wanted, struct diff_sort *to, struct fault *f);

struct diff_row {
    unsigned db;
    uint64_t id;
    enum diff_row_kind kind;
    struct slice element; /* 16 bytes by which elements of both sides meet */
    int side;
    /* DIFF_ROW_KEY */
    struct diff_row_key {
        uint32_t kind, type; /* enum diff_kind; enum value_type, DIFF_FUNCTION */
        uint8_t array;       /* RDB_ARRAY's */
        int64_t expire_ms, expire_other;
        uint64_t bytes; /* of a string */
    } key;
    /* others */
    struct diff_row_element {
        struct hash128 value; /* all that is compared */
        int64_t expire_ms;    /* of a field */
        double score;
        uint64_t number;      /* of a list's element; a string's piece: its offset */
        uint64_t name_bytes;
    } of;
    struct slice name, value; /* maybe cut to DIFF_SHOWN_BYTES; of a key or a library whole */
};
void diff_row_of(const struct diff_record *r, struct diff_row *row);

#endif
