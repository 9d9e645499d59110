/* SPDX-License-Identifier: BSD-3-Clause */
/* Content inside packed blocks: listpacks, ziplists, zipmaps, intsets, the nodes of streams.
 *
 *   if (anon_block(&a, type, kind, block, len)) ... all of it was replaced, in place ...
 *   if (anon_block_lzf(&a, type, kind, packed, packed_len, len, &c)) ... the same, compressed ...
 *
 * What a block is made of stays: heads, lengths, counts; the scores of sorted sets, ids and flags
 * of streams, expiry of fields. Members of one score change places, as their order is that of their
 * names; so do an intset's numbers. Elements are replaced as everywhere (anon_map.h).
 *
 * In a compressed block only literals can be replaced, and of them those that become nothing but
 * content: a byte that is copied into a head or a score stays, and so does what integers of a byte
 * have. What comes out is looked at: are its elements still distinct, its members in order? */
#ifndef TOOLS_ANON_PACK_H
#define TOOLS_ANON_PACK_H

#include "format/rdb_reader.h"
#include "tools/anon_map.h"

struct anon_counts {
    uint64_t content;  /* bytes of it */
    uint64_t left;     /* of those, as they were: no place for another in the compressed form */
    uint64_t unsorted; /* blocks whose order is no longer that of their names */
    uint64_t whole;    /* blocks that could not be changed at all */
};

struct anon_piece {
    size_t at, len;    /* a text's bytes; an integer with its head */
    bool is_int, distinct; /* distinct: from all others that are so */
    uint8_t form;      /* of an integer */
    int64_t value;
};
typedef void anon_visit(void *arg, const struct anon_piece *p);
/* Each piece of content in a block. False: it is not well-formed; some may have been visited. */
bool anon_pieces(int type, enum rdb_stored_kind kind, struct slice block, anon_visit *visit,
                 void *arg);

/* False: not well-formed, nothing was done. */
bool anon_block(struct anon *a, int type, enum rdb_stored_kind kind, char *block, size_t n,
                struct anon_counts *c);
bool anon_block_lzf(struct anon *a, int type, enum rdb_stored_kind kind, char *packed, size_t n,
                    size_t len, struct anon_counts *c);

#endif
