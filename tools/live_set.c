/* SPDX-License-Identifier: BSD-3-Clause */
/* A copy is a record for each library and key: struct record, name, then a library's text or a
 * key's payload. */
#include "tools/live_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/num.h"
#include "format/out.h"
#include "format/rdb_payload.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/diff_sort.h"
#include "tools/live_functions.h"
#include "tools/temp_file.h"

enum { NAMES_MEMORY = 8 << 20, AT_ONCE = 100, DB_BYTES = 4 };

struct scan {
    struct live_set *d;
    struct live *live;
    struct sink *sink; /* of values; NULL: they go to the copy */
    struct out copy;
    int fd;            /* the copy's; negative: none yet */
    struct fault copy_fault;
    unsigned db;
    struct diff_sort *all; /* names: database, name */
    struct buf cursor;
    struct buf names, text; /* those that are asked for together: their lengths (size_t); bytes */
    bool relative; /* it knows no PEXPIRETIME (before Redis 7.0): PTTL and this clock */
};

/* A list of its own: of what was not read, and is not what the caller was told there is. */
static void tell_unread(struct live_set *d, struct buf *why)
{
    if (why->len && !d->unread_told)
        say_row(&d->tool->say, "unread",
                FIELDS(SAY_TEXT("address", d->live->address),
                       SAY_TEXT("what", "function libraries"), SAY_TEXT("why", buf_cstr(why))),
                "%s: no libraries of functions are read: %s", d->live->address, buf_cstr(why));
    d->unread_told |= why->len > 0;
}

static bool read_libraries(struct scan *s, struct sink *to, struct fault *f)
{
    struct live_unshown unshown = {0};
    bool ok = live_functions(s->live, to, &unshown, f);
    if (ok)
        tell_unread(s->d, &unshown.why);
    s->d->libraries_hidden = unshown.hidden;
    buf_free(&unshown.why);
    return ok;
}

static bool ask_how_expiry(struct scan *s, struct fault *f)
{
    live_put(s->live, 2, WORDS(W("PEXPIRETIME"), W("")));
    bool ok = live_reply(s->live, f);
    s->relative = ok && live_is_unknown(&s->live->items[0]);
    return ok;
}

/* ---- names ---- */

static bool take_names(struct scan *s, struct fault *f)
{
    const struct live *l = s->live;
    if (l->count < 3 || l->items[0].kind != REPLY_ARRAY || l->items[2].kind != REPLY_ARRAY) {
        fault_set(f, FAULT_FORMAT, "%s: this is no reply to SCAN", l->address);
        return false;
    }
    buf_clear(&s->cursor);
    buf_add(&s->cursor, l->items[1].text);
    for (size_t i = 3; i < l->count; i++) {
        uint8_t db[DB_BYTES];
        store_be32(db, s->db);
        buf_clear(&s->text);
        buf_append(&s->text, db, sizeof db);
        buf_add(&s->text, l->items[i].text);
        diff_sort_add(s->all, buf_slice(&s->text), (struct slice){0});
    }
    return true;
}

static bool use_db(struct scan *s, struct fault *f)
{
    char number[NUM_I64_TEXT];
    size_t n = num_format_u64(number, s->db);
    return live_ask(s->live, 2, WORDS(W("SELECT"), slice(number, n)), f);
}

static bool scan_db(struct scan *s, struct fault *f)
{
    if (!use_db(s, f))
        return false;
    buf_clear(&s->cursor);
    buf_byte(&s->cursor, '0');
    do {
        if (!live_ask(s->live, 4, WORDS(W("SCAN"), buf_slice(&s->cursor), W("COUNT"), W("1000")),
                      f) || !take_names(s, f))
            return false;
    } while (!slice_eq_str(buf_slice(&s->cursor), "0"));
    return true;
}

static bool scan_all(struct scan *s, struct fault *f)
{
    struct buf info = {0};
    bool ok = live_ask(s->live, 2, WORDS(W("INFO"), W("keyspace")), f);
    if (ok)
        buf_add(&info, s->live->items[0].text);
    const char *at = buf_cstr(&info);
    while (ok && (at = strstr(at, "\ndb"))) {
        at += 3;
        s->db = (unsigned)strtoul(at, NULL, 10);
        ok = scan_db(s, f);
    }
    buf_free(&info);
    diff_sort_end(s->all);
    return ok;
}

/* ---- values ---- */

struct record {
    uint64_t name, bytes; /* lengths */
    int64_t expire_ms;
    unsigned db;
    bool library;
};

static void put_record(struct scan *s, const struct record *r, struct slice name,
                       struct slice bytes)
{
    out_bytes(&s->copy, r, sizeof *r);
    out_slice(&s->copy, name);
    out_slice(&s->copy, bytes);
}

struct taken {
    struct sink sink;
    const struct key_filter *filter;
    bool takes;
};

static bool look_at_key(struct sink *s, const struct key_event *key)
{
    struct taken *t = (struct taken *)(void *)s;
    t->takes = key_filter_takes(t->filter, key);
    return false;
}

/* A value of which nothing comes (it is empty) is not taken. */
static bool filter_takes(const struct scan *s, const struct key_event *key, struct slice payload,
                         struct fault *f)
{
    static const struct sink_ops ops = {.key = look_at_key};
    struct taken t = {.sink.ops = &ops, .filter = s->d->filter};
    return !t.filter || (rdb_payload_read(payload, key, &t.sink,
                                          &(struct rdb_options){.keep_modules = true}, f) &&
                         t.takes);
}

static bool put_value(struct scan *s, const struct key_event *key, struct slice payload,
                      struct fault *f)
{
    const struct record r = {.name = key->name.len, .bytes = payload.len, .db = key->db,
                             .expire_ms = key->expire_ms};
    if (s->sink)
        return rdb_payload_read(payload, key, s->sink,
                                &(struct rdb_options){.keep_modules = true}, f);
    if (filter_takes(s, key, payload, f))
        put_record(s, &r, key->name, payload);
    else
        s->d->left_out++;
    return !fault_is(f);
}

/* No reply: a key would seem to be another than it is. */
static bool take_reply(struct live *l, const char *command, struct fault *f)
{
    if (!live_reply(l, f))
        return false;
    if (l->items[0].kind == REPLY_ERROR)
        fault_set(f, FAULT_NOT_NOW, "%s answers %.*s to %s", l->address,
                  SLICE_ARG(l->items[0].text), command);
    return !fault_is(f);
}

/* Replies about the expiry and to DUMP of one name. What went meanwhile is not there. */
static bool take_value(struct scan *s, struct slice name, struct fault *f)
{
    struct live *l = s->live;
    if (!take_reply(l, s->relative ? "PTTL" : "PEXPIRETIME", f))
        return false;
    int64_t at = l->items[0].kind == REPLY_INT ? l->items[0].number : -1;
    if (s->relative && at >= 0)
        at += clock_wall_ms();
    if (!take_reply(l, "DUMP", f))
        return false;
    if (l->items[0].kind != REPLY_BULK)
        return true;
    struct key_event key = {.name = name, .db = s->db, .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ,
                            .expire_ms = at < 0 ? KEY_NO_EXPIRE : at};
    return put_value(s, &key, l->items[0].text, f);
}

/* Of the names that wait. */
static bool take_values(struct scan *s, struct fault *f)
{
    const size_t *lengths = (const size_t *)(const void *)s->names.data;
    size_t count = s->names.len / sizeof *lengths;
    struct slice rest = buf_slice(&s->text);
    for (size_t i = 0; i < count; i++, rest = slice_from(rest, lengths[i - 1])) {
        struct slice name = slice(rest.data, lengths[i]);
        live_put(s->live, 2, WORDS(s->relative ? W("PTTL") : W("PEXPIRETIME"), name));
        live_put(s->live, 2, WORDS(W("DUMP"), name));
    }
    rest = buf_slice(&s->text);
    for (size_t i = 0; i < count; i++, rest = slice_from(rest, lengths[i - 1]))
        if (!take_value(s, slice(rest.data, lengths[i]), f))
            return false;
    buf_clear(&s->names);
    buf_clear(&s->text);
    return true;
}

static bool change_db(struct scan *s, unsigned db, struct fault *f)
{
    if (!take_values(s, f))
        return false;
    s->db = db;
    if (s->sink)
        SINK_EVENT(s->sink, db, db, 0, 0);
    return use_db(s, f);
}

static bool take_all(struct scan *s, struct fault *f)
{
    struct diff_record r;
    struct buf before = {0};
    bool ok = true, any = false;
    buf_clear(&s->text);
    while (ok && diff_sort_next(s->all, &r)) {
        if (any && slice_eq(r.key, buf_slice(&before)))
            continue;
        unsigned db = load_be32(r.key.data);
        if (!any || db != s->db)
            ok = change_db(s, db, f);
        any = true;
        buf_clear(&before);
        buf_add(&before, r.key);
        size_t n = r.key.len - DB_BYTES;
        buf_append(&s->names, &n, sizeof n);
        buf_append(&s->text, r.key.data + DB_BYTES, n);
        if (ok && s->names.len == AT_ONCE * sizeof n)
            ok = take_values(s, f);
    }
    buf_free(&before);
    if (ok && fault_is(diff_sort_fault(s->all)))
        *f = *diff_sort_fault(s->all);
    return ok && !fault_is(f) && take_values(s, f);
}

/* ---- the whole ---- */

static bool read_server(struct scan *s, struct sink *libraries, struct fault *f)
{
    struct live_set *d = s->d;
    s->all = diff_sort_new(NAMES_MEMORY);
    progress_bar_begin(&d->tool->progress, d->tool->verb->name, 0);
    bool ok = read_libraries(s, libraries, f) && ask_how_expiry(s, f) && scan_all(s, f) &&
              take_all(s, f);
    progress_bar_end(&d->tool->progress);
    diff_sort_free(s->all);
    buf_free(&s->names);
    buf_free(&s->cursor);
    buf_free(&s->text);
    return ok;
}

static bool from_server(struct live_set *d, struct sink *sink, struct fault *f)
{
    struct scan s = {.d = d, .live = d->live, .sink = sink};
    bool ok = read_server(&s, sink, f);
    if (ok && sink_bad(sink))
        *f = sink->fault;
    return ok && !fault_is(f);
}

/* ---- a copy ---- */

static int write_copy(void *arg, const void *from, size_t n)
{
    struct scan *s = arg;
    return temp_file_write(&s->fd, from, n, &s->copy_fault) ? 0
           : s->copy_fault.err                              ? -s->copy_fault.err
                                                            : -EIO;
}

struct library_copy {
    struct sink sink;
    struct scan *scan;
};

static void copy_library(struct sink *s, struct slice source)
{
    const struct record r = {.library = true, .bytes = source.len};
    put_record(((struct library_copy *)(void *)s)->scan, &r, (struct slice){0}, source);
}

bool live_set_copy(struct live_set *d, struct fault *f)
{
    static const struct sink_ops ops = {.function = copy_library};
    struct scan s = {.d = d, .live = d->live, .fd = -1};
    struct library_copy libraries = {.sink.ops = &ops, .scan = &s};
    out_init_callback(&s.copy, write_copy, &s, 0);
    bool ok = read_server(&s, &libraries.sink, f);
    d->copy = s.fd = s.fd < 0 && ok ? temp_file(f) : s.fd; /* there may be nothing at all */
    ok = ok && out_flush(&s.copy);
    d->has_copy = s.fd >= 0;
    if (!ok && !fault_is(f))
        *f = s.copy_fault;
    out_free(&s.copy);
    live_close(d->live);
    d->live = NULL;
    return ok && !fault_is(f);
}

struct copy_at {
    int fd;
    uint64_t at, size;
};

static ssize_t read_copy(void *arg, void *to, size_t n)
{
    struct copy_at *c = arg;
    struct fault f = {0};
    n = n < c->size - c->at ? n : (size_t)(c->size - c->at);
    if (n && !temp_file_read(c->fd, to, n, c->at, &f))
        return -(f.err ? f.err : EIO);
    c->at += n;
    return (ssize_t)n;
}

/* False: the copy can't be read, or the sink has failed. */
static bool play_record(struct in *in, struct sink *sink, int64_t *db, struct buf *hold,
                        struct fault *f)
{
    struct record r;
    if (!in_bytes(in, &r, sizeof r))
        return false;
    struct slice name = in_slice(in, r.name, &hold[0]);
    buf_clear(&hold[1]);
    buf_add(&hold[1], name);
    struct slice bytes = in_slice(in, r.bytes, &hold[0]);
    if (in_bad(in))
        return false;
    if (r.library) {
        SINK_EVENT(sink, function, bytes);
        return !sink_bad(sink);
    }
    if (*db != r.db)
        SINK_EVENT(sink, db, r.db, 0, 0);
    *db = r.db;
    struct key_event key = {.name = buf_slice(&hold[1]), .db = r.db, .idle_s = KEY_NO_IDLE,
                            .freq = KEY_NO_FREQ, .expire_ms = r.expire_ms};
    return rdb_payload_read(bytes, &key, sink, &(struct rdb_options){.keep_modules = true}, f);
}

static bool from_copy(struct live_set *d, struct sink *sink, struct fault *f)
{
    struct copy_at at = {.fd = d->copy, .size = (uint64_t)file_size(d->copy)};
    struct buf hold[2] = {{0}};
    struct in in;
    int64_t db = -1;
    must(d->has_copy);
    in_init_callback(&in, read_copy, &at, at.size, 0);
    progress_bar_begin(&d->tool->progress, d->tool->verb->name, at.size);
    while (!in_at_end(&in) && play_record(&in, sink, &db, hold, f))
        progress_bar_at(&d->tool->progress, in_offset(&in));
    progress_bar_end(&d->tool->progress);
    if (!fault_is(f))
        *f = in_bad(&in) ? in.fault : sink->fault;
    buf_free(&hold[0]);
    buf_free(&hold[1]);
    in_free(&in);
    return !fault_is(f);
}

bool live_set_read(struct live_set *d, struct sink *sink, struct fault *f)
{
    must(d->live || d->has_copy);
    return d->has_copy ? from_copy(d, sink, f) : from_server(d, sink, f);
}

void live_set_close(struct live_set *d)
{
    live_close(d->live);
    if (d->has_copy)
        file_close(d->copy);
    *d = (struct live_set){0};
}
