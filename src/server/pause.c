/* SPDX-License-Identifier: BSD-3-Clause */
/* A purpose has a deadline; what all of them want is kept as one word, in front of which exec's gate
 * stands. Pauses end in STAGE_UNBLOCK, where no command runs. A held command is judged anew then:
 * another purpose may hold it still. */
#include "server/pause.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"
#include "server/client.h"
#include "server/command.h"
#include "server/conn.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/server.h"

struct pauses {
    struct server *server;
    struct {
        int64_t until_us; /* monotonic; 0: there is none */
        unsigned what;
    } of[PAUSE_PURPOSES];
    unsigned what; /* of all */
    unsigned held;
};

static void sum_up(struct pauses *p)
{
    p->what = 0;
    for (int i = 0; i < PAUSE_PURPOSES; i++)
        p->what |= p->of[i].until_us ? p->of[i].what : 0;
    exec_set_gate(server_exec(p->server), GATE_PAUSE, p->what != 0);
    server_settle_expiry(p->server);
}

void pause_begin(struct pauses *p, enum pause_purpose purpose, unsigned what, int64_t ms)
{
    int64_t now_us = clock_mono_us(), most_ms = (INT64_MAX - now_us) / 1000;
    int64_t until_us = now_us + (ms < most_ms ? ms : most_ms) * 1000;
    must(purpose < PAUSE_PURPOSES && what && ms >= 0);
    if (!p->of[purpose].until_us)
        p->of[purpose].what = 0;
    p->of[purpose].what |= what;
    if (until_us > p->of[purpose].until_us)
        p->of[purpose].until_us = until_us;
    sum_up(p);
}

void pause_end_soon(struct pauses *p, enum pause_purpose purpose)
{
    must(purpose < PAUSE_PURPOSES);
    if (!p->of[purpose].until_us)
        return;
    p->of[purpose].until_us = 1;
    loop_stay_awake(server_loop(p->server)); /* the stage of this turn may be over */
}

unsigned pause_what(const struct pauses *p)
{
    return p->what;
}

int64_t pause_left_ms(const struct pauses *p, enum pause_purpose purpose)
{
    int64_t left_us = p->of[purpose].until_us - clock_mono_us();
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

unsigned pause_held_count(const struct pauses *p)
{
    return p->held;
}

void pause_hold(struct pauses *p, struct client *c, struct held_command *h)
{
    must(!c->held && !(c->flags & CLIENT_PAUSED));
    c->held = h;
    c->flags |= CLIENT_PAUSED;
    p->held++;
}

static struct held_command *take(struct pauses *p, struct client *c)
{
    struct held_command *h = c->held;
    must(h && p->held > 0);
    c->held = NULL;
    c->flags &= ~(uint32_t)CLIENT_PAUSED;
    p->held--;
    return h;
}

void pause_drop(struct pauses *p, struct client *c)
{
    if (c->flags & CLIENT_PAUSED)
        held_command_free(take(p, c));
}

static void resume(struct pauses *p, struct client *c)
{
    struct held_command *h = take(p, c);
    struct command_entry *top = h->entry->owner ? h->entry->owner : h->entry;
    struct keyspace *ks = server_keyspace(p->server);
    exec_read_clock(server_exec(p->server));
    ks->offered = offer_of(&h->big);
    exec_command(c, top, h->argc, h->argv);
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

static void stage(void *arg)
{
    struct pauses *p = arg;
    struct clients *cs = server_clients(p->server);
    if (!p->what || !end_some(p))
        return;
    sum_up(p);
    LINK_FOR_SAFE(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (c->flags & CLIENT_CLOSE_SOON || cs->over)
            continue;
        if (c->feed)
            conn_want_send(c);
        if (c->flags & CLIENT_PAUSED)
            resume(p, c);
    }
}

struct pauses *pauses_new(struct server *s)
{
    struct pauses *p = mem_zalloc(sizeof *p);
    p->server = s;
    hooks_on_stage(server_hooks(s), STAGE_UNBLOCK, stage, p);
    return p;
}

void pauses_free(struct pauses *p)
{
    mem_free(p);
}
