/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_map.h"

#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/lzf.h"
#include "base/must.h"
#include "base/num.h"

enum { WORDS, MARKS, CONTROLS, HIGHS, FIXED };
enum { ROUNDS = 4, PACK_MIN = 21, PACK_MAX = 64 << 10 };

/* ---- kinds of bytes ---- */

static unsigned kind_of(unsigned c)
{
    bool digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'z';
    if (c == '#' || c == '\r' || c == '\n')
        return FIXED;
    if (c >= 128)
        return HIGHS;
    if (digit || letter || c == '_' || c == ':' || c == '.' || c == '-')
        return WORDS;
    return c < ' ' || c == 127 ? CONTROLS : MARKS;
}

void anon_init(struct anon *a, const uint8_t secret[ANON_SECRET])
{
    *a = (struct anon){.key = {load_le64(secret), load_le64(secret + 8)}};
    for (unsigned c = 0; c < 256; c++) {
        unsigned kind = kind_of(c);
        a->kind[c] = (uint8_t)kind;
        a->rank[c] = kind == FIXED ? 0 : a->size[kind];
        if (kind != FIXED)
            a->letters[kind][a->size[kind]++] = (uint8_t)c;
    }
    a->size[FIXED] = 1;
    must(a->size[HIGHS] == 128);
}

void anon_free(struct anon *a)
{
    buf_free(&a->packed);
    buf_free(&a->half);
}

/* ---- the network ---- */

struct use {
    uint64_t key[2];
};

static struct use use_of(const struct anon *a, uint64_t what, uint64_t nonce)
{
    uint64_t words[2] = {what, nonce};
    struct use u = {{hash_with(a->key, words, sizeof words), 0}};
    words[0] = ~what;
    u.key[1] = hash_with(a->key, words, sizeof words);
    return u;
}

/* to[i] goes on by a number that all of from and i tell. */
static void add_half(const struct anon *a, const struct use *u, unsigned round, char *to, size_t n,
                     const char *from, size_t from_len)
{
    uint64_t seed[3] = {hash_with(u->key, from, from_len), round, 0}, word = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == 0) {
            seed[2] = i;
            word = hash_with(u->key, seed, sizeof seed);
        }
        unsigned c = (uint8_t)to[i], kind = a->kind[c];
        if (kind != FIXED)
            to[i] = (char)a->letters[kind][(a->rank[c] + (word & 0xffff)) % a->size[kind]];
        word >>= 16;
    }
}

char anon_letter(const struct anon *a, uint64_t nonce, char c)
{
    unsigned byte = (uint8_t)c, kind = a->kind[byte], n = a->size[kind];
    struct use u = use_of(a, 'l', nonce);
    uint8_t order[128];
    if (kind == FIXED)
        return c;
    memcpy(order, a->letters[kind], n);
    for (unsigned i = n - 1; i > 0; i--) {
        uint64_t seed[2] = {kind, i};
        unsigned k = (unsigned)(hash_with(u.key, seed, sizeof seed) % (i + 1));
        uint8_t t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    return (char)order[a->rank[byte]];
}

void anon_bytes(struct anon *a, uint64_t nonce, char *bytes, size_t n)
{
    struct use u = use_of(a, n, nonce);
    if (n == 1)
        bytes[0] = anon_letter(a, nonce, bytes[0]);
    if (n < 2)
        return;
    size_t left = n / 2;
    for (unsigned round = 0; round < ROUNDS; round += 2) {
        add_half(a, &u, round, bytes, left, bytes + left, n - left);
        add_half(a, &u, round + 1, bytes + left, n - left, bytes, left);
    }
}

/* ---- integers ---- */

/* Numbers of one class have as many digits, and the same packed forms. first: of a class. */
static void class_of(int64_t n, int64_t *low, int64_t *high)
{
    static const int64_t widths[] = {13, 1 << 7, 1 << 12, 1 << 15, 1 << 23, (int64_t)1 << 31};
    int64_t ten = 1;
    *low = INT64_MIN;
    *high = INT64_MAX;
#define BORDER(first) \
    do { \
        int64_t b = (first); \
        if (n >= b && b > *low) \
            *low = b; \
        if (n < b && b - 1 < *high) \
            *high = b - 1; \
    } while (0)
    BORDER(0);
    for (int i = 0; i < 18; i++) {
        ten *= 10;
        BORDER(ten);
        BORDER(-ten + 1);
    }
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        BORDER(widths[i]);
        BORDER(-widths[i]);
    }
#undef BORDER
    must(*low <= n && n <= *high);
}

/* One of 4^half_bits numbers for another. */
static uint64_t permute(const struct use *u, uint64_t n, unsigned half_bits)
{
    uint64_t mask = ((uint64_t)1 << half_bits) - 1, left = n >> half_bits, right = n & mask;
    for (uint64_t round = 0; round < 2 * ROUNDS; round++) {
        uint64_t seed[2] = {round, right};
        uint64_t next = (left ^ hash_with(u->key, seed, sizeof seed)) & mask;
        left = right;
        right = next;
    }
    return left << half_bits | right;
}

int64_t anon_int(const struct anon *a, int64_t n)
{
    int64_t low, high;
    unsigned half_bits = 1;
    class_of(n, &low, &high);
    uint64_t most = (uint64_t)high - (uint64_t)low, at = (uint64_t)n - (uint64_t)low;
    struct use u = use_of(a, 'i', (uint64_t)low);
    while (half_bits < 32 && most >> (2 * half_bits))
        half_bits++;
    do
        at = permute(&u, at, half_bits);
    while (at > most);
    return (int64_t)((uint64_t)low + at);
}

/* ---- texts ---- */

void anon_part(struct anon *a, char *bytes, size_t n, uint64_t from)
{
    must(n <= ANON_PART && from % ANON_PART == 0);
    anon_bytes(a, from, bytes, n);
}

void anon_run(struct anon *a, uint64_t *state, char *bytes, size_t n)
{
    uint64_t before = *state, words[2];
    words[0] = before;
    words[1] = hash_with(a->key, bytes, n);
    *state = hash_with(a->key, words, sizeof words) | 1;
    anon_bytes(a, before ^ 0x72756e, bytes, n);
}

void anon_lzf(struct anon *a, char *packed, size_t n, size_t keep)
{
    enum { LITERAL_MAX = 32 };
    uint64_t state = 0;
    size_t made = 0;
    for (size_t i = 0; i < n;) {
        unsigned control = (uint8_t)packed[i++];
        if (control >= LITERAL_MAX) {
            made += (control >> 5) + 2;
            if (control >> 5 == 7 && i < n)
                made += (uint8_t)packed[i++];
            i++;
            continue;
        }
        size_t run = control + 1u, kept = made < keep ? keep - made : 0;
        run = run < n - i ? run : n - i;
        if (kept < run)
            anon_run(a, &state, packed + i + kept, run - kept);
        made += run;
        i += run;
    }
}

/* As it is replaced where it lies compressed. False: it does not compress. */
static bool as_packed(struct anon *a, char *bytes, size_t n, size_t keep)
{
    enum { SAVES = 4 };
    buf_clear(&a->packed);
    char *packed = buf_reserve(&a->packed, n);
    size_t len = lzf_pack_quick(bytes, n, packed, n - SAVES);
    if (len == 0)
        return false;
    anon_lzf(a, packed, len, keep);
    bool ok = lzf_unpack(packed, len, bytes, n);
    must(ok);
    return true;
}

static bool is_int(const char *bytes, size_t n, int64_t *value)
{
    return n <= ANON_INT_TEXT_MAX && num_parse_i64(slice(bytes, n), value);
}

void anon_text(struct anon *a, char *bytes, size_t n, size_t keep)
{
    int64_t value;
    if (n == 0 || keep >= n)
        return;
    if (is_int(bytes, n, &value)) {
        char text[NUM_I64_TEXT];
        size_t len = num_format_i64(text, anon_int(a, value));
        must(len == n);
        memcpy(bytes, text, n);
        return;
    }
    if (n >= PACK_MIN && n <= PACK_MAX && as_packed(a, bytes, n, keep))
        return;
    for (size_t at = keep; at < n; at += ANON_PART) {
        size_t part = n - at < ANON_PART ? n - at : ANON_PART;
        do
            anon_bytes(a, at - keep, bytes + at, part);
        while (is_int(bytes, n, &value));
    }
}

void anon_word(const struct anon *a, char *bytes, size_t n)
{
    struct use u = use_of(a, 'w', hash_with(a->key, bytes, n));
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + hash_with(u.key, &i, sizeof i) % 26);
}
