/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/acl_log.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/client_describe.h"

enum { TOGETHER_MS = 60 * 1000, LOOKED_AT = 10, OBJECT_MAX = 4096 };

void acl_log_init(struct acl_log *l)
{
    link_init(&l->entries);
}

static void drop(struct acl_log *l, struct acl_log_entry *e)
{
    must(l->count > 0);
    l->count--;
    link_remove(&e->link);
    buf_free(&e->object);
    buf_free(&e->user);
    buf_free(&e->client);
    mem_free(e);
}

static void keep(struct acl_log *l, int64_t most)
{
    while (l->count > most)
        drop(l, LINK_OF(l->entries.prev, struct acl_log_entry, link));
}

void acl_log_clear(struct acl_log *l)
{
    keep(l, 0);
}

void acl_log_trim(struct acl_log *l)
{
    keep(l, l->max);
}

/* Among the newest few: it takes no longer when somebody fills the log. */
static struct acl_log_entry *find_same(struct acl_log *l, const struct acl_log_entry *like)
{
    int looked = 0;
    LINK_FOR(pos, &l->entries) {
        struct acl_log_entry *e = LINK_OF(pos, struct acl_log_entry, link);
        int64_t apart_ms = like->updated_ms - e->updated_ms;
        if (looked++ == LOOKED_AT)
            break;
        if (e->reason == like->reason && e->where == like->where && apart_ms <= TOGETHER_MS &&
            apart_ms >= -TOGETHER_MS && slice_eq(buf_slice(&e->object), buf_slice(&like->object)) &&
            slice_eq(buf_slice(&e->user), buf_slice(&like->user)))
            return e;
    }
    return NULL;
}

void acl_log_add(struct acl_log *l, enum acl_reason reason, enum acl_where where,
                 struct slice object, struct slice user, const struct client *c)
{
    struct acl_log_entry *e = mem_zalloc(sizeof *e);
    must(reason != ACL_ALLOWED && l->max >= 0);
    link_init(&e->link);
    e->reason = reason;
    e->where = where;
    e->count = 1;
    e->created_ms = e->updated_ms = clock_wall_ms();
    buf_add(&e->object, slice(object.data, object.len < OBJECT_MAX ? object.len : OBJECT_MAX));
    buf_add(&e->user, slice(user.data, user.len < OBJECT_MAX ? user.len : OBJECT_MAX));
    client_describe_short(c, &e->client);
    struct acl_log_entry *same = find_same(l, e);
    l->count++;
    if (same) {
        e->id = same->id;
        e->created_ms = same->created_ms;
        e->count += same->count;
        drop(l, same);
    } else {
        e->id = l->next_id++;
    }
    link_push_front(&l->entries, &e->link);
    acl_log_trim(l);
    must(l->count >= 0 && (l->count == 0) == link_empty(&l->entries));
}

const char *acl_log_reason(enum acl_reason reason)
{
    static const char *const words[] = {"", "command", "key", "auth", "channel"};
    must(reason != ACL_ALLOWED && (size_t)reason < sizeof words / sizeof *words);
    return words[reason];
}

const char *acl_log_where(enum acl_where where)
{
    static const char *const words[] = {"toplevel", "multi", "lua", "module"};
    must((size_t)where < sizeof words / sizeof *words);
    return words[where];
}
