/* SPDX-License-Identifier: BSD-3-Clause */
/* Making entries and taking them apart: for those who own their memory (db.c, compact.c) and for
 * the expiry index, which keeps its place in them. */
#ifndef STORE_ENTRY_MAKE_H
#define STORE_ENTRY_MAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct entry;

/* What an entry is made of. text: ENC_EMBSTR; num: ENC_INT; ptr: the others. */
struct entry_parts {
    struct slice key, text;
    int64_t num, expire_ms;
    void *ptr;
    uint8_t type, encoding;
    uint32_t clock;
};
size_t entry_size_of(const struct entry_parts *p); /* bytes such an entry takes */
size_t entry_size(const struct entry *e);
/* Fills memory of entry_size_of(p) bytes; an expiry's place in the index is left 0. */
void entry_fill(struct entry *e, const struct entry_parts *p);
/* Slices point into e. */
struct entry_parts entry_take_apart(const struct entry *e);
uint32_t entry_place(const struct entry *e); /* in the expiry index; only with an expiry */
void entry_set_place(struct entry *e, uint32_t place);
void entry_set_int(struct entry *e, int64_t n);        /* is ENC_INT already */
void entry_set_expire_ms(struct entry *e, int64_t ms); /* has one already */

#endif
