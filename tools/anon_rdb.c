/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_rdb.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/lzf.h"
#include "base/must.h"
#include "containers/hll.h"
#include "tools/anon_library.h"
#include "tools/progress_bar.h"

enum { RUN_BYTES = 1 << 20, TEXT_MIN = 4, TRIES = 32 };
struct hole {
    uint64_t from, to;
    struct fault fault;
    unsigned db;
    uint64_t text; /* from here on runs of text are replaced */
};

/* ---- where strings lie ---- */

static void put(struct anon_rdb *x, uint64_t at, const char *bytes, size_t n)
{
    if (x->memory) {
        memcpy(x->memory + at, bytes, n);
        return;
    }
    if (x->in->cuts.len == 0) {
        anon_file_put(x->work, x->stream.from + at, bytes, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        anon_file_put(x->work, image_place(&x->stream, at + i), bytes + i, 1);
}

static char *copied(struct anon_rdb *x, const struct rdb_stored *s)
{
    buf_clear(&x->bytes);
    buf_add(&x->bytes, s->bytes);
    return x->bytes.len ? x->bytes.data : NULL;
}

static void replace_int(struct anon_rdb *x, const struct rdb_stored *s)
{
    uint8_t bytes[4];
    store_le32(bytes, (uint32_t)anon_int(x->a, s->number));
    x->counts.content += s->bytes.len;
    put(x, s->at, (const char *)bytes, s->bytes.len);
}

/* They have no content but hashes, and no server takes one that was changed. */
static bool is_hll(const struct rdb_stored *s)
{
    static const char lzf_head[] = "HYLL";
    if (s->type != RDB_STRING || s->len < 16)
        return false;
    return s->form == RDB_FORM_RAW
               ? s->bytes.len == s->len && hll_is(s->bytes)
               : s->form == RDB_FORM_LZF && s->bytes.len > 5 && (uint8_t)s->bytes.data[0] < 32 &&
                     s->bytes.data[0] >= 3 && memcmp(s->bytes.data + 1, lzf_head, 4) == 0;
}

static void replace_text(struct anon_rdb *x, const struct rdb_stored *s, size_t keep)
{
    char *bytes;
    if (s->form == RDB_FORM_INT) {
        replace_int(x, s);
        return;
    }
    if (s->bytes.len == 0 || is_hll(s))
        return;
    bytes = copied(x, s);
    x->counts.content += s->bytes.len;
    if (s->form == RDB_FORM_LZF) {
        anon_lzf(x->a, bytes, s->bytes.len, keep);
    } else if (s->form == RDB_FORM_RUN) {
        x->state = s->from ? x->state : 0;
        anon_run(x->a, &x->state, bytes, s->bytes.len);
    } else if (s->bytes.len == s->len) {
        anon_text(x->a, bytes, s->bytes.len, keep);
    } else {
        for (size_t at = 0; at < s->bytes.len; at += ANON_PART)
            anon_part(x->a, bytes + at,
                      s->bytes.len - at < ANON_PART ? s->bytes.len - at : ANON_PART,
                      s->from + at);
    }
    put(x, s->at, bytes, s->bytes.len);
}

static void replace_block(struct anon_rdb *x, const struct rdb_stored *s)
{
    bool ok = false;
    if (s->form == RDB_FORM_INT || s->bytes.len == 0)
        return;
    char *bytes = copied(x, s);
    if (s->form == RDB_FORM_RAW)
        ok = anon_block(x->a, s->type, s->kind, bytes, s->bytes.len, &x->counts);
    else if (s->len / 88 <= s->bytes.len)
        ok = anon_block_lzf(x->a, s->type, s->kind, bytes, s->bytes.len, s->len, &x->counts);
    put(x, s->at, bytes, s->bytes.len);
    if (ok) /* else it is not well-formed, and lies in a hole */
        return;
    if (x->memory)
        return;
    uint64_t from = image_place(&x->stream, s->at);
    anon_text_runs(x->a, x->work, from, from + s->bytes.len);
}

static void replace_library(struct anon_rdb *x, const struct rdb_stored *s)
{
    x->libraries++;
    if (s->form == RDB_FORM_INT) {
        replace_int(x, s);
        return;
    }
    char *bytes = copied(x, s);
    x->counts.content += s->bytes.len;
    if (s->form == RDB_FORM_RAW && bytes) {
        anon_library(x->a, bytes, s->bytes.len);
    } else if (s->form == RDB_FORM_LZF && bytes && s->len / 88 <= s->bytes.len &&
               !anon_library_lzf(x->a, bytes, s->bytes.len, s->len)) {
        anon_lzf(x->a, bytes, s->bytes.len, 0);
        x->libraries_left++;
    }
    if (bytes)
        put(x, s->at, bytes, s->bytes.len);
}

static bool is_kept_aux(const char *name)
{
    static const char *const kept[] = {"redis-ver", "redis-bits", "valkey-ver", "ctime",
                                       "used-mem", "aof-base", "aof-preamble"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(name, kept[i]) == 0)
            return true;
    return strncmp(name, "hf-", 3) == 0 || strncmp(name, "repl-", 5) == 0;
}

static void replace_aux(struct anon_rdb *x, const struct rdb_stored *s)
{
    if (!x->memory && strcmp(x->aux, RDB_AUX_DIGEST) == 0 && s->form == RDB_FORM_RAW &&
        s->len == DIGEST_TEXT) {
        memcpy(x->digest_told, s->bytes.data, DIGEST_TEXT);
        x->digest_at = image_place(&x->stream, s->at);
    }
    if (is_kept_aux(x->aux))
        return;
    if (strcmp(x->aux, "lua") == 0 && s->form == RDB_FORM_RAW && s->len) {
        char *bytes = copied(x, s);
        anon_script(bytes, s->bytes.len);
        put(x, s->at, bytes, s->bytes.len);
        return;
    }
    replace_text(x, s, 0);
}

static void on_stored(void *arg, const struct rdb_stored *s)
{
    struct anon_rdb *x = arg;
    uint64_t end = x->memory ? 0 : image_place(&x->stream, s->at + s->bytes.len);
    if (x->limit && end > x->limit)
        return;
    x->told_to = end;
    switch (s->kind) {
    case RDB_STORED_AUX_NAME:
        snprintf(x->aux, sizeof x->aux, "%.*s",
                 s->form == RDB_FORM_RAW ? (int)(s->bytes.len < 31 ? s->bytes.len : 31) : 0,
                 s->bytes.len ? s->bytes.data : "");
        return;
    case RDB_STORED_AUX: replace_aux(x, s); return;
    case RDB_STORED_ID: return;
    case RDB_STORED_LIBRARY: replace_library(x, s); return;
    case RDB_STORED_NAME:
        if (!x->keep_names)
            replace_text(x, s, x->keep_prefix);
        return;
    case RDB_STORED_TEXT: replace_text(x, s, 0); return;
    default: replace_block(x, s); return;
    }
}

/* ---- records ---- */

static bool begin(struct anon_rdb *x)
{
    const struct rdb_options opt = {.keep_modules = true, .unguarded = true,
                                    .trust_distinct = true, .distinct_max = RDB_DISTINCT_MAX,
                                    .stored = on_stored,
                                    .stored_arg = x, .pending = &x->pending.ops};
    pending_file_begin(&x->pending, PENDING_FILE_HELD);
    int n = snprintf(x->magic, sizeof x->magic, x->plan.valkey ? "VALKEY%03d" : "REDIS%04d",
                     x->plan.version);
    in_init_memory(&x->head, slice(x->magic, (size_t)n));
    return rdb_open(&x->reader, &x->head, &opt);
}

/* What was not read was not replaced. */
static void took_fault(struct anon_rdb *x, const struct fault *f)
{
    if (fault_is(f) && !fault_is(&x->work->fault))
        x->work->fault = *f;
}

/* Replaces what records have from..to, up to a fault of theirs. */
static void replace_records(struct anon_rdb *x, uint64_t from, uint64_t to, unsigned db)
{
    struct rdb_record rec;
    image_stream(&x->stream, &x->source, x->in, from, to, 0);
    rdb_resume(&x->reader, &x->source, db);
    x->told_to = from;
    while (!in_at_end(&x->source) && rdb_next(&x->reader, &rec))
        if (!rdb_skip(&x->reader, &rec))
            break;
    took_fault(x, &x->pending.fault);
    x->reader.ended = x->reader.body_due = false;
    in_free(&x->source);
}

static void flush_run(struct anon_rdb *x)
{
    if (x->run_from < x->run_to)
        replace_records(x, x->run_from, x->run_to, 0);
    x->run_from = x->run_to = 0;
}

static bool on_record(void *arg, const struct rescued *r)
{
    struct anon_rdb *x = arg;
    if (r->from != x->run_to || r->to - x->run_from > RUN_BYTES) {
        flush_run(x);
        x->run_from = r->from;
    }
    x->run_to = r->to;
    return !fault_is(&x->work->fault);
}

static void on_hole(void *arg, const struct rescue_hole *h)
{
    struct anon_rdb *x = arg;
    struct hole hole = {.from = h->from, .to = h->to, .fault = h->fault, .db = h->db};
    buf_append(&x->hole_list, &hole, sizeof hole);
}

static void on_at(void *arg, uint64_t at)
{
    struct anon_rdb *x = arg;
    if (x->progress)
        progress_bar_at(x->progress, at);
}

/* ---- holes ---- */

/* Bytes of the printable letter that p begins with; 0: none. */
static size_t letter(const char *p, size_t n)
{
    uint8_t c = (uint8_t)*p;
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (len > n || (len == 1 && (c < ' ' || c == 127)))
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((uint8_t)p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static void replace_runs(struct anon *a, struct anon_file *work, uint64_t from, uint64_t to,
                         size_t least)
{
    char part[ANON_PART];
    while (from < to) {
        size_t got = anon_file_get(work, from, part, to - from < sizeof part ? to - from
                                                                             : sizeof part);
        for (size_t i = 0, begun = 0, len; i <= got; i += len) {
            len = i < got ? letter(part + i, got - i) : 0;
            if (len)
                continue;
            if (i - begun >= least)
                anon_bytes(a, i - begun, part + begun, i - begun);
            begun = i + 1;
            len = 1;
        }
        if (got == 0)
            return;
        anon_file_put(work, from, part, got);
        from += got;
    }
}

void anon_text_runs(struct anon *a, struct anon_file *work, uint64_t from, uint64_t to)
{
    replace_runs(a, work, from, to, TEXT_MIN);
}

/* Bytes of the length that lies at place at. */
static uint64_t length_bytes(struct anon_rdb *x, uint64_t at)
{
    uint8_t p[2] = {0};
    anon_file_get(x->work, at, p, sizeof p);
    return p[0] < 0x40 ? 1 : p[0] < 0x80 ? 2 : p[0] == 0x80 ? 5 : p[0] == 0x81 ? 9 : 1;
}

/* Of what tells how long a string is; packed: how long it is then, and unpacked. */
static uint64_t string_head(struct anon_rdb *x, uint64_t at)
{
    enum { PACKED = 0xc3 };
    uint8_t first = 0;
    anon_file_get(x->work, at, &first, 1);
    if (first != PACKED)
        return length_bytes(x, at);
    uint64_t packed = length_bytes(x, at + 1);
    return 1 + packed + length_bytes(x, at + 1 + packed);
}

/* Of a record, up to the text it begins with: a key's attributes, its type or what else it is, the
 * length of the key's name, or of a library's code. */
static uint64_t record_head(struct anon_rdb *x, uint64_t from)
{
    uint64_t at = from;
    uint8_t op = 0;
    for (;; at++) {
        if (anon_file_get(x->work, at, &op, 1) != 1)
            return at - from;
        if (op == RDB_OP_EXPIRE_MS)
            at += 8;
        else if (op == RDB_OP_EXPIRE_S)
            at += 4;
        else if (op == RDB_OP_FREQ)
            at += 1;
        else if (op == RDB_OP_IDLE)
            at += length_bytes(x, at + 1);
        else
            break;
    }
    must(at >= from);
    return at + 1 - from + string_head(x, at + 1);
}

/* Up to the fault, strings are replaced and what was taken for lengths and numbers stays, so that
 * the same fault is found there again. */
static void replace_hole(struct anon_rdb *x, struct hole *h)
{
    x->holes++;
    x->hole_bytes += h->to - h->from;
    x->limit = h->fault.offset;
    x->reader.opt.trust_distinct = false;
    replace_records(x, h->from, h->to, h->db);
    x->reader.opt.trust_distinct = true;
    x->limit = 0;
    uint64_t from = x->told_to > h->from ? x->told_to : h->from, stays = from;
    if (h->fault.offset >= from && h->fault.code != FAULT_EOF)
        stays = h->fault.offset; /* strings up to there were told */
    else
        stays = from + (from > h->from ? string_head(x, from) : record_head(x, from));
    h->text = stays < h->to ? stays : h->to;
    anon_text_runs(x->a, x->work, h->text, h->to);
}

static void replace_holes(struct anon_rdb *x)
{
    struct hole *all = (struct hole *)(void *)x->hole_list.data;
    for (size_t i = 0; i < x->hole_list.len / sizeof *all; i++)
        replace_hole(x, &all[i]);
}

/* At x->wrong_at, by chance, something looks like a record: what is there now is replaced by
 * something else, and more of it the more often that was tried. False: it lies in no hole's text,
 * where nothing else would come of another try. */
static bool replace_again(struct anon_rdb *x, uint64_t tries)
{
    enum { AROUND = 16 };
    const struct hole *all = (const struct hole *)(const void *)x->hole_list.data;
    bool any = false;
    for (size_t i = 0; i < x->hole_list.len / sizeof *all; i++) {
        uint64_t at = x->wrong_at, more = AROUND * (1 + tries / 2);
        if (at < all[i].text || at >= all[i].to)
            continue;
        uint64_t from = at - all[i].text > tries ? at - tries : all[i].text;
        replace_runs(x->a, x->work, from, at + more < all[i].to ? at + more : all[i].to, 1);
        any = true;
    }
    anon_file_flush(x->work);
    return any;
}

/* ---- the whole ---- */

static void apply_patches(struct anon_rdb *x)
{
    const struct image_patch *p = (const struct image_patch *)(const void *)x->in->patches.data;
    for (size_t i = 0; i < x->in->patches.len / sizeof *p; i++) {
        uint8_t byte;
        if (anon_file_get(x->work, p[i].at, &byte, 1) != 1)
            continue;
        byte ^= p[i].flip;
        anon_file_put(x->work, p[i].at, &byte, 1);
    }
}

/* A cut repeats the bytes in front of it, or behind it. */
static void apply_cuts(struct anon_rdb *x)
{
    const struct image_cut *c = (const struct image_cut *)(const void *)x->in->cuts.data;
    struct rdb_image plain = {.fd = x->in->fd, .end = x->in->end};
    for (size_t i = 0; i < x->in->cuts.len / sizeof *c; i++) {
        uint64_t n = c[i].to - c[i].from, from = c[i].from >= n ? c[i].from - n : c[i].to;
        if (c[i].from >= n && image_crc(&plain, 0, from, from + n) !=
                                  image_crc(&plain, 0, c[i].from, c[i].to))
            from = c[i].to;
        for (uint64_t at = 0; at < n; at++) {
            char byte;
            if (anon_file_get(x->work, from + at, &byte, 1) == 1)
                anon_file_put(x->work, c[i].from + at, &byte, 1);
        }
    }
    image_free(&plain);
}

static void restore_damage(struct anon_rdb *x)
{
    apply_cuts(x);
    apply_patches(x);
}

static bool nothing(void *arg, const struct rescued *r)
{
    (void)arg;
    (void)r;
    return true;
}

/* The holes of the first run, compared with those of another. */
struct compare {
    const struct hole *all;
    size_t count, at;
    bool differ;
    uint64_t wrong_at; /* where the first one that differs ends */
};

/* A value that ran over its hole's end met its fault among the records behind it, whose bytes are
 * other ones now: what kind of fault that is tells nothing of the hole. */
static bool same_fault(const struct hole *was, const struct rescue_hole *h)
{
    if (was->fault.offset > was->to && h->fault.offset > h->to)
        return true;
    return was->fault.offset == h->fault.offset && strcmp(was->fault.what, h->fault.what) == 0;
}

static void compare_hole(void *arg, const struct rescue_hole *h)
{
    struct compare *c = arg;
    const struct hole *was = &c->all[c->at];
    bool differs = c->at >= c->count || was->from != h->from || was->to != h->to ||
                   !same_fault(was, h);
    if (differs && !c->differ)
        c->wrong_at = h->to;
    c->differ = c->differ || differs;
    c->at++;
}

/* Reads the result; its digest is in place of the first run's. */
static void read_again(struct anon_rdb *x, struct rdb_image *out, struct hash128 *digest)
{
    static const struct rescue_ops ops = {.record = nothing, .hole = compare_hole};
    struct compare holes = {.all = (const struct hole *)(const void *)x->hole_list.data,
                            .count = x->hole_list.len / sizeof(struct hole)};
    struct rescue again = {.image = out, .plan = &x->plan, .ops = &ops, .arg = &holes,
                           .digests = true};
    rescue_run(&again);
    took_fault(x, &again.pending.fault);
    x->same = again.keys == x->rescue.keys && holes.at == holes.count && !holes.differ;
    x->wrong_at = holes.wrong_at;
    *digest = again.digest.total;
    rescue_free(&again);
}

static void renew_digest(struct anon_rdb *x, const struct hash128 *before,
                         const struct hash128 *after)
{
    char text[DIGEST_HEX];
    struct digest d;
    digest_init(&d);
    digest_add(&d, *before);
    if (!x->digest_at || x->holes ||
        memcmp(digest_text(&d, text), x->digest_told, DIGEST_TEXT) != 0)
        return;
    digest_init(&d);
    digest_add(&d, *after);
    anon_file_put(x->work, x->digest_at, digest_text(&d, text), DIGEST_TEXT);
    anon_file_flush(x->work);
}

void anon_rdb_run(struct anon_rdb *x)
{
    static const struct rescue_ops ops = {.record = on_record, .hole = on_hole, .at = on_at};
    struct rdb_image out = {.fd = x->work->fd, .end = x->in->end, .open_end = x->in->open_end};
    struct hash128 after;
    plan_make(&x->plan, x->in, x->threads);
    apply_patches(x);
    bool ok = begin(x);
    must(ok);
    x->rescue = (struct rescue){.image = x->in, .plan = &x->plan, .ops = &ops, .arg = x,
                                .digests = true};
    rescue_run(&x->rescue);
    took_fault(x, &x->rescue.pending.fault);
    struct hash128 before = x->rescue.digest.total;
    rescue_free(&x->rescue); /* what it holds of a large value the next reader needs, too */
    flush_run(x);
    replace_holes(x);
    x->keys = x->rescue.keys;
    x->end_at = x->rescue.ended ? x->rescue.end_at : 0;
    buf_add(&out.cuts, buf_slice(&x->in->cuts));
    if (anon_file_flush(x->work)) {
        if (x->digest_at && !x->holes) {
            read_again(x, &out, &after);
            renew_digest(x, &before, &after);
        }
        anon_sums(x, &out);
        read_again(x, &out, &after); /* where it ends, its checksum may tell */
        for (int tries = 0; tries < TRIES && x->holes && !x->same; tries++) {
            if (!replace_again(x, (uint64_t)tries))
                break;
            read_again(x, &out, &after);
        }
        restore_damage(x);
        anon_file_flush(x->work);
    }
    image_free(&out);
}

/* As a key without a name, in front of which nothing stands. */
bool anon_payload(struct anon *a, char *bytes, size_t n, struct anon_counts *c)
{
    struct anon_rdb x = {.a = a, .plan = {.version = RDB_VERSION_OURS}};
    struct rdb_record rec;
    struct buf key = {0};
    if (n <= RDB_PAYLOAD_FOOTER || (uint8_t)bytes[0] >= RDB_OP_TEMPLATE)
        return false;
    uint8_t *crc = (uint8_t *)bytes + n - 8;
    bool right = load_le64(crc) == crc64(0, bytes, n - 8);
    buf_byte(&key, (uint8_t)bytes[0]);
    buf_byte(&key, 0);
    buf_append(&key, bytes + 1, n - 1 - RDB_PAYLOAD_FOOTER);
    bool ok = begin(&x);
    must(ok);
    in_init_memory(&x.source, buf_slice(&key));
    struct buf made = {0};
    buf_add(&made, buf_slice(&key));
    x.memory = made.data;
    rdb_resume(&x.reader, &x.source, 0);
    ok = rdb_next(&x.reader, &rec) && rdb_skip(&x.reader, &rec) && in_at_end(&x.source);
    if (ok)
        memcpy(bytes + 1, made.data + 2, made.len - 2);
    if (ok && right)
        store_le64(crc, crc64(0, bytes, n - 8));
    c->content += x.counts.content;
    c->left += x.counts.left;
    x.reader.body_due = false;
    rdb_close(&x.reader);
    pending_file_end(&x.pending);
    in_free(&x.source);
    in_free(&x.head);
    buf_free(&x.bytes);
    buf_free(&key);
    buf_free(&made);
    return ok;
}

void anon_rdb_free(struct anon_rdb *x)
{
    x->reader.ended = false;
    rdb_close(&x->reader);
    pending_file_end(&x->pending);
    in_free(&x->head);
    plan_free(&x->plan);
    buf_free(&x->bytes);
    buf_free(&x->hole_list);
}
