/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: an append-only file. What is kept of it, one unit behind the other, must be a log that the
 * server's reader takes to its end; so must it be in new batches, and those be read back unit by
 * unit. And the input as damage: some bytes of a log with checksums are made those of the input;
 * what is kept then must be units of that log, each once, in their order; but for those under no
 * checksum, behind a SELECT at the border of a batch, which another server may have written. */
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/tools/log_make.h"
#include "tools/log_keys.h"
#include "tools/log_read.h"

/* ---- anything ---- */

static void no_key(void *arg, const struct log_arg *key, enum key_use use)
{
    (void)use;
    *(uint64_t *)arg += key->len;
}

/* Its commands can be read, and their keys lie in them. */
static void check_unit(struct log_bytes *b, struct log_reader *r, bool whole)
{
    struct log_unit u;
    uint64_t n = 0, bytes = 0;
    log_unit_begin(&u, r);
    while (log_unit_next(&u, &r->command)) {
        must(!whole || !u.gap);
        log_keys_each(b, &r->command, no_key, &bytes);
        n++;
    }
    must(!whole || n == r->commands);
    must(bytes <= b->size * 4);
}

/* The units that are kept are appended to kept, and their lengths to lens; only_sums: those of
 * batches. */
static void read_any(struct slice bytes, uint64_t id, bool doubtful, bool only_sums,
                     struct buf *kept, struct buf *lens)
{
    struct log_bytes b;
    struct log_reader *r = mem_alloc(sizeof *r);
    enum log_item what;
    uint64_t end = 0;
    log_bytes_memory(&b, bytes);
    log_read_open(r, &b, 0, &(struct log_options){.id = id, .keep_doubtful = doubtful});
    while ((what = log_read_next(r)) != LOG_END) {
        must(r->from >= end && r->to + (what == LOG_MENDED) > r->from && r->to <= bytes.len);
        end = r->to;
        if (what == LOG_HOLE)
            check_unit(&b, r, false);
        if (what != LOG_UNIT || (only_sums && !r->in_batch))
            continue;
        size_t len = (size_t)(r->to - r->from);
        for (uint64_t at = r->from; at < r->to;) {
            struct slice s = log_bytes_at(&b, at, (size_t)(r->to - at < LOG_LOOK_MAX ? r->to - at
                                                                                 : LOG_LOOK_MAX));
            buf_add(kept, s);
            at += s.len;
        }
        buf_append(lens, &len, sizeof len);
        check_unit(&b, r, true);
    }
    must(r->next == bytes.len);
    log_read_close(r);
    log_bytes_close(&b);
    mem_free(r);
}

static void must_be_read(struct slice bytes)
{
    struct in in;
    struct aof_reader r;
    in_init_memory(&in, bytes);
    aof_open(&r, &in, &(struct aof_limits){0});
    must(aof_read_all(&r) == AOF_END);
    aof_close(&r);
}

static void seal_units(struct slice units, const struct buf *lens, struct buf *to)
{
    struct aof_chain c = {0};
    const size_t *len = (const size_t *)(const void *)lens->data;
    size_t n = lens->len / sizeof *len, at = 0;
    aof_chain_begin(&c, &(struct aof_session){.id = MADE_ID, .seq = 1}, to);
    for (size_t i = 0; i < n;) {
        size_t body = 0;
        for (size_t k = i % 3 + 1; k > 0 && i < n; k--)
            body += len[i++];
        struct slice s = slice(units.data + at, body);
        if (i % 2 && aof_small_takes(s))
            put_small(to, &c, s);
        else
            put_batch(to, &c, s, 0);
        at += body;
    }
}

static void check_any(struct slice bytes, uint64_t id, bool doubtful)
{
    struct buf kept = {0}, lens = {0}, sealed = {0}, again = {0}, lens_again = {0};
    read_any(bytes, id, doubtful, false, &kept, &lens);
    must_be_read(buf_slice(&kept));
    seal_units(buf_slice(&kept), &lens, &sealed);
    must_be_read(buf_slice(&sealed));
    read_any(buf_slice(&sealed), MADE_ID, false, false, &again, &lens_again);
    must(slice_eq(buf_slice(&kept), buf_slice(&again)));
    must(slice_eq(buf_slice(&lens), buf_slice(&lens_again)));
    buf_free(&kept);
    buf_free(&lens);
    buf_free(&sealed);
    buf_free(&again);
    buf_free(&lens_again);
}

/* ---- damage ---- */

static void check_damage(const uint8_t *data, size_t size)
{
    enum { OTHER_ID = 815 }; /* nobody who writes values knows it */
    static struct made made;
    struct buf text = {0}, kept = {0}, lens = {0};
    uint64_t seed = size ? data[0] : 0;
    if (size < 4)
        return;
    made.id = OTHER_ID;
    made_log(&made, (enum made_kind)(1 + seed % (MADE_KINDS - 1)), 60, &seed, true);
    buf_add(&text, buf_slice(&made.text));
    size_t at = (data[1] * 256u + data[2]) % text.len, n = size - 3;
    n = n < text.len - at ? n : text.len - at;
    memcpy(text.data + at, data + 3, n);
    read_any(buf_slice(&text), OTHER_ID, false, true, &kept, &lens);
    const size_t *len = (const size_t *)(const void *)lens.data;
    size_t next = 0, from = 0;
    for (size_t i = 0; i < lens.len / sizeof *len; i++) {
        struct slice unit = slice(kept.data + from, len[i]);
        while (next < made.units && !slice_eq(unit, slice(made.text.data + made.from[next],
                                                          made.to[next] - made.from[next])))
            next++;
        must(next++ < made.units);
        from += len[i];
    }
    buf_free(&text);
    buf_free(&kept);
    buf_free(&lens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice((const char *)data, size);
    check_any(bytes, 0, false);
    check_any(bytes, 0, true);
    check_any(bytes, MADE_ID, false);
    check_damage(data, size);
    return 0;
}

void fuzz_seeds(void)
{
    static struct made made;
    uint64_t seed = 1;
    for (int kind = 0; kind < MADE_KINDS; kind++) {
        made_log(&made, (enum made_kind)kind, 12, &seed, true);
        fuzz_add(made.text.data, made.text.len);
        for (int fault = 0; fault < MADE_FAULTS; fault++) {
            made_damage(&made.text, (enum made_fault)fault, &seed);
            fuzz_add(made.text.data, made.text.len);
        }
    }
    fuzz_add_path("../shared/fixtures/redis70-aof-respbase/appendonlydir");
}
