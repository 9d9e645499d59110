/* SPDX-License-Identifier: BSD-3-Clause */
/* The bytes of a sparse sketch depend on the order in which it was filled, and other servers write
 * the same ones, so that how a run is changed is part of the format: it is split into what lies in
 * front of the register, the register, and what lies behind; then, from the run in front on, at
 * most MERGE_STEPS neighbours of one value are looked at and joined, while they fit one run. */
#include "containers/hll.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    INDEX_BITS = 14, /* of the hash; the others count zeros */
    ZERO_MAX = 64,   /* registers that one byte of zeros can say */
    VALUE_MAX = 32,  /* the largest value that a run can say */
    VALUE_RUN_MAX = 4,
    RUN_BYTES_MAX = 2,
    SPLIT_BYTES_MAX = 5,
    MERGE_STEPS = 5,
    BLOCK = 16, /* bytes of runs that are counted at once */
    BYTES_ENCODING = 4,
    BYTES_CACHED = 8,
    GROUP = 8, GROUP_BYTES = 6, /* registers that are packed at once */
    HISTOGRAM = 64,
};
_Static_assert(HLL_REGISTERS == 1 << INDEX_BITS && HLL_REGISTERS % GROUP == 0, "no rest");

static const char magic[4] = {'H', 'Y', 'L', 'L'};
static const uint64_t CACHED_FALSE = UINT64_C(1) << 63;

/* ---- the head ---- */

bool hll_is(struct slice s)
{
    if (s.len < HLL_HEADER || memcmp(s.data, magic, sizeof magic) != 0)
        return false;
    uint8_t encoding = (uint8_t)s.data[BYTES_ENCODING];
    return encoding == HLL_SPARSE || (encoding == HLL_DENSE && s.len == HLL_DENSE_BYTES);
}

enum hll_encoding hll_encoding(struct slice s)
{
    must(s.len >= HLL_HEADER);
    return s.data[BYTES_ENCODING] == HLL_DENSE ? HLL_DENSE : HLL_SPARSE;
}

bool hll_cached(struct slice s, uint64_t *count)
{
    must(s.len >= HLL_HEADER);
    *count = load_le64(s.data + BYTES_CACHED);
    return !(*count & CACHED_FALSE);
}

void hll_cache(uint8_t *bytes, uint64_t count)
{
    must(!(count & CACHED_FALSE));
    store_le64(bytes + BYTES_CACHED, count);
}

void hll_forget(uint8_t *bytes)
{
    store_le64(bytes + BYTES_CACHED, load_le64(bytes + BYTES_CACHED) | CACHED_FALSE);
}

/* ---- runs ---- */

/* next: the byte behind, of which only a long run of zeros knows. Without branches: which kind
 * comes next cannot be foretold. */
static inline unsigned run_count(uint8_t byte, uint8_t next)
{
    unsigned is_long = byte >> 6 == 1, is_value = byte >> 7;
    unsigned n = (byte & (63u >> 4 * is_value)) << 8 * is_long;
    return (n | (next & (0u - is_long))) + 1;
}

static inline unsigned run_bytes(uint8_t byte)
{
    return 1 + (byte >> 6 == 1);
}

static inline bool is_value(uint8_t byte)
{
    return byte >> 7;
}

static inline unsigned run_value(uint8_t byte)
{
    return is_value(byte) ? (byte >> 2 & 31) + 1u : 0;
}

static uint8_t value_run(unsigned value, unsigned count)
{
    must(value >= 1 && value <= VALUE_MAX && count >= 1 && count <= VALUE_RUN_MAX);
    return (uint8_t)(0x80 | (value - 1) << 2 | (count - 1));
}

/* Writes a run of any value, or nothing for no registers; returns its bytes. */
static unsigned put_run(uint8_t *to, unsigned value, unsigned count)
{
    if (count == 0)
        return 0;
    if (value) {
        to[0] = value_run(value, count);
        return 1;
    }
    count--;
    must(count < HLL_REGISTERS);
    if (count < ZERO_MAX) {
        to[0] = (uint8_t)count;
        return 1;
    }
    to[0] = (uint8_t)(0x40 | count >> 8);
    to[1] = (uint8_t)count;
    return 2;
}

bool hll_next_run(struct slice s, size_t *at, struct hll_run *run)
{
    must(*at >= HLL_HEADER);
    if (*at >= s.len)
        return false;
    uint8_t byte = (uint8_t)s.data[*at];
    run->bytes = run_bytes(byte);
    if (run->bytes > s.len - *at)
        return false;
    run->count = run_count(byte, run->bytes > 1 ? (uint8_t)s.data[*at + 1] : 0);
    run->value = run_value(byte);
    *at += run->bytes;
    return true;
}

bool hll_is_whole(struct slice s)
{
    size_t at = HLL_HEADER, sum = 0;
    struct hll_run run;
    if (hll_encoding(s) == HLL_DENSE)
        return s.len == HLL_DENSE_BYTES;
    while (sum <= HLL_REGISTERS && hll_next_run(s, &at, &run))
        sum += run.count;
    return sum == HLL_REGISTERS && at == s.len;
}

/* ---- dense registers ---- */

static unsigned dense_get(const uint8_t *registers, unsigned index)
{
    const uint8_t *p = registers + index / 4 * 3; /* four of them in three bytes */
    uint32_t four = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return four >> index % 4 * 6 & 63;
}

static void dense_set(uint8_t *registers, unsigned index, unsigned value)
{
    uint8_t *p = registers + index / 4 * 3;
    uint32_t four = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    unsigned shift = index % 4 * 6;
    must(index < HLL_REGISTERS && value < HISTOGRAM);
    store_le24(p, (four & ~(UINT32_C(63) << shift)) | value << shift);
}

/* Eight of 6 bits, each to a byte of its own: halves, quarters, eighths move apart. */
static inline uint64_t spread(uint64_t x)
{
    x = (x & 0xffffff) | (x & 0xffffff000000) << 8;
    x = (x & 0x00000fff00000fff) | (x & 0x00fff00000fff000) << 4;
    return (x & 0x003f003f003f003f) | (x & 0x0fc00fc00fc00fc0) << 2;
}

static inline uint64_t gather(uint64_t x)
{
    x = (x & 0x003f003f003f003f) | (x & 0x3f003f003f003f00) >> 2;
    x = (x & 0x00000fff00000fff) | (x & 0x0fff00000fff0000) >> 4;
    return (x & 0xffffff) | (x & 0xffffff00000000) >> 8;
}

static void unpack(struct hll_registers *r, const uint8_t *registers)
{
    size_t i = 0;
    for (; i < HLL_REGISTERS - GROUP; i += GROUP)
        store_le64(r->of + i, spread(load_le64(registers + i / GROUP * GROUP_BYTES)));
    uint8_t last[8] = {0}; /* there is nothing behind it to be read along */
    memcpy(last, registers + i / GROUP * GROUP_BYTES, GROUP_BYTES);
    store_le64(r->of + i, spread(load_le64(last)));
}

static void pack(uint8_t *registers, const struct hll_registers *r)
{
    uint8_t eight[8];
    for (size_t i = 0; i < HLL_REGISTERS; i += GROUP) {
        store_le64(eight, gather(load_le64(r->of + i)));
        memcpy(registers + i / GROUP * GROUP_BYTES, eight, GROUP_BYTES);
    }
}

/* ---- several at once ---- */

static void raise_all(struct hll_registers *restrict r, const struct hll_registers *restrict by)
{
    for (size_t i = 0; i < HLL_REGISTERS; i++)
        r->of[i] = r->of[i] > by->of[i] ? r->of[i] : by->of[i];
}

bool hll_merge(struct hll_registers *r, struct slice s)
{
    must(hll_is(s));
    if (hll_encoding(s) == HLL_DENSE) {
        struct hll_registers its;
        unpack(&its, (const uint8_t *)s.data + HLL_HEADER);
        raise_all(r, &its);
        return true;
    }
    size_t at = HLL_HEADER, index = 0;
    struct hll_run run;
    while (hll_next_run(s, &at, &run)) {
        if (run.count > HLL_REGISTERS - index)
            return false;
        if (run.value)
            for (size_t i = index; i < index + run.count; i++)
                r->of[i] = run.value > r->of[i] ? (uint8_t)run.value : r->of[i];
        index += run.count;
    }
    return index == HLL_REGISTERS && at == s.len;
}

bool hll_to_dense(struct slice from, uint8_t to[HLL_DENSE_BYTES])
{
    struct hll_registers r = {{0}};
    if (!hll_merge(&r, from))
        return false;
    memcpy(to, from.data, HLL_HEADER);
    to[BYTES_ENCODING] = HLL_DENSE;
    pack(to + HLL_HEADER, &r);
    return true;
}

/* ---- the estimate ---- */

/* Sum over k of x^(2^k) 2^(k-1), and x: registers that were never hit. */
static double sigma(double x)
{
    double y = 1, z = x, last;
    if (x == 1)
        return INFINITY;
    do {
        last = z;
        x *= x;
        z += x * y;
        y += y;
    } while (z != last);
    return z;
}

/* The mirror of it: registers that cannot count further. */
static double tau(double x)
{
    double y = 1, z = 1 - x, last;
    if (x == 0 || x == 1)
        return 0;
    do {
        last = z;
        x = sqrt(x);
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != last);
    return z / 3;
}

static uint64_t estimate(const uint32_t *with)
{
    static const double ALPHA = 0.72134752044448170368; /* 1 / (2 ln 2) */
    const double m = HLL_REGISTERS;
    double z = m * tau((m - with[HLL_VALUE_MAX]) / m);
    for (unsigned value = HLL_VALUE_MAX - 1; value >= 1; value--)
        z = (z + with[value]) * 0.5;
    z += m * sigma(with[0] / m);
    return (uint64_t)llroundl((long double)(ALPHA * m * m / z));
}

uint64_t hll_count_registers(const struct hll_registers *r)
{
    uint32_t with[4][HISTOGRAM] = {{0}}; /* four: equal neighbours need not wait for each other */
    for (size_t i = 0; i < HLL_REGISTERS; i += 4)
        for (size_t k = 0; k < 4; k++)
            with[k][r->of[i + k] & (HISTOGRAM - 1)]++;
    for (size_t value = 0; value < HISTOGRAM; value++)
        with[0][value] += with[1][value] + with[2][value] + with[3][value];
    return estimate(with[0]);
}

bool hll_count(struct slice s, uint64_t *count)
{
    must(hll_is(s));
    if (hll_encoding(s) == HLL_DENSE) {
        struct hll_registers r;
        unpack(&r, (const uint8_t *)s.data + HLL_HEADER);
        *count = hll_count_registers(&r);
        return true;
    }
    uint32_t with[HISTOGRAM] = {0};
    size_t at = HLL_HEADER, sum = 0;
    struct hll_run run;
    while (sum <= HLL_REGISTERS && hll_next_run(s, &at, &run)) {
        with[run.value] += run.count;
        sum += run.count;
    }
    if (sum != HLL_REGISTERS || at != s.len)
        return false;
    *count = estimate(with);
    return true;
}

/* ---- changing ---- */

void hll_init(uint8_t bytes[HLL_EMPTY_BYTES])
{
    memset(bytes, 0, HLL_HEADER);
    memcpy(bytes, magic, sizeof magic);
    bytes[BYTES_ENCODING] = HLL_SPARSE;
    unsigned n = put_run(bytes + HLL_HEADER, 0, HLL_REGISTERS);
    must(HLL_HEADER + n == HLL_EMPTY_BYTES);
}

size_t hll_room(size_t len)
{
    return len + SPLIT_BYTES_MAX - RUN_BYTES_MAX;
}

struct place {
    size_t at;
    unsigned first; /* register */
};

#ifdef __SSE2__
/* The registers of the BLOCK bytes of runs at p. *half: its first byte is set when p is the second
 * byte of a long run that began in front; then the same of what comes behind. Such a run counts in
 * two parts, where its bytes lie. False: long runs follow each other, which nobody writes, so that
 * it is not easily said which bytes begin one. */
static inline bool count_block(const uint8_t *p, __m128i *half, unsigned *count)
{
    const __m128i zero = _mm_setzero_si128(), x = _mm_loadu_si128((const __m128i *)(const void *)p);
    const __m128i six_bits = _mm_set1_epi8(0x3f);
    /* The second byte of a long run may look like the first of another. */
    __m128i alike = _mm_cmpeq_epi8(_mm_andnot_si128(six_bits, x), _mm_set1_epi8(0x40));
    alike = _mm_andnot_si128(*half, alike);
    __m128i neighbours = _mm_and_si128(alike, _mm_slli_si128(alike, 1));
    if (_mm_movemask_epi8(_mm_and_si128(neighbours, _mm_slli_si128(alike, 2))))
        return false;
    __m128i begins = _mm_xor_si128(alike, neighbours);
    __m128i seconds = _mm_or_si128(_mm_slli_si128(begins, 1), *half);
    /* The bits that count: 6 of zeros, 2 of a value's, all of a second byte, 6 high ones. */
    __m128i values = _mm_and_si128(_mm_cmpgt_epi8(zero, x), _mm_set1_epi8(0x3c));
    __m128i bits = _mm_or_si128(_mm_xor_si128(six_bits, values), seconds);
    __m128i low = _mm_and_si128(x, _mm_andnot_si128(begins, bits));
    __m128i high = _mm_and_si128(_mm_and_si128(x, six_bits), begins);
    /* A run has one more than it says. */
    low = _mm_add_epi8(low, _mm_andnot_si128(seconds, _mm_set1_epi8(1)));
    __m128i sums = _mm_slli_epi64(_mm_sad_epu8(high, zero), 8);
    sums = _mm_add_epi64(sums, _mm_sad_epu8(low, zero));
    sums = _mm_add_epi64(sums, _mm_srli_si128(sums, 8));
    *half = _mm_srli_si128(begins, BLOCK - 1);
    *count = (unsigned)_mm_cvtsi128_si32(sums);
    return true;
}
#endif

/* p, or a run behind it, at most two blocks in front of the one that holds the register, with two
 * others between. */
static struct place skip_to(const struct hll_edit *e, struct place p, unsigned index)
{
#ifdef __SSE2__
    struct place block = p;
    __m128i half = _mm_setzero_si128(), p_half = half;
    while (e->len - block.at >= BLOCK) {
        __m128i next_half = half;
        unsigned count;
        if (!count_block(e->bytes + block.at, &next_half, &count) || index < block.first + count)
            break;
        p = block;
        p_half = half;
        half = next_half;
        block.at += BLOCK;
        block.first += count;
    }
    if (_mm_cvtsi128_si32(p_half)) { /* begins behind the second byte of another */
        p.first += e->bytes[p.at];
        p.at++;
    }
#else
    (void)e, (void)index;
#endif
    return p;
}

/* The run that holds the register, and the two in front of it (where there is none: the first run
 * again). False: no run does. */
struct found {
    struct place run, before, before_that;
};
static bool find_run(const struct hll_edit *e, unsigned index, struct found *found)
{
    const uint8_t *bytes = e->bytes;
    const size_t len = e->len;
    must(e->from_at >= HLL_HEADER && e->from_at <= len && e->from_index <= index);
    struct place p = skip_to(e, (struct place){e->from_at, e->from_index}, index);
    struct place before = p, before_that = p;
    while (p.at < len) {
        uint8_t byte = bytes[p.at];
        unsigned count, n = 1;
        if (is_value(byte)) { /* mostly every other one: that can be foretold */
            count = byte % VALUE_RUN_MAX + 1u;
        } else {
            n = run_bytes(byte);
            if (p.at + n > len)
                return false;
            count = run_count(byte, bytes[p.at + n - 1]);
        }
        if (index < p.first + count) {
            *found = (struct found){p, before, before_that};
            return true;
        }
        before_that = before;
        before = p;
        p.at += n;
        p.first += count;
    }
    return false;
}

/* Joins neighbours of one value, from the run at on. */
static void join(struct hll_edit *e, size_t at)
{
    uint8_t *p = e->bytes;
    for (int step = 0; step < MERGE_STEPS && at < e->len; step++) {
        bool two = at + 1 < e->len && is_value(p[at]) && is_value(p[at + 1]);
        if (two && run_value(p[at]) == run_value(p[at + 1])) {
            unsigned count = run_count(p[at], 0) + run_count(p[at + 1], 0);
            if (count <= VALUE_RUN_MAX) {
                p[at] = value_run(run_value(p[at]), count);
                memmove(p + at + 1, p + at + 2, e->len - at - 2);
                e->len--;
                continue;
            }
        }
        at += run_bytes(p[at]);
    }
}

static enum hll_outcome sparse_set(struct hll_edit *e, unsigned index, unsigned value)
{
    struct found found;
    uint8_t split[SPLIT_BYTES_MAX];
    if (value > VALUE_MAX)
        return HLL_WANTS_DENSE;
    if (!find_run(e, index, &found))
        return HLL_DAMAGED;
    struct place p = found.run;
    uint8_t byte = e->bytes[p.at];
    unsigned old_bytes = run_bytes(byte), old = run_value(byte);
    unsigned count = run_count(byte, old_bytes > 1 ? e->bytes[p.at + 1] : 0);
    if (old >= value)
        return HLL_SAME;
    unsigned n = put_run(split, old, index - p.first);
    n += put_run(split + n, value, 1);
    n += put_run(split + n, old, p.first + count - 1 - index);
    must(n <= SPLIT_BYTES_MAX);
    size_t len = e->len - old_bytes + n, behind = p.at + old_bytes;
    if (len > e->len && len > e->sparse_max)
        return HLL_WANTS_DENSE;
    if (len > e->cap)
        return HLL_WANTS_ROOM;
    memmove(e->bytes + p.at + n, e->bytes + behind, e->len - behind);
    memcpy(e->bytes + p.at, split, n);
    e->len = len;
    join(e, found.before.at);
    /* A later register may lie in a run that was joined with the one in front, which then has
     * another in front of itself. */
    e->from_at = found.before_that.at;
    e->from_index = found.before_that.first;
    return HLL_CHANGED;
}

static enum hll_outcome set(struct hll_edit *e, unsigned index, unsigned value)
{
    if (hll_encoding(slice(e->bytes, e->len)) == HLL_SPARSE)
        return sparse_set(e, index, value);
    must(e->len == HLL_DENSE_BYTES);
    if (dense_get(e->bytes + HLL_HEADER, index) >= value)
        return HLL_SAME;
    dense_set(e->bytes + HLL_HEADER, index, value);
    return HLL_CHANGED;
}

/* MurmurHash64A, the words little-endian on every machine. */
static uint64_t hash_of(struct slice element)
{
    static const uint64_t SEED = 0xadc83b19, MULTIPLIER = 0xc6a4a7935bd1e995;
    enum { SHIFT = 47, WORD = 8 };
    uint64_t hash = SEED ^ element.len * MULTIPLIER;
    for (; element.len >= WORD; element = slice_from(element, WORD)) {
        uint64_t word = load_le64(element.data) * MULTIPLIER;
        hash = (hash ^ (word ^ word >> SHIFT) * MULTIPLIER) * MULTIPLIER;
    }
    if (element.len) {
        uint64_t rest = 0; /* byte by byte: a word copied together would wait for its bytes */
        for (size_t i = element.len; i-- > 0;)
            rest = rest << 8 | (uint8_t)element.data[i];
        hash = (hash ^ rest) * MULTIPLIER;
    }
    hash = (hash ^ hash >> SHIFT) * MULTIPLIER;
    return hash ^ hash >> SHIFT;
}

static void begin(struct hll_edit *e)
{
    e->from_at = HLL_HEADER;
    e->from_index = 0;
}

enum hll_outcome hll_add(struct hll_edit *e, struct slice element)
{
    uint64_t hash = hash_of(element);
    /* The highest bit stands for the one that ends the zeros of a hash that has no other. */
    uint64_t zeros = hash >> INDEX_BITS | UINT64_C(1) << (64 - INDEX_BITS);
    begin(e);
    return set(e, hash & (HLL_REGISTERS - 1), (unsigned)__builtin_ctzll(zeros) + 1);
}

static enum hll_outcome dense_raise(uint8_t *registers, const struct hll_registers *r)
{
    struct hll_registers its, before;
    unpack(&its, registers);
    before = its;
    raise_all(&its, r);
    pack(registers, &its);
    return memcmp(&its, &before, sizeof its) == 0 ? HLL_SAME : HLL_CHANGED;
}

enum hll_outcome hll_raise(struct hll_edit *e, const struct hll_registers *r, unsigned *next)
{
    enum hll_outcome all = HLL_SAME;
    if (hll_encoding(slice(e->bytes, e->len)) == HLL_DENSE) {
        must(e->len == HLL_DENSE_BYTES);
        *next = HLL_REGISTERS;
        return dense_raise(e->bytes + HLL_HEADER, r);
    }
    begin(e);
    for (; *next < HLL_REGISTERS; ++*next) {
        if (!r->of[*next])
            continue;
        enum hll_outcome one = sparse_set(e, *next, r->of[*next]);
        if (one > HLL_CHANGED)
            return one;
        all = one == HLL_CHANGED ? one : all;
    }
    return all;
}
