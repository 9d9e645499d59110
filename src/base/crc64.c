/* SPDX-License-Identifier: BSD-3-Clause */
/* A message is a polynomial over GF(2), first byte highest, and its CRC the remainder of
 * message * x^64 modulo the generator P. "Reflected": bit 63-i of a word is the coefficient of x^i,
 * so a word loaded little-endian has its bits in order.
 *
 * Tables: table[k][b] is the remainder that byte b leaves when k more bytes follow it; eight
 * look-ups take eight bytes.
 *
 * Folding: four 16-byte lanes hold 64 bytes that the message so far is congruent to. A lane A
 * stands for L * x^64 + H (L: its lower-addressed half). One step moves it D bits up and adds
 * bytes:
 *
 *   A * x^D  =  L * x^(D+64) + H * x^D      (mod P)
 *
 * The powers are constants of 64 bits, so two carry-less multiplications do it. The product of two
 * reflected words comes out one bit low, which is one factor x: hence constants x^(D+63), x^(D-1).
 *   fold[0], fold[1]  D = 512, the stride of the main loop
 *   fold[2], fold[3]  D = 128, one lane into the next
 * The last 16 bytes go through the tables like a message of their own.
 *
 * A 32-bit generator p in the low half of the word is P = x^64 + x^32 p: all of the above holds,
 * and the remainder lies in the low half too. */
#include "base/crc64.h"

#include <pthread.h>

#include "base/bytes.h"
#include "base/must.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_CLMUL 1
#else
#define HAVE_CLMUL 0
#endif

#define JONES 0x95ac9329ac4bc9b5u

enum { FOLD_FROM = 128 }; /* below, folding does not pay */

static uint64_t times_x(uint64_t poly, uint64_t a)
{
    return a >> 1 ^ (a & 1 ? poly : 0);
}

/* a * b mod P: b's coefficients from x^0 up, a moved up by one each time. */
static uint64_t multiply(uint64_t poly, uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    for (; b; b <<= 1) {
        sum ^= b >> 63 ? a : 0;
        a = times_x(poly, a);
    }
    return sum;
}

/* x^n mod P. */
static uint64_t power(uint64_t poly, unsigned n)
{
    uint64_t x = (uint64_t)1 << 63;
    while (n--)
        x = times_x(poly, x);
    return x;
}

void crc_engine_init(struct crc_engine *e, uint64_t reflected_poly, bool allow_clmul)
{
    for (unsigned b = 0; b < 256; b++) {
        uint64_t crc = b;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? reflected_poly : 0);
        e->table[0][b] = crc;
    }
    for (unsigned k = 1; k < 8; k++)
        for (unsigned b = 0; b < 256; b++) {
            uint64_t crc = e->table[k - 1][b];
            e->table[k][b] = crc >> 8 ^ e->table[0][crc & 255];
        }
    static const unsigned exponent[4] = {512 + 63, 512 - 1, 128 + 63, 128 - 1};
    for (int i = 0; i < 4; i++)
        e->fold[i] = power(reflected_poly, exponent[i]);
    e->clmul = allow_clmul && crc64_has_clmul();
    e->move[0] = power(reflected_poly, 8 - 1);
    for (unsigned k = 1; k < 64; k++)
        e->move[k] = times_x(reflected_poly,
                             multiply(reflected_poly, e->move[k - 1], e->move[k - 1]));
}

bool crc64_has_clmul(void)
{
#if HAVE_CLMUL
    return __builtin_cpu_supports("pclmul");
#else
    return false;
#endif
}

static uint64_t run_tables(const struct crc_engine *e, uint64_t crc, const uint8_t *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        crc ^= load_le64(p);
        crc = e->table[7][crc & 255] ^ e->table[6][crc >> 8 & 255] ^ e->table[5][crc >> 16 & 255] ^
              e->table[4][crc >> 24 & 255] ^ e->table[3][crc >> 32 & 255] ^
              e->table[2][crc >> 40 & 255] ^ e->table[1][crc >> 48 & 255] ^ e->table[0][crc >> 56];
    }
    for (; len; p++, len--)
        crc = crc >> 8 ^ e->table[0][(crc ^ *p) & 255];
    return crc;
}

#if HAVE_CLMUL
#define CLMUL __attribute__((target("pclmul,sse2")))

CLMUL static inline __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* lane * x^D + more; by holds the two constants of D. */
CLMUL static inline __m128i fold(__m128i lane, __m128i by, __m128i more)
{
    __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), more);
}

/* len >= 64. */
CLMUL static uint64_t run_folding(const struct crc_engine *e, uint64_t crc, const uint8_t *p,
                                  size_t len)
{
    must(len >= 64);
    __m128i by = _mm_set_epi64x((long long)e->fold[1], (long long)e->fold[0]);
    __m128i a = _mm_xor_si128(load(p), _mm_set_epi64x(0, (long long)crc));
    __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
    for (p += 64, len -= 64; len >= 64; p += 64, len -= 64) {
        a = fold(a, by, load(p));
        b = fold(b, by, load(p + 16));
        c = fold(c, by, load(p + 32));
        d = fold(d, by, load(p + 48));
    }
    by = _mm_set_epi64x((long long)e->fold[3], (long long)e->fold[2]);
    a = fold(fold(fold(a, by, b), by, c), by, d);
    for (; len >= 16; p += 16, len -= 16)
        a = fold(a, by, load(p));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, a);
    return run_tables(e, run_tables(e, 0, rest, sizeof rest), p, len);
}

/* a * b * x mod P: the product is a lane, of which the tables take L times x^64. */
CLMUL static uint64_t multiply_x(const struct crc_engine *e, uint64_t a, uint64_t b)
{
    uint8_t lane[16];
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)a),
                                           _mm_cvtsi64_si128((long long)b), 0x00);
    _mm_storeu_si128((__m128i *)(void *)lane, product);
    return run_tables(e, 0, lane, 8) ^ load_le64(lane + 8);
}
#endif

uint64_t crc_engine_run(const struct crc_engine *e, uint64_t crc, const void *data, size_t len)
{
#if HAVE_CLMUL
    if (e->clmul && len >= FOLD_FROM)
        return run_folding(e, crc, data, len);
#endif
    return run_tables(e, crc, data, len);
}

/* Written once, before its first use, and constant from then on. */
static struct crc_engine jones;
static pthread_once_t jones_once = PTHREAD_ONCE_INIT;

static void jones_init(void)
{
    crc_engine_init(&jones, JONES, true);
}

uint64_t crc64(uint64_t crc, const void *data, size_t len)
{
    pthread_once(&jones_once, jones_init);
    return crc_engine_run(&jones, crc, data, len);
}

/* a times x^(8 * 2^k). */
static uint64_t move(const struct crc_engine *e, uint64_t a, unsigned k)
{
#if HAVE_CLMUL
    if (e->clmul)
        return multiply_x(e, a, e->move[k]);
#endif
    return multiply(JONES, times_x(JONES, a), e->move[k]);
}

/* Bytes behind a message move its polynomial up by eight bits each: times x^(8 len), which is made
 * of squares. */
uint64_t crc64_combine(uint64_t a, uint64_t b, uint64_t len)
{
    pthread_once(&jones_once, jones_init);
    for (unsigned k = 0; len; k++, len >>= 1)
        if (len & 1)
            a = move(&jones, a, k);
    return a ^ b;
}
