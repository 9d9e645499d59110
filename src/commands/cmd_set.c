/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets, one key at a time (and SMOVE); the algebra is in cmd_setalgebra.c. SPOP is logged as the
 * SREM of what was drawn, or as the DEL of the whole. */
#include "commands/cmd_set.h"

#include "base/mem.h"
#include "base/must.h"
#include "commands/elements.h"
#include "server/notify.h"
#include "server/reply.h"

/* ---- writing ---- */

void cmd_sadd(struct ctx *c)
{
    struct entry *e;
    const struct value_limits *limits = &c->keyspace->limits;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_SET, &e))
        return;
    struct val v = e ? entry_val(e) : set_new(c->argv[2], limits);
    set_expect(&v, (size_t)c->argc - 2, limits);
    size_t before = set_count(&v);
    int64_t added = 0;
    for (int i = 2; i < c->argc; i++)
        added += set_add(&v, c->argv[i], limits);
    must(set_count(&v) == before + (size_t)added);
    collection_put(c, c->argv[1], e, v, (uint64_t)added, "sadd");
    reply_int(c, added);
}

void cmd_srem(struct ctx *c)
{
    struct entry *e;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_SET, &e))
        return;
    int64_t removed = 0;
    if (e) {
        struct val v = entry_val(e);
        size_t before = set_count(&v);
        for (int i = 2; i < c->argc && set_count(&v) > 0; i++)
            removed += set_remove(&v, c->argv[i]);
        must(set_count(&v) + (size_t)removed == before);
        collection_put(c, c->argv[1], e, v, (uint64_t)removed, "srem");
    }
    reply_int(c, removed);
}

void cmd_smove(struct ctx *c)
{
    /* Both are looked up first: what has expired is removed, whatever is found at the other. */
    struct entry *from = db_find_write(c->db, c->argv[1]), *to = db_find_write(c->db, c->argv[2]);
    struct slice member = c->argv[3];
    const struct value_limits *limits = &c->keyspace->limits;
    if (!from) {
        reply_int(c, 0);
        return;
    }
    if (!ctx_type_is(c, from, VALUE_SET) || !ctx_type_is(c, to, VALUE_SET))
        return;
    struct val source = entry_val(from);
    if (from == to) {
        reply_int(c, set_has(&source, member));
        return;
    }
    bool moved = set_remove(&source, member);
    collection_put(c, c->argv[1], from, source, moved, "srem");
    if (moved) {
        struct val target = to ? entry_val(to) : set_new(member, limits);
        bool added = set_add(&target, member, limits);
        collection_put(c, c->argv[2], to, target, added, "sadd");
    }
    reply_int(c, moved);
}

/* ---- SPOP ---- */

static void pop_one(struct ctx *c, struct entry *e)
{
    char scratch[NUM_I64_TEXT];
    struct val v = entry_val(e);
    struct slice member = set_random(&v, scratch);
    struct slice argv[] = {SLICE_LIT("SREM"), c->argv[1], member};
    reply_bulk(c, member);
    ctx_log_instead(c, 3, argv);
    /* A copy: the member lies in what is about to change. */
    struct buf copy = {0};
    buf_add(&copy, member);
    bool removed = set_remove(&v, buf_slice(&copy));
    must(removed);
    buf_free(&copy);
    collection_put(c, c->argv[1], e, v, 1, "spop");
}

static void pop_all(struct ctx *c, const struct val *v)
{
    struct set_iter it;
    struct slice member;
    reply_set(c, set_count(v));
    for (set_iter_init(&it, v); set_iter_next(&it, &member);)
        reply_bulk(c, member);
    ctx_changed(c, set_count(v));
    db_remove(c->db, c->argv[1]);
    ctx_notify(c, NOTIFY_SET, "spop", c->argv[1]);
    ctx_notify(c, NOTIFY_GENERIC, "del", c->argv[1]);
    struct slice argv[] = {SLICE_LIT("DEL"), c->argv[1]};
    ctx_log_instead(c, 2, argv);
}

/* In SREMs of so many members at most: a reader of the log need not take commands of any length. */
static void log_popped(struct ctx *c, const struct scan_found *popped)
{
    enum { MEMBERS_MAX = 1024 };
    struct slice *argv = mem_alloc((MEMBERS_MAX + 2) * sizeof *argv);
    int n = 2;
    argv[0] = SLICE_LIT("SREM");
    argv[1] = c->argv[1];
    for (size_t at = 0; scan_found_next(popped, &at, &argv[n]);) {
        if (++n == MEMBERS_MAX + 2) {
            ctx_log_instead(c, n, argv);
            n = 2;
        }
    }
    if (n > 2)
        ctx_log_instead(c, n, argv);
    mem_free(argv);
}

static void pop_some(struct ctx *c, struct entry *e, struct val v, size_t count)
{
    char scratch[NUM_I64_TEXT];
    struct scan_found popped = {0};
    reply_set(c, count);
    for (size_t i = 0; i < count; i++) {
        size_t at = popped.bytes.len;
        struct slice member;
        scan_found_add(&popped, set_random(&v, scratch));
        scan_found_next(&popped, &at, &member);
        reply_bulk(c, member);
        bool removed = set_remove(&v, member);
        must(removed);
    }
    must(popped.count == count);
    log_popped(c, &popped);
    scan_found_free(&popped);
    collection_put(c, c->argv[1], e, v, count, "spop");
}

void cmd_spop(struct ctx *c)
{
    struct entry *e;
    int64_t count;
    if (c->argc > 3) {
        reply_syntax(c);
        return;
    }
    bool counted = c->argc == 3;
    if ((counted && !pop_count_parse(c, &count)) || !ctx_lookup_write(c, c->argv[1], VALUE_SET, &e))
        return;
    if (!counted) {
        if (e)
            pop_one(c, e);
        else
            reply_null(c);
        return;
    }
    if (!e || count == 0) {
        reply_set(c, 0);
        return;
    }
    struct val v = entry_val(e);
    if ((uint64_t)count >= set_count(&v))
        pop_all(c, &v);
    else
        pop_some(c, e, v, (size_t)count);
}

/* ---- reading ---- */

void cmd_scard(struct ctx *c)
{
    collection_count_command(c, VALUE_SET);
}

void cmd_sismember(struct ctx *c)
{
    struct entry *e;
    struct val v;
    if (!collection_read(c, VALUE_SET, &e, &v))
        return;
    reply_int(c, e && set_has(&v, c->argv[2]));
}

void cmd_smismember(struct ctx *c)
{
    struct entry *e;
    struct val v;
    if (!collection_read(c, VALUE_SET, &e, &v))
        return;
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_int(c, e && set_has(&v, c->argv[i]));
}

void cmd_smembers(struct ctx *c)
{
    struct entry *e;
    if (!ctx_lookup(c, c->argv[1], VALUE_SET, &e))
        return;
    if (!e) {
        reply_set(c, 0);
        return;
    }
    struct val v = entry_val(e);
    struct set_iter it;
    struct slice member;
    reply_set(c, set_count(&v));
    for (set_iter_init(&it, &v); !reply_unheard(c) && set_iter_next(&it, &member);)
        reply_bulk(c, member);
}

void cmd_srandmember(struct ctx *c)
{
    element_sample_command(c, VALUE_SET, NULL);
}

void cmd_sscan(struct ctx *c)
{
    element_scan_command(c, VALUE_SET);
}
