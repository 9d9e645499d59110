/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries are packed as differences from the one before, CHUNK by CHUNK, each of which can be
 * unpacked alone. Pages of one chunk or more are found by their first ids; small ones are better,
 * as consumers that take turns have their next entry in another page each time; when there are too
 * many of them, they become half as many. */
#include "tools/pending_file.h"

#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/diff_sort.h"
#include "tools/temp_file.h"

enum { CHUNK = 32, NUMBER_MAX = 10, ENTRY_MAX = 4 * NUMBER_MAX, PAGES_MAX = 256 << 10 };
enum { FAR_MAX = 256 << 10, SORT_MEMORY = 8 << 20 };
#define NO_PAGE UINT64_MAX
struct page {
    struct stream_id first;
    uint64_t at; /* of its bytes: near ones, then those in the file */
};

static void forget(struct pending_file *p)
{
    if (p->fd >= 0)
        file_close(p->fd);
    p->fd = -1;
    p->far_stored = p->count = p->at = 0;
    p->ordered = true;
    p->page = NO_PAGE;
    p->page_size = CHUNK;
    buf_free(&p->near);
    buf_free(&p->far);
    buf_free(&p->pages);
    buf_free(&p->claimed);
    buf_free(&p->open);
    buf_free(&p->raw);
}

/* Room for all of it at once: what is never written to is no memory. */
static void begin(void *arg)
{
    struct pending_file *p = arg;
    forget(p);
    buf_reserve(&p->near, p->near_max);
}

/* ---- packing ---- */

static void put_number(struct buf *to, uint64_t n)
{
    uint8_t *at = (uint8_t *)buf_reserve(to, NUMBER_MAX), *end = at;
    for (; n >= 0x80; n >>= 7)
        *end++ = (uint8_t)(n | 0x80);
    *end++ = (uint8_t)n;
    to->len += (size_t)(end - at);
}

static uint64_t take_number(const uint8_t **at)
{
    uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return n;
    }
}

/* Small ones of either sign become small numbers. */
static uint64_t fold(int64_t n)
{
    return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unfold(uint64_t n)
{
    return (int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
}

/* Differences are modulo 2^64. */
static void pack(struct buf *to, const struct stream_pending_event *before,
                 const struct stream_pending_event *e)
{
    uint64_t later = (uint64_t)e->delivered_ms - (uint64_t)before->delivered_ms;
    put_number(to, e->id.ms - before->id.ms);
    put_number(to, e->id.ms == before->id.ms ? e->id.seq - before->id.seq : e->id.seq);
    put_number(to, fold((int64_t)later));
    put_number(to, e->count);
}

static void unpack(const uint8_t **at, const struct stream_pending_event *before,
                   struct stream_pending_event *e)
{
    uint64_t ms = take_number(at), seq = take_number(at);
    uint64_t later = (uint64_t)unfold(take_number(at));
    e->id.ms = before->id.ms + ms;
    e->id.seq = ms ? seq : before->id.seq + seq;
    e->delivered_ms = (int64_t)((uint64_t)before->delivered_ms + later);
    e->count = take_number(at);
}

/* ---- putting in ---- */

static uint64_t packed_bytes(const struct pending_file *p)
{
    return p->near.len + p->far_stored + p->far.len;
}

static void store(struct pending_file *p)
{
    if (p->far.len)
        temp_file_write(&p->fd, p->far.data, p->far.len, &p->fault);
    p->far_stored += p->far.len;
    buf_clear(&p->far);
}

static void widen_pages(struct pending_file *p)
{
    struct page *pages = (struct page *)(void *)p->pages.data;
    size_t n = p->pages.len / sizeof *pages / 2;
    for (size_t i = 0; i < n; i++)
        pages[i] = pages[2 * i];
    p->pages.len = n * sizeof *pages;
    p->page_size *= 2;
}

static void begin_chunk(struct pending_file *p, struct stream_id first)
{
    struct page page = {first, packed_bytes(p)};
    p->last = (struct stream_pending_event){0};
    if (p->count % p->page_size == 0 && p->pages.len == PAGES_MAX * sizeof page)
        widen_pages(p);
    if (p->count % p->page_size == 0)
        buf_append(&p->pages, &page, sizeof page);
}

static void add(void *arg, const struct stream_pending_event *e)
{
    struct pending_file *p = arg;
    p->ordered = p->ordered && (p->count == 0 || stream_id_cmp(p->last.id, e->id) < 0);
    if (p->count % CHUNK == 0)
        begin_chunk(p, e->id);
    bool far = p->far_stored || p->far.len || p->near.len + ENTRY_MAX > p->near_max;
    pack(far ? &p->far : &p->near, &p->last, e);
    p->last = *e;
    p->count++;
    if (p->far.len >= FAR_MAX)
        store(p);
}

/* ---- looking ---- */

static const struct page *page_at(const struct pending_file *p, uint64_t i)
{
    return (const struct page *)(const void *)p->pages.data + i;
}

static uint64_t page_count(const struct pending_file *p)
{
    return p->pages.len / sizeof(struct page);
}

/* Its bytes, wherever they lie; NULL: the file failed. */
static const uint8_t *page_bytes(struct pending_file *p, uint64_t i)
{
    uint64_t from = page_at(p, i)->at;
    uint64_t to = i + 1 < page_count(p) ? page_at(p, i + 1)->at : packed_bytes(p);
    if (to <= p->near.len)
        return (const uint8_t *)p->near.data + from;
    size_t n = (size_t)(to - from), near = from < p->near.len ? (size_t)(p->near.len - from) : 0;
    buf_clear(&p->raw);
    char *bytes = buf_reserve(&p->raw, n);
    if (near)
        memcpy(bytes, p->near.data + from, near);
    bool ok = temp_file_read(p->fd, bytes + near, n - near, from + near - p->near.len, &p->fault);
    return ok ? (const uint8_t *)bytes : NULL;
}

static bool open_page(struct pending_file *p, uint64_t i)
{
    static const struct stream_pending_event none;
    uint64_t left = p->count - i * p->page_size, n = left < p->page_size ? left : p->page_size;
    const uint8_t *at = page_bytes(p, i);
    p->page = at ? i : NO_PAGE;
    if (!at)
        return false;
    buf_clear(&p->open);
    struct stream_pending_event *all =
        (struct stream_pending_event *)(void *)buf_reserve(&p->open, (size_t)n * sizeof *all);
    for (uint64_t k = 0; k < n; k++)
        unpack(&at, k % CHUNK ? &all[k - 1] : &none, &all[k]);
    return true;
}

/* The entry; NULL: the file failed. Valid until the next call. */
static const struct stream_pending_event *entry(struct pending_file *p, uint64_t i)
{
    must(i < p->count);
    if (i / p->page_size != p->page && !open_page(p, i / p->page_size))
        return NULL;
    return (const struct stream_pending_event *)(const void *)p->open.data + i % p->page_size;
}

/* The page that has the id, if any does. */
static uint64_t page_of(const struct pending_file *p, struct stream_id id)
{
    uint64_t low = 0, high = page_count(p);
    if (p->page != NO_PAGE && stream_id_cmp(page_at(p, p->page)->first, id) <= 0 &&
        (p->page + 1 == high || stream_id_cmp(id, page_at(p, p->page + 1)->first) < 0))
        return p->page;
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (stream_id_cmp(page_at(p, mid)->first, id) <= 0)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* p->count: no entry has it. */
static uint64_t find(struct pending_file *p, struct stream_id id)
{
    uint64_t low = page_of(p, id) * p->page_size, end = low + p->page_size;
    uint64_t high = end = end < p->count ? end : p->count;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        const struct stream_pending_event *e = entry(p, mid);
        if (!e)
            return p->count;
        if (stream_id_cmp(e->id, id) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < end && stream_id_cmp(entry(p, low)->id, id) == 0 ? low : p->count;
}

/* ---- what came in another order ---- */

static void to_sorter(struct pending_file *p, struct diff_sort *s)
{
    for (uint64_t i = 0; i < p->count; i++) {
        const struct stream_pending_event *e = entry(p, i);
        uint8_t key[16];
        if (!e)
            return;
        store_be64(key, e->id.ms);
        store_be64(key + 8, e->id.seq);
        diff_sort_add(s, slice(key, sizeof key), slice((const char *)e, sizeof *e));
    }
}

static void from_sorter(struct pending_file *p, struct diff_sort *s)
{
    struct diff_record r;
    struct stream_pending_event e;
    while (diff_sort_next(s, &r)) {
        memcpy(&e, r.payload.data, sizeof e);
        add(p, &e); /* an id that comes again does not ascend */
    }
    if (fault_is(diff_sort_fault(s)) && !fault_is(&p->fault))
        p->fault = *diff_sort_fault(s);
}

static void put_in_order(struct pending_file *p)
{
    struct diff_sort *s = diff_sort_new(SORT_MEMORY);
    to_sorter(p, s);
    diff_sort_end(s);
    begin(p);
    from_sorter(p, s);
    diff_sort_free(s);
    store(p);
}

static bool sort(void *arg)
{
    struct pending_file *p = arg;
    store(p);
    if (!p->ordered)
        put_in_order(p);
    buf_free(&p->far);
    size_t bits = (size_t)(p->count / 8 + 1);
    memset(buf_reserve(&p->claimed, bits), 0, bits);
    p->claimed.len = bits;
    return p->ordered && !fault_is(&p->fault);
}

/* ---- using it ---- */

static bool is_claimed(const struct pending_file *p, uint64_t i)
{
    return (uint8_t)p->claimed.data[i / 8] >> i % 8 & 1;
}

static enum pending_claim claim(void *arg, struct stream_pending_event *e)
{
    struct pending_file *p = arg;
    uint64_t i = p->count == 0 || fault_is(&p->fault) ? p->count : find(p, e->id);
    if (i == p->count)
        return PENDING_ABSENT;
    *e = *entry(p, i);
    if (is_claimed(p, i))
        return PENDING_CLAIMED_BEFORE;
    p->claimed.data[i / 8] = (char)((uint8_t)p->claimed.data[i / 8] | 1 << i % 8);
    return PENDING_CLAIMED;
}

static bool next(void *arg, struct stream_pending_event *e, bool *claimed)
{
    struct pending_file *p = arg;
    bool more = p->at < p->count && !fault_is(&p->fault);
    const struct stream_pending_event *at = more ? entry(p, p->at) : NULL;
    if (!at) {
        p->at = 0;
        return false;
    }
    *e = *at;
    *claimed = is_claimed(p, p->at++);
    return true;
}

static void end(void *arg)
{
    forget(arg);
}

static const struct fault *fault_of(void *arg)
{
    return &((struct pending_file *)arg)->fault;
}

void pending_file_begin(struct pending_file *p, size_t held)
{
    *p = (struct pending_file){
        .ops = {.begin = begin, .add = add, .sort = sort, .next = next, .claim = claim,
                .end = end, .fault = fault_of, .arg = p},
        .near_max = held, .fd = -1};
}

void pending_file_end(struct pending_file *p)
{
    if (p->ops.arg)
        forget(p);
}
