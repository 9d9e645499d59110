/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-64 of RDB files and DUMP payloads ("Jones"): reflected polynomial 95ac9329ac4bc9b5, start
 * value 0, no final xor. crc64(0, "123456789", 9) = e9c6d914c4b8d9ca.
 *
 * Uses carry-less multiplication where the CPU has it (found at run time), tables elsewhere. The
 * engine is the same for any reflected polynomial of up to 64 bits: crc_engine_init makes one for
 * another polynomial, which is how the tests hold it against zlib's CRC-32. */
#ifndef BASE_CRC64_H
#define BASE_CRC64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t crc64(uint64_t crc, const void *data, size_t len);
/* The CRC of a and b one after the other, from theirs and b's length; O(log len). It is its own
 * inverse: from the CRCs of a and of both together it gives b's. */
uint64_t crc64_combine(uint64_t a, uint64_t b, uint64_t len);

struct crc_engine {
    uint64_t table[8][256];
    uint64_t fold[4];   /* constants of the carry-less folding; see crc64.c */
    uint64_t move[64];  /* x^(8 * 2^k - 1) */
    bool clmul;         /* use folding when the CPU can */
};
/* reflected_poly: bit 63 is the coefficient of x^0 for a 64-bit polynomial; a 32-bit one lies in
 * the low 32 bits and its CRC too. */
void crc_engine_init(struct crc_engine *e, uint64_t reflected_poly, bool allow_clmul);
uint64_t crc_engine_run(const struct crc_engine *e, uint64_t crc, const void *data, size_t len);
bool crc64_has_clmul(void);

#endif
