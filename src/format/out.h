/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream of bytes to write: to a callback through a block, or into a growing buffer; counts,
 * checksums, and keeps its first fault: after it writes do nothing.
 *
 *   struct out out;
 *   out_init_callback(&out, write_file, &fd, 0);
 *   out_bytes(&out, "REDIS0011", 9); ...
 *   if (!out_flush(&out)) ... out.fault ... */
#ifndef FORMAT_OUT_H
#define FORMAT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

/* Writes all n bytes: 0, or -errno. */
typedef int out_write(void *arg, const void *from, size_t n);

struct out {
    struct buf buf;  /* what is not yet handed on; all of it for a memory stream */
    size_t block_size;
    out_write *write; /* NULL: memory */
    void *arg;
    uint64_t flushed; /* bytes handed on */
    size_t crc_from;  /* buf bytes from here are not yet in crc */
    bool crc_on;
    uint64_t crc;
    struct fault fault;
};

void out_init_memory(struct out *out);
/* block_size 0: 1 MiB. */
void out_init_callback(struct out *out, out_write *write, void *arg, size_t block_size);
void out_free(struct out *out);

static inline bool out_bad(const struct out *out)
{
    return out->fault.code != FAULT_NONE;
}
uint64_t out_offset(const struct out *out); /* bytes written so far */
bool out_flush(struct out *out); /* hands everything on; false when the stream is bad */

void out_bytes(struct out *out, const void *data, size_t n);
void out_slice(struct out *out, struct slice s);
void out_byte(struct out *out, uint8_t byte);
void out_le16(struct out *out, uint16_t x);
void out_le32(struct out *out, uint32_t x);
void out_be32(struct out *out, uint32_t x);
void out_le64(struct out *out, uint64_t x);
void out_be64(struct out *out, uint64_t x);
void out_le_double(struct out *out, double d);
void out_printf(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

void out_crc_start(struct out *out);
uint64_t out_crc(struct out *out);

#endif
