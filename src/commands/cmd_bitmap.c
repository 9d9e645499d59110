/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings as rows of bits: bit 0 is the highest of the first byte. Single bits, counting, searching
 * and combining; fields of 1 to 64 bits are in cmd_bitfield.c. */
#include "commands/cmd_bitmap.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "commands/bits.h"
#include "commands/elements.h"
#include "commands/range.h"
#include "server/notify.h"
#include "server/reply.h"
#include "store/str.h"

enum { BYTE_BITS = 8, WORD_BYTES = 8 };

/* ---- SETBIT, GETBIT ---- */

bool bits_arg_offset(struct ctx *c, int i, unsigned field_bits, uint64_t *offset)
{
    struct slice text = c->argv[i];
    uint64_t scale = 1;
    int64_t n;
    if (field_bits && text.len && text.data[0] == '#') {
        text = slice_from(text, 1);
        scale = field_bits;
    }
    if (num_parse_i64(text, &n) && n >= 0 && !__builtin_mul_overflow((uint64_t)n, scale, offset) &&
        ctx_string_fits(c, *offset / BYTE_BITS + 1))
        return true;
    reply_error(c, "ERR bit offset is not an integer or out of range");
    return false;
}

uint8_t *bits_open(struct ctx *c, struct slice key, size_t len)
{
    struct str *text;
    db_open_string(c->db, key, len, &text);
    must(text->len <= text->cap && len <= text->cap);
    if (len > text->len) { /* zeros, whatever an earlier, longer text left there */
        memset(text->bytes + text->len, 0, len - text->len);
        text->len = len;
    }
    return (uint8_t *)text->bytes;
}

static bool bit_at(struct slice text, uint64_t offset)
{
    uint64_t byte = offset / BYTE_BITS;
    return byte < text.len && (uint8_t)text.data[byte] >> (7 - offset % BYTE_BITS) & 1;
}

void cmd_setbit(struct ctx *c)
{
    uint64_t offset;
    int64_t bit;
    struct entry *e;
    char scratch[NUM_I64_TEXT];
    if (!bits_arg_offset(c, 2, 0, &offset))
        return;
    if (!num_parse_i64(c->argv[3], &bit) || bit < 0 || bit > 1) {
        reply_error(c, "ERR bit is not an integer or out of range");
        return;
    }
    if (!ctx_lookup_write(c, c->argv[1], VALUE_STRING, &e))
        return;
    struct slice text = e ? entry_string(e, scratch) : SLICE_LIT("");
    size_t byte = (size_t)(offset / BYTE_BITS);
    bool old = bit_at(text, offset);
    if (byte >= text.len || old != bit) {
        uint8_t *bytes = bits_open(c, c->argv[1], byte >= text.len ? byte + 1 : text.len);
        uint8_t mask = (uint8_t)(0x80 >> offset % BYTE_BITS);
        bytes[byte] = (uint8_t)(bit ? bytes[byte] | mask : bytes[byte] & ~mask);
        ctx_notify(c, NOTIFY_STRING, "setbit", c->argv[1]);
        ctx_changed(c, 1);
    } else if (entry_encoding(e) != ENC_RAW) {
        db_string_as_raw(c->db, c->argv[1]); /* nothing has changed, but who asks sees it */
    }
    reply_int(c, old);
}

void cmd_getbit(struct ctx *c)
{
    uint64_t offset;
    struct entry *e;
    char scratch[NUM_I64_TEXT];
    if (bits_arg_offset(c, 2, 0, &offset) && ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        reply_int(c, e && bit_at(entry_string(e, scratch), offset));
}

/* ---- ranges ---- */

/* Bits first to last, both within the text. */
struct bit_range {
    uint64_t first, last;
    bool open; /* no end was given */
    bool empty;
};

/* Start, end and unit of BITCOUNT and BITPOS, from argument i on; there may be none of them. */
static bool parse_range(struct ctx *c, int i, size_t len, bool search, struct bit_range *r)
{
    int64_t start = 0, stop = -1;
    size_t first, count, unit = BYTE_BITS;
    int given = c->argc - i;
    if (given > 3) {
        reply_syntax(c);
        return false;
    }
    if ((given > 0 && !ctx_arg_i64(c, i, &start)) || (given > 1 && !ctx_arg_i64(c, i + 1, &stop)))
        return false;
    if (given > 2 && ctx_arg_is(c, i + 2, "bit")) {
        unit = 1;
    } else if (given > 2 && !ctx_arg_is(c, i + 2, "byte")) {
        reply_syntax(c);
        return false;
    }
    r->open = given < 2;
    len *= BYTE_BITS / unit;
    if (search && stop < start && start <= -(int64_t)len)
        start = stop; /* both mean the first, and their order is not looked at */
    r->empty = !range_clip_text(start, stop, len, &first, &count);
    if (!r->empty) {
        r->first = (uint64_t)first * unit;
        r->last = (uint64_t)(first + count) * unit - 1;
        must(r->first <= r->last && r->last < (uint64_t)len * unit);
    }
    return true;
}

/* The bits of a byte that lie in the range. */
static uint8_t edge_mask(const struct bit_range *r, uint64_t byte)
{
    uint8_t mask = 0xff;
    if (byte == r->first / BYTE_BITS)
        mask &= (uint8_t)(0xff >> r->first % BYTE_BITS);
    if (byte == r->last / BYTE_BITS)
        mask &= (uint8_t)(0xff << (7 - r->last % BYTE_BITS));
    return mask;
}

/* ---- BITCOUNT ---- */

/* Sums of neighbours, twice as wide at each step; the product adds up the bytes. */
static unsigned word_count(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return (unsigned)(w * 0x0101010101010101 >> 56);
}

static uint64_t bytes_count(const uint8_t *p, size_t n)
{
    uint64_t sum = 0;
    for (; n >= WORD_BYTES; p += WORD_BYTES, n -= WORD_BYTES)
        sum += word_count(load_le64(p));
    for (; n > 0; p++, n--)
        sum += word_count(*p);
    return sum;
}

static uint64_t range_count(const uint8_t *text, const struct bit_range *r)
{
    uint64_t first = r->first / BYTE_BITS, last = r->last / BYTE_BITS;
    must(first <= last);
    uint64_t sum = word_count(text[first] & edge_mask(r, first));
    if (last == first)
        return sum;
    sum += bytes_count(text + first + 1, (size_t)(last - first - 1));
    return sum + word_count(text[last] & edge_mask(r, last));
}

void cmd_bitcount(struct ctx *c)
{
    struct entry *e;
    char scratch[NUM_I64_TEXT];
    struct bit_range r;
    if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    if (!e) { /* whatever the range is */
        reply_int(c, 0);
        return;
    }
    struct slice text = entry_string(e, scratch);
    if (c->argc == 3)
        reply_syntax(c);
    else if (parse_range(c, 2, text.len, false, &r))
        reply_int(c, r.empty ? 0 : (int64_t)range_count((const uint8_t *)text.data, &r));
}

/* ---- BITPOS ---- */

/* The first bit of this value in the range; behind its end when there is none. */
static uint64_t find_bit(const uint8_t *text, const struct bit_range *r, bool bit)
{
    uint64_t byte = r->first / BYTE_BITS, last = r->last / BYTE_BITS;
    uint8_t flip = bit ? 0 : 0xff;
    uint64_t flip_word = bit ? 0 : ~0ULL;
    while (byte <= last) {
        uint8_t found = (uint8_t)((text[byte] ^ flip) & edge_mask(r, byte));
        if (found)
            return byte * BYTE_BITS + (uint64_t)__builtin_clz(found) - (32 - BYTE_BITS);
        byte++;
        while (byte + WORD_BYTES <= last && load_le64(text + byte) == flip_word)
            byte += WORD_BYTES;
    }
    return r->last + 1;
}

void cmd_bitpos(struct ctx *c)
{
    int64_t bit;
    struct entry *e;
    char scratch[NUM_I64_TEXT];
    struct bit_range r;
    if (!ctx_arg_i64(c, 2, &bit))
        return;
    if (bit != 0 && bit != 1) {
        reply_error(c, "ERR The bit argument must be 1 or 0.");
        return;
    }
    if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    if (!e) { /* zeros without end, whatever the range is */
        reply_int(c, bit ? -1 : 0);
        return;
    }
    struct slice text = entry_string(e, scratch);
    if (!parse_range(c, 3, text.len, true, &r))
        return;
    if (r.empty) {
        reply_int(c, -1);
        return;
    }
    uint64_t at = find_bit((const uint8_t *)text.data, &r, bit);
    if (at > r.last && (bit || !r.open)) /* zeros follow the text, unless an end was given */
        reply_int(c, -1);
    else
        reply_int(c, (int64_t)at);
}

/* ---- BITOP ---- */

enum bit_op { OP_AND, OP_OR, OP_XOR, OP_NOT, OP_UNKNOWN };

static uint64_t combine_words(enum bit_op op, uint64_t a, uint64_t b)
{
    return op == OP_AND ? a & b : op == OP_OR ? a | b : a ^ b;
}

/* to = to op from, for n bytes. Constant op: the compiler makes one loop of each. */
static inline void combine_run(enum bit_op op, uint8_t *to, const uint8_t *from, size_t n)
{
    for (; n >= WORD_BYTES; to += WORD_BYTES, from += WORD_BYTES, n -= WORD_BYTES)
        store_le64(to, combine_words(op, load_le64(to), load_le64(from)));
    for (; n > 0; to++, from++, n--)
        *to = (uint8_t)combine_words(op, *to, *from);
}

static void combine(enum bit_op op, uint8_t *to, size_t len, struct slice from)
{
    const uint8_t *bytes = (const uint8_t *)from.data;
    must(from.len <= len);
    switch (op) {
    case OP_AND:
        combine_run(OP_AND, to, bytes, from.len);
        memset(to + from.len, 0, len - from.len);
        break;
    case OP_OR:
        combine_run(OP_OR, to, bytes, from.len);
        break;
    default:
        must(op == OP_XOR);
        combine_run(OP_XOR, to, bytes, from.len);
        break;
    }
}

struct source {
    struct slice text;
    char scratch[NUM_I64_TEXT];
};

/* False after an error. *len: of the longest. */
static bool read_sources(struct ctx *c, struct source *sources, size_t *len)
{
    *len = 0;
    for (int i = 3; i < c->argc; i++) {
        struct entry *e;
        struct source *s = &sources[i - 3];
        if (!ctx_lookup(c, c->argv[i], VALUE_STRING, &e))
            return false;
        s->text = e ? entry_string(e, s->scratch) : SLICE_LIT("");
        *len = s->text.len > *len ? s->text.len : *len;
    }
    return true;
}

static void invert(uint8_t *to, const uint8_t *from, size_t n)
{
    for (; n >= WORD_BYTES; to += WORD_BYTES, from += WORD_BYTES, n -= WORD_BYTES)
        store_le64(to, ~load_le64(from));
    for (; n > 0; to++, from++, n--)
        *to = (uint8_t)~*from;
}

static void keep_result(struct ctx *c, enum bit_op op, const struct source *sources, size_t len)
{
    size_t count = (size_t)c->argc - 3;
    struct slice first = sources[0].text;
    struct str *text = str_new(len);
    uint8_t *bytes = (uint8_t *)text->bytes;
    must(first.len <= len && len <= text->cap);
    must(op != OP_NOT || (count == 1 && first.len == len));
    text->len = len;
    if (op == OP_NOT)
        invert(bytes, (const uint8_t *)first.data, len);
    else if (first.len)
        memcpy(bytes, first.data, first.len);
    memset(bytes + first.len, 0, text->cap - first.len);
    for (size_t i = 1; i < count; i++)
        combine(op, bytes, len, sources[i].text);
    struct val v = {.type = VALUE_STRING, .encoding = ENC_RAW, .ptr = text};
    db_replace_val(c->db, c->argv[2], v);
    ctx_notify(c, NOTIFY_STRING, "set", c->argv[2]);
    ctx_changed(c, 1);
}

static enum bit_op parse_op(struct ctx *c)
{
    static const char *const words[] = {"and", "or", "xor", "not"};
    for (int op = 0; op < OP_UNKNOWN; op++)
        if (ctx_arg_is(c, 1, words[op]))
            return (enum bit_op)op;
    return OP_UNKNOWN;
}

void cmd_bitop(struct ctx *c)
{
    enum bit_op op = parse_op(c);
    size_t len;
    if (op == OP_UNKNOWN) {
        reply_syntax(c);
        return;
    }
    if (op == OP_NOT && c->argc != 4) {
        reply_error(c, "ERR BITOP NOT must be called with a single source key.");
        return;
    }
    struct source *sources = mem_alloc(((size_t)c->argc - 3) * sizeof *sources);
    if (read_sources(c, sources, &len)) {
        if (len)
            keep_result(c, op, sources, len);
        else
            store_nothing(c, c->argv[2]);
        reply_int(c, (int64_t)len);
    }
    mem_free(sources);
}
