/* SPDX-License-Identifier: BSD-3-Clause */
/* The ground on which the parts of the server stand: where they find each other, and the little
 * state that belongs to none of them. */
#include "server/server.h"

#include "server/server_parts.h"
#include "store/db.h"

#define ACCESSOR(type, name) \
    type *server_##name(struct server *s) \
    { \
        return s->name; \
    }
ACCESSOR(struct acl, acl)
ACCESSOR(struct clients, clients)
ACCESSOR(struct commands, commands)
ACCESSOR(struct commit, commit)
ACCESSOR(struct config, config)
ACCESSOR(struct cron, cron)
ACCESSOR(struct debug, debug)
ACCESSOR(struct exec, exec)
ACCESSOR(struct hooks, hooks)
ACCESSOR(struct info, info)
ACCESSOR(struct keyspace, keyspace)
ACCESSOR(struct lazy_free, lazy_free)
ACCESSOR(struct loop, loop)
ACCESSOR(struct monitors, monitors)
ACCESSOR(struct net, net)
ACCESSOR(struct notify, notify)
ACCESSOR(struct pauses, pauses)
ACCESSOR(struct progress, progress)
ACCESSOR(struct pubsub, pubsub)
ACCESSOR(struct role, role)
ACCESSOR(struct settings, settings)
ACCESSOR(struct shutdown, shutdown)
ACCESSOR(struct slots, slots)
ACCESSOR(struct slow_log, slow_log)
ACCESSOR(struct spikes, spikes)
ACCESSOR(struct stats, stats)
ACCESSOR(struct tls_config, tls)
ACCESSOR(struct tracking, tracking)
ACCESSOR(struct waits, waits)
ACCESSOR(struct watches, watches)
ACCESSOR(struct workers, workers)
#undef ACCESSOR

const char *server_run_id(const struct server *s)
{
    return s->run_id;
}

size_t server_startup_memory(const struct server *s)
{
    return s->startup_memory;
}

struct gates *server_gates(struct server *s)
{
    return &s->gates;
}

bool server_is_loading(const struct server *s)
{
    return s->gates.shut & GATE_LOADING;
}

bool server_loads_beside(const struct server *s)
{
    return s->gates.shut & GATE_LOADING_BESIDE;
}

bool server_is_stopping(const struct server *s)
{
    return s->stopping;
}

void server_keep_expired(struct server *s, enum expired_stay why, bool on)
{
    s->expired_stay = on ? s->expired_stay | why : s->expired_stay & ~(unsigned)why;
    unsigned stay = s->expired_stay;
    s->keyspace->expire_mode = stay & EXPIRED_LOADING            ? EXPIRE_IGNORE
                               : stay & EXPIRED_WRITABLE_REPLICA ? EXPIRE_FORCE
                               : stay & EXPIRED_REPLICA          ? EXPIRE_HIDE
                               : stay & EXPIRED_PAUSED           ? EXPIRE_PAUSE
                                                                 : EXPIRE_DELETE;
}

void server_want_changes(struct server *s, enum change_listener who, bool on)
{
    s->change_listeners = on ? s->change_listeners | who : s->change_listeners & ~(unsigned)who;
    s->keyspace->quiet = !s->change_listeners;
}
