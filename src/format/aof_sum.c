/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_sum.h"

#include "base/crc64.h"
#include "base/must.h"
#include "base/num.h"

/* Where the fields of the lines begin. */
enum {
    WORD = 5,
    LOG_ID = WORD, LOG_SEQ = LOG_ID + 17, LOG_OFFSET = LOG_SEQ + 9, LOG_CHECK = LOG_OFFSET + 11,
    OLD_N = WORD, OLD_LEN = OLD_N + 9, OLD_DURABLE = OLD_LEN + 11, OLD_CRC = OLD_DURABLE + 11,
    OLD_CHECK = OLD_CRC + 17,
    SUM_LEN = 2, SUM_BACK = SUM_LEN + 6, SUM_CRC = SUM_BACK + 3, SUM_CHECK = SUM_CRC + 7,
    SUM_END = SUM_CHECK + 4,
};
_Static_assert(LOG_CHECK + 10 == AOF_LOG_LINE && OLD_CHECK + 10 == AOF_OLD_LINE &&
               SUM_END + 2 == AOF_SUM_LINE, "lines");

static uint64_t check_of(uint64_t id, const char *line, size_t len)
{
    uint64_t crc = crc64(id, line, len);
    return (crc ^ crc >> 32) & UINT32_MAX;
}

static void put(char *line, size_t at, unsigned width, uint64_t n)
{
    must(width == 16 || n >> (4 * width) == 0);
    line[at - 1] = ' ';
    num_put_hex(line + at, width, n);
}

static bool get(struct slice line, size_t at, unsigned width, uint64_t *n)
{
    must(at + width <= line.len);
    return (at == WORD || line.data[at - 1] == ' ') &&
           num_parse_hex(slice(line.data + at, width), n);
}

static bool get_end(struct slice line, size_t check_at, uint64_t *check)
{
    must(check_at + 10 <= line.len);
    return get(line, check_at, 8, check) && memcmp(line.data + check_at + 8, "\r\n", 2) == 0;
}

/* ---- sessions ---- */

static void begin(struct aof_chain *c, const struct aof_session *s, const char *line)
{
    *c = (struct aof_chain){.open = true, .id = s->id, .offset = s->offset};
    c->crc = c->line_crc = crc64(0, line, LOG_CHECK - 1);
}

void aof_chain_begin(struct aof_chain *c, const struct aof_session *s, struct buf *to)
{
    char line[AOF_LOG_LINE];
    must(s->offset < (uint64_t)1 << 40);
    put(line, LOG_ID, 16, s->id);
    put(line, LOG_SEQ, 8, s->seq);
    put(line, LOG_OFFSET, 10, s->offset);
    memcpy(line, "#LOG:", WORD);
    put(line, LOG_CHECK, 8, check_of(s->id, line, LOG_CHECK - 1));
    memcpy(line + LOG_CHECK + 8, "\r\n", 2);
    struct aof_session again;
    must(aof_session_parse(slice(line, sizeof line), &again));
    must(again.id == s->id && again.seq == s->seq && again.offset == s->offset);
    buf_append(to, line, sizeof line);
    begin(c, s, line);
}

bool aof_session_parse(struct slice line, struct aof_session *s)
{
    uint64_t seq, check;
    if (line.len != AOF_LOG_LINE || memcmp(line.data, "#LOG:", WORD) != 0 ||
        !get(line, LOG_ID, 16, &s->id) || !get(line, LOG_SEQ, 8, &seq) ||
        !get(line, LOG_OFFSET, 10, &s->offset) || !get_end(line, LOG_CHECK, &check) ||
        check != check_of(s->id, line.data, LOG_CHECK - 1))
        return false;
    s->seq = (uint32_t)seq;
    return true;
}

void aof_chain_open(struct aof_chain *c, const struct aof_session *s, struct slice line)
{
    must(line.len == AOF_LOG_LINE);
    begin(c, s, line.data);
}

/* ---- digits of base 64 ---- */

static void put64(char *to, unsigned width, uint64_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; width-- > 0; n >>= 6)
        to[width] = digits[n & 63];
    must(n == 0); /* it has room */
}

static int digit64(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool get64(struct slice line, size_t at, unsigned width, uint64_t *n)
{
    must(at + width <= line.len);
    for (*n = 0; width-- > 0; at++) {
        int digit = digit64(line.data[at]);
        if (digit < 0)
            return false;
        *n = *n << 6 | (uint64_t)digit;
    }
    return true;
}

/* Distances as 13 bits and how many bits were left out behind them: exact up to 8191, else more. */
enum { BACK_BITS = 13, BACK_DIGITS = 3 };

static uint64_t unpack_back(uint64_t packed)
{
    must(packed >> (6 * BACK_DIGITS) == 0);
    return (packed & ((1 << BACK_BITS) - 1)) << (packed >> BACK_BITS);
}

static uint64_t pack_back(uint64_t distance)
{
    unsigned shift = 0;
    while (distance >> shift >> BACK_BITS)
        shift++;
    uint64_t kept = distance >> shift;
    kept += kept << shift != distance;
    if (kept >> BACK_BITS) {
        kept >>= 1;
        shift++;
    }
    uint64_t packed = shift << BACK_BITS | kept;
    must(unpack_back(packed) >= distance); /* it never tells of more than was durable */
    return packed;
}

/* ---- batches ---- */

static uint64_t crc_bits(uint64_t crc)
{
    return (crc ^ crc >> 42) & (((uint64_t)1 << 42) - 1);
}

static uint64_t small_bits(uint64_t crc)
{
    return (crc ^ crc >> 24 ^ crc >> 48) & 0xffffff;
}

static uint64_t check_bits(uint64_t id, const char *line)
{
    return small_bits(crc64(id, line, SUM_CHECK));
}

/* c->crc is behind the body. */
static void put_sum_line(struct aof_chain *c, char line[AOF_SUM_LINE], uint64_t len, uint64_t at,
                         uint64_t durable)
{
    must(c->open && durable <= at && at - durable < (uint64_t)1 << 43 && len < (uint64_t)1 << 36);
    memcpy(line, "#=", SUM_LEN);
    put64(line + SUM_LEN, 6, len);
    put64(line + SUM_BACK, BACK_DIGITS, pack_back(at - durable));
    c->n++;
    c->crc = crc64(c->crc, line, SUM_CRC);
    put64(line + SUM_CRC, 7, crc_bits(c->crc));
    put64(line + SUM_CHECK, 4, check_bits(c->id, line));
    memcpy(line + SUM_END, "\r\n", 2);
}

void aof_chain_seal(struct aof_chain *c, char line[AOF_SUM_LINE], struct slice body, uint64_t at,
                    uint64_t durable)
{
    c->crc = crc64(c->crc, body.data, body.len);
    put_sum_line(c, line, body.len, at, durable);
}

void aof_chain_seal_sum(struct aof_chain *c, char line[AOF_SUM_LINE], uint64_t len,
                        uint64_t body_crc, uint64_t at, uint64_t durable)
{
    c->crc = crc64_combine(c->crc, body_crc, len);
    put_sum_line(c, line, len, at, durable);
}

void aof_small_seal(struct aof_chain *c, char line[AOF_SMALL_LINE], struct slice body)
{
    must(c->open && body.len > 0 && body.len <= AOF_SMALL_BYTES);
    c->n++;
    c->crc = crc64(c->crc, body.data, body.len);
    line[0] = '#';
    put64(line + 1, 4, small_bits(c->crc));
    memcpy(line + 5, "\r\n", 2);
}

size_t aof_hash_line(struct slice text)
{
    const char *from = text.data, *end = from + text.len, *hash;
    while (from < end && (hash = memchr(from, '#', (size_t)(end - from)))) {
        if (hash == text.data || hash[-1] == '\n')
            return (size_t)(hash - text.data);
        from = hash + 1;
    }
    return text.len;
}

/* Of one argument or two, which is told before letters are compared. */
static bool begins_with(struct slice text, struct slice command)
{
    enum { LENGTHS = 8 };
    return text.len >= command.len && memcmp(text.data, command.data, LENGTHS) == 0 &&
           slice_eq_nocase(slice(text.data, command.len), command.data);
}

bool aof_begins_with_select(struct slice text)
{
    static const char select[] = "*2\r\n$6\r\nSELECT\r\n", multi[] = "*1\r\n$5\r\nMULTI\r\n";
    if (begins_with(text, slice(multi, sizeof multi - 1)))
        text = slice_from(text, sizeof multi - 1);
    return begins_with(text, slice(select, sizeof select - 1));
}

bool aof_small_takes(struct slice body)
{
    return body.len > 0 && body.len <= AOF_SMALL_BYTES && aof_hash_line(body) == body.len &&
           !aof_begins_with_select(body);
}

bool aof_small_find(struct slice text, struct aof_batch *b)
{
    size_t len = aof_hash_line(text);
    must(len <= text.len);
    *b = (struct aof_batch){.line = AOF_SMALL_LINE, .len = len};
    return len > 0 && len <= AOF_SMALL_BYTES && text.len - len >= AOF_SMALL_LINE &&
           get64(slice_from(text, len), 1, 4, &b->crc) &&
           memcmp(text.data + len + 5, "\r\n", 2) == 0;
}

static bool read_old(struct slice text, struct aof_batch *b, uint64_t *check)
{
    uint64_t n;
    if (text.len < AOF_OLD_LINE || memcmp(text.data, "#SUM:", WORD) != 0 ||
        !get(text, OLD_N, 8, &n) || !get(text, OLD_LEN, 10, &b->len) ||
        !get(text, OLD_DURABLE, 10, &b->durable) || !get(text, OLD_CRC, 16, &b->crc) ||
        !get_end(text, OLD_CHECK, check))
        return false;
    b->n = (uint32_t)n;
    b->line = AOF_OLD_LINE;
    return true;
}

static bool read_new(struct slice text, uint64_t at, struct aof_batch *b, uint64_t *check)
{
    uint64_t packed;
    if (text.len < AOF_SUM_LINE || memcmp(text.data, "#=", 2) != 0 ||
        !get64(text, SUM_LEN, 6, &b->len) || !get64(text, SUM_BACK, BACK_DIGITS, &packed) ||
        !get64(text, SUM_CRC, 7, &b->crc) || !get64(text, SUM_CHECK, 4, check) ||
        memcmp(text.data + SUM_END, "\r\n", 2) != 0)
        return false;
    uint64_t back = unpack_back(packed);
    b->durable = at > back ? at - back : 0;
    b->line = AOF_SUM_LINE;
    return true;
}

static bool read_line(struct slice text, uint64_t at, struct aof_batch *b, uint64_t *check)
{
    *b = (struct aof_batch){0};
    return read_old(text, b, check) || read_new(text, at, b, check);
}

bool aof_batch_form(struct slice text, uint64_t at, struct aof_batch *b)
{
    uint64_t check;
    return read_line(text, at, b, &check);
}

bool aof_batch_parse(struct slice text, uint64_t id, uint64_t at, struct aof_batch *b)
{
    uint64_t check;
    return read_line(text, at, b, &check) &&
           check == (b->line == AOF_OLD_LINE ? check_of(id, text.data, OLD_CHECK - 1)
                                             : check_bits(id, text.data));
}

uint64_t aof_chain_bits(uint64_t crc, unsigned bits)
{
    must(bits == 64 || bits == 42 || bits == 24);
    return bits == 64 ? crc : bits == 42 ? crc_bits(crc) : small_bits(crc);
}

struct aof_step aof_chain_step(const struct aof_batch *b, struct slice line, uint64_t body_crc)
{
    must(line.len >= b->line);
    switch (b->line) {
    case AOF_OLD_LINE:
        return (struct aof_step){
            .len = OLD_CRC - 1 + b->len, .bits = 64,
            .sum = crc64_combine(crc64(0, line.data, OLD_CRC - 1), body_crc, b->len)};
    case AOF_SUM_LINE:
        return (struct aof_step){.len = b->len + SUM_CRC, .bits = 42,
                                 .sum = crc64(body_crc, line.data, SUM_CRC)};
    default:
        must(b->line == AOF_SMALL_LINE);
        return (struct aof_step){.len = b->len, .bits = 24, .sum = body_crc};
    }
}

bool aof_chain_check_sum(struct aof_chain *c, const struct aof_batch *b, struct slice line,
                         uint64_t body_crc)
{
    struct aof_step step = aof_chain_step(b, line, body_crc);
    must(c->open);
    if (b->line == AOF_OLD_LINE && b->n != c->n + 1)
        return false;
    uint64_t crc = crc64_combine(c->crc, step.sum, step.len);
    if (b->crc != aof_chain_bits(crc, step.bits))
        return false;
    c->n++;
    c->crc = crc;
    if (c->n == 1)
        c->first_crc = c->crc;
    return true;
}

/* Straight on, which is what a server's start waits for. */
/* Of the chain, when b is its next. */
static uint64_t next_crc(const struct aof_chain *c, const struct aof_batch *b, const char *line,
                         struct slice body)
{
    if (b->line == AOF_OLD_LINE)
        return crc64(crc64(c->crc, line, OLD_CRC - 1), body.data, body.len);
    uint64_t crc = crc64(c->crc, body.data, body.len);
    return b->line == AOF_SMALL_LINE ? crc : crc64(crc, line, SUM_CRC);
}

bool aof_chain_check(struct aof_chain *c, const struct aof_batch *b, struct slice line,
                     struct slice body)
{
    bool old = b->line == AOF_OLD_LINE, small = b->line == AOF_SMALL_LINE;
    must(c->open && line.len >= b->line);
    must(old || small || b->line == AOF_SUM_LINE);
    if (b->len != body.len || (old && b->n != c->n + 1))
        return false;
    uint64_t crc = next_crc(c, b, line.data, body);
    if (b->crc != (old ? crc : small ? small_bits(crc) : crc_bits(crc)))
        return false;
    c->n++;
    c->crc = crc;
    if (c->n == 1)
        c->first_crc = c->crc;
    return true;
}

void aof_chain_renew(struct aof_chain *c, const struct aof_batch *b, char *line, uint64_t body_crc)
{
    struct aof_step step = aof_chain_step(b, slice(line, b->line), body_crc);
    must(c->open);
    c->n++;
    c->crc = crc64_combine(c->crc, step.sum, step.len);
    uint64_t told = aof_chain_bits(c->crc, step.bits);
    switch (b->line) {
    case AOF_OLD_LINE:
        num_put_hex(line + OLD_CRC, 16, told);
        num_put_hex(line + OLD_CHECK, 8, check_of(c->id, line, OLD_CHECK - 1));
        break;
    case AOF_SUM_LINE:
        put64(line + SUM_CRC, 7, told);
        put64(line + SUM_CHECK, 4, check_bits(c->id, line));
        break;
    default:
        must(b->line == AOF_SMALL_LINE);
        put64(line + 1, 4, told);
        break;
    }
}
