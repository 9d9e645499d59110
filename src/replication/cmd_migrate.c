/* SPDX-License-Identifier: BSD-3-Clause */
/* MIGRATE: keys go to another server as DUMP payloads, and are deleted here when that has said it
 * has them; a key whose answer is an error, or does not come, stays. The command waits for the
 * other side and serves nobody meanwhile, so that a key cannot change between the two.
 *
 *   greet: AUTH, INFO (which payloads does it read?), SELECT; nothing is sent before it agreed
 *   -> send: RESTORE for each key -> settle: the answers, in order
 *
 * A connection that was kept from the last time may have been closed meanwhile: then all is done
 * again, once, over a new one, as long as nothing was answered. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_payload.h"
#include "format/rdb_write.h"
#include "format/resp_write.h"
#include "replication/cmd_replication.h"
#include "replication/migrate_link.h"
#include "replication/repl.h"
#include "server/ctx.h"
#include "server/notify.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/settings.h"
#include "store/walk.h"

enum { FIRST_OPTION = 6, DEFAULT_MS = 1000, AHEAD = 1 << 20, RDB_OF_7_0 = 10, RDB_OF_OLDER = 9 };

struct migration {
    struct ctx *c;
    struct migrate_link *link;
    bool copy, replace;
    struct slice user, password; /* without data: not given */
    int64_t db, timeout_ms;
    int first, count; /* words that are keys */
    int *keys;        /* of those, the words of keys that are there; then: that were sent */
    int key_count;
    bool cut;         /* not all of them: the other side was lost */
    int done;         /* deleted here, of keys */
    bool greeted, answered;
    const char *doing; /* when it broke */
};

/* ---- the words ---- */
/* Of the keys; the count, or -1: the syntax is wrong. */
static int find_words(int argc, const struct slice *argv, int *first)
{
    int i = FIRST_OPTION;
    *first = 3;
    while (i < argc && !slice_eq_nocase(argv[i], "keys")) {
        bool plain = slice_eq_nocase(argv[i], "copy") || slice_eq_nocase(argv[i], "replace");
        int more = plain ? 0 : slice_eq_nocase(argv[i], "auth") ? 1
                   : slice_eq_nocase(argv[i], "auth2")          ? 2 : argc;
        if (i + more >= argc)
            return -1;
        i += 1 + more;
    }
    if (i == argc)
        return 1;
    *first = i + 1;
    return argc - i - 1;
}

int cmd_migrate_keys(int argc, const struct slice *argv, int *at, int max)
{
    int first, n = find_words(argc, argv, &first);
    for (int i = 0; i < n && i < max; i++)
        at[i] = first + i;
    return n < max ? n : max;
}

/* Before anything else: whatever is wrong with the rest, nobody sees these. */
static void redact(struct ctx *c)
{
    for (int i = FIRST_OPTION; i < c->argc && !ctx_arg_is(c, i, "keys"); i++) {
        int secrets = ctx_arg_is(c, i, "auth") ? 1 : ctx_arg_is(c, i, "auth2") ? 2 : 0;
        for (; secrets && i + 1 < c->argc; secrets--)
            ctx_redact(c, ++i);
    }
}

static void take_options(struct migration *m)
{
    struct ctx *c = m->c;
    for (int i = FIRST_OPTION; i < c->argc && !ctx_arg_is(c, i, "keys"); i++) {
        m->copy |= ctx_arg_is(c, i, "copy");
        m->replace |= ctx_arg_is(c, i, "replace");
        if (ctx_arg_is(c, i, "auth")) {
            m->user = (struct slice){0};
            m->password = c->argv[++i];
        } else if (ctx_arg_is(c, i, "auth2")) {
            m->user = c->argv[++i];
            m->password = c->argv[++i];
        }
    }
}

static bool parse(struct migration *m)
{
    struct ctx *c = m->c;
    redact(c);
    m->count = find_words(c->argc, c->argv, &m->first);
    if (m->count < 0) {
        reply_syntax(c);
        return false;
    }
    if (m->first != 3 && c->argv[3].len) {
        reply_error(c, "ERR When using MIGRATE KEYS option, the key argument must be set to the "
                       "empty string");
        return false;
    }
    take_options(m);
    if (!ctx_arg_i64(c, 5, &m->timeout_ms) || !ctx_arg_i64(c, 4, &m->db))
        return false;
    if (m->timeout_ms <= 0)
        m->timeout_ms = DEFAULT_MS;
    return true;
}

static bool find_keys(struct migration *m)
{
    m->key_count = 0;
    for (int i = m->first; i < m->first + m->count; i++)
        if (db_find(m->c->db, m->c->argv[i]))
            m->keys[m->key_count++] = i;
    return m->key_count;
}

/* ---- what is said ---- */
static void say(struct migration *m, int argc, const struct slice *argv)
{
    must(m->link && argc > 0);
    resp_put_head(&m->link->out, '*', (size_t)argc);
    for (int i = 0; i < argc; i++)
        resp_put_bulk(&m->link->out, argv[i]);
}

static int64_t left_ms(const struct migration *m, const struct entry *e)
{
    int64_t at_ms = entry_expire(e);
    if (at_ms == KEY_NO_EXPIRE)
        return 0; /* for ever */
    return at_ms > m->c->now_ms ? at_ms - m->c->now_ms : 1;
}

/* False, f: the other side's version has no place for it. */
static bool say_restore(struct migration *m, struct slice key, struct entry *e, struct fault *f)
{
    struct out out;
    struct rdb_writer w;
    char ttl[NUM_I64_TEXT];
    struct slice words[5] = {SLICE_LIT("RESTORE"), key};
    words[2] = slice(ttl, num_format_i64(ttl, left_ms(m, e)));
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, m->link->version);
    walk_entry(m->c->db, e, &w.sink);
    bool ok = !rdb_writer_bad(&w);
    must(m->link->version >= RDB_OF_OLDER);
    if (ok) {
        rdb_payload_seal(&out.buf, 0, m->link->version);
        words[3] = buf_slice(&out.buf);
        words[4] = SLICE_LIT("REPLACE");
        say(m, m->replace ? 5 : 4, words);
    } else {
        *f = w.sink.fault;
    }
    rdb_writer_free(&w);
    out_free(&out);
    return ok;
}

/* ---- how it ends ---- */
enum outcome { GOES_ON, REFUSED, BROKEN, AGAIN };

/* The connection is of no use any more. */
static enum outcome broken(struct migration *m, int err)
{
    must(err < 0);
    m->doing = m->greeted && !migrate_link_unsent(m->link) ? "reading" : "writing";
    bool again = m->link->kept && !m->answered && err != -ETIMEDOUT;
    if (!again)
        log_warning("MIGRATE to %s:%s: %s", m->link->host, m->link->port,
                    wire_why(&m->link->wire, err));
    migrate_link_drop(m->link);
    m->link = NULL;
    return again ? AGAIN : BROKEN;
}

static void reply_refused(struct migration *m, struct slice why)
{
    if (!(m->c->flags & CTX_FAILED)) /* the first of them */
        reply_errorf(m->c, "ERR Target instance replied with error: %.*s", SLICE_ARG(why));
}

static enum outcome hear(struct migration *m, struct reply_item *item)
{
    int err = migrate_link_reply(m->link, item);
    if (err < 0)
        return broken(m, err);
    m->answered = true;
    return item->kind == REPLY_ERROR ? REFUSED : GOES_ON;
}

/* ---- greeting ---- */
static int version_read_by(struct slice info, int ours)
{
    static const char field[] = "redis_version:";
    const char *at = info.len ? memmem(info.data, info.len, field, sizeof field - 1) : NULL;
    int major = 0, minor = 0;
    if (at) {
        struct buf text = {0};
        size_t begin = (size_t)(at - info.data) + sizeof field - 1;
        buf_add(&text, slice_from(info, begin));
        if (sscanf(buf_cstr(&text), "%d.%d", &major, &minor) != 2)
            at = NULL;
        buf_free(&text);
    }
    int most = !at                                      ? RDB_OF_7_0
               : major > 7 || (major == 7 && minor > 1) ? RDB_VERSION_OURS
               : major == 7                             ? RDB_OF_7_0 : RDB_OF_OLDER;
    return ours < most ? ours : most;
}

static enum outcome greet_auth(struct migration *m)
{
    struct slice words[3] = {SLICE_LIT("AUTH"), m->user, m->password};
    struct reply_item item;
    if (!m->password.data)
        return GOES_ON;
    if (!m->user.data)
        words[1] = m->password;
    m->link->told_password = true;
    say(m, m->user.data ? 3 : 2, words);
    enum outcome o = hear(m, &item);
    if (o == REFUSED)
        reply_refused(m, item.text);
    return o;
}

/* Who may not ask gets what most can read. */
static enum outcome greet_version(struct migration *m)
{
    static const struct slice words[2] = {{"INFO", 4}, {"server", 6}};
    struct reply_item item;
    int ours = m->c->keyspace->dump_version;
    if (m->link->version >= 0)
        return GOES_ON;
    say(m, 2, words);
    enum outcome o = hear(m, &item);
    if (o == GOES_ON || o == REFUSED)
        m->link->version = version_read_by(o == GOES_ON ? item.text : (struct slice){0},
                                           ours ? ours : RDB_VERSION_OURS);
    return o == REFUSED ? GOES_ON : o;
}

static enum outcome greet_db(struct migration *m)
{
    char db[NUM_I64_TEXT];
    struct slice words[2] = {SLICE_LIT("SELECT"), slice(db, num_format_i64(db, m->db))};
    struct reply_item item;
    if (m->link->db == m->db)
        return GOES_ON;
    m->link->db = -1;
    say(m, 2, words);
    enum outcome o = hear(m, &item);
    if (o == REFUSED)
        reply_refused(m, item.text);
    else if (o == GOES_ON)
        m->link->db = m->db;
    return o;
}

static enum outcome greet(struct migration *m)
{
    enum outcome o = greet_auth(m);
    o = o == GOES_ON ? greet_version(m) : o;
    o = o == GOES_ON ? greet_db(m) : o;
    m->greeted = o == GOES_ON;
    return o;
}

/* ---- the keys ---- */
/* False: it failed, which the answers say when those that came before are taken. */
static bool send_until(struct migration *m, size_t left)
{
    while (m->link->out.len > left || (!left && migrate_link_unsent(m->link)))
        if (migrate_link_step(m->link) < 0)
            return false;
    return true;
}

/* Of all keys, or of those up to where the other side was lost. */
static enum outcome send_keys(struct migration *m)
{
    struct fault f = {0};
    int sent = 0;
    m->cut = false;
    for (int i = 0; i < m->key_count; i++) {
        if ((m->cut = !send_until(m, AHEAD)))
            break;
        struct slice key = m->c->argv[m->keys[i]];
        struct entry *e = db_find_with(m->c->db, key, DB_NOTOUCH | DB_NOSTATS);
        if (!e) /* it expired */
            continue;
        if (!say_restore(m, key, e, &f)) {
            reply_errorf(m->c, "ERR %s", f.what);
            return REFUSED;
        }
        m->keys[sent++] = m->keys[i];
    }
    must(sent <= m->key_count);
    m->key_count = sent;
    send_until(m, 0);
    return GOES_ON;
}

static void delete(struct migration *m, int word)
{
    struct ctx *c = m->c;
    must(!m->copy && m->done < m->key_count);
    if (!db_remove_as(c->db, c->argv[word], KEY_REMOVED, c->keyspace->lazyfree_del))
        return;
    ctx_notify(c, NOTIFY_GENERIC, "del", c->argv[word]);
    ctx_changed(c, 1);
    m->keys[m->done++] = word; /* in front of those that are still waited for */
}

static enum outcome settle(struct migration *m)
{
    for (int i = 0; i < m->key_count; i++) {
        struct reply_item item;
        enum outcome o = hear(m, &item);
        if (o == BROKEN || o == AGAIN)
            return o;
        if (o == REFUSED)
            reply_refused(m, item.text);
        else if (!m->copy)
            delete(m, m->keys[i]);
    }
    return m->cut ? broken(m, m->link->error) : GOES_ON;
}

static void log_deleted(struct migration *m)
{
    struct slice *words = mem_alloc(((size_t)m->done + 1) * sizeof *words);
    words[0] = SLICE_LIT("DEL");
    for (int i = 0; i < m->done; i++)
        words[i + 1] = m->c->argv[m->keys[i]];
    ctx_log_instead(m->c, m->done + 1, words);
    mem_free(words);
}

/* ---- all of it ---- */
static enum outcome move(struct migration *m)
{
    struct repl *r = m->c->arg;
    struct fault f = {0};
    struct migrate_to to = {.host = m->c->argv[1], .port = m->c->argv[2],
                            .timeout_ms = m->timeout_ms, .unknown = !m->password.data};
    m->doing = "connecting";
    m->greeted = false;
    m->link = migrate_link_get(r->migrate, &to, &f);
    if (!m->link) {
        log_fault("MIGRATE", &f);
        return BROKEN;
    }
    enum outcome o = greet(m);
    bool began = o == GOES_ON;
    o = began ? send_keys(m) : o;
    o = o == GOES_ON ? settle(m) : o;
    if (!m->link)
        return o;
    if (o == GOES_ON && !m->link->error)
        migrate_link_keep(m->link);
    else /* what was said of it may still be answered */
        migrate_link_drop(m->link);
    m->link = NULL;
    return o;
}

static void conclude(struct migration *m, enum outcome o)
{
    struct ctx *c = m->c;
    must(m->done <= m->count && (!m->copy || !m->done));
    if (m->done)
        log_deleted(m);
    if (c->flags & CTX_FAILED)
        return;
    if (o == GOES_ON)
        reply_ok(c);
    else if (strcmp(m->doing, "connecting") == 0)
        reply_error(c, "IOERR error or timeout connecting to the client");
    else
        reply_errorf(c, "IOERR error or timeout %s to target instance", m->doing);
}

void cmd_migrate(struct ctx *c)
{
    struct migration m = {.c = c};
    enum outcome o = AGAIN;
    if (!parse(&m))
        return;
    m.keys = mem_alloc(((size_t)m.count + 1) * sizeof *m.keys);
    while (o == AGAIN && find_keys(&m)) /* each time there is one connection less */
        o = move(&m);
    if (o == AGAIN)
        reply_status(c, "NOKEY");
    else
        conclude(&m, o);
    mem_free(m.keys);
}
