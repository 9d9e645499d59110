/* SPDX-License-Identifier: BSD-3-Clause */
/* The state behind len bytes is A x + sum, with A the CRC's step for so many zero bytes. Its
 * columns are A of the unit vectors, which are each the one before multiplied by x: one
 * combination and 63 shifts. Rows of the system are kept in echelon form as they come. */
#include "format/aof_footing.h"

#include "base/crc64.h"
#include "base/must.h"

static const uint64_t POLY = 0x95ac9329ac4bc9b5; /* of crc64 */

void aof_footing_begin(struct aof_footing *f)
{
    *f = (struct aof_footing){0};
}

static void add_equation(struct aof_footing *f, uint64_t row, bool right)
{
    while (row) {
        unsigned top = 63 - (unsigned)__builtin_clzll(row);
        if (!f->row[top]) {
            f->row[top] = row;
            f->held |= (uint64_t)right << top;
            f->rank++;
            return;
        }
        row ^= f->row[top];
        right ^= f->held >> top & 1;
    }
    if (right)
        f->broken = true;
    else
        f->surplus++;
}

/* rows[k]: which bits of x make bit k of A x. The CRC's bit 63 is x^0. */
static void make_rows(uint64_t len, uint64_t rows[64])
{
    uint64_t column = crc64_combine((uint64_t)1 << 63, 0, len);
    memset(rows, 0, 64 * sizeof *rows);
    for (unsigned i = 64; i-- > 0;) {
        for (uint64_t left = column; left; left &= left - 1)
            rows[__builtin_ctzll(left)] |= (uint64_t)1 << i;
        column = column >> 1 ^ (column & 1 ? POLY : 0);
    }
}

/* Nothing is left to be solved: all of a line's equations at once. */
static void check_told(struct aof_footing *f, uint64_t told, unsigned bits)
{
    uint64_t state = crc64_combine(aof_footing_crc(f), f->sum, f->len);
    f->broken = aof_chain_bits(state, bits) != told;
    f->surplus += bits;
}

/* The state's bits as a line tells them: each is the sum of some of its own. */
static void add_told(struct aof_footing *f, uint64_t told, unsigned bits)
{
    uint64_t rows[64], folded[64] = {0};
    must(bits > 0 && bits <= 64);
    if (aof_footing_known(f)) {
        check_told(f, told, bits);
        return;
    }
    make_rows(f->len, rows);
    for (unsigned k = 0; k < 64; k++)
        for (uint64_t to = aof_chain_bits((uint64_t)1 << k, bits); to; to &= to - 1)
            folded[__builtin_ctzll(to)] ^= rows[k];
    told ^= aof_chain_bits(f->sum, bits);
    for (unsigned k = 0; k < bits; k++)
        add_equation(f, folded[k], told >> k & 1);
    must(f->rank <= 64);
}

void aof_footing_before(struct aof_footing *f, uint64_t told, unsigned bits)
{
    must(f->len == 0);
    add_told(f, told, bits);
}

void aof_footing_pass(struct aof_footing *f, const struct aof_batch *b, struct slice line,
                      uint64_t body_crc)
{
    struct aof_step step = aof_chain_step(b, line, body_crc);
    must(step.len <= UINT64_MAX - f->len);
    f->sum = crc64_combine(f->sum, step.sum, step.len);
    f->len += step.len;
}

void aof_footing_add(struct aof_footing *f, const struct aof_batch *b, struct slice line,
                     uint64_t body_crc)
{
    aof_footing_pass(f, b, line, body_crc);
    add_told(f, b->crc, aof_chain_step(b, line, body_crc).bits);
}

uint64_t aof_footing_crc(const struct aof_footing *f)
{
    uint64_t x = 0;
    must(aof_footing_known(f));
    for (unsigned i = 0; i < 64; i++) { /* row i has no bit above i */
        uint64_t below = f->row[i] & x;
        bool bit = (f->held >> i & 1) ^ (__builtin_popcountll(below) & 1);
        x |= (uint64_t)bit << i;
    }
    return x;
}
