/* SPDX-License-Identifier: BSD-3-Clause */
/* The fast generator is xoshiro256** (Blackman and Vigna, public domain algorithm): four words of
 * state a thread, stretched from one seed by the splitmix64 sequence so that no seed gives a poor
 * start. The secure source is getrandom(2). */
#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

#include "base/bytes.h"
#include "base/must.h"

static _Thread_local struct {
    uint64_t s[4]; /* all zero: not seeded yet (the generator itself never gets there) */
} state;

static uint64_t stretch(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void rand_seed(uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        state.s[i] = stretch(&seed);
}

uint64_t rand_u64(void)
{
    uint64_t *s = state.s;
    if (__builtin_expect(!(s[0] | s[1] | s[2] | s[3]), 0)) {
        uint64_t seed;
        rand_secure(&seed, sizeof seed);
        rand_seed(seed);
    }
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t rand_below(uint64_t n)
{
    must(n > 0);
    /* The high half of a 128-bit product is uniform but for the few low halves below 2^64 mod n;
     * those are drawn again. */
    unsigned __int128 product = (unsigned __int128)rand_u64() * n;
    if (__builtin_expect((uint64_t)product < n, 0)) {
        uint64_t least = -n % n;
        while ((uint64_t)product < least)
            product = (unsigned __int128)rand_u64() * n;
    }
    return (uint64_t)(product >> 64);
}

double rand_unit(void)
{
    return (double)(rand_u64() >> 11) * 0x1p-53;
}

void rand_secure(void *out, size_t len)
{
    unsigned char *to = out;
    while (len) {
        ssize_t got = getrandom(to, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        must(got > 0);
        to += got;
        len -= (size_t)got;
    }
}

void rand_hex(char *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    rand_secure(out, n);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[(unsigned char)out[i] & 15];
    out[n] = '\0';
}
