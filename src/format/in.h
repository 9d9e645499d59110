/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream of bytes to read: from a callback or from memory; counts, limits, checksums, and keeps
 * its first fault. After a fault every read gives zeros and in_bytes fails, so a parser runs on in
 * straight lines and looks at in_bad() once a loop.
 *
 *   struct in in;
 *   in_init_callback(&in, read_file, &fd, size, block);
 *   uint32_t n = in_le32(&in);
 *   if (in_bad(&in)) ... in.fault ...
 *
 * A stream can become one of what its bytes decode to (in_decode): its users see only that.
 *
 * Borrowed: the callback's arg. The block (mem_alloc) is the stream's. */
#ifndef FORMAT_IN_H
#define FORMAT_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

/* Bytes read (> 0), 0 at the end, -errno: of FAULT_IO, but -EBADMSG of FAULT_FORMAT. */
typedef ssize_t in_read(void *arg, void *to, size_t n);
#define IN_SIZE_UNKNOWN UINT64_MAX

struct in {
    const uint8_t *at, *end; /* unread bytes of the window */
    const uint8_t *crc_from; /* window bytes from here are not yet in crc */
    uint8_t *block;          /* NULL for a memory stream */
    size_t block_size;
    size_t room;             /* bytes of block: more than block_size while in_hold needs them */
    in_read *read;
    void *arg;
    uint64_t base;   /* stream offset of the window's end */
    uint64_t limit;  /* bytes the stream can have in all; IN_SIZE_UNKNOWN */
    bool crc_on;
    uint64_t crc;
    struct buf *tap;   /* gets a copy of what is consumed; NULL: none */
    const uint8_t *tap_from;
    const char *doing; /* copied into a fault */
    struct fault fault;
    struct in_decoder *decoder; /* whose bytes these are; NULL: nobody's */
};

/* Embedded first in a decoder's own struct. Its read callback gets that struct as arg; what it
 * finds wrong with its input it leaves in under.fault and returns -EIO. */
struct in_decoder {
    struct in under; /* the encoded bytes */
    void (*free)(struct in_decoder *d); /* all but under */
};

void in_init_memory(struct in *in, struct slice bytes);
/* limit: the file's size or IN_SIZE_UNKNOWN. block_size 0: 1 MiB. */
void in_init_callback(struct in *in, in_read *read, void *arg, uint64_t limit, size_t block_size);
void in_free(struct in *in);
void in_begin_at(struct in *in, uint64_t offset); /* the first byte's; limit counts from 0 */
static inline bool in_bad(const struct in *in)
{
    return in->fault.code != FAULT_NONE;
}
/* From here on, in is the stream of what read makes out of the rest of it: at most growth bytes for
 * each one. in was neither checksummed nor tapped so far; it owns d from now on. */
void in_decode(struct in *in, struct in_decoder *d, in_read *read, unsigned growth);
static inline bool in_decoded(const struct in *in)
{
    return in->decoder != NULL;
}
uint64_t in_offset(const struct in *in);    /* bytes consumed so far */
uint64_t in_file_offset(const struct in *in); /* the same, of the encoded stream when decoding */
uint64_t in_file_left(const struct in *in);
uint64_t in_left(const struct in *in);      /* most bytes that can still come; UINT64_MAX unknown */
void in_fail(struct in *in, enum fault_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

uint8_t in_byte_slow(struct in *in);
static inline uint8_t in_byte(struct in *in)
{
    return in->at < in->end ? *in->at++ : in_byte_slow(in);
}
uint16_t in_le16(struct in *in);
uint32_t in_le32(struct in *in);
uint32_t in_be32(struct in *in);
uint64_t in_le64(struct in *in);
uint64_t in_be64(struct in *in);
double in_le_double(struct in *in);
/* Exactly n bytes into to. False (and to zeroed) on a fault. */
bool in_bytes(struct in *in, void *to, size_t n);
/* Exactly n bytes as a slice: points into the window when they lie in it whole, else they are
 * gathered in *hold. Valid until the next read. Memory grows as data comes, never by n alone. */
struct slice in_slice(struct in *in, uint64_t n, struct buf *hold);
bool in_skip(struct in *in, uint64_t n);
/* Looks without consuming; fewer than n bytes at the end of the stream. n <= 1024. */
struct slice in_peek(struct in *in, size_t n);
/* What of the next n bytes is in the window already: nothing is read, nothing moves. */
static inline struct slice in_window(const struct in *in, size_t n)
{
    size_t held = (size_t)(in->end - in->at);
    return slice((const char *)in->at, held < n ? held : n);
}
/* As in_peek, for any n: the block grows, as data comes or as far as in_left backs it, and goes
 * back to its size later. A length from a file is to be compared with in_left first. */
struct slice in_hold(struct in *in, uint64_t n);
bool in_at_end(struct in *in);

/* CRC64 of all bytes consumed since it was switched on. */
void in_crc_start(struct in *in);
uint64_t in_crc(struct in *in);
/* The same, of all but the byte that in_byte gave last. */
uint64_t in_crc_before(struct in *in);
void in_crc_stop(struct in *in);

/* Everything consumed between start and stop is also appended to *tap. */
void in_tap_start(struct in *in, struct buf *tap);
void in_tap_stop(struct in *in);

#endif
