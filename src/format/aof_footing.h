/* SPDX-License-Identifier: BSD-3-Clause */
/* Behind damage of a log with checksums: are these bytes batches of one chain, though the chain's
 * crc in front of them is not known any more?
 *
 *   struct aof_footing f = {0};
 *   aof_footing_begin(&f);
 *   aof_footing_before(&f, bits, width);   what the line in front says of the crc, if one is there
 *   while (... a batch ...) aof_footing_add(&f, &b, line, body_crc);
 *   if (f.surplus >= AOF_FOOTING_SURE) ... they are, and aof_footing_crc(&f) stood in front ...
 *   if (f.broken) ... they are not ...
 *
 * A CRC is linear: each bit that a line tells is one equation in the 64 bits of the unknown crc.
 * When 64 of them are independent it is solved, and each further one holds by chance in one of two
 * cases. A batch gives 42, a small one 24: two batches and a part of a third verify one another.
 * Bytes that were not written so, and bytes moved here from elsewhere in the log (as their own crc
 * is solved for, moved ones pass only as a whole), do not fit. */
#ifndef FORMAT_AOF_FOOTING_H
#define FORMAT_AOF_FOOTING_H

#include <stdbool.h>
#include <stdint.h>

#include "format/aof_sum.h"

enum { AOF_FOOTING_SURE = 20 }; /* equations more than are needed: wrong once in a million */
struct aof_footing {
    uint64_t row[64];  /* by its highest bit; 0: none yet */
    uint64_t held;     /* the right side, a bit a row */
    unsigned rank, surplus;
    bool broken;
    uint64_t len, sum; /* bytes since, and crc64(0, of them) */
};

void aof_footing_begin(struct aof_footing *f);
void aof_footing_before(struct aof_footing *f, uint64_t told, unsigned bits);
/* The next batch; body_crc: crc64(0, its body). */
void aof_footing_add(struct aof_footing *f, const struct aof_batch *b, struct slice line,
                     uint64_t body_crc);
/* Only goes on, behind it: nothing is learnt. */
void aof_footing_pass(struct aof_footing *f, const struct aof_batch *b, struct slice line,
                      uint64_t body_crc);
/* In front of the first batch. Only when all 64 bits are known. */
static inline bool aof_footing_known(const struct aof_footing *f)
{
    return f->rank == 64 && !f->broken;
}
uint64_t aof_footing_crc(const struct aof_footing *f);

#endif
