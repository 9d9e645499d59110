/* SPDX-License-Identifier: BSD-3-Clause */
/*   block    name... (those of its own), entry...
 *   entry    head, ms - master's (0 to 8 bytes), seq (0, 1, 2 or 8), then the values of the block's
 *            own names, or the number of fields, as a varint, name, value ...; length
 *   head     bit 0: deleted; 1: has the block's names; 2-5: bytes of ms; 6-7: kind of seq
 *   length   of the entry without it, to be read from its end: seven bits a byte, the least first,
 *            the high bit set when there is more in front
 *   text     0..239: so many bytes follow; 240..247: a number, of 1 to 8 bytes; 248, 249: a length
 *            of 2 or 4 bytes, and the bytes. Numbers are little-endian.
 *
 * Against a listpack this saves the length behind each element, and three elements of an entry. */
#include "store/stream_block.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"
#include "format/rdb.h"
#include "format/stream_node.h"

enum {
    HEAD_DELETED = 1, HEAD_SHARED = 2, HEAD_MS_SHIFT = 2, HEAD_MS_MASK = 15, HEAD_SEQ_SHIFT = 6,
    HEAD_MOST = 17,     /* bytes up to the fields */
    VARINT_MOST = 5,
    TEXT_INT = 240, TEXT_LEN16 = 248, TEXT_LEN32 = 249,
    TEXT_HEAD_MOST = 5,
    LENGTH_MOST = 5,
};

/* ---- numbers ---- */

static const uint8_t seq_bytes[] = {0, 1, 2, 8};

static uint64_t get_bytes(const uint8_t *from, unsigned n)
{
    uint64_t x = 0;
    must(n <= sizeof x);
    for (unsigned i = 0; i < n; i++)
        x |= (uint64_t)from[i] << 8 * i;
    return x;
}

static uint8_t *put_bytes(uint8_t *to, uint64_t x, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        *to++ = (uint8_t)(x >> 8 * i);
    return to;
}

static unsigned bytes_of_u64(uint64_t x)
{
    return x ? (71u - (unsigned)__builtin_clzll(x)) / 8 : 0;
}

static unsigned bytes_of_i64(int64_t x)
{
    uint64_t magnitude = (uint64_t)(x < 0 ? ~x : x);
    return magnitude >> 7 ? bytes_of_u64(magnitude << 1) : 1;
}

static uint8_t *put_varint(uint8_t *to, uint32_t x)
{
    for (; x > 0x7f; x >>= 7)
        *to++ = (uint8_t)(x | 0x80);
    *to++ = (uint8_t)x;
    return to;
}

static uint32_t get_varint(const uint8_t **at)
{
    uint32_t x = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        x |= (uint32_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return x;
}

static uint8_t *put_length(uint8_t *to, uint32_t x)
{
    uint8_t groups[LENGTH_MOST];
    unsigned n = 0;
    do {
        groups[n++] = x & 0x7f;
        x >>= 7;
    } while (x);
    *to++ = groups[--n];
    while (n--)
        *to++ = groups[n] | 0x80;
    return to;
}

/* ---- what a listpack would take ---- */

static uint32_t listpack_int_bytes(int64_t n)
{
    if (n >= 0 && n <= 127)
        return 2;
    if (n >= -4096 && n <= 4095)
        return 3;
    if (n >= INT16_MIN && n <= INT16_MAX)
        return 4;
    if (n >= -(1 << 23) && n < 1 << 23)
        return 5;
    return n >= INT32_MIN && n <= INT32_MAX ? 6 : 10;
}

static uint32_t listpack_text_bytes(struct slice text)
{
    const size_t one = 63, two = 4095;
    size_t n = text.len + (text.len <= one ? 1 : text.len <= two ? 2 : 5);
    uint32_t back = n <= 127 ? 1 : n < 16383 ? 2 : n < 2097151 ? 3 : n < 268435455 ? 4 : 5;
    return (uint32_t)n + back;
}

size_t stream_block_listpack_bytes(const struct stream_block *b)
{
    return (size_t)b->listpack + listpack_int_bytes(b->live) + listpack_int_bytes(b->deleted);
}

/* ---- texts ---- */

static bool is_number(struct slice text, int64_t *n)
{
    bool may = text.len && text.len < NUM_I64_TEXT && text.data[0] <= '9';
    return may && num_parse_i64(text, n);
}

static uint8_t *put_text(uint8_t *to, struct slice text, uint32_t *listpack)
{
    int64_t n;
    if (is_number(text, &n)) {
        unsigned bytes = bytes_of_i64(n);
        *listpack += listpack_int_bytes(n);
        if (bytes < text.len) {
            *to++ = (uint8_t)(TEXT_INT - 1 + bytes);
            return put_bytes(to, (uint64_t)n, bytes);
        }
    } else {
        *listpack += listpack_text_bytes(text);
    }
    if (text.len < TEXT_INT) {
        *to++ = (uint8_t)text.len;
    } else if (text.len <= UINT16_MAX) {
        *to++ = TEXT_LEN16;
        to = put_bytes(to, text.len, 2);
    } else {
        *to++ = TEXT_LEN32;
        to = put_bytes(to, text.len, 4);
    }
    if (text.len)
        memcpy(to, text.data, text.len);
    return to + text.len;
}

static struct slice get_text(const uint8_t **at, char scratch[NUM_I64_TEXT])
{
    const uint8_t *from = *at;
    uint8_t head = *from++;
    uint64_t len = head;
    must(head <= TEXT_LEN32);
    if (head >= TEXT_LEN16) {
        unsigned bytes = head == TEXT_LEN16 ? 2 : 4;
        len = get_bytes(from, bytes);
        from += bytes;
    } else if (head >= TEXT_INT) {
        unsigned bytes = head - TEXT_INT + 1u, spare = 64 - 8 * bytes;
        int64_t n = (int64_t)(get_bytes(from, bytes) << spare) >> spare;
        *at = from + bytes;
        return slice(scratch, num_format_i64(scratch, n));
    }
    *at = from + len;
    return slice(from, len);
}

static const uint8_t *skip_text(const uint8_t *at)
{
    uint8_t head = *at;
    if (head < TEXT_INT)
        return at + 1 + head;
    if (head < TEXT_LEN16)
        return at + 2 + head - TEXT_INT;
    return head == TEXT_LEN16 ? at + 3 + get_bytes(at + 1, 2) : at + 5 + get_bytes(at + 1, 4);
}

static size_t room_for(const struct slice *texts, size_t n, size_t step)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i += step)
        bytes += texts[i].len + TEXT_HEAD_MOST;
    return bytes;
}

/* ---- blocks ---- */

static size_t block_bytes(size_t cap)
{
    return sizeof(struct stream_block) + cap;
}

static struct stream_block *resize(struct stream_block *b, size_t wanted)
{
    size_t bytes = mem_good_size(block_bytes(wanted));
    must(bytes - sizeof *b <= UINT32_MAX && wanted >= b->len);
    b = mem_realloc(b, bytes);
    b->cap = (uint32_t)(bytes - sizeof *b);
    return b;
}

/* Room for more bytes; what grows often grows by a quarter. */
static struct stream_block *reserve(struct stream_block *b, size_t more)
{
    if (b->cap - b->len >= more)
        return b;
    return resize(b, b->len + more + b->len / 4);
}

struct stream_block *stream_block_new(const struct slice *pairs, size_t n)
{
    size_t cap = room_for(pairs, 2 * n, 2);
    struct stream_block *b = mem_zalloc(block_bytes(cap));
    must(cap <= UINT32_MAX && n <= UINT32_MAX);
    b->cap = (uint32_t)cap;
    b->names = (uint32_t)n;
    b->listpack = LP_EMPTY_BYTES + listpack_int_bytes((int64_t)n) + listpack_int_bytes(0);
    uint8_t *to = b->bytes;
    for (size_t i = 0; i < 2 * n; i += 2)
        to = put_text(to, pairs[i], &b->listpack);
    b->first = b->len = (uint32_t)(to - b->bytes);
    must(b->len <= b->cap);
    return b;
}

void stream_block_free(struct stream_block *b)
{
    must(b);
    mem_free_sized(b, block_bytes(b->cap));
}

struct stream_block *stream_block_copy(const struct stream_block *b)
{
    struct stream_block *copy = mem_alloc(block_bytes(b->len));
    must(b->first <= b->len && b->len <= b->cap);
    memcpy(copy, b, block_bytes(b->len));
    copy->cap = b->len;
    return copy;
}

size_t stream_block_memory(const struct stream_block *b)
{
    return mem_usable(b);
}

struct stream_block *stream_block_close(struct stream_block *b)
{
    must(b->live + b->deleted > 0 && b->len <= b->cap);
    bool fits = mem_good_size(block_bytes(b->cap)) == mem_good_size(block_bytes(b->len));
    return fits ? b : resize(b, b->len);
}

/* ---- adding ---- */

static bool has_own_names(const struct stream_block *b, const struct slice *pairs, size_t n)
{
    const uint8_t *at = b->bytes;
    char scratch[NUM_I64_TEXT];
    if (n != b->names)
        return false;
    for (size_t i = 0; i < 2 * n; i += 2)
        if (!slice_eq(get_text(&at, scratch), pairs[i]))
            return false;
    return true;
}

static unsigned seq_kind(uint64_t seq)
{
    return seq == 0 ? 0 : seq <= UINT8_MAX ? 1 : seq <= UINT16_MAX ? 2 : 3;
}

static uint8_t *put_head(uint8_t *to, struct stream_id master, struct stream_id id, bool shared)
{
    uint64_t ms = id.ms - master.ms;
    unsigned bytes = bytes_of_u64(ms), kind = seq_kind(id.seq);
    *to++ = (uint8_t)((shared ? HEAD_SHARED : 0) | bytes << HEAD_MS_SHIFT | kind << HEAD_SEQ_SHIFT);
    to = put_bytes(to, ms, bytes);
    return put_bytes(to, id.seq, seq_bytes[kind]);
}

struct stream_block *stream_block_add(struct stream_block *b, struct stream_id master,
                                      struct stream_id id, const struct slice *pairs, size_t n)
{
    bool shared = has_own_names(b, pairs, n);
    size_t most = HEAD_MOST + VARINT_MOST + room_for(pairs, 2 * n, 1) + LENGTH_MOST;
    must(id.ms > master.ms || (id.ms == master.ms && id.seq >= master.seq));
    must(n <= UINT32_MAX && most <= UINT32_MAX);
    b = reserve(b, most);
    uint8_t *start = b->bytes + b->len, *to = put_head(start, master, id, shared);
    size_t elements = shared ? n + 3 : 2 * n + 4;
    b->listpack += listpack_int_bytes(shared ? STREAM_ENTRY_SAME_FIELDS : 0) +
                   listpack_int_bytes((int64_t)(id.ms - master.ms)) +
                   listpack_int_bytes((int64_t)(id.seq - master.seq)) +
                   listpack_int_bytes((int64_t)elements);
    if (!shared) {
        to = put_varint(to, (uint32_t)n);
        b->listpack += listpack_int_bytes((int64_t)n);
    }
    for (size_t i = shared ? 1 : 0; i < 2 * n; i += shared ? 2 : 1)
        to = put_text(to, pairs[i], &b->listpack);
    to = put_length(to, (uint32_t)(to - start));
    b->len = (uint32_t)(to - b->bytes);
    must(b->len <= b->cap);
    b->live++;
    return b;
}

/* ---- reading ---- */

uint32_t stream_block_before(const struct stream_block *b, uint32_t at)
{
    uint32_t len = 0, end = at;
    unsigned shift = 0;
    uint8_t byte;
    must(at > b->first && at <= b->len);
    do {
        byte = b->bytes[--end];
        len |= (uint32_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    must(len <= end - b->first);
    return end - len;
}

static const uint8_t *skip_length(const uint8_t *at, size_t len)
{
    do
        at++;
    while (len >>= 7);
    return at;
}

static const uint8_t *get_head(const uint8_t *at, struct stream_id master, struct stream_id *id)
{
    uint8_t head = *at++;
    unsigned ms_bytes = head >> HEAD_MS_SHIFT & HEAD_MS_MASK;
    unsigned bytes = seq_bytes[head >> HEAD_SEQ_SHIFT];
    id->ms = master.ms + get_bytes(at, ms_bytes);
    id->seq = get_bytes(at + ms_bytes, bytes);
    return at + ms_bytes + bytes;
}

void stream_block_entry(const struct stream_block *b, struct stream_id master, uint32_t at,
                        struct block_entry *e)
{
    const uint8_t *start = b->bytes + at;
    must(at >= b->first && at < b->len);
    const uint8_t *value = get_head(start, master, &e->id);
    bool shared = *start & HEAD_SHARED;
    e->at = at;
    e->deleted = *start & HEAD_DELETED;
    e->fields = e->left = shared ? b->names : get_varint(&value);
    e->name = shared ? b->bytes : NULL;
    e->value = value;
    for (uint64_t i = shared ? e->fields : 2 * (uint64_t)e->fields; i > 0; i--)
        value = skip_text(value);
    e->end = (uint32_t)(skip_length(value, (size_t)(value - start)) - b->bytes);
    must(e->end <= b->len);
}

bool stream_entry_next(struct block_entry *e, struct slice *name, struct slice *value)
{
    if (e->left == 0)
        return false;
    e->left--;
    *name = get_text(e->name ? &e->name : &e->value, e->scratch[0]);
    *value = get_text(&e->value, e->scratch[1]);
    must(e->left < e->fields);
    return true;
}

uint32_t stream_block_seek(const struct stream_block *b, struct stream_id master,
                           struct stream_id id)
{
    uint32_t found = b->len;
    while (found > b->first) {
        uint32_t at = stream_block_before(b, found);
        struct stream_id other;
        get_head(b->bytes + at, master, &other);
        if (other.ms < id.ms || (other.ms == id.ms && other.seq < id.seq))
            break;
        found = at;
    }
    return found;
}

void stream_block_delete(struct stream_block *b, uint32_t at)
{
    must(at >= b->first && at < b->len);
    must(!(b->bytes[at] & HEAD_DELETED) && b->live > 0);
    b->bytes[at] |= HEAD_DELETED;
    b->live--;
    b->deleted++; /* in a listpack the flags take the same room whatever they are */
}

/* ---- as a listpack ---- */

static uint8_t *append_entry(uint8_t *lp, struct stream_id master, struct block_entry *e)
{
    struct slice name, value;
    bool shared = e->name;
    lp = lp_append_int(lp, (e->deleted ? STREAM_ENTRY_DELETED : 0) |
                               (shared ? STREAM_ENTRY_SAME_FIELDS : 0));
    lp = lp_append_int(lp, (int64_t)(e->id.ms - master.ms));
    lp = lp_append_int(lp, (int64_t)(e->id.seq - master.seq));
    if (!shared)
        lp = lp_append_int(lp, (int64_t)e->fields);
    while (stream_entry_next(e, &name, &value)) {
        if (!shared)
            lp = lp_append(lp, name);
        lp = lp_append(lp, value);
    }
    return lp_append_int(lp, shared ? (int64_t)e->fields + 3 : 2 * (int64_t)e->fields + 4);
}

uint8_t *stream_block_to_listpack(const struct stream_block *b, struct stream_id master)
{
    uint8_t *lp = lp_append_int(lp_new(), b->live);
    const uint8_t *name = b->bytes;
    struct block_entry e;
    lp = lp_append_int(lp, b->deleted);
    lp = lp_append_int(lp, b->names);
    for (uint32_t i = 0; i < b->names; i++)
        lp = lp_append(lp, get_text(&name, e.scratch[0]));
    lp = lp_append_int(lp, 0);
    for (uint32_t at = b->first; at < b->len; at = e.end) {
        stream_block_entry(b, master, at, &e);
        lp = append_entry(lp, master, &e);
    }
    must(lp_bytes(lp) == stream_block_listpack_bytes(b));
    return lp;
}

/* The texts of an entry, and room for the digits of those that the node holds as numbers. */
struct texts {
    struct slice *of;
    char (*digits)[NUM_I64_TEXT];
    size_t room;
};

static void make_room(struct texts *x, size_t n)
{
    if (n <= x->room)
        return;
    x->of = mem_realloc(x->of, n * sizeof *x->of);
    x->digits = mem_realloc(x->digits, n * sizeof *x->digits);
    x->room = n;
}

/* A text in scratch lasts until the next is read. */
static void keep(struct texts *x, size_t i, struct slice text, const char *scratch)
{
    must(i < x->room && text.len < UINT32_MAX);
    x->of[i] = text;
    if (text.data != scratch)
        return;
    memcpy(x->digits[i], scratch, text.len);
    x->of[i].data = x->digits[i];
}

static struct stream_block *add_from(struct stream_block *b, struct stream_entry *e,
                                     struct texts *x)
{
    size_t n = 0;
    struct slice name, value;
    must(stream_block_listpack_bytes(b) <= LP_BYTES_MAX);
    make_room(x, 2 * (size_t)e->fields);
    while (stream_node_field(e, &name, &value)) {
        keep(x, n++, name, e->scratch[0]);
        keep(x, n++, value, e->scratch[1]);
    }
    uint32_t at = b->len;
    b = stream_block_add(b, e->master, e->id, x->of, n / 2);
    if (e->deleted)
        stream_block_delete(b, at);
    return b;
}

struct stream_block *stream_block_from_listpack(struct stream_id master, const uint8_t *lp)
{
    struct texts x = {0};
    struct stream_entry e;
    size_t at = 0, names;
    stream_node_start(&e, master, slice(lp, lp_bytes(lp)));
    names = (size_t)e.shared;
    make_room(&x, 2 * names);
    for (size_t i = 0; i < names; i++)
        keep(&x, 2 * i, stream_node_name(&e, &at, e.scratch[0]), e.scratch[0]);
    struct stream_block *b = stream_block_new(x.of, names);
    b = resize(b, lp_bytes(lp));
    while (stream_node_next_any(&e))
        b = add_from(b, &e, &x);
    mem_free(x.of);
    mem_free(x.digits);
    return stream_block_close(b);
}
