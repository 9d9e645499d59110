/* SPDX-License-Identifier: BSD-3-Clause */
/* A window over the stream: at..end are bytes already fetched and not yet consumed. A memory stream
 * is one window; a callback's window is a part of its block. When a read needs more than the window
 * has, the rest of the window moves to the block's front and the block is filled up behind it, so
 * anything up to a block long can be had as one slice without a copy of its own.
 *
 *   block  |....consumed....|at ...unread... end|......free......|
 *                 crc_from ^ (the checksum is taken in long runs, when the window moves)
 *
 * A fault empties the window: the fast paths then fall into the slow ones, which give zeros. */
#include "format/in.h"

#include <errno.h>

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"

enum { BLOCK_DEFAULT = 1 << 20, BLOCK_MIN = 1024 };

/* The drawing above, at the end of what moves the window. */
static void in_must_hold(const struct in *in)
{
    must(in->at <= in->end);
    must((uint64_t)(in->end - in->at) <= in->base);
    must(in->limit == IN_SIZE_UNKNOWN || in->base <= in->limit);
    must(!in->read || (in->at >= in->block && in->end <= in->block + in->room));
    must(!in->read || in->room >= in->block_size);
    must(!in->crc_on || in->crc_from <= in->at);
    must(!in->tap || in->tap_from <= in->at);
}

void in_init_memory(struct in *in, struct slice bytes)
{
    must(bytes.data || bytes.len == 0);
    *in = (struct in){.base = bytes.len, .limit = bytes.len};
    in->at = (const uint8_t *)bytes.data;
    in->end = in->at + bytes.len;
}

void in_init_callback(struct in *in, in_read *read, void *arg, uint64_t limit, size_t block_size)
{
    must(read);
    *in = (struct in){.read = read, .arg = arg, .limit = limit};
    in->block_size = block_size ? block_size : BLOCK_DEFAULT;
    if (in->block_size < BLOCK_MIN)
        in->block_size = BLOCK_MIN;
    in->room = in->block_size;
    in->block = mem_alloc(in->room);
    in->at = in->end = in->block;
    in_must_hold(in);
}

void in_decode(struct in *in, struct in_decoder *d, in_read *read, unsigned growth)
{
    must(!in->decoder && !in->crc_on && !in->tap);
    must(growth > 0);
    must(d->free);
    d->under = *in;
    uint64_t left = in_left(in);
    uint64_t most = left > IN_SIZE_UNKNOWN / growth ? IN_SIZE_UNKNOWN : left * growth;
    in_init_callback(in, read, d, most, 0);
    in->decoder = d;
    in->doing = d->under.doing;
}

void in_begin_at(struct in *in, uint64_t offset)
{
    must(in->base == 0 && in->at == in->end && in->read && !in->decoder);
    must(offset <= in->limit);
    in->base = offset;
}

void in_free(struct in *in)
{
    if (in->decoder) {
        struct in_decoder *d = in->decoder;
        in->decoder = NULL;
        must(!d->under.decoder); /* one over the other: in_decode */
        in_free(&d->under);
        d->free(d);
    }
    mem_free(in->block);
    in->block = NULL;
    in->at = in->end = NULL;
}

static size_t window(const struct in *in)
{
    return (size_t)(in->end - in->at);
}

uint64_t in_offset(const struct in *in)
{
    return in->base - window(in);
}

uint64_t in_file_offset(const struct in *in)
{
    return in_offset(in->decoder ? &in->decoder->under : in);
}

uint64_t in_file_left(const struct in *in)
{
    return in_left(in->decoder ? &in->decoder->under : in);
}

uint64_t in_left(const struct in *in)
{
    return in->limit == IN_SIZE_UNKNOWN ? UINT64_MAX : in->limit - in_offset(in);
}

/* What was consumed goes into the checksum and the tap. */
static void settle(struct in *in)
{
    must(!in->tap || in->tap_from <= in->at);
    if (in->crc_on && in->at > in->crc_from)
        in->crc = crc64(in->crc, in->crc_from, (size_t)(in->at - in->crc_from));
    in->crc_from = in->at;
    if (in->tap && in->at > in->tap_from)
        buf_append(in->tap, in->tap_from, (size_t)(in->at - in->tap_from));
    in->tap_from = in->at;
}

/* The fault is in place: no more bytes. Nothing of the unread part counts as consumed. */
static void stop(struct in *in)
{
    must(in_bad(in));
    settle(in);
    in->base -= window(in);
    in->end = in->at;
    in_must_hold(in);
}

void in_fail(struct in *in, enum fault_code code, const char *format, ...)
{
    must(code != FAULT_NONE);
    if (in_bad(in))
        return;
    va_list ap;
    char what[FAULT_WHAT_MAX];
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    fault_set(&in->fault, code, "%s", what);
    in->fault.offset = in_offset(in);
    in->fault.doing = in->doing;
    stop(in);
}

static void fail_end(struct in *in)
{
    in_fail(in, FAULT_EOF, "Unexpected end of data");
}

/* One call of the callback, into to. 0: no more bytes (or a fault). */
static size_t fetch(struct in *in, void *to, size_t n)
{
    must(!in_bad(in));
    must(in->limit == IN_SIZE_UNKNOWN || in->base <= in->limit);
    if (in->limit != IN_SIZE_UNKNOWN && n > in->limit - in->base)
        n = (size_t)(in->limit - in->base);
    if (!in->read || n == 0)
        return 0;
    ssize_t got = in->read(in->arg, to, n);
    if (got < 0 && in->decoder && in_bad(&in->decoder->under)) {
        in->fault = in->decoder->under.fault; /* its offset is the file's */
        in->fault.doing = in->doing;
        stop(in);
        return 0;
    }
    if (got < 0) {
        if (got == -EBADMSG)
            fault_set(&in->fault, FAULT_FORMAT, "The compressed data is damaged");
        else
            fault_io(&in->fault, (int)-got, in->doing, "Read error");
        in->fault.offset = in_offset(in);
        stop(in);
        return 0;
    }
    must((size_t)got <= n);
    if (got == 0)
        in->limit = in->base; /* the end came earlier than the size said */
    return (size_t)got;
}

/* The unread part goes to the front of a block that has the given room for it. */
static void move_front(struct in *in, size_t room)
{
    settle(in);
    size_t rest = window(in);
    must(in->read);
    must(rest <= room);
    if (room == in->room) {
        memmove(in->block, in->at, rest);
    } else {
        uint8_t *block = mem_alloc(room);
        memcpy(block, in->at, rest);
        mem_free(in->block);
        in->block = block;
        in->room = room;
    }
    in->at = in->crc_from = in->tap_from = in->block;
    in->end = in->block + rest;
    in_must_hold(in);
}

/* At least n bytes into the window (n <= block_size), or as many as there are. */
static bool fill(struct in *in, size_t n)
{
    if (window(in) >= n)
        return true;
    if (in_bad(in) || !in->read)
        return false;
    must(n <= in->block_size);
    move_front(in, in->block_size); /* a larger one has served: less than n is left of it */
    while (window(in) < n) {
        size_t got = fetch(in, in->block + window(in), in->room - window(in));
        if (got == 0)
            return false;
        in->end += got;
        in->base += got;
    }
    in_must_hold(in);
    return true;
}

/* n bytes wanted: false with a fault when it is plain that they cannot come. */
static bool can_come(struct in *in, uint64_t n)
{
    if (in_bad(in))
        return false;
    if (n > in_left(in))
        fail_end(in);
    return !in_bad(in);
}

uint8_t in_byte_slow(struct in *in)
{
    must(in->at == in->end);
    if (!fill(in, 1)) {
        fail_end(in);
        return 0;
    }
    return *in->at++;
}

bool in_bytes(struct in *in, void *to, size_t n)
{
    uint8_t *out = to;
    if (window(in) >= n) {
        if (n)
            memcpy(out, in->at, n);
        in->at += n;
        return !in_bad(in);
    }
    size_t done = 0;
    bool ok = can_come(in, n);
    while (ok && done < n) {
        if (window(in) == 0 && !fill(in, 1)) {
            fail_end(in);
            ok = false;
            break;
        }
        size_t part = window(in) < n - done ? window(in) : n - done;
        memcpy(out + done, in->at, part);
        in->at += part;
        done += part;
    }
    if (!ok)
        memset(out, 0, n);
    return ok;
}

/* Longer than a block: straight into hold, which grows with what has come. */
static bool gather(struct in *in, uint64_t n, struct buf *hold)
{
    must(in->read && n > in->block_size); /* what a memory stream has, its window has */
    must(hold != in->tap);
    buf_clear(hold);
    size_t part = window(in) < n ? window(in) : (size_t)n;
    buf_append(hold, in->at, part);
    in->at += part;
    settle(in);
    while (hold->len < n) {
        uint64_t want = n - hold->len;
        bool backed = in->limit != IN_SIZE_UNKNOWN && !in->decoder; /* by bytes that are there */
        if (want > in->block_size && !backed)
            want = in->block_size;
        char *to = buf_reserve(hold, (size_t)want);
        size_t got = fetch(in, to, (size_t)want);
        if (got == 0) {
            fail_end(in);
            return false;
        }
        in->base += got;
        if (in->crc_on)
            in->crc = crc64(in->crc, to, got);
        if (in->tap)
            buf_append(in->tap, to, got);
        hold->len += got;
    }
    must(hold->len == n);
    must(window(in) == 0);
    in_must_hold(in);
    return true;
}

struct slice in_slice(struct in *in, uint64_t n, struct buf *hold)
{
    if (n > window(in)) {
        if (!can_come(in, n))
            return slice("", 0);
        if (n > in->block_size)
            return gather(in, n, hold) ? buf_slice(hold) : slice("", 0);
        if (!fill(in, (size_t)n)) {
            fail_end(in);
            return slice("", 0);
        }
    }
    struct slice s = slice(in->at, (size_t)n);
    in->at += n;
    return n ? s : slice("", 0);
}

bool in_skip(struct in *in, uint64_t n)
{
    if (!can_come(in, n))
        return n == 0 && !in_bad(in);
    while (n > 0) {
        if (window(in) == 0 && !fill(in, 1)) {
            fail_end(in);
            return false;
        }
        size_t part = window(in) < n ? window(in) : (size_t)n;
        in->at += part;
        n -= part;
    }
    return true;
}

struct slice in_peek(struct in *in, size_t n)
{
    must(n <= BLOCK_MIN);
    fill(in, n);
    return slice(in->at, window(in) < n ? window(in) : n);
}

/* How much room the next step towards n bytes may take: n only when bytes for it are there. */
static size_t room_for(const struct in *in, size_t n)
{
    bool backed = in->limit != IN_SIZE_UNKNOWN && !in->decoder;
    if (n <= in->room)
        return in->room;
    return backed || n / 2 <= in->room ? n : in->room * 2;
}

struct slice in_hold(struct in *in, uint64_t n)
{
    uint64_t left = in_bad(in) ? 0 : in_left(in);
    size_t most = (size_t)(n < left ? n : left);
    if (most <= in->block_size) {
        fill(in, most);
    } else if (in->read) {
        while (window(in) < most) {
            if (in->end == in->block + in->room)
                move_front(in, room_for(in, most));
            size_t got = fetch(in, in->block + (in->end - in->block),
                               (size_t)(in->block + in->room - in->end));
            if (got == 0)
                break;
            in->end += got;
            in->base += got;
        }
        in_must_hold(in);
    }
    return slice(in->at, window(in) < most ? window(in) : most);
}

bool in_at_end(struct in *in)
{
    return window(in) == 0 && !fill(in, 1);
}

uint16_t in_le16(struct in *in)
{
    uint8_t b[2];
    in_bytes(in, b, sizeof b);
    return load_le16(b);
}

uint32_t in_le32(struct in *in)
{
    uint8_t b[4];
    in_bytes(in, b, sizeof b);
    return load_le32(b);
}

uint32_t in_be32(struct in *in)
{
    uint8_t b[4];
    in_bytes(in, b, sizeof b);
    return load_be32(b);
}

uint64_t in_le64(struct in *in)
{
    uint8_t b[8];
    in_bytes(in, b, sizeof b);
    return load_le64(b);
}

uint64_t in_be64(struct in *in)
{
    uint8_t b[8];
    in_bytes(in, b, sizeof b);
    return load_be64(b);
}

double in_le_double(struct in *in)
{
    uint8_t b[8];
    in_bytes(in, b, sizeof b);
    return load_le_double(b);
}

void in_crc_start(struct in *in)
{
    settle(in);
    in->crc_on = true;
    in->crc = 0;
}

uint64_t in_crc(struct in *in)
{
    must(in->crc_on);
    settle(in);
    return in->crc;
}

uint64_t in_crc_before(struct in *in)
{
    const uint8_t *at = in->at;
    must(in->crc_on && in->crc_from < at);
    in->at = at - 1;
    settle(in);
    in->at = at;
    return in->crc;
}

void in_crc_stop(struct in *in)
{
    must(in->crc_on);
    settle(in);
    in->crc_on = false;
}

void in_tap_start(struct in *in, struct buf *tap)
{
    must(tap && !in->tap);
    settle(in);
    in->tap = tap;
}

void in_tap_stop(struct in *in)
{
    must(in->tap);
    settle(in);
    in->tap = NULL;
}
