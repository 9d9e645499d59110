/* SPDX-License-Identifier: BSD-3-Clause */
/* Integers in packed blocks: how they are stored, for anon_pack.c and anon_pieces.c. */
#ifndef TOOLS_ANON_PIECES_H
#define TOOLS_ANON_PIECES_H

#include "tools/anon_pack.h"

/* Forms beside those of listpacks, which are their lead bytes. */
enum {
    ANON_ZL_SMALL = 1, ANON_ZL_I8, ANON_ZL_I16, ANON_ZL_I24, ANON_ZL_I32, ANON_ZL_I64,
    ANON_SET_I16 = 0xf8, ANON_SET_I32, ANON_SET_I64, /* without a head */
};
size_t anon_int_width(const struct anon_piece *p); /* bytes of data, the lowest first */
size_t anon_int_data(const struct anon_piece *p);  /* where they are */
void anon_piece_put(char *block, const struct anon_piece *p, int64_t value);

#endif
