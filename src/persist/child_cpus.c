/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/child_cpus.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/cpus.h"
#include "persist/persist.h"
#include "server/config.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/settings.h"

struct child_cpus {
    struct server *server;
    char *rewrite, *save;
};

/* In the child; it works all the same where it cannot be bound. */
static void forked(void *arg, const struct fork_event *e)
{
    const struct child_cpus *c = arg;
    if (e->pid != 0 || e->ended)
        return;
    must(e->kind);
    const char *list = e->kind == &child_save      ? c->save
                       : e->kind == &child_rewrite ? c->rewrite
                                                   : NULL;
    if (list)
        cpus_pin_self(list);
}

static const struct config_option options[] = {
    {.name = "aof_rewrite_cpulist", .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct child_cpus, rewrite), .check = settings_check_cpus},
    {.name = "bgsave_cpulist", .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct child_cpus, save), .check = settings_check_cpus},
    {.name = NULL}};

struct child_cpus *child_cpus_new(struct server *s)
{
    struct child_cpus *c = mem_zalloc(sizeof *c);
    c->server = s;
    config_add(server_config(s), options, c);
    hooks_on_fork(server_hooks(s), forked, c);
    return c;
}

void child_cpus_free(struct child_cpus *c)
{
    config_release(server_config(c->server), c);
    mem_free(c);
}
