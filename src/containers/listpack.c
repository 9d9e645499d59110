/* SPDX-License-Identifier: BSD-3-Clause */
/* The block:
 *
 *   u32le total bytes | u16le count, 65535: count by walking | elements | ff
 *
 * An element is a head (with an integer in it) or a head and bytes, and then the size of these once
 * more, readable from behind, so that the list can be walked both ways:
 *
 *   0xxxxxxx                unsigned 7 bits        110xxxxx xx  signed 13 bits, big-endian
 *   f1 f2 f3 f4 + data      i16 i24 i32 i64, little-endian
 *   10nnnnnn                n bytes follow         1110nnnn nn  12 bits of n, big-endian
 *   f0 + u32le n            n bytes follow         ff           the end
 *   back length: 1 to 5 bytes of 7 bits, most significant first; all but the first have bit 7 set
 *
 * Comparing with a text never formats the integers of the list: the text is parsed once, and if it
 * is the canonical form of an integer, integer elements are compared as numbers. */
#include "containers/listpack.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"

enum { HEADER = 6, COUNT_UNKNOWN = 65535, END = 0xff };
enum { HEAD_MAX = 9, BACK_MAX = 5, ELEMENT_EXTRA_MAX = HEAD_MAX + BACK_MAX };

/* An element about to be written. */
struct element {
    uint8_t head[HEAD_MAX];
    unsigned head_len;
    struct slice bytes; /* behind the head; empty for integers */
};

/* A text to look for. */
struct needle {
    struct slice text;
    int64_t num;
    bool is_int;
};

/* ---- reading one element ---- */

static inline bool is_string(uint8_t lead)
{
    return (lead & 0xc0) == 0x80 || (lead & 0xf0) == 0xe0 || lead == 0xf0;
}

/* Bytes of head and data. */
static inline size_t body_size(const uint8_t *p)
{
    uint8_t lead = *p;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc0)
        return 1 + (size_t)(lead & 63);
    if (lead < 0xe0)
        return 2;
    if (lead < 0xf0)
        return 2 + ((size_t)(lead & 15) << 8 | p[1]);
    switch (lead) {
    case 0xf0:
        return 5 + (size_t)load_le32(p + 1);
    case 0xf1:
        return 3;
    case 0xf2:
        return 4;
    case 0xf3:
        return 5;
    default:
        return 9;
    }
}

static inline size_t back_size(size_t body)
{
    if (body <= 127)
        return 1;
    if (body < 16383)
        return 2;
    if (body < 2097151)
        return 3;
    return body < 268435455 ? 4 : 5;
}

static inline size_t element_size(const uint8_t *p)
{
    size_t body = body_size(p);
    return body + back_size(body);
}

static inline struct slice string_of(const uint8_t *p)
{
    if (*p < 0xc0)
        return slice(p + 1, *p & 63);
    if (*p < 0xf0)
        return slice(p + 2, (size_t)(*p & 15) << 8 | p[1]);
    return slice(p + 5, load_le32(p + 1));
}

static inline int64_t int_of(const uint8_t *p)
{
    uint8_t lead = *p;
    if (lead < 0x80)
        return lead;
    if (lead < 0xe0) {
        int n = (lead & 31) << 8 | p[1];
        return n >= 4096 ? n - 8192 : n;
    }
    switch (lead) {
    case 0xf1:
        return (int16_t)load_le16(p + 1);
    case 0xf2:
        return load_le24s(p + 1);
    case 0xf3:
        return (int32_t)load_le32(p + 1);
    default:
        return (int64_t)load_le64(p + 1);
    }
}

/* ---- making one element ---- */

static void element_of_int(struct element *e, int64_t n)
{
    uint64_t bits = (uint64_t)n;
    e->bytes = (struct slice){0};
    if (n >= 0 && n <= 127) {
        e->head[0] = (uint8_t)n;
        e->head_len = 1;
    } else if (n >= -4096 && n <= 4095) {
        e->head[0] = (uint8_t)(0xc0 | (bits >> 8 & 31));
        e->head[1] = (uint8_t)bits;
        e->head_len = 2;
    } else if (n >= INT16_MIN && n <= INT16_MAX) {
        e->head[0] = 0xf1;
        store_le16(e->head + 1, (uint16_t)bits);
        e->head_len = 3;
    } else if (n >= -(1 << 23) && n < 1 << 23) {
        e->head[0] = 0xf2;
        store_le24(e->head + 1, (uint32_t)bits);
        e->head_len = 4;
    } else if (n >= INT32_MIN && n <= INT32_MAX) {
        e->head[0] = 0xf3;
        store_le32(e->head + 1, (uint32_t)bits);
        e->head_len = 5;
    } else {
        e->head[0] = 0xf4;
        store_le64(e->head + 1, bits);
        e->head_len = 9;
    }
}

/* Of any length, so that its size can be asked; splice refuses what is too long to be put in. */
static void element_of_text(struct element *e, struct slice text)
{
    int64_t num;
    if (num_parse_i64(text, &num)) {
        element_of_int(e, num);
        return;
    }
    e->bytes = text;
    if (text.len < 64) {
        e->head[0] = (uint8_t)(0x80 | text.len);
        e->head_len = 1;
    } else if (text.len < 4096) {
        e->head[0] = (uint8_t)(0xe0 | text.len >> 8);
        e->head[1] = (uint8_t)text.len;
        e->head_len = 2;
    } else {
        e->head[0] = 0xf0;
        store_le32(e->head + 1, (uint32_t)text.len);
        e->head_len = 5;
    }
}

static size_t size_to_write(const struct element *e)
{
    size_t body = e->head_len + e->bytes.len;
    return body + back_size(body);
}

static void write_back(uint8_t *p, size_t body, size_t n)
{
    for (size_t i = n; i-- > 0; body >>= 7)
        p[i] = (uint8_t)((body & 127) | (i ? 128 : 0));
}

static void write_element(uint8_t *p, const struct element *e)
{
    memcpy(p, e->head, e->head_len);
    p += e->head_len;
    if (e->bytes.len)
        memcpy(p, e->bytes.data, e->bytes.len);
    size_t body = e->head_len + e->bytes.len;
    write_back(p + e->bytes.len, body, back_size(body));
}

/* ---- the block ---- */

static void add_count(uint8_t *lp, long change)
{
    long count = load_le16(lp + 4);
    if (count == COUNT_UNKNOWN)
        return;
    count += change;
    must(count >= 0);
    store_le16(lp + 4, (uint16_t)(count < COUNT_UNKNOWN ? count : COUNT_UNKNOWN));
}

/* Puts new_size bytes of room where old_size bytes are at at. */
static uint8_t *splice(uint8_t *lp, size_t at, size_t old_size, size_t new_size)
{
    size_t total = lp_bytes(lp), new_total = total - old_size + new_size;
    must(at >= HEADER && at < total && old_size < total - at);
    if (new_total > total) {
        must(new_total <= LP_BYTES_MAX);
        lp = mem_realloc(lp, new_total);
    }
    if (old_size != new_size) {
        memmove(lp + at + new_size, lp + at + old_size, total - at - old_size);
        store_le32(lp, (uint32_t)new_total);
        must(lp[new_total - 1] == END);
    }
    /* Small cuts mostly keep the block: the next insertion wants the room. */
    if (__builtin_clzll(new_total) > __builtin_clzll(total))
        lp = mem_realloc(lp, new_total);
    return lp;
}

static uint8_t *insert_element(uint8_t *lp, size_t at, const struct element *e)
{
    lp = splice(lp, at, 0, size_to_write(e));
    write_element(lp + at, e);
    add_count(lp, 1);
    return lp;
}

static uint8_t *replace_element(uint8_t *lp, size_t at, const struct element *e)
{
    lp = splice(lp, at, element_size(lp + at), size_to_write(e));
    write_element(lp + at, e);
    return lp;
}

uint8_t *lp_new(void)
{
    static const uint8_t empty[LP_EMPTY_BYTES] = {LP_EMPTY_BYTES, 0, 0, 0, 0, 0, END};
    uint8_t *lp = mem_alloc(sizeof empty);
    memcpy(lp, empty, sizeof empty);
    return lp;
}

size_t lp_bytes(const uint8_t *lp)
{
    return load_le32(lp);
}

size_t lp_count(const uint8_t *lp)
{
    size_t count = load_le16(lp + 4);
    if (count != COUNT_UNKNOWN)
        return count;
    count = 0;
    for (const uint8_t *p = lp + HEADER; *p != END; p += element_size(p))
        count++;
    return count;
}

bool lp_fits(const uint8_t *lp, size_t more)
{
    size_t total = lp_bytes(lp) + ELEMENT_EXTRA_MAX;
    return total <= LP_BYTES_MAX && more <= LP_BYTES_MAX - total;
}

uint8_t *lp_shrink(uint8_t *lp)
{
    return mem_realloc(lp, lp_bytes(lp));
}

/* ---- walking ---- */

size_t lp_first(const uint8_t *lp)
{
    return lp[HEADER] == END ? 0 : HEADER;
}

size_t lp_next(const uint8_t *lp, size_t at)
{
    at += element_size(lp + at);
    return lp[at] == END ? 0 : at;
}

size_t lp_prev(const uint8_t *lp, size_t at)
{
    if (at <= HEADER)
        return 0;
    size_t body = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = lp[--at];
        body |= (size_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    return at - body;
}

size_t lp_last(const uint8_t *lp)
{
    return lp_prev(lp, lp_bytes(lp) - 1);
}

size_t lp_at(const uint8_t *lp, long index)
{
    long count = load_le16(lp + 4);
    if (count != COUNT_UNKNOWN) {
        if (index >= count || index < -count)
            return 0;
        if (index > count / 2) /* the other end is nearer */
            index -= count;
        else if (index < -(count / 2) - 1)
            index += count;
    }
    size_t at;
    if (index >= 0) {
        for (at = lp_first(lp); at && index > 0; index--)
            at = lp_next(lp, at);
    } else {
        for (at = lp_last(lp); at && index < -1; index++)
            at = lp_prev(lp, at);
    }
    return at;
}

/* ---- one element ---- */

bool lp_get_int(const uint8_t *lp, size_t at, int64_t *num, struct slice *text)
{
    const uint8_t *p = lp + at;
    if (is_string(*p)) {
        *text = string_of(p);
        return false;
    }
    *num = int_of(p);
    return true;
}

struct slice lp_get(const uint8_t *lp, size_t at, char scratch[NUM_I64_TEXT])
{
    const uint8_t *p = lp + at;
    if (is_string(*p))
        return string_of(p);
    size_t len = num_format_i64(scratch, int_of(p));
    return slice(scratch, len);
}

static inline struct needle needle_of(struct slice text)
{
    struct needle n = {.text = text};
    n.is_int = num_parse_i64(text, &n.num);
    return n;
}

static inline bool matches(const uint8_t *p, const struct needle *n)
{
    return is_string(*p) ? slice_eq(string_of(p), n->text) : n->is_int && int_of(p) == n->num;
}

bool lp_equal(const uint8_t *lp, size_t at, struct slice text)
{
    struct needle n = needle_of(text);
    return matches(lp + at, &n);
}

size_t lp_find(const uint8_t *lp, size_t at, struct slice text, unsigned skip)
{
    if (!at)
        return 0;
    struct needle n = needle_of(text);
    for (const uint8_t *p = lp + at; *p != END;) {
        if (matches(p, &n))
            return (size_t)(p - lp);
        p += element_size(p);
        for (unsigned i = 0; i < skip && *p != END; i++)
            p += element_size(p);
    }
    return 0;
}

/* ---- changing ---- */

uint8_t *lp_insert(uint8_t *lp, size_t before, struct slice text)
{
    struct element e;
    element_of_text(&e, text);
    return insert_element(lp, before ? before : lp_bytes(lp) - 1, &e);
}

uint8_t *lp_append(uint8_t *lp, struct slice text)
{
    return lp_insert(lp, 0, text);
}

uint8_t *lp_append_int(uint8_t *lp, int64_t num)
{
    struct element e;
    element_of_int(&e, num);
    return insert_element(lp, lp_bytes(lp) - 1, &e);
}

uint8_t *lp_prepend(uint8_t *lp, struct slice text)
{
    return lp_insert(lp, HEADER, text);
}

uint8_t *lp_replace(uint8_t *lp, size_t at, struct slice text)
{
    struct element e;
    element_of_text(&e, text);
    return replace_element(lp, at, &e);
}

uint8_t *lp_replace_int(uint8_t *lp, size_t at, int64_t num)
{
    struct element e;
    element_of_int(&e, num);
    return replace_element(lp, at, &e);
}

uint8_t *lp_delete(uint8_t *lp, size_t at, size_t count)
{
    if (!at)
        return lp;
    const uint8_t *p = lp + at;
    size_t removed = 0;
    for (; removed < count && *p != END; removed++)
        p += element_size(p);
    lp = splice(lp, at, (size_t)(p - lp) - at, 0);
    add_count(lp, -(long)removed);
    return lp;
}

uint8_t *lp_merge(uint8_t *lp, const uint8_t *behind)
{
    size_t at = lp_bytes(lp) - 1, more = lp_bytes(behind) - LP_EMPTY_BYTES;
    size_t count = load_le16(behind + 4);
    lp = splice(lp, at, 0, more);
    memcpy(lp + at, behind + HEADER, more);
    must(lp[at + more] == END);
    if (count == COUNT_UNKNOWN)
        store_le16(lp + 4, COUNT_UNKNOWN);
    else
        add_count(lp, (long)count);
    return lp;
}

size_t lp_size_of(struct slice text)
{
    struct element e;
    element_of_text(&e, text);
    return size_to_write(&e);
}

/* ---- validation ---- */

/* Bytes of the element at p, of which left bytes are there; 0 and *why when it cannot be one. */
static size_t checked_size(const uint8_t *p, size_t left, const char **why)
{
    uint8_t lead = *p;
    size_t head = 1;
    if (lead >= 0xf5) {
        *why = "listpack: unknown element encoding";
        return 0;
    }
    if (lead >= 0xc0)
        head = lead < 0xf0 ? 2 : lead == 0xf0 ? 5 : 1;
    *why = "listpack: element runs past the end";
    if (head > left)
        return 0;
    size_t body = body_size(p);
    if (body <= 127 && body < left && p[body] == body) /* nearly all of them */
        return body + 1;
    size_t back = back_size(body);
    if (body > left || back > left - body)
        return 0;
    uint8_t want[BACK_MAX];
    write_back(want, body, back);
    *why = "listpack: wrong back length";
    return memcmp(p + body, want, back) == 0 ? body + back : 0;
}

bool lp_validate(struct slice blob, size_t *count, const char **why)
{
    const uint8_t *lp = (const uint8_t *)blob.data;
    if (count)
        *count = 0;
    *why = "listpack: shorter than an empty one";
    if (blob.len < LP_EMPTY_BYTES)
        return false;
    *why = "listpack: stated size is not the size";
    if (load_le32(lp) != blob.len)
        return false;
    *why = "listpack: no end mark";
    if (lp[blob.len - 1] != END)
        return false;
    const uint8_t *p = lp + HEADER, *end = lp + blob.len - 1;
    size_t seen = 0;
    for (; p < end; seen++) {
        size_t size = checked_size(p, (size_t)(end - p), why);
        if (!size)
            return false;
        p += size;
    }
    uint16_t stated = load_le16(lp + 4);
    *why = "listpack: wrong element count";
    if (stated != COUNT_UNKNOWN && stated != seen)
        return false;
    if (count)
        *count = seen;
    return true;
}
