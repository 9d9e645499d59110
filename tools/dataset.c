/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/dataset.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "format/aof_read.h"
#include "format/rdb_payload.h"
#include "os/clock.h"
#include "tools/element_search.h"
#include "tools/live_functions.h"
#include "tools/pending_file.h"

/* ---- which RDB ---- */

static bool open_rdb(struct dataset *d, const char *path, struct fault *f)
{
    d->has_input = input_open(&d->input, path, f);
    if (d->has_input && d->opt.again && !input_seekable(&d->input, f))
        return false; /* dataset_close is next */
    d->bytes = d->has_input ? d->input.file_size : 0;
    d->again = d->has_input && d->input.seekable;
    return d->has_input;
}

/* Does a part hold a command, from where its RDB ends? What can't be read is for the server to
 * refuse. */
static bool has_commands(const struct source_part *p)
{
    struct input i;
    struct fault f = {0};
    struct rdb_reader rdb;
    struct aof_reader aof;
    if (p->missing || !input_open(&i, p->path, &f))
        return true;
    bool found = false;
    if (p->begins_with_rdb) {
        struct sink none = {.ops = &(const struct sink_ops){0}};
        struct pending_file pending;
        const struct rdb_options opt = {.keep_modules = true, .distinct_max = RDB_DISTINCT_MAX,
                                        .pending = &pending.ops};
        pending_file_begin(&pending, PENDING_FILE_HELD);
        found = !rdb_open(&rdb, &i.in, &opt) || !rdb_read_all(&rdb, &none) ||
                rdb_trailer(&rdb) > RDB_TRAILER_BAD;
        rdb_close(&rdb);
        pending_file_end(&pending);
    }
    if (!found) {
        enum aof_item item;
        aof_open(&aof, &i.in, &(struct aof_limits){0});
        while ((item = aof_next(&aof)) == AOF_ANNOTATION)
            ;
        found = item != AOF_END;
        aof_close(&aof);
    }
    input_close(&i);
    return found;
}

/* The one part of a set that holds all of it as an RDB; NULL: a server has to say. */
static const struct source_part *whole_base(const struct source *s)
{
    if (s->count == 0 || !s->parts[0].begins_with_rdb)
        return NULL;
    for (size_t i = s->count; i-- > 0;) /* the newest first: it most likely has some */
        if (has_commands(&s->parts[i]))
            return NULL;
    return &s->parts[0];
}

static bool open_log(struct dataset *d, struct fault *f)
{
    const struct source_part *base = whole_base(&d->source);
    if (base)
        return open_rdb(d, base->path, f);
    progress_bar_begin(&d->tool->progress, "replay", 0);
    d->scratch = scratch_start(d->tool, &d->source, SCRATCH_START_S, f);
    bool ok = d->scratch && scratch_dump(d->scratch, f) && open_rdb(d, d->scratch->dump, f);
    progress_bar_end(&d->tool->progress);
    return ok;
}

bool dataset_open(struct dataset *d, struct tool *t, const char *word,
                  const struct dataset_options *opt, struct fault *f)
{
    *d = (struct dataset){.tool = t, .opt = *opt, .name = word};
    bool ok;
    if (live_is_address(word)) {
        d->live = live_open(word, f);
        d->again = ok = d->live != NULL;
    } else if (!source_find(&d->source, word, &opt->source, f)) {
        ok = false;
    } else {
        if (*d->source.why)
            say_line(&t->say, "%s: %s (%s)", word, d->source.why, d->source.path);
        ok = d->source.kind == SOURCE_RDB ? open_rdb(d, d->source.parts[0].path, f)
                                          : open_log(d, f);
    }
    if (!ok)
        dataset_close(d);
    return ok;
}

void dataset_close(struct dataset *d)
{
    if (d->has_input)
        input_close(&d->input);
    scratch_end(d->scratch);
    live_close(d->live);
    source_free(&d->source);
    *d = (struct dataset){0};
}

/* ---- an RDB ---- */

static bool read_rdb(struct dataset *d, struct sink *sink, struct fault *f)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct element_search search;
    struct pending_file pending;
    struct rdb_options options = {.keep_modules = true, .unguarded = d->opt.unguarded,
                                  .distinct_max = RDB_DISTINCT_FEW, .search = &search.ops,
                                  .pending = &pending.ops};
    element_search_begin(&search);
    pending_file_begin(&pending, PENDING_FILE_HELD);
    if (in_offset(&d->input.in) > 0)
        input_rewind(&d->input);
    struct in *in = &d->input.in;
    progress_bar_begin(&d->tool->progress, d->tool->verb->name, d->input.file_size);
    bool ok = rdb_open(&r, in, &options);
    d->version = r.version;
    d->valkey = r.valkey;
    while (ok && rdb_next(&r, &rec)) {
        ok = rdb_body(&r, &rec, sink) && !fault_is(&search.fault);
        progress_bar_at(&d->tool->progress, in_file_offset(in));
    }
    if (ok && !in_bad(in))
        rdb_trailer(&r);
    progress_bar_end(&d->tool->progress);
    rdb_close(&r);
    element_search_end(&search);
    pending_file_end(&pending);
    if (in_bad(in))
        *f = in->fault;
    else if (fault_is(&search.fault))
        *f = search.fault;
    else if (sink_bad(sink))
        *f = sink->fault;
    if (fault_is(f))
        fault_prefix(f, d->name);
    return !fault_is(f);
}

/* ---- a running server ---- */

struct scan {
    struct dataset *d;
    struct live *live;
    struct sink *sink;
    unsigned db;
    struct buf names, cursor; /* of one SCAN reply: struct slice into text */
    struct buf text;
    bool relative; /* it knows no PEXPIRETIME (before Redis 7.0): PTTL and this clock */
};

/* A list of its own: of what was not read, and is not what the caller was told there is. */
static void tell_unread(struct dataset *d, struct buf *why)
{
    if (why->len && !d->unread_told)
        say_row(&d->tool->say, "unread",
                FIELDS(SAY_TEXT("address", d->live->address),
                       SAY_TEXT("what", "function libraries"), SAY_TEXT("why", buf_cstr(why))),
                "%s: no libraries of functions are read: %s", d->live->address, buf_cstr(why));
    d->unread_told |= why->len > 0;
}

static bool read_libraries(struct scan *s, struct fault *f)
{
    struct live_unshown unshown = {0};
    bool ok = live_functions(s->live, s->sink, &unshown, f);
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

/* The names of a SCAN reply, copied: their values are asked for next. */
static bool take_names(struct scan *s, struct fault *f)
{
    const struct live *l = s->live;
    if (l->count < 3 || l->items[0].kind != REPLY_ARRAY || l->items[2].kind != REPLY_ARRAY) {
        fault_set(f, FAULT_FORMAT, "%s: this is no reply to SCAN", l->address);
        return false;
    }
    size_t total = 0;
    buf_clear(&s->cursor);
    buf_add(&s->cursor, l->items[1].text);
    buf_clear(&s->text);
    buf_clear(&s->names);
    for (size_t i = 3; i < l->count; i++)
        total += l->items[i].text.len;
    buf_reserve(&s->text, total + 1); /* does not move any more */
    for (size_t i = 3; i < l->count; i++) {
        struct slice name = slice(s->text.data + s->text.len, l->items[i].text.len);
        buf_add(&s->text, l->items[i].text);
        buf_append(&s->names, &name, sizeof name);
    }
    return true;
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
    return rdb_payload_read(l->items[0].text, &key, s->sink,
                            &(struct rdb_options){.keep_modules = true}, f);
}

static bool take_values(struct scan *s, struct fault *f)
{
    const struct slice *names = (const struct slice *)(const void *)s->names.data;
    size_t count = s->names.len / sizeof *names;
    for (size_t i = 0; i < count; i++) {
        live_put(s->live, 2, WORDS(s->relative ? W("PTTL") : W("PEXPIRETIME"), names[i]));
        live_put(s->live, 2, WORDS(W("DUMP"), names[i]));
    }
    for (size_t i = 0; i < count; i++)
        if (!take_value(s, names[i], f))
            return false;
    return true;
}

static bool scan_db(struct scan *s, struct fault *f)
{
    char number[NUM_I64_TEXT];
    size_t n = num_format_u64(number, s->db);
    if (!live_ask(s->live, 2, WORDS(W("SELECT"), slice(number, n)), f))
        return false;
    SINK_EVENT(s->sink, db, s->db, 0, 0);
    buf_clear(&s->cursor);
    buf_byte(&s->cursor, '0');
    do {
        if (!live_ask(s->live, 4, WORDS(W("SCAN"), buf_slice(&s->cursor), W("COUNT"), W("100")),
                      f) || !take_names(s, f) || !take_values(s, f))
            return false;
    } while (!slice_eq_str(buf_slice(&s->cursor), "0"));
    return true;
}

static bool read_live(struct dataset *d, struct sink *sink, struct fault *f)
{
    struct scan s = {.d = d, .live = d->live, .sink = sink};
    struct buf info = {0};
    bool ok = read_libraries(&s, f) && ask_how_expiry(&s, f) &&
              live_ask(d->live, 2, WORDS(W("INFO"), W("keyspace")), f);
    progress_bar_begin(&d->tool->progress, d->tool->verb->name, 0);
    if (ok)
        buf_add(&info, d->live->items[0].text);
    const char *at = buf_cstr(&info);
    while (ok && (at = strstr(at, "\ndb"))) {
        at += 3;
        s.db = (unsigned)strtoul(at, NULL, 10);
        ok = scan_db(&s, f);
    }
    progress_bar_end(&d->tool->progress);
    buf_free(&info);
    buf_free(&s.names);
    buf_free(&s.cursor);
    buf_free(&s.text);
    if (ok && sink_bad(sink))
        *f = sink->fault;
    return ok && !fault_is(f);
}

bool dataset_read(struct dataset *d, struct sink *sink, struct fault *f)
{
    must(d->live || d->has_input);
    return d->live ? read_live(d, sink, f) : read_rdb(d, sink, f);
}
