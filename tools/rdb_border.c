/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/rdb_border.h"

#include "base/must.h"

struct search {
    struct rdb_borders *to;
    struct rdb_border now; /* of the database that is being read; due 0: it does not say */
    bool holed;
};

static void end_database(struct search *s, uint64_t at)
{
    s->now.to = at;
    bool fewer = s->now.keys < s->now.due && !s->holed;
    if (s->now.due && (s->now.keys > s->now.due || fewer))
        buf_append(&s->to->list, &s->now, sizeof s->now);
}

static bool on_record(void *arg, const struct rescued *r)
{
    struct search *s = arg;
    if (r->kind == RDB_REC_DB) {
        end_database(s, r->from);
        s->now = (struct rdb_border){.from = r->from, .db = r->selects};
        s->holed = false;
    } else if (r->kind == RDB_REC_RESIZE) {
        s->now.due = r->keys;
    }
    s->now.keys += r->kind == RDB_REC_KEY;
    return rdb_borders_count(s->to) < BORDERS_MAX;
}

static void on_hole(void *arg, const struct rescue_hole *h)
{
    struct search *s = arg;
    if (!s->holed)
        s->now.from = h->from;
    s->holed = true;
}

void rdb_borders_find(struct rdb_borders *b, const struct rescue *x)
{
    static const struct rescue_ops ops = {.record = on_record, .hole = on_hole};
    struct search s = {.to = b};
    struct rescue dry = {.image = x->image, .plan = x->plan, .ops = &ops, .arg = &s,
                         .databases = x->databases, .search = x->search};
    *b = (struct rdb_borders){0};
    must(!x->open);
    if (plan_has_blocks(x->plan) || !x->plan->has_crc || x->plan->crc_ok)
        return;
    rescue_run(&dry);
    rescue_free(&dry);
    if (rdb_borders_count(b) < BORDERS_MAX)
        end_database(&s, UINT64_MAX);
    else
        ((struct rdb_border *)(void *)b->list.data)[BORDERS_MAX - 1].to = UINT64_MAX;
}

void rdb_borders_free(struct rdb_borders *b)
{
    buf_free(&b->list);
}
