/* SPDX-License-Identifier: BSD-3-Clause */
/* Damage that a checksum is enough to undo: which bits were flipped, which bytes stand there twice.
 *
 *   if (correct_bits(&image, from, to, crc, &c)) ... c.at, c.flips ...
 *
 * A CRC is linear: the difference between the checksum of what is there and that of what was
 * written is the checksum of the flipped bits alone, whatever the data. Stepping that difference
 * back over all places, a place where it is a short pattern and nothing else is where the damage
 * lies.
 *
 * How often is that wrong? For damage of another kind the difference is any of 2^64. Of N bits
 * there are N single flips: N / 2^64, for a block of 2^23 bits 2^-41. Patterns of up to b bits that
 * begin anywhere: N 2^(b-1) / 2^64. b is the largest for which that stays below 2^-24: 18 for a
 * block of one MiB, 1 for 128 GiB, and beyond that nothing is corrected. Two flips at any two
 * places would be N^2 / 2^65, 2^-19 for a block: not tried. A repetition is cut out at one place,
 * that where the bytes repeat: 2^-64 for each place.
 *
 * The caller must still read what comes out: it has to be whole records. */
#ifndef TOOLS_RDB_CORRECT_H
#define TOOLS_RDB_CORRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/rdb_image.h"

enum { CORRECT_BYTES = 4 };
struct correction {
    uint64_t at;                  /* place of the first byte */
    uint8_t flips[CORRECT_BYTES]; /* of the bytes from there on */
    unsigned bits;                /* how many are flipped */
    uint64_t cut_to;              /* a repetition: from at to here; 0: flipped bits */
};

/* The longest pattern that may be believed in so many bytes; 0: none. */
static inline unsigned correct_burst_max(uint64_t bytes)
{
    enum { CHANCE_BITS = 24, LONGEST = 18 };
    unsigned size_bits = 0;
    while (size_bits < 61 && ((uint64_t)1 << size_bits) < bytes * 8)
        size_bits++;
    int most = 64 - CHANCE_BITS - (int)size_bits + 1;
    return most < 0 ? 0 : most > LONGEST ? LONGEST : (unsigned)most;
}
/* In the bytes from..to, whose checksum should be crc. The checksum of the result was compared. */
bool correct_bits(struct rdb_image *m, uint64_t from, uint64_t to, uint64_t crc,
                  struct correction *c);
/* from..to is longer than the len bytes that were written: what is too much repeats what stands
 * beside it. Of parts up to 16 MiB, which are held in memory. */
bool correct_repetition(struct rdb_image *m, uint64_t from, uint64_t to, uint64_t len, uint64_t crc,
                        struct correction *c);
void correction_apply(struct rdb_image *m, const struct correction *c);

#endif
