/* SPDX-License-Identifier: BSD-3-Clause */
/* DUMP and RESTORE: one value as bytes, through the same writer, reader and loader as a file. */
#include "commands/cmd_key.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_payload.h"
#include "format/rdb_write.h"
#include "server/ctx.h"
#include "server/notify.h"
#include "server/reply.h"
#include "store/load.h"
#include "store/offer.h"
#include "store/str.h"
#include "store/walk.h"

void cmd_dump(struct ctx *c)
{
    struct entry *e = db_find(c->db, c->argv[1]);
    if (!e) {
        reply_null(c);
        return;
    }
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, c->keyspace->dump_version);
    walk_entry(c->db, e, &w.sink);
    if (rdb_writer_bad(&w)) {
        reply_errorf(c, "ERR %s", w.sink.fault.what);
    } else {
        rdb_payload_seal(&out.buf, 0, c->keyspace->dump_version);
        reply_bulk(c, buf_slice(&out.buf));
    }
    rdb_writer_free(&w);
    out_free(&out);
}

struct restore_options {
    bool replace, absolute;
    int64_t ttl, idle_s, freq;
};

static bool parse_options(struct ctx *c, struct restore_options *o)
{
    *o = (struct restore_options){.idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    for (int i = 4; i < c->argc; i++) {
        bool value = i + 1 < c->argc;
        if (ctx_arg_is(c, i, "replace")) {
            o->replace = true;
        } else if (ctx_arg_is(c, i, "absttl")) {
            o->absolute = true;
        } else if (ctx_arg_is(c, i, "idletime") && value && o->freq == KEY_NO_FREQ) {
            if (!ctx_arg_i64(c, ++i, &o->idle_s))
                return false;
            if (o->idle_s < 0) {
                reply_error(c, "ERR Invalid IDLETIME value, must be >= 0");
                return false;
            }
        } else if (ctx_arg_is(c, i, "freq") && value && o->idle_s == KEY_NO_IDLE) {
            if (!ctx_arg_i64(c, ++i, &o->freq))
                return false;
            if (o->freq < 0 || o->freq > 255) {
                reply_error(c, "ERR Invalid FREQ value, must be >= 0 and <= 255");
                return false;
            }
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* What a payload holds. A string's text is kept apart: it is not copied as an event of a sink. */
struct restored {
    struct load l;
    struct slice text;
    struct buf hold; /* the text, when it had to be made from the payload's bytes */
};

static bool read_payload(struct ctx *c, struct restored *r, struct fault *f)
{
    if (rdb_payload_is_string(c->argv[3]))
        return rdb_payload_string(c->argv[3], &r->hold, &r->text, f);
    struct key_event key = {.name = c->argv[1], .db = c->db->id, .expire_ms = KEY_NO_EXPIRE,
                            .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    struct rdb_options options = {.keep_modules = true};
    return rdb_payload_read(c->argv[3], &key, &r->l.sink, &options, f) && load_finish(&r->l);
}

static bool read_value(struct ctx *c, struct restored *r)
{
    struct fault f = {0};
    int version;
    if (!rdb_payload_check(c->argv[3], &version, &f)) {
        reply_error(c, "ERR DUMP payload version or checksum are wrong");
        return false;
    }
    if (read_payload(c, r, &f))
        return true;
    const struct fault *why = fault_is(&f) ? &f : &r->l.sink.fault;
    log_fault("RESTORE refused a payload", why);
    if (why->code == FAULT_CANNOT_HOLD)
        reply_errorf(c, "ERR %s", why->what);
    else
        reply_error(c, "ERR Bad data format");
    return false;
}

static struct str *block_from(struct buf *b)
{
    size_t good = mem_good_size(sizeof(struct str) + b->len), len = b->len;
    struct str *s = mem_realloc(b->data, good);
    must(good >= sizeof *s + len);
    memmove(s->bytes, s, len);
    s->len = len;
    s->cap = good - sizeof *s;
    *b = (struct buf){0};
    return s;
}

static struct entry *put_text(struct ctx *c, struct restored *r, int64_t expire_ms)
{
    struct keyspace *ks = c->keyspace;
    struct offer *outer = ks->offered, own = {0};
    if (r->hold.len >= OFFER_MIN) {
        struct str *s = block_from(&r->hold);
        r->text = slice(s->bytes, s->len);
        offer_add(&own, s);
    }
    ks->offered = own.count ? &own : outer;
    struct entry *e = db_set_string(c->db, c->argv[1], r->text, expire_ms);
    ks->offered = outer;
    offer_free(&own);
    return e;
}

static void put_value(struct ctx *c, struct restored *r, const struct restore_options *o,
                      int64_t expire_ms)
{
    struct entry *e;
    struct load *l = &r->l;
    if (!l->value.ptr) {
        e = put_text(c, r, expire_ms);
    } else {
        e = db_add_val(c->db, c->argv[1], l->value);
        l->value.ptr = NULL;
        if (expire_ms != KEY_NO_EXPIRE)
            e = db_set_expire(c->db, e, expire_ms);
    }
    if (o->idle_s != KEY_NO_IDLE && c->keyspace->access == ACCESS_LRU)
        entry_set_idle(c->keyspace, e, o->idle_s);
    must(o->freq == KEY_NO_FREQ || o->idle_s == KEY_NO_IDLE);
    if (o->freq != KEY_NO_FREQ && c->keyspace->access == ACCESS_LFU)
        entry_set_freq(c->keyspace, e, (unsigned)o->freq);
}

/* The log gets an absolute time: replayed later, the key must not live longer. */
static void log_restore(struct ctx *c, const struct restore_options *o, int64_t expire_ms)
{
    char at[NUM_I64_TEXT], extra[NUM_I64_TEXT];
    struct slice argv[9] = {SLICE_LIT("RESTORE"), c->argv[1]};
    argv[2] = slice(at, num_format_i64(at, expire_ms));
    argv[3] = c->argv[3];
    int argc = 4;
    if (o->replace)
        argv[argc++] = SLICE_LIT("REPLACE");
    argv[argc++] = SLICE_LIT("ABSTTL");
    if (o->idle_s != KEY_NO_IDLE) {
        argv[argc++] = SLICE_LIT("IDLETIME");
        argv[argc++] = slice(extra, num_format_i64(extra, o->idle_s));
    } else if (o->freq != KEY_NO_FREQ) {
        argv[argc++] = SLICE_LIT("FREQ");
        argv[argc++] = slice(extra, num_format_i64(extra, o->freq));
    }
    must(argc <= (int)(sizeof argv / sizeof *argv));
    ctx_log_instead(c, argc, argv);
}

static void release(struct restored *r)
{
    load_release(&r->l);
    buf_free(&r->hold);
}

void cmd_restore(struct ctx *c)
{
    struct restore_options o;
    struct restored r = {0};
    if (!parse_options(c, &o))
        return;
    bool exists = db_find_write(c->db, c->argv[1]);
    if (exists && !o.replace) {
        reply_error(c, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!ctx_arg_i64(c, 2, &o.ttl))
        return;
    if (o.ttl < 0) {
        reply_error(c, "ERR Invalid TTL value, must be >= 0");
        return;
    }
    load_init(&r.l, c->keyspace, LOAD_ONE_VALUE, c->now_ms);
    if (!read_value(c, &r)) {
        release(&r);
        return;
    }
    int64_t expire_ms = KEY_NO_EXPIRE;
    bool past = false;
    if (o.ttl) {
        if (o.absolute)
            expire_ms = o.ttl;
        else if (__builtin_add_overflow(o.ttl, c->now_ms, &expire_ms))
            expire_ms = INT64_MAX;
        past = expire_ms <= c->now_ms && keyspace_decides_expiry(c->keyspace);
    }
    if (exists)
        db_remove_as(c->db, c->argv[1], KEY_REMOVED, c->keyspace->lazyfree_del);
    if (past) {
        if (exists) {
            struct slice argv[] = {SLICE_LIT("DEL"), c->argv[1]};
            ctx_log_instead(c, 2, argv);
            ctx_notify(c, NOTIFY_GENERIC, "del", c->argv[1]);
            ctx_changed(c, 1);
        }
    } else {
        put_value(c, &r, &o, expire_ms);
        ctx_notify(c, NOTIFY_GENERIC, "restore", c->argv[1]);
        if (o.ttl)
            log_restore(c, &o, expire_ms);
        ctx_changed(c, 1);
    }
    release(&r);
    reply_ok(c);
}
