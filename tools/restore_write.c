/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/restore_write.h"

#include <errno.h>
#include <inttypes.h>

#include "base/num.h"
#include "format/resp_write.h"

enum { HELD_MAX = 4 << 20, FOOTER = 10 };

static int hold(void *arg, const void *from, size_t n)
{
    struct restore_writer *w = arg;
    if (w->held.len + n <= HELD_MAX && !w->spilled_bytes) {
        buf_append(&w->held, from, n);
        return 0;
    }
    if (!w->spilled && !(w->spilled = tmpfile()))
        return -errno;
    if (w->spilled_bytes == 0)
        rewind(w->spilled);
    if (fwrite(from, 1, n, w->spilled) != n)
        return -(errno ? errno : EIO);
    w->spilled_bytes += n;
    return 0;
}

static bool begin(void *arg, struct key_event *key)
{
    struct restore_writer *w = arg;
    w->key = *key;
    buf_clear(&w->name);
    buf_add(&w->name, key->name);
    buf_clear(&w->held);
    w->spilled_bytes = 0;
    out_crc_start(&w->body);
    return true;
}

static void put_select(struct restore_writer *w, struct buf *to)
{
    char number[NUM_I64_TEXT];
    if (w->db == w->key.db)
        return;
    w->db = w->key.db;
    resp_put_head(to, '*', 2);
    resp_put_bulk(to, SLICE_LIT("SELECT"));
    resp_put_bulk(to, slice(number, num_format_u64(number, w->key.db)));
}

/* RESTORE name expiry <payload> REPLACE ABSTTL [IDLETIME s] [FREQ n], up to the payload. */
static void put_restore(struct restore_writer *w, uint64_t payload_bytes, struct buf *to)
{
    char number[NUM_I64_TEXT];
    int64_t expire = w->key.expire_ms == KEY_NO_EXPIRE ? 0 :
                     w->key.expire_ms <= 0 ? 1 : w->key.expire_ms; /* 0 would mean: never */
    bool idle = w->key.idle_s != KEY_NO_IDLE, freq = w->key.freq != KEY_NO_FREQ;
    resp_put_head(to, '*', 6 + 2 * (size_t)(idle || freq));
    resp_put_bulk(to, SLICE_LIT("RESTORE"));
    resp_put_bulk(to, buf_slice(&w->name));
    resp_put_bulk(to, slice(number, num_format_i64(number, expire)));
    buf_printf(to, "$%" PRIu64 "\r\n", payload_bytes);
}

static void put_tail(struct restore_writer *w, struct buf *to)
{
    char number[NUM_I64_TEXT];
    buf_printf(to, "\r\n");
    resp_put_bulk(to, SLICE_LIT("REPLACE"));
    resp_put_bulk(to, SLICE_LIT("ABSTTL"));
    if (w->key.idle_s != KEY_NO_IDLE) {
        resp_put_bulk(to, SLICE_LIT("IDLETIME"));
        resp_put_bulk(to, slice(number, num_format_i64(number, w->key.idle_s)));
    } else if (w->key.freq != KEY_NO_FREQ) {
        resp_put_bulk(to, SLICE_LIT("FREQ"));
        resp_put_bulk(to, slice(number, num_format_i64(number, w->key.freq)));
    }
}

static void copy_spilled(struct restore_writer *w)
{
    char part[64 << 10];
    uint64_t left = w->spilled_bytes;
    fflush(w->spilled);
    rewind(w->spilled);
    while (left) {
        size_t n = fread(part, 1, left < sizeof part ? (size_t)left : sizeof part, w->spilled);
        if (n == 0) {
            fault_io(&w->out->fault, EIO, "read", "Can't read a temporary file");
            return;
        }
        out_bytes(w->out, part, n);
        left -= n;
    }
}

static void end(void *arg)
{
    struct restore_writer *w = arg;
    struct buf text = {0};
    out_le16(&w->body, (uint16_t)w->version);
    out_le64(&w->body, out_crc(&w->body));
    if (!out_flush(&w->body)) {
        w->payload.sink.fault = w->body.fault;
        return;
    }
    put_select(w, &text);
    put_restore(w, w->held.len + w->spilled_bytes, &text);
    out_slice(w->out, buf_slice(&text));
    out_slice(w->out, buf_slice(&w->held));
    if (w->spilled_bytes)
        copy_spilled(w);
    buf_clear(&text);
    put_tail(w, &text);
    out_slice(w->out, buf_slice(&text));
    buf_free(&text);
    if (out_bad(w->out))
        w->payload.sink.fault = w->out->fault;
}

static void put_library(void *arg, struct slice source)
{
    struct restore_writer *w = arg;
    struct buf text = {0};
    resp_put_head(&text, '*', 4);
    resp_put_bulk(&text, SLICE_LIT("FUNCTION"));
    resp_put_bulk(&text, SLICE_LIT("LOAD"));
    resp_put_bulk(&text, SLICE_LIT("REPLACE"));
    resp_put_bulk(&text, source);
    out_slice(w->out, buf_slice(&text));
    buf_free(&text);
}

void restore_writer_init(struct restore_writer *w, struct out *out, int version)
{
    *w = (struct restore_writer){.out = out, .version = version, .db = -1};
    out_init_callback(&w->body, hold, w, 64 << 10);
    rdb_payload_writer_init(&w->payload, &w->body, version);
    sift_init(&w->sift, NULL, &w->payload.sink);
    w->sift.change = begin;
    w->sift.ended = end;
    w->sift.library = put_library;
    w->sift.values_only = true;
    w->sift.arg = w;
}

void restore_writer_free(struct restore_writer *w)
{
    if (w->spilled)
        fclose(w->spilled);
    rdb_writer_free(&w->payload);
    out_free(&w->body);
    buf_free(&w->held);
    buf_free(&w->name);
}
