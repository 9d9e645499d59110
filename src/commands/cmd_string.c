/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings: SET in all its forms, and what works on text and numbers in place. What is logged never
 * depends on the time of replay: relative expiries become PXAT, and floats the text they became. */
#include "commands/cmd_string.h"

#include <limits.h>
#include <math.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "commands/expiry.h"
#include "commands/range.h"
#include "server/ctx.h"
#include "server/notify.h"
#include "server/reply.h"
#include "store/str.h"

static bool too_long(struct ctx *c, uint64_t len)
{
    if (ctx_string_fits(c, len))
        return false;
    reply_error(c, "ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    return true;
}

static void reply_entry(struct ctx *c, const struct entry *e)
{
    char scratch[NUM_I64_TEXT];
    if (e)
        reply_bulk(c, entry_string(e, scratch));
    else
        reply_null(c);
}

/* ---- SET and its kin ---- */

struct set_options {
    bool nx, xx, get, keep_ttl, persist;
    struct expiry_arg expiry;
};

/* True when argument i is an option of SET or GETEX that may stand here; *i moves over its value.
 */
static bool parse_option(struct ctx *c, int *i, struct set_options *o, bool getex)
{
    if (getex && ctx_arg_is(c, *i, "persist") && !o->expiry.given)
        return o->persist = true;
    if (!getex && ctx_arg_is(c, *i, "nx") && !o->xx)
        return o->nx = true;
    if (!getex && ctx_arg_is(c, *i, "xx") && !o->nx)
        return o->xx = true;
    if (!getex && ctx_arg_is(c, *i, "get"))
        return o->get = true;
    if (!getex && ctx_arg_is(c, *i, "keepttl") && !o->expiry.given)
        return o->keep_ttl = true;
    struct expiry_arg before = o->expiry;
    if (o->keep_ttl || o->persist || !expiry_option(c, i, &o->expiry))
        return false; /* one kind of time, but it may be given again */
    return !before.given || (before.seconds == o->expiry.seconds &&
                             before.absolute == o->expiry.absolute);
}

static bool parse_options(struct ctx *c, int from, struct set_options *o, bool getex)
{
    for (int i = from; i < c->argc; i++) {
        if (!parse_option(c, &i, o, getex)) {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

static void log_set(struct ctx *c, struct slice key, struct slice value, int64_t expire_ms)
{
    char text[NUM_I64_TEXT];
    struct slice at = slice(text, num_format_i64(text, expire_ms));
    struct slice argv[] = {SLICE_LIT("SET"), key, value, SLICE_LIT("PXAT"), at};
    ctx_log_instead(c, 5, argv);
}

/* What was there is of no interest to whoever runs it again; nor are words said twice. */
static void log_without_get(struct ctx *c)
{
    static const char *const kept[] = {"nx", "xx", "keepttl"};
    struct slice argv[6] = {c->argv[0], c->argv[1], c->argv[2]};
    int n = 3;
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        int i = 3;
        while (i < c->argc && !ctx_arg_is(c, i, kept[k]))
            i++;
        if (i < c->argc)
            argv[n++] = c->argv[i];
    }
    ctx_log_instead(c, n, argv);
}

static void tell_set(struct ctx *c, struct slice key)
{
    ctx_notify(c, NOTIFY_STRING, "set", key);
}

/* Sets with an expiry already resolved. A time in the past is kept as it is: the key is gone at
 * once. */
static void set_expiring(struct ctx *c, struct slice key, struct slice value, int64_t expire_ms)
{
    db_set_string(c->db, key, value, expire_ms);
    tell_set(c, key);
    ctx_notify(c, NOTIFY_GENERIC, "expire", key);
    log_set(c, key, value, expire_ms);
}

/* Only with GET it reads what was there. */
uint32_t set_key_flags(int argc, const struct slice *argv, uint32_t flags)
{
    for (int i = 3; i < argc; i++)
        if (slice_eq_nocase(argv[i], "get"))
            return flags;
    return (flags & ~(uint32_t)(KEY_RW | KEY_ACCESS)) | KEY_OW;
}

void cmd_set(struct ctx *c)
{
    struct slice key = c->argv[1], value = c->argv[2];
    if (c->argc == 3) { /* the hot way: nothing about the old value matters */
        db_set_string(c->db, key, value, KEY_NO_EXPIRE);
        tell_set(c, key);
        ctx_changed(c, 1);
        reply_ok(c);
        return;
    }
    struct set_options o = {0};
    int64_t expire_ms = KEY_NO_EXPIRE;
    if (!parse_options(c, 3, &o, false) ||
        (o.expiry.given && !expiry_resolve(c, &o.expiry, &expire_ms)))
        return;
    struct entry *old = NULL;
    if (o.get) {
        if (!ctx_lookup(c, key, VALUE_STRING, &old))
            return;
        reply_entry(c, old);
    } else if (o.nx || o.xx || o.keep_ttl) {
        /* What replaces the value is the use of the key that counts. */
        old = db_find_with(c->db, key, DB_NOSTATS | DB_WRITE | (o.nx ? 0 : DB_NOTOUCH));
    }
    if ((o.nx && old) || (o.xx && !old)) {
        if (!o.get)
            reply_null(c);
        return;
    }
    if (o.expiry.given) {
        set_expiring(c, key, value, expire_ms);
    } else {
        db_set_string(c->db, key, value, o.keep_ttl && old ? DB_KEEP_TTL : KEY_NO_EXPIRE);
        tell_set(c, key);
        if (o.get)
            log_without_get(c);
    }
    ctx_changed(c, 1);
    if (!o.get)
        reply_ok(c);
}

void cmd_setnx(struct ctx *c)
{
    bool set = !db_find_write(c->db, c->argv[1]);
    if (set) {
        db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
        tell_set(c, c->argv[1]);
        ctx_changed(c, 1);
    }
    reply_int(c, set);
}

static void set_for(struct ctx *c, bool seconds)
{
    struct expiry_arg expiry = {.given = true, .seconds = seconds, .at = 2};
    int64_t expire_ms;
    if (!expiry_resolve(c, &expiry, &expire_ms))
        return;
    set_expiring(c, c->argv[1], c->argv[3], expire_ms);
    ctx_changed(c, 1);
    reply_ok(c);
}

void cmd_setex(struct ctx *c)
{
    set_for(c, true);
}

void cmd_psetex(struct ctx *c)
{
    set_for(c, false);
}

void cmd_get(struct ctx *c)
{
    struct entry *e;
    if (ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        reply_entry(c, e);
}

void cmd_getset(struct ctx *c)
{
    struct entry *e;
    if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    reply_entry(c, e);
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    tell_set(c, c->argv[1]);
    struct slice argv[] = {SLICE_LIT("SET"), c->argv[1], c->argv[2]};
    ctx_log_instead(c, 3, argv);
    ctx_changed(c, 1);
}

void cmd_getdel(struct ctx *c)
{
    struct entry *e;
    if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    reply_entry(c, e);
    if (!e)
        return;
    db_remove(c->db, c->argv[1]);
    ctx_notify(c, NOTIFY_GENERIC, "del", c->argv[1]);
    struct slice argv[] = {SLICE_LIT("DEL"), c->argv[1]};
    ctx_log_instead(c, 2, argv);
    ctx_changed(c, 1);
}

void cmd_getex(struct ctx *c)
{
    struct set_options o = {0};
    struct entry *e;
    int64_t expire_ms = KEY_NO_EXPIRE;
    if (!parse_options(c, 2, &o, true) || !ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    if (!e) {
        reply_null(c);
        return;
    }
    if (o.expiry.given && !expiry_resolve(c, &o.expiry, &expire_ms))
        return;
    reply_entry(c, e);
    if (o.expiry.given) {
        expiry_set(c, c->argv[1], e, expire_ms);
    } else if (o.persist && entry_has_expire(e)) {
        db_set_expire(c->db, e, KEY_NO_EXPIRE);
        ctx_notify(c, NOTIFY_GENERIC, "persist", c->argv[1]);
        struct slice argv[] = {SLICE_LIT("PERSIST"), c->argv[1]};
        ctx_log_instead(c, 2, argv);
        ctx_changed(c, 1);
    }
}

/* ---- many keys ---- */

void cmd_mget(struct ctx *c)
{
    int count = c->argc - 1;
    reply_array(c, (size_t)count);
    for (int i = 0; i < count && !reply_unheard(c); i++) {
        if (i % TABLE_BATCH == 0)
            db_prefetch(c->db, c->argv + 1 + i, (size_t)(count - i));
        struct entry *e = db_find(c->db, c->argv[1 + i]);
        reply_entry(c, e && entry_type(e) == VALUE_STRING ? e : NULL);
    }
}

static bool pairs_complete(struct ctx *c)
{
    if (c->argc % 2 == 1)
        return true;
    reply_errorf(c, "ERR wrong number of arguments for '%s' command", c->command->name);
    return false;
}

static void set_pairs(struct ctx *c)
{
    must(c->argc % 2 == 1);
    for (int i = 1; i < c->argc; i += 2) {
        db_set_string(c->db, c->argv[i], c->argv[i + 1], KEY_NO_EXPIRE);
        tell_set(c, c->argv[i]);
    }
    ctx_changed(c, (uint64_t)(c->argc - 1) / 2);
}

void cmd_mset(struct ctx *c)
{
    if (!pairs_complete(c))
        return;
    set_pairs(c);
    reply_ok(c);
}

void cmd_msetnx(struct ctx *c)
{
    if (!pairs_complete(c))
        return;
    for (int i = 1; i < c->argc; i += 2) {
        if (db_find_write(c->db, c->argv[i])) {
            reply_int(c, 0);
            return;
        }
    }
    set_pairs(c);
    reply_int(c, 1);
}

/* ---- numbers ---- */

static void increment(struct ctx *c, int64_t by)
{
    struct entry *e;
    int64_t n = 0;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_STRING, &e))
        return;
    if (e && !entry_int(e, &n)) {
        reply_error(c, "ERR value is not an integer or out of range");
        return;
    }
    if (__builtin_add_overflow(n, by, &n)) {
        reply_error(c, "ERR increment or decrement would overflow");
        return;
    }
    db_put_int(c->db, e, c->argv[1], n);
    ctx_notify(c, NOTIFY_STRING, "incrby", c->argv[1]);
    ctx_changed(c, 1);
    reply_int(c, n);
}

void cmd_incr(struct ctx *c)
{
    increment(c, 1);
}

void cmd_decr(struct ctx *c)
{
    increment(c, -1);
}

void cmd_incrby(struct ctx *c)
{
    int64_t by;
    if (ctx_arg_i64(c, 2, &by))
        increment(c, by);
}

void cmd_decrby(struct ctx *c)
{
    int64_t by;
    if (!ctx_arg_i64(c, 2, &by))
        return;
    if (by == INT64_MIN)
        reply_error(c, "ERR decrement would overflow");
    else
        increment(c, -by);
}

void cmd_incrbyfloat(struct ctx *c)
{
    struct entry *e;
    long double n = 0, by;
    char scratch[NUM_I64_TEXT], text[NUM_LONG_DOUBLE_TEXT];
    if (!ctx_lookup_write(c, c->argv[1], VALUE_STRING, &e))
        return;
    if ((e && !num_parse_long_double(entry_string(e, scratch), &n)) ||
        !num_parse_long_double(c->argv[2], &by)) {
        reply_error(c, "ERR value is not a valid float");
        return;
    }
    n += by;
    size_t len = isnan(n) || isinf(n) ? 0 : num_format_long_double(text, n);
    if (len == 0) {
        reply_error(c, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice value = slice(text, len);
    db_set_text(c->db, c->argv[1], value, DB_KEEP_TTL);
    ctx_notify(c, NOTIFY_STRING, "incrbyfloat", c->argv[1]);
    struct slice argv[] = {SLICE_LIT("SET"), c->argv[1], value, SLICE_LIT("KEEPTTL")};
    ctx_log_instead(c, 4, argv);
    ctx_changed(c, 1);
    reply_bulk(c, value);
}

/* ---- parts ---- */

void cmd_strlen(struct ctx *c)
{
    struct entry *e;
    if (ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        reply_int(c, e ? (int64_t)entry_string_len(e) : 0);
}

void cmd_append(struct ctx *c)
{
    struct entry *e;
    struct slice more = c->argv[2];
    if (!ctx_lookup_write(c, c->argv[1], VALUE_STRING, &e))
        return;
    size_t len = more.len;
    if (!e) {
        db_set_string(c->db, c->argv[1], more, KEY_NO_EXPIRE);
    } else {
        struct str *text;
        size_t now = entry_string_len(e);
        len += now;
        if (too_long(c, len))
            return;
        /* Room for as much again, so that appending byte by byte stays linear. */
        size_t cap = len > now ? len + (len < (1u << 20) ? len : 1u << 20) : now;
        if (entry_encoding(e) == ENC_RAW && ((struct str *)entry_val(e).ptr)->cap >= len)
            cap = len;
        db_open_string(c->db, c->argv[1], cap, &text);
        must(text->len == now && len <= text->cap);
        if (more.len)
            memcpy(text->bytes + text->len, more.data, more.len);
        text->len = len;
    }
    ctx_notify(c, NOTIFY_STRING, "append", c->argv[1]);
    ctx_changed(c, 1);
    reply_int(c, (int64_t)len);
}

static void patched(struct ctx *c, size_t len)
{
    ctx_notify(c, NOTIFY_STRING, "setrange", c->argv[1]);
    ctx_changed(c, 1);
    reply_int(c, (int64_t)len);
}

void cmd_setrange(struct ctx *c)
{
    int64_t offset;
    struct entry *e;
    struct slice patch = c->argv[3];
    if (!ctx_arg_i64(c, 2, &offset))
        return;
    if (offset < 0) {
        reply_error(c, "ERR offset is out of range");
        return;
    }
    if (!ctx_lookup_write(c, c->argv[1], VALUE_STRING, &e))
        return;
    if (patch.len == 0) {
        reply_int(c, e ? (int64_t)entry_string_len(e) : 0);
        return;
    }
    uint64_t end = (uint64_t)offset + patch.len;
    if (too_long(c, end))
        return;
    if (!e && offset == 0 && patch.len > ENTRY_EMBED_MAX) { /* a large one is taken over */
        db_set_text(c->db, c->argv[1], patch, KEY_NO_EXPIRE);
        patched(c, patch.len);
        return;
    }
    struct str *text;
    db_open_string(c->db, c->argv[1], end, &text);
    must(text->len <= text->cap && end <= text->cap);
    if ((uint64_t)offset > text->len) /* what an earlier, longer text may have left there */
        memset(text->bytes + text->len, 0, (size_t)offset - text->len);
    memcpy(text->bytes + offset, patch.data, patch.len);
    if (end > text->len)
        text->len = end;
    patched(c, text->len);
}

void cmd_getrange(struct ctx *c)
{
    int64_t start, end;
    struct entry *e;
    char scratch[NUM_I64_TEXT];
    if (!ctx_arg_i64(c, 2, &start) || !ctx_arg_i64(c, 3, &end) ||
        !ctx_lookup(c, c->argv[1], VALUE_STRING, &e))
        return;
    struct slice text = e ? entry_string(e, scratch) : SLICE_LIT("");
    size_t first, count;
    if (range_clip_text(start, end, text.len, &first, &count))
        reply_bulk(c, slice(text.data + first, count));
    else
        reply_bulk(c, SLICE_LIT(""));
}

void cmd_substr(struct ctx *c)
{
    cmd_getrange(c);
}
