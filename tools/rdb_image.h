/* SPDX-License-Identifier: BSD-3-Clause */
/* The bytes of an RDB that lies in a file, as they were written: what is known to be wrong with the
 * file's bytes is undone while they are read. Bits that were flipped are flipped back (patches), a
 * part that stands there twice is passed over once (cuts). Places are the file's own.
 *
 *   struct rdb_image m = {.fd = fd, .end = size};
 *   image_patch(&m, at, 0x10);
 *   image_stream(&s, &in, &m, from, to, 0);  ... in_offset counts from `from` ... image_place(&s,
 * n)
 *   image_free(&m);
 *
 * Reading is safe from many threads as long as nobody patches. What the disk can't read comes as
 * zeros, page by page: damage like any other; unreadable counts the pages. Borrowed: fd. */
#ifndef TOOLS_RDB_IMAGE_H
#define TOOLS_RDB_IMAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/in.h"

struct rdb_image {
    int fd;
    uint64_t begin, end; /* of the RDB: the magic; behind its last byte, or the file's */
    struct buf patches;  /* struct image_patch, ascending */
    struct buf cuts;     /* struct image_cut, ascending, disjoint */
    bool open_end;       /* a log's commands may follow the RDB before end */
    _Atomic uint64_t unreadable;
};
struct image_patch {
    uint64_t at;
    uint8_t flip;
};
struct image_cut {
    uint64_t from, to;
};

void image_free(struct rdb_image *m);
void image_patch(struct rdb_image *m, uint64_t at, uint8_t flip);
void image_cut(struct rdb_image *m, uint64_t from, uint64_t to);
/* Bytes between two places, cuts not counted. */
uint64_t image_len(const struct rdb_image *m, uint64_t from, uint64_t to);
/* The place that lies n bytes behind at; not inside a cut. */
uint64_t image_ahead(const struct rdb_image *m, uint64_t at, uint64_t n);
/* Up to n bytes from at on, not beyond to; fewer only at to or the file's end; -errno. */
ssize_t image_read(struct rdb_image *m, uint64_t at, uint64_t to, void *out, size_t n);
/* The CRC64 of the bytes between, going on from crc. */
uint64_t image_crc(struct rdb_image *m, uint64_t crc, uint64_t from, uint64_t to);

struct image_stream {
    struct rdb_image *image;
    uint64_t from, at, to;
};
/* The stream is the caller's to in_free. block_size 0: 256 KiB, or what is there when less. */
void image_stream(struct image_stream *s, struct in *in, struct rdb_image *m, uint64_t from,
                  uint64_t to, size_t block_size);
/* Where byte n of the stream lies. */
static inline uint64_t image_place(const struct image_stream *s, uint64_t n)
{
    return image_ahead(s->image, s->from, n);
}

#endif
