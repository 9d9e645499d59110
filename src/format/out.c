/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes collect in buf. A memory stream keeps them there; a callback stream hands the block on when
 * it is full, and a write that is longer than a block goes out by itself. The checksum is taken in
 * long runs: crc_from marks the first byte of buf that is not in it yet. */
#include "format/out.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/must.h"

enum { BLOCK_DEFAULT = 1 << 20 };

static void out_must_hold(const struct out *out)
{
    must(out->crc_from <= out->buf.len);
    must(out->buf.len <= out->buf.cap);
    must(out->write ? out->block_size > 0 : out->flushed == 0);
}

void out_init_memory(struct out *out)
{
    *out = (struct out){0};
}

void out_init_callback(struct out *out, out_write *write, void *arg, size_t block_size)
{
    must(write);
    *out = (struct out){.write = write, .arg = arg};
    out->block_size = block_size ? block_size : BLOCK_DEFAULT;
    out_must_hold(out);
}

void out_free(struct out *out)
{
    buf_free(&out->buf);
}

uint64_t out_offset(const struct out *out)
{
    return out->flushed + out->buf.len;
}

static void settle(struct out *out)
{
    out_must_hold(out);
    if (out->crc_on && out->buf.len > out->crc_from)
        out->crc = crc64(out->crc, out->buf.data + out->crc_from, out->buf.len - out->crc_from);
    out->crc_from = out->buf.len;
}

static void hand_on(struct out *out, const void *data, size_t n)
{
    if (n == 0 || out_bad(out))
        return;
    must(out->write);
    int err = out->write(out->arg, data, n);
    must(err <= 0);
    if (err) {
        fault_io(&out->fault, -err, "write", "Write error");
        out->fault.offset = out->flushed;
        return;
    }
    out->flushed += n;
}

bool out_flush(struct out *out)
{
    if (out->write && out->buf.len) {
        settle(out);
        hand_on(out, out->buf.data, out->buf.len);
        buf_clear(&out->buf);
        out->crc_from = 0;
        out_must_hold(out);
    }
    return !out_bad(out);
}

void out_bytes(struct out *out, const void *data, size_t n)
{
    if (out_bad(out))
        return;
    if (out->write && out->buf.len + n > out->block_size) {
        out_flush(out);
        if (n >= out->block_size) {
            if (out->crc_on)
                out->crc = crc64(out->crc, data, n);
            hand_on(out, data, n);
            return;
        }
    }
    buf_append(&out->buf, data, n);
}

void out_slice(struct out *out, struct slice s)
{
    out_bytes(out, s.data, s.len);
}

void out_byte(struct out *out, uint8_t byte)
{
    out_bytes(out, &byte, 1);
}

void out_le16(struct out *out, uint16_t x)
{
    uint8_t b[2];
    store_le16(b, x);
    out_bytes(out, b, sizeof b);
}

void out_le32(struct out *out, uint32_t x)
{
    uint8_t b[4];
    store_le32(b, x);
    out_bytes(out, b, sizeof b);
}

void out_be32(struct out *out, uint32_t x)
{
    uint8_t b[4];
    store_be32(b, x);
    out_bytes(out, b, sizeof b);
}

void out_le64(struct out *out, uint64_t x)
{
    uint8_t b[8];
    store_le64(b, x);
    out_bytes(out, b, sizeof b);
}

void out_be64(struct out *out, uint64_t x)
{
    uint8_t b[8];
    store_be64(b, x);
    out_bytes(out, b, sizeof b);
}

void out_le_double(struct out *out, double d)
{
    uint8_t b[8];
    store_le_double(b, d);
    out_bytes(out, b, sizeof b);
}

void out_printf(struct out *out, const char *format, ...)
{
    va_list ap;
    char small[256];
    va_start(ap, format);
    int n = vsnprintf(small, sizeof small, format, ap);
    va_end(ap);
    must(n >= 0);
    if ((size_t)n < sizeof small) {
        out_bytes(out, small, (size_t)n);
        return;
    }
    struct buf text = {0};
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    must(text.len == (size_t)n);
    out_slice(out, buf_slice(&text));
    buf_free(&text);
}

void out_crc_start(struct out *out)
{
    settle(out);
    out->crc_on = true;
    out->crc = 0;
}

uint64_t out_crc(struct out *out)
{
    must(out->crc_on);
    settle(out);
    return out->crc;
}
