/* SPDX-License-Identifier: BSD-3-Clause */
/* Which blocks of a damaged RDB are bad: what the reader cannot say, since it stops at the first.
 * The list of blocks comes from the index behind the RDB or, when that is not whole, from the
 * records between the keys, which are searched for in all of the file: one counts when it stands
 * where its block ends. Bytes that no record tells of cannot be checked and are shown as such. */
#include "tools/check.h"

#include <inttypes.h>
#include <string.h>

#include "base/crc64.h"
#include "base/must.h"
#include "format/rdb_block.h"
#include "os/file.h"

enum { PART = 1 << 20, TRAILER_MAX = 256 << 20 };

struct survey {
    FILE *out;
    int fd;
    uint64_t size;
    struct buf blocks; /* struct rdb_block */
    uint64_t bad, good, number;
};

static bool read_at(int fd, uint64_t at, size_t n, struct buf *to)
{
    buf_clear(to);
    buf_reserve(to, n);
    while (to->len < n) {
        ssize_t got = file_pread(fd, to->data + to->len, n - to->len, (off_t)(at + to->len));
        if (got <= 0)
            return false;
        to->len += (size_t)got;
    }
    must(to->len == n);
    return true;
}

/* ---- the list ---- */

static bool list_by_trailer(struct survey *s)
{
    struct buf text = {0};
    uint64_t count, rdb_bytes, crc;
    bool ok = s->size >= RDB_TRAILER_END &&
              read_at(s->fd, s->size - RDB_TRAILER_END, RDB_TRAILER_END, &text) &&
              rdb_trailer_end(buf_slice(&text), &count, &rdb_bytes, &crc) && rdb_bytes < s->size &&
              s->size - rdb_bytes <= TRAILER_MAX &&
              read_at(s->fd, rdb_bytes, (size_t)(s->size - rdb_bytes), &text) &&
              rdb_trailer_parse(buf_slice(&text), &s->blocks);
    if (!ok)
        buf_clear(&s->blocks);
    buf_free(&text);
    return ok;
}

/* The record that may begin with the bytes at p; its name was compared. */
static bool record_at(struct slice p, uint64_t at, struct rdb_block *b)
{
    size_t skip = 2 + strlen(RDB_AUX_BLOCK);
    if (p.len < skip + 2)
        return false;
    const uint8_t *len = (const uint8_t *)p.data + skip;
    size_t form = len[0] < 0x40 ? 1 : 2;
    size_t n = form == 1 ? len[0] : (size_t)(len[0] & 0x3f) << 8 | len[1];
    if (len[0] >= 0x80 || n > RDB_BLOCK_TEXT || p.len < skip + form + n)
        return false;
    return rdb_block_parse(slice(p.data + skip + form, n), b) && b->start + b->len == at;
}

static void search_part(struct survey *s, struct slice part, uint64_t at, size_t starts)
{
    static const char head[] = "\xfa\x08" RDB_AUX_BLOCK;
    struct slice rest = part;
    const char *hit;
    while ((hit = memmem(rest.data, rest.len, head, sizeof head - 1))) {
        size_t from = (size_t)(hit - part.data);
        struct rdb_block b;
        if (from >= starts)
            return;
        rest = slice_from(part, from + 1);
        if (record_at(slice_from(part, from), at + from, &b))
            buf_append(&s->blocks, &b, sizeof b);
    }
}

/* Parts overlap by what a record can be long. */
static void list_by_records(struct survey *s)
{
    enum { RECORD_MAX = 160 };
    struct buf part = {0};
    for (uint64_t at = 0; at < s->size; at += PART) {
        uint64_t left = s->size - at, want = left < PART + RECORD_MAX ? left : PART + RECORD_MAX;
        if (!read_at(s->fd, at, (size_t)want, &part))
            break;
        search_part(s, buf_slice(&part), at, PART);
    }
    buf_free(&part);
}

/* ---- the check ---- */

static bool block_is_good(const struct survey *s, const struct rdb_block *b)
{
    struct buf part = {0};
    uint64_t crc = 0, end = b->start + b->len;
    bool ok = end <= s->size;
    must(end >= b->start); /* rdb_block_parse */
    for (uint64_t at = b->start; ok && at < end; at += PART) {
        uint64_t n = end - at < PART ? end - at : PART;
        ok = read_at(s->fd, at, (size_t)n, &part);
        crc = crc64(crc, part.data, part.len);
    }
    buf_free(&part);
    return ok && crc == b->crc;
}

static void check_one(struct survey *s, const struct rdb_block *b)
{
    s->number++;
    if (block_is_good(s, b)) {
        s->good++;
        return;
    }
    s->bad++;
    fprintf(s->out, "[info] Block %" PRIu64 ", bytes %" PRIu64 " to %" PRIu64 ", %" PRIu64
            " keys: damaged\n", s->number, b->start, b->start + b->len, b->keys);
}

static void check_all(struct survey *s, bool whole)
{
    const struct rdb_block *b = (const struct rdb_block *)(const void *)s->blocks.data;
    uint64_t at = 0;
    must(s->blocks.len % sizeof *b == 0);
    for (size_t i = 0; i < s->blocks.len / sizeof *b; i++) {
        if (b[i].start < at)
            continue;
        if (b[i].start > at)
            fprintf(s->out, "[info] Bytes %" PRIu64 " to %" PRIu64 ": no block record tells of "
                    "them\n", at, b[i].start);
        check_one(s, &b[i]);
        at = b[i].start + b[i].len;
    }
    if (!whole && at < s->size)
        fprintf(s->out, "[info] Bytes %" PRIu64 " to %" PRIu64 ": no block record tells of them\n",
                at, s->size);
    must(s->good + s->bad == s->number);
    fprintf(s->out, "[info] %" PRIu64 " blocks are intact, %" PRIu64 " damaged\n", s->good, s->bad);
}

void check_blocks(int fd, uint64_t size, FILE *out)
{
    struct survey s = {.out = out, .fd = fd, .size = size};
    bool whole = list_by_trailer(&s);
    if (!whole)
        list_by_records(&s);
    if (s.blocks.len)
        check_all(&s, whole);
    buf_free(&s.blocks);
}
