/* SPDX-License-Identifier: BSD-3-Clause */
/* Pauses end in STAGE_UNBLOCK, where no command runs. A held command is judged anew then: another
 * purpose may hold it still. */
#include "os/clock.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/conn.h"
#include "server/exec.h"
#include "server/held.h"
#include "server/pause_parts.h"
#include "server/server.h"
#include "server/wait_keys.h"
#include "store/db.h"

static void resume(struct pauses *p, struct client *c)
{
    struct held_command *h = pause_take(p, c);
    must(h->entry);
    struct keyspace *ks = server_keyspace(p->server);
    exec_read_clock(server_exec(p->server));
    ks->offered = offer_of(&h->big);
    exec_command(c, h->entry, h->argc, h->argv);
    ks->offered = NULL;
    held_command_free(h);
    conn_resume(c);
}

static bool end_some(struct pauses *p)
{
    bool ended = false;
    for (int i = 0; i < PAUSE_PURPOSES; i++) {
        if (!p->of[i].until_us || clock_now.mono_us < p->of[i].until_us)
            continue;
        p->of[i].until_us = 0;
        ended = true;
    }
    return ended;
}

void pause_stage(void *arg)
{
    struct pauses *p = arg;
    struct clients *cs = server_clients(p->server);
    if (!p->what || !end_some(p))
        return;
    pause_sum_up(p);
    LINK_FOR_SAFE(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (c->flags & CLIENT_CLOSE_SOON || cs->over)
            continue;
        if (c->feed)
            client_want_send(c);
        if (c->flags & CLIENT_PAUSED)
            resume(p, c);
    }
    waits_pause_over(server_waits(p->server));
}
