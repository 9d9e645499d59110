/* SPDX-License-Identifier: BSD-3-Clause */
/* XGROUP, XACK, XPENDING. */
#include "commands/cmd_stream.h"

#include "base/mem.h"
#include "base/must.h"
#include "commands/stream_args.h"
#include "server/notify.h"
#include "server/reply.h"

/* ---- XGROUP ---- */

struct group_args {
    bool mkstream;
    int64_t entries_read;
    struct stream *stream;      /* NULL: absent, and may be made */
    struct stream_group *group; /* NULL: absent */
};

/* The options behind the id; the words allowed are those of CREATE, or of SETID. */
static bool parse_options(struct ctx *c, struct group_args *a, bool creating)
{
    a->entries_read = STREAM_READ_UNKNOWN;
    for (int i = 5; i < c->argc; i++) {
        if (creating && ctx_arg_is(c, i, "mkstream")) {
            a->mkstream = true;
        } else if (stream_arg_option(c, i, "entriesread")) {
            if (!ctx_arg_i64(c, ++i, &a->entries_read))
                return false;
            if (a->entries_read < STREAM_READ_UNKNOWN) {
                reply_error(c, "ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            reply_wrong_subcommand(c);
            return false;
        }
    }
    return true;
}

static bool find_group(struct ctx *c, struct group_args *a, bool must_be_there)
{
    if (!stream_write(c, c->argv[2], &a->stream))
        return false;
    if (!a->stream && !a->mkstream) {
        reply_error(c, "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE "
                       "you may want to use the MKSTREAM option to create an empty stream "
                       "automatically.");
        return false;
    }
    a->group = a->stream ? stream_group(a->stream, c->argv[3]) : NULL;
    if (!a->group && must_be_there)
        reply_errorf(c, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                     SLICE_ARG(c->argv[3]), SLICE_ARG(c->argv[2]));
    return a->group || !must_be_there;
}

/* argv[4]; "$" is the newest of the stream. */
static bool parse_position(struct ctx *c, const struct stream *s, struct stream_id *id)
{
    if (!slice_eq_str(c->argv[4], "$"))
        return stream_arg_id(c, 4, id);
    *id = s ? s->last : STREAM_ID_MIN;
    return true;
}

void cmd_xgroup_create(struct ctx *c)
{
    struct group_args a = {0};
    struct stream_id id;
    if (!parse_options(c, &a, true) || !find_group(c, &a, false))
        return;
    enum { WORDS_MOST = 8 };
    if (c->argc > WORDS_MOST) {
        reply_wrong_subcommand(c);
        return;
    }
    if (!parse_position(c, a.stream, &id))
        return;
    if (a.group) {
        reply_error(c, "BUSYGROUP Consumer Group name already exists");
        return;
    }
    if (!a.stream)
        a.stream = entry_val(db_add_val(c->db, c->argv[2], stream_new())).ptr;
    bool added = stream_add_group(a.stream, c->argv[3], id, a.entries_read);
    must(added);
    stream_changed(c, c->argv[2], 1, "xgroup-create");
    reply_ok(c);
}

void cmd_xgroup_setid(struct ctx *c)
{
    struct group_args a = {0};
    struct stream_id id;
    if (!parse_options(c, &a, false) || !find_group(c, &a, true))
        return;
    enum { WORDS_MOST = 7 };
    if (c->argc > WORDS_MOST) {
        reply_wrong_subcommand(c);
        return;
    }
    if (!parse_position(c, a.stream, &id))
        return;
    a.group->last = id;
    a.group->entries_read = a.entries_read;
    stream_changed(c, c->argv[2], 1, "xgroup-setid");
    reply_ok(c);
}

void cmd_xgroup_destroy(struct ctx *c)
{
    struct group_args a = {0};
    if (!find_group(c, &a, false))
        return;
    bool removed = stream_remove_group(a.stream, c->argv[3]);
    if (removed)
        stream_changed(c, c->argv[2], 1, "xgroup-destroy");
    reply_int(c, removed);
}

void cmd_xgroup_createconsumer(struct ctx *c)
{
    struct group_args a = {0};
    if (!find_group(c, &a, true))
        return;
    bool added = !stream_group_consumer(a.group, c->argv[4]);
    if (added) {
        stream_group_add_consumer(a.group, c->argv[4], c->now_ms);
        stream_group_changed(c, c->argv[2], 1, "xgroup-createconsumer");
    }
    reply_int(c, added);
}

void cmd_xgroup_delconsumer(struct ctx *c)
{
    struct group_args a = {0};
    uint64_t pending = 0;
    if (!find_group(c, &a, true))
        return;
    struct stream_consumer *who = stream_group_consumer(a.group, c->argv[4]);
    if (who) {
        pending = who->owned.records;
        stream_group_remove_consumer(a.group, who);
        stream_group_changed(c, c->argv[2], 1, "xgroup-delconsumer");
    }
    reply_int(c, (int64_t)pending);
}

void cmd_xgroup_help(struct ctx *c)
{
    static const char *const lines[] = {
        "CREATE <key> <group> <id|$> [option]",
        "    A new group, which is given the entries behind that id. Options:",
        "    * MKSTREAM",
        "      The stream is made when there is none.",
        "    * ENTRIESREAD entries_read",
        "      How many entries, of all ever added, it counts as read.",
        "CREATECONSUMER <key> <group> <consumer>",
        "    A new consumer in a group.",
        "DELCONSUMER <key> <group> <consumer>",
        "    The consumer goes, and what it has not acknowledged with it.",
        "DESTROY <key> <group>",
        "    The group goes.",
        "SETID <key> <group> <id|$> [ENTRIESREAD entries_read]",
        "    From where the group goes on.",
        NULL,
    };
    reply_help(c, lines);
}

/* ---- XACK ---- */

void cmd_xack(struct ctx *c)
{
    struct stream *s;
    if (!stream_read(c, c->argv[1], &s))
        return;
    struct stream_group *g = s ? stream_group(s, c->argv[2]) : NULL;
    if (!g) {
        reply_int(c, 0);
        return;
    }
    struct stream_id *ids = stream_arg_ids(c, 3);
    if (!ids)
        return;
    uint64_t acknowledged = 0;
    for (int i = 0; i < c->argc - 3; i++)
        acknowledged += stream_group_ack(g, ids[i]);
    mem_free(ids);
    if (acknowledged)
        stream_group_changed(c, c->argv[1], acknowledged, NULL);
    reply_int(c, (int64_t)acknowledged);
}

/* ---- XPENDING ---- */

static bool count_owner(void *arg, struct stream_consumer *who)
{
    *(size_t *)arg += who->owned.records > 0;
    return true;
}

static bool reply_owner(void *arg, struct stream_consumer *who)
{
    struct ctx *c = arg;
    if (who->owned.records == 0)
        return true;
    must(who->owned.count > 0);
    reply_array(c, 2);
    reply_bulk(c, stream_consumer_name(who));
    reply_bulk_int(c, (int64_t)who->owned.records);
    return true;
}

static void reply_summary(struct ctx *c, const struct stream_group *g)
{
    reply_array(c, 4);
    reply_int(c, (int64_t)g->pending.records);
    if (g->pending.records == 0) {
        reply_null(c);
        reply_null(c);
        reply_null_array(c);
        return;
    }
    const struct stream_pending *first = id_index_first(&g->pending);
    const struct stream_pending *last = id_index_last(&g->pending);
    size_t owners = 0;
    reply_stream_id(c, first->id);
    reply_stream_id(c, last->id);
    stream_group_each_consumer(g, count_owner, &owners);
    reply_array(c, owners);
    stream_group_each_consumer(g, reply_owner, c);
}

struct pending_args {
    int64_t min_idle_ms, count;
    struct stream_id from, to;
    int consumer; /* its word; 0: of all */
};

static bool parse_pending(struct ctx *c, struct pending_args *a)
{
    enum { IDLE_WORDS = 2 };
    int i = 3;
    if (ctx_arg_is(c, i, "idle")) {
        if (!ctx_arg_i64(c, i + 1, &a->min_idle_ms))
            return false;
        i += IDLE_WORDS;
        if (c->argc < i + 3) {
            reply_syntax(c);
            return false;
        }
    }
    if (!stream_arg_count(c, i + 2, &a->count) || !stream_arg_start(c, i, &a->from) ||
        !stream_arg_end(c, i + 1, &a->to))
        return false;
    a->consumer = i + 3 < c->argc ? i + 3 : 0;
    return true;
}

static bool reply_pending(struct ctx *c, const struct pending_args *a,
                          const struct stream_pending *p)
{
    must(p && p->consumer);
    int64_t idle = c->now_ms - p->delivered_ms;
    if (a->min_idle_ms && idle < a->min_idle_ms)
        return false;
    reply_array(c, 4);
    reply_stream_id(c, p->id);
    reply_bulk(c, stream_consumer_name(p->consumer));
    reply_int(c, idle < 0 ? 0 : idle);
    reply_int(c, (int64_t)p->count);
    return true;
}

/* Both indexes have records that begin with an id. */
static void reply_list(struct ctx *c, const struct pending_args *a, const struct stream_group *g)
{
    const struct id_index *index = &g->pending;
    if (a->consumer) {
        const struct stream_consumer *who = stream_group_consumer(g, c->argv[a->consumer]);
        if (!who) {
            reply_array(c, 0);
            return;
        }
        index = &who->owned;
    }
    struct id_cursor at;
    size_t n = 0;
    uint64_t mark = reply_later(c);
    const struct stream_id *id = id_index_from(index, a->from, &at);
    while (id && n < (uint64_t)a->count && stream_id_cmp(*id, a->to) <= 0 && !reply_unheard(c)) {
        n += reply_pending(c, a, stream_group_pending(g, *id));
        id = id_index_next(index, &at);
    }
    reply_later_array(c, mark, n);
}

void cmd_xpending(struct ctx *c)
{
    enum { SUMMARY_WORDS = 3, LEAST = 6, MOST = 9 };
    struct pending_args a = {0};
    struct stream *s;
    struct stream_group *g;
    bool summary = c->argc == SUMMARY_WORDS;
    if (!summary && (c->argc < LEAST || c->argc > MOST)) {
        reply_syntax(c);
        return;
    }
    if ((!summary && !parse_pending(c, &a)) || !stream_arg_group(c, &s, &g))
        return;
    if (summary)
        reply_summary(c, g);
    else
        reply_list(c, &a, g);
}
