/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/rdb_image.h"

#include <errno.h>
#include <string.h>

#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"

enum { PAGE = 4096, BLOCK = 256 << 10 };

static size_t patch_count(const struct rdb_image *m)
{
    return m->patches.len / sizeof(struct image_patch);
}

static size_t cut_count(const struct rdb_image *m)
{
    return m->cuts.len / sizeof(struct image_cut);
}

static const struct image_patch *patches(const struct rdb_image *m)
{
    return (const struct image_patch *)(const void *)m->patches.data;
}

static const struct image_cut *cuts(const struct rdb_image *m)
{
    return (const struct image_cut *)(const void *)m->cuts.data;
}

void image_free(struct rdb_image *m)
{
    buf_free(&m->patches);
    buf_free(&m->cuts);
}

/* Makes room for an item of this size as the i-th. */
static void insert(struct buf *list, size_t i, const void *item, size_t size)
{
    must(i * size <= list->len);
    buf_reserve(list, size);
    memmove(list->data + (i + 1) * size, list->data + i * size, list->len - i * size);
    memcpy(list->data + i * size, item, size);
    list->len += size;
}

void image_patch(struct rdb_image *m, uint64_t at, uint8_t flip)
{
    struct image_patch p = {.at = at, .flip = flip};
    size_t i = patch_count(m);
    while (i > 0 && patches(m)[i - 1].at > at)
        i--;
    insert(&m->patches, i, &p, sizeof p);
}

void image_cut(struct rdb_image *m, uint64_t from, uint64_t to)
{
    struct image_cut c = {.from = from, .to = to};
    size_t i = cut_count(m);
    must(from < to);
    while (i > 0 && cuts(m)[i - 1].from >= to)
        i--;
    must(i == 0 || cuts(m)[i - 1].to <= from);
    insert(&m->cuts, i, &c, sizeof c);
}

/* The first cut that ends behind at. */
static size_t next_cut(const struct rdb_image *m, uint64_t at)
{
    size_t low = 0, high = cut_count(m);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (cuts(m)[middle].to <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t image_len(const struct rdb_image *m, uint64_t from, uint64_t to)
{
    must(from <= to);
    uint64_t len = to - from;
    for (size_t i = next_cut(m, from); i < cut_count(m) && cuts(m)[i].from < to; i++) {
        uint64_t a = cuts(m)[i].from < from ? from : cuts(m)[i].from;
        uint64_t b = cuts(m)[i].to > to ? to : cuts(m)[i].to;
        len -= b - a;
    }
    return len;
}

uint64_t image_ahead(const struct rdb_image *m, uint64_t at, uint64_t n)
{
    for (size_t i = next_cut(m, at); i < cut_count(m); i++) {
        const struct image_cut *c = &cuts(m)[i];
        if (c->from > at && n < c->from - at)
            break;
        n -= c->from > at ? c->from - at : 0;
        at = c->to;
    }
    return at + n;
}

/* Page by page around what the disk refuses. */
static ssize_t read_pages(struct rdb_image *m, uint64_t at, uint8_t *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        size_t part = PAGE - (size_t)((at + done) % PAGE);
        part = part < n - done ? part : n - done;
        ssize_t got = file_pread(m->fd, out + done, part, (off_t)(at + done));
        if (got == 0)
            break;
        if (got == -EIO) {
            m->unreadable++;
            memset(out + done, 0, part);
            got = (ssize_t)part;
        }
        if (got < 0)
            return got;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static void undo_flips(const struct rdb_image *m, uint64_t at, uint8_t *out, size_t n)
{
    size_t low = 0, high = patch_count(m);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (patches(m)[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < patch_count(m) && patches(m)[low].at - at < n; low++)
        out[patches(m)[low].at - at] ^= patches(m)[low].flip;
}

static ssize_t read_plain(struct rdb_image *m, uint64_t at, uint8_t *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = file_pread(m->fd, out + done, n - done, (off_t)(at + done));
        if (got == -EIO)
            got = read_pages(m, at + done, out + done, n - done);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    undo_flips(m, at, out, done);
    return (ssize_t)done;
}

ssize_t image_read(struct rdb_image *m, uint64_t at, uint64_t to, void *out, size_t n)
{
    size_t done = 0;
    while (done < n) {
        at = image_ahead(m, at, 0);
        size_t i = next_cut(m, at);
        uint64_t stop = i < cut_count(m) && cuts(m)[i].from < to ? cuts(m)[i].from : to;
        if (at >= stop)
            break;
        size_t part = stop - at < n - done ? (size_t)(stop - at) : n - done;
        ssize_t got = read_plain(m, at, (uint8_t *)out + done, part);
        if (got <= 0)
            return got < 0 ? got : (ssize_t)done;
        done += (size_t)got;
        at += (uint64_t)got;
    }
    return (ssize_t)done;
}

uint64_t image_crc(struct rdb_image *m, uint64_t crc, uint64_t from, uint64_t to)
{
    uint8_t *part = mem_alloc(BLOCK);
    while (from < to) {
        ssize_t got = image_read(m, from, to, part, BLOCK);
        if (got <= 0)
            break;
        crc = crc64(crc, part, (size_t)got);
        from = image_ahead(m, from, (uint64_t)got);
    }
    mem_free(part);
    return crc;
}

static ssize_t read_stream(void *arg, void *to, size_t n)
{
    struct image_stream *s = arg;
    ssize_t got = image_read(s->image, s->at, s->to, to, n);
    if (got > 0)
        s->at = image_ahead(s->image, s->at, (uint64_t)got);
    return got;
}

void image_stream(struct image_stream *s, struct in *in, struct rdb_image *m, uint64_t from,
                  uint64_t to, size_t block_size)
{
    must(from <= to);
    uint64_t len = image_len(m, from, to);
    size_t block = block_size ? block_size : len < BLOCK ? (size_t)len : BLOCK;
    *s = (struct image_stream){.image = m, .from = from, .at = from, .to = to};
    in_init_callback(in, read_stream, s, len, block);
}
