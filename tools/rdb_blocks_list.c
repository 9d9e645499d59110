/* SPDX-License-Identifier: BSD-3-Clause */
/* The list comes from the index behind the RDB or, when that is not whole, from the records between
 * the keys, which are searched for in all of the file. A record stands at the first byte of the
 * next block, so two records hold a block between them wherever it has moved to:
 *
 *   ...|record of i-1 .... block i .... |record of i .... block i+1 ....
 *      ^ anchor of i's begin            ^ anchor of i's end, and of i+1's begin */
#include "tools/rdb_blocks_list.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/worker.h"

/* No more records are taken than a file has, and some that stand there twice: time is bounded. */
enum { RECORDS_EXTRA = 256, RECORD_EVERY = RDB_BLOCK_BYTES / 4 };
enum { PART = 1 << 20, TRAILER_MAX = 32 << 20, END_SEARCH = 64 << 10 };

/* ---- the index ---- */

static bool read_all(struct rdb_image *m, uint64_t at, uint64_t n, struct buf *to)
{
    buf_clear(to);
    ssize_t got = image_read(m, at, m->end, buf_reserve(to, (size_t)n), (size_t)n);
    to->len = got > 0 ? (size_t)got : 0;
    return to->len == n;
}

/* The last line of an index in the file's last bytes; *end: the place behind it. */
static bool find_end(struct rdb_image *m, uint64_t *end, uint64_t *rdb_bytes)
{
    static const char word[] = "\n#HF:end ";
    uint64_t size = m->end - m->begin, n = size < END_SEARCH ? size : END_SEARCH, count, crc;
    struct buf text = {0};
    bool found = false;
    read_all(m, m->end - n, n, &text);
    for (size_t i = text.len; i-- > 0 && !found;) {
        struct slice rest = slice_from(buf_slice(&text), i);
        if (rest.len <= RDB_TRAILER_END || memcmp(rest.data, word, sizeof word - 1) != 0)
            continue;
        found = rdb_trailer_end(slice(rest.data + 1, RDB_TRAILER_END), &count, rdb_bytes, &crc);
        *end = m->end - n + i + 1 + RDB_TRAILER_END;
    }
    buf_free(&text);
    return found;
}

/* The first line's place: that of the last such line, as the RDB itself may hold the same bytes. */
static bool find_head(struct rdb_image *m, uint64_t end, uint64_t *at)
{
    static const char head[] = "#HF:blocks 1\r\n";
    enum { LEN = sizeof head - 1 };
    struct buf part = {0};
    bool found = false;
    uint64_t stop = end - m->begin > TRAILER_MAX ? end - TRAILER_MAX : m->begin, to = end;
    while (!found && to > stop + LEN) {
        uint64_t from = to - stop > PART ? to - PART : stop;
        read_all(m, from, to - from, &part);
        for (size_t i = part.len < LEN ? 0 : part.len - LEN + 1; i-- > 0 && !found;)
            if (memcmp(part.data + i, head, LEN) == 0) {
                *at = from + i;
                found = true;
            }
        to = from > stop ? from + LEN : stop;
    }
    buf_free(&part);
    return found;
}

static void add_block(struct blocks_list *l, const struct rdb_block *told, uint64_t from)
{
    struct listed_block b = {.told = *told, .from = from, .to = from + told->len};
    buf_append(&l->blocks, &b, sizeof b);
}

static bool list_by_trailer(struct blocks_list *l, struct rdb_image *m)
{
    struct buf text = {0}, blocks = {0};
    uint64_t end, rdb_bytes, at = 0;
    bool ok = find_end(m, &end, &rdb_bytes);
    if (ok && rdb_bytes < end - m->begin && end - m->begin - rdb_bytes <= TRAILER_MAX) {
        at = m->begin + rdb_bytes;
        ok = read_all(m, at, end - at, &text) && rdb_trailer_parse(buf_slice(&text), &blocks);
    } else {
        ok = false;
    }
    if (!ok && find_end(m, &end, &rdb_bytes) && find_head(m, end, &at)) {
        buf_clear(&blocks);
        ok = read_all(m, at, end - at, &text) && rdb_trailer_parse(buf_slice(&text), &blocks);
    }
    const struct rdb_block *told = (const struct rdb_block *)(const void *)blocks.data;
    for (size_t i = 0; ok && i < blocks.len / sizeof *told; i++)
        add_block(l, &told[i], m->begin + told[i].start);
    l->rdb_end = ok ? at : m->end;
    l->behind = ok ? end : m->end;
    buf_free(&text);
    buf_free(&blocks);
    return ok;
}

bool blocks_index_at(struct rdb_image *m, uint64_t at, uint64_t *behind)
{
    static const char word[] = "\n#HF:end ";
    struct buf text = {0}, blocks = {0};
    bool ok = false;
    for (uint64_t n = END_SEARCH; n <= TRAILER_MAX; n *= 2) {
        uint64_t left = m->end - at, want = n < left ? n : left;
        read_all(m, at, want, &text);
        const char *last = text.len ? memmem(text.data, text.len, word, sizeof word - 1) : NULL;
        size_t len = last ? (size_t)(last + 1 - text.data) + RDB_TRAILER_END : 0;
        if (last && len <= text.len) {
            ok = rdb_trailer_parse(slice(text.data, len), &blocks);
            *behind = at + len;
            break;
        }
        if (want == left || text.data[0] != '#')
            break;
    }
    buf_free(&text);
    buf_free(&blocks);
    return ok;
}

/* ---- the records ---- */

/* The record that may begin with the bytes at p; its name was compared. */
static bool record_at(struct slice p, struct rdb_block *b)
{
    size_t skip = 2 + strlen(RDB_AUX_BLOCK);
    if (p.len < skip + 2)
        return false;
    const uint8_t *len = (const uint8_t *)p.data + skip;
    size_t form = len[0] < 0x40 ? 1 : 2;
    size_t n = form == 1 ? len[0] : (size_t)(len[0] & 0x3f) << 8 | len[1];
    if (len[0] >= 0x80 || n > RDB_BLOCK_TEXT || p.len < skip + form + n)
        return false;
    return rdb_block_parse(slice(p.data + skip + form, n), b) && b->len > 0;
}

static void search_part(struct blocks_list *l, struct slice part, uint64_t at, size_t starts)
{
    static const char head[] = "\xfa\x08" RDB_AUX_BLOCK;
    struct slice rest = part;
    const char *hit;
    while ((hit = memmem(rest.data, rest.len, head, sizeof head - 1))) {
        size_t from = (size_t)(hit - part.data);
        struct block_record r = {.at = at + from};
        if (from >= starts)
            return;
        rest = slice_from(part, from + 1);
        size_t most = RECORDS_EXTRA + (size_t)(at / RECORD_EVERY);
        if (record_at(slice_from(part, from), &r.told) && l->records.len / sizeof r < most)
            buf_append(&l->records, &r, sizeof r);
    }
}

/* Parts overlap by what a record can be long. */
static void search_records(struct blocks_list *l, struct rdb_image *m)
{
    enum { RECORD_MAX = 160 };
    struct buf part = {0};
    if (l->searched)
        return;
    l->searched = true;
    for (uint64_t at = m->begin; at < l->rdb_end; at += PART) {
        uint64_t left = l->rdb_end - at, want = left < PART + RECORD_MAX ? left : PART + RECORD_MAX;
        if (!read_all(m, at, want, &part) && part.len == 0)
            break;
        search_part(l, buf_slice(&part), at, PART);
    }
    buf_free(&part);
}

static const struct block_record *records(const struct blocks_list *l, size_t *n)
{
    *n = l->records.len / sizeof(struct block_record);
    return (const struct block_record *)(const void *)l->records.data;
}

static void list_by_records(struct blocks_list *l, struct rdb_image *m)
{
    size_t n;
    uint64_t end = 0;
    search_records(l, m);
    const struct block_record *r = records(l, &n);
    for (size_t i = 0; i < n; i++)
        if (m->begin + r[i].told.start + r[i].told.len == r[i].at && r[i].told.start >= end) {
            add_block(l, &r[i].told, m->begin + r[i].told.start);
            end = r[i].told.start + r[i].told.len;
        }
}

static void number_all(struct blocks_list *l)
{
    l->good = l->bad = 0;
    for (size_t i = 0; i < blocks_count(l); i++) {
        struct listed_block *b = blocks_at(l, i);
        b->number = i + 1;
        l->good += b->state >= BLOCK_GOOD;
        l->bad += b->state == BLOCK_DAMAGED;
    }
}

void blocks_list(struct blocks_list *l, struct rdb_image *m)
{
    *l = (struct blocks_list){0};
    l->by_trailer = list_by_trailer(l, m);
    if (!l->by_trailer)
        list_by_records(l, m);
    number_all(l);
}

void blocks_list_free(struct blocks_list *l)
{
    buf_free(&l->blocks);
    buf_free(&l->records);
}

/* ---- the checksums ---- */

bool block_is_good(struct rdb_image *m, const struct rdb_block *told, uint64_t from)
{
    uint64_t to = image_ahead(m, from, told->len);
    return from >= m->begin && from <= m->end && to <= m->end && to >= from &&
           image_len(m, from, to) == told->len && image_crc(m, 0, from, to) == told->crc;
}

struct verify_job {
    struct worker_job job;
    struct blocks_list *l;
    struct rdb_image *m;
    _Atomic size_t *next;
};

static void verify_some(struct worker_job *job)
{
    struct verify_job *j = (struct verify_job *)job;
    size_t i;
    while ((i = (*j->next)++) < blocks_count(j->l)) {
        struct listed_block *b = blocks_at(j->l, i);
        b->state = block_is_good(j->m, &b->told, b->from) ? BLOCK_GOOD : BLOCK_DAMAGED;
    }
}

void blocks_verify(struct blocks_list *l, struct rdb_image *m, uint64_t threads)
{
    enum { THREADS_MAX = 64 };
    struct verify_job jobs[THREADS_MAX];
    _Atomic size_t next = 0;
    size_t n = threads < THREADS_MAX ? (size_t)threads : THREADS_MAX;
    n = n < blocks_count(l) ? n : blocks_count(l);
    struct workers *all = n > 1 ? workers_new(NULL) : NULL;
    struct worker *each[THREADS_MAX];
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (struct verify_job){.job.run = verify_some, .l = l, .m = m, .next = &next};
        if (i == 0)
            continue;
        each[i] = worker_new(all, "check-block");
        worker_give(each[i], &jobs[i].job);
    }
    if (n)
        verify_some(&jobs[0].job);
    for (size_t i = 1; i < n; i++)
        worker_drain(each[i]);
    if (all)
        workers_free(all);
    number_all(l);
}

/* ---- where moved ones lie ---- */

/* good: it lies where it is said to; what is damaged gets its bytes later. */
static bool overlaps(const struct blocks_list *l, const struct rdb_block *told, uint64_t from,
                     bool good)
{
    for (size_t i = 0; i < blocks_count(l); i++) {
        const struct listed_block *b = blocks_at(l, i);
        bool same = b->told.start < told->start + told->len &&
                    told->start < b->told.start + b->told.len;
        bool there = good && b->state >= BLOCK_GOOD && b->from < from + told->len && from < b->to;
        if (same || there)
            return true;
    }
    return false;
}

static int by_start(const void *a, const void *b)
{
    const struct listed_block *x = a, *y = b;
    return (x->told.start > y->told.start) - (x->told.start < y->told.start);
}

/* Is there another record that is off by as much? */
static bool off_alike(const struct block_record *r, size_t n, size_t i)
{
    uint64_t off = r[i].at - r[i].told.start - r[i].told.len;
    for (size_t k = 0; k < n; k++)
        if (k != i && r[k].at - r[k].told.start - r[k].told.len == off &&
            r[k].told.start != r[i].told.start)
            return true;
    return false;
}

/* Blocks that only records at other places tell of. */
static void list_moved(struct blocks_list *l, struct rdb_image *m)
{
    size_t n;
    const struct block_record *r = records(l, &n);
    for (int sure = 1; sure >= 0; sure--)
        for (size_t i = 0; i < n; i++) {
            uint64_t from = r[i].at - r[i].told.len;
            bool fits = r[i].told.len <= r[i].at - m->begin;
            bool good = fits && block_is_good(m, &r[i].told, from);
            if (overlaps(l, &r[i].told, from, good))
                continue;
            if (!good && (sure || !off_alike(r, n, i)))
                continue;
            add_block(l, &r[i].told, from);
            blocks_at(l, blocks_count(l) - 1)->state = good ? BLOCK_GOOD : BLOCK_DAMAGED;
        }
    if (blocks_count(l))
        qsort(l->blocks.data, blocks_count(l), sizeof(struct listed_block), by_start);
}

static bool try_place(struct rdb_image *m, struct listed_block *b, uint64_t from)
{
    if (!block_is_good(m, &b->told, from))
        return false;
    b->from = from;
    b->to = image_ahead(m, from, b->told.len);
    b->state = BLOCK_GOOD;
    return true;
}

static void place_moved(struct blocks_list *l, struct rdb_image *m)
{
    size_t n;
    const struct block_record *r = records(l, &n);
    for (size_t i = 0; i < blocks_count(l); i++) {
        struct listed_block *b = blocks_at(l, i);
        uint64_t behind = b->told.start + b->told.len;
        for (size_t k = 0; k < n && b->state < BLOCK_GOOD; k++)
            if (r[k].told.start + r[k].told.len == b->told.start)
                try_place(m, b, r[k].at);
            else if (r[k].told.start + r[k].told.len == behind && r[k].at >= b->told.len)
                try_place(m, b, r[k].at - b->told.len);
    }
}

/* The place of a record that tells where this offset of the RDB is now, between two places. */
static uint64_t anchor(const struct blocks_list *l, uint64_t told_at, uint64_t low, uint64_t high)
{
    size_t n;
    const struct block_record *r = records(l, &n);
    for (size_t k = 0; k < n; k++)
        if (r[k].told.start + r[k].told.len == told_at && r[k].at >= low && r[k].at <= high)
            return r[k].at;
    return UINT64_MAX;
}

/* Where the next intact block begins, or all ends. */
static uint64_t next_good(const struct blocks_list *l, size_t i, bool *adjoins)
{
    size_t k = i + 1;
    while (k < blocks_count(l) && blocks_at(l, k)->state < BLOCK_GOOD)
        k++;
    bool any = k < blocks_count(l);
    const struct listed_block *b = blocks_at(l, i);
    *adjoins = k == i + 1 && (!any || blocks_at(l, k)->told.start == b->told.start + b->told.len);
    return any ? blocks_at(l, k)->from : l->rdb_end;
}

/* The bytes of a damaged block are those between its neighbours. */
static void place_damaged(struct blocks_list *l, const struct rdb_image *m)
{
    uint64_t low = m->begin;
    for (size_t i = 0; i < blocks_count(l); i++) {
        struct listed_block *b = blocks_at(l, i);
        bool adjoins;
        if (b->state >= BLOCK_GOOD) {
            low = b->to;
            continue;
        }
        uint64_t high = next_good(l, i, &adjoins), from = anchor(l, b->told.start, low, high);
        bool follows = i > 0 ? blocks_at(l, i - 1)->told.start + blocks_at(l, i - 1)->told.len ==
                                   b->told.start
                             : b->told.start == 0;
        bool placed = follows && (i == 0 || !blocks_at(l, i - 1)->unplaced);
        b->unplaced = from == UINT64_MAX && !placed;
        b->from = from != UINT64_MAX ? from : follows || b->from < low || b->from > high ? low
                                                                                        : b->from;
        uint64_t to = adjoins ? high : anchor(l, b->told.start + b->told.len, b->from, high);
        if (to == UINT64_MAX) {
            to = high - b->from < b->told.len ? high : b->from + b->told.len;
            b->unplaced = true;
        }
        b->to = to;
        low = to;
        must(b->from <= b->to && b->to <= high);
    }
}

void blocks_locate(struct blocks_list *l, struct rdb_image *m)
{
    search_records(l, m);
    place_moved(l, m);
    if (!l->by_trailer)
        list_moved(l, m);
    /* Two that claim the same bytes: the one behind is not where it was taken to be. */
    uint64_t low = m->begin;
    for (size_t i = 0; i < blocks_count(l); i++) {
        struct listed_block *b = blocks_at(l, i);
        if (b->state >= BLOCK_GOOD && (b->from < low || b->to > l->rdb_end))
            b->state = BLOCK_DAMAGED;
        low = b->state >= BLOCK_GOOD ? b->to : low;
    }
    place_damaged(l, m);
    number_all(l);
}
