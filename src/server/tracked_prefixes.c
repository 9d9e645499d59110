/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/tracked_prefixes.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/radix.h"
#include "containers/table.h"
#include "format/resp_write.h"

struct prefix {
    struct link members;
    struct link dirty;    /* in prefixes.dirty: something changed */
    struct table changed; /* struct change's */
    size_t len;
    char name[];
};

struct membership {
    struct link of_prefix, of_member;
    struct prefix *prefix;
    void *member;
};

struct change {
    uint64_t by;
    size_t len;
    char key[];
};

struct prefixes {
    struct radix *all;
    struct link dirty;
    struct buf encoded, others; /* keep no room from one time to the next */
};

static struct slice change_key(const void *item)
{
    const struct change *c = item;
    return slice(c->key, c->len);
}

static const struct table_type change_type = {.key = change_key};

struct prefixes *prefixes_new(void)
{
    struct prefixes *ps = mem_zalloc(sizeof *ps);
    ps->all = radix_new();
    link_init(&ps->dirty);
    return ps;
}

void prefixes_free(struct prefixes *ps)
{
    must(radix_count(ps->all) == 0 && link_empty(&ps->dirty));
    must(!ps->encoded.data && !ps->others.data);
    radix_free(ps->all, NULL);
    mem_free(ps);
}

size_t prefixes_count(const struct prefixes *ps)
{
    return radix_count(ps->all);
}

/* ---- who ---- */

static struct slice name_of(const struct prefix *p)
{
    return slice(p->name, p->len);
}

static struct prefix *prefix_get(struct prefixes *ps, struct slice name)
{
    void *found;
    if (radix_get(ps->all, name, &found))
        return found;
    struct prefix *p = mem_alloc(sizeof *p + name.len);
    *p = (struct prefix){.len = name.len};
    if (name.len)
        memcpy(p->name, name.data, name.len);
    link_init(&p->members);
    link_init(&p->dirty);
    table_init(&p->changed, &change_type);
    radix_put(ps->all, name, p, NULL);
    return p;
}

size_t prefixes_join(struct prefixes *ps, struct slice prefix, struct link *mine, void *member)
{
    must(member && mine);
    struct membership *m = mem_alloc(sizeof *m);
    *m = (struct membership){.prefix = prefix_get(ps, prefix), .member = member};
    link_init(&m->of_prefix);
    link_init(&m->of_member);
    link_push_back(&m->prefix->members, &m->of_prefix);
    link_push_back(mine, &m->of_member);
    return mem_usable(m) + mem_usable(m->prefix) + prefix.len; /* the tree keeps it once more */
}

static void free_change(void *arg, void *item)
{
    (void)arg;
    mem_free(item);
}

static void forget_changes(struct prefix *p)
{
    uint64_t cursor = 0;
    do
        cursor = table_scan(&p->changed, cursor, free_change, NULL);
    while (cursor);
    table_release(&p->changed);
    table_init(&p->changed, &change_type);
    link_remove(&p->dirty);
}

static void drop_if_lonely(struct prefixes *ps, struct prefix *p)
{
    if (!link_empty(&p->members))
        return;
    forget_changes(p);
    bool removed = radix_remove(ps->all, name_of(p), NULL);
    must(removed);
    mem_free(p);
}

void prefixes_leave_all(struct prefixes *ps, struct link *mine)
{
    LINK_FOR_SAFE(pos, mine) {
        struct membership *m = LINK_OF(pos, struct membership, of_member);
        struct prefix *p = m->prefix;
        must(link_linked(&m->of_prefix));
        link_remove(&m->of_prefix);
        link_remove(&m->of_member);
        mem_free(m);
        drop_if_lonely(ps, p);
    }
}

void prefixes_each(const struct link *mine, prefixes_visit *visit, void *arg)
{
    LINK_FOR(pos, mine)
        visit(arg, name_of(LINK_OF(pos, struct membership, of_member)->prefix));
}

/* ---- what changed ---- */

struct noted {
    struct prefixes *ps;
    struct slice key;
    uint64_t by;
};

static bool note(void *arg, struct slice name, void *value)
{
    const struct noted *n = arg;
    struct prefix *p = value;
    struct change *c = table_find(&p->changed, n->key);
    (void)name;
    if (c) {
        c->by = c->by == n->by ? n->by : 0; /* two changed it: each hears of the other's */
        return true;
    }
    c = mem_alloc(sizeof *c + n->key.len);
    c->by = n->by;
    c->len = n->key.len;
    if (n->key.len)
        memcpy(c->key, n->key.data, n->key.len);
    table_add(&p->changed, c);
    if (!link_linked(&p->dirty))
        link_push_back(&n->ps->dirty, &p->dirty);
    return true;
}

void prefixes_changed(struct prefixes *ps, struct slice key, uint64_t by)
{
    struct noted n = {ps, key, by};
    radix_each_prefix(ps->all, key, note, &n);
}

/* ---- telling ---- */

/* The keys that others than except changed; returns how many. */
static size_t encode(struct buf *to, const struct prefix *p, uint64_t except)
{
    struct table_iter it;
    const struct change *c;
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            resp_put_head(to, '*', n);
        table_iter_init(&it, (struct table *)(uintptr_t)&p->changed);
        while ((c = table_iter_next(&it))) {
            if (except && c->by == except)
                continue;
            if (pass)
                resp_put_bulk(to, change_key(c));
            else
                n++;
        }
    }
    return n;
}

static void tell_members(struct prefixes *ps, const struct prefix *p, prefixes_except *except,
                         prefixes_tell_one *tell, void *arg)
{
    size_t all = p->changed.count;
    LINK_FOR(pos, &p->members) {
        void *member = LINK_OF(pos, struct membership, of_prefix)->member;
        uint64_t own = except(member);
        buf_clear(&ps->others);
        size_t n = own ? encode(&ps->others, p, own) : all;
        if (n == all && !ps->encoded.len)
            encode(&ps->encoded, p, 0);
        must(n <= all);
        if (n)
            tell(arg, member, buf_slice(n == all ? &ps->encoded : &ps->others));
    }
}

void prefixes_tell(struct prefixes *ps, prefixes_except *except, prefixes_tell_one *tell,
                   void *arg)
{
    while (!link_empty(&ps->dirty)) {
        struct prefix *p = LINK_OF(ps->dirty.next, struct prefix, dirty);
        must(p->changed.count > 0);
        tell_members(ps, p, except, tell, arg);
        forget_changes(p);
        buf_free(&ps->encoded);
        buf_free(&ps->others);
    }
}
