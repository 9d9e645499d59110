/* SPDX-License-Identifier: BSD-3-Clause */
/* A purpose has a deadline; what all of them want is kept as one word, in front of which a gate
 * stands. */
#include "server/pause.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"
#include "server/client.h"
#include "server/command_row.h"
#include "server/gate.h"
#include "server/held.h"
#include "server/hooks.h"
#include "server/pause_parts.h"
#include "server/server.h"

enum { OVER = 1 }; /* a deadline that the next stage finds past; what it held waits for that */

void pause_sum_up(struct pauses *p)
{
    p->what = 0;
    for (int i = 0; i < PAUSE_PURPOSES; i++)
        p->what |= p->of[i].until_us ? p->of[i].what : 0;
    gate_set(server_gates(p->server), GATE_PAUSE, p->what != 0);
    server_keep_expired(p->server, EXPIRED_PAUSED, p->what & PAUSE_EXPIRY);
}

void pause_begin(struct pauses *p, enum pause_purpose purpose, unsigned what, int64_t ms)
{
    int64_t now_us = clock_mono_us(), most_ms = (INT64_MAX - now_us) / 1000;
    int64_t until_us = now_us + (ms < most_ms ? ms : most_ms) * 1000;
    must(purpose < PAUSE_PURPOSES && what && ms >= 0);
    if (p->of[purpose].until_us <= OVER) { /* ended, and only not seen to yet */
        p->of[purpose].what = 0;
        p->of[purpose].until_us = 0;
    }
    p->of[purpose].what |= what;
    if (until_us > p->of[purpose].until_us)
        p->of[purpose].until_us = until_us;
    pause_sum_up(p);
}

void pause_end_soon(struct pauses *p, enum pause_purpose purpose)
{
    must(purpose < PAUSE_PURPOSES);
    if (!p->of[purpose].until_us)
        return;
    p->of[purpose].until_us = OVER;
    loop_stay_awake(server_loop(p->server)); /* the stage of this turn may be over */
}

unsigned pause_what(const struct pauses *p)
{
    return p->what;
}

bool pause_holds(const struct pauses *p, uint32_t command_flags)
{
    return p->what & PAUSE_CLIENTS ||
           (p->what & PAUSE_WRITES && command_flags & (CMD_WRITE | CMD_MAY_REPLICATE));
}

int64_t pause_left_ms(const struct pauses *p, enum pause_purpose purpose)
{
    must(purpose < PAUSE_PURPOSES);
    int64_t left_us = p->of[purpose].until_us - clock_mono_us();
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

unsigned pause_held_count(const struct pauses *p)
{
    return p->held;
}

void pause_hold(struct pauses *p, struct client *c, struct held_command *h)
{
    must(h && !c->held && !(c->flags & CLIENT_PAUSED));
    must(!c->block);
    c->held = h;
    c->flags |= CLIENT_PAUSED;
    p->held++;
}

struct held_command *pause_take(struct pauses *p, struct client *c)
{
    struct held_command *h = c->held;
    must(h && p->held > 0);
    must(c->flags & CLIENT_PAUSED);
    c->held = NULL;
    client_clear(c, CLIENT_PAUSED);
    p->held--;
    return h;
}

static void client_event(void *arg, struct client *c, bool opened)
{
    struct pauses *p = arg;
    if (!opened && c->flags & CLIENT_PAUSED)
        held_command_free(pause_take(p, c));
}

struct pauses *pauses_new(struct server *s)
{
    struct pauses *p = mem_zalloc(sizeof *p);
    p->server = s;
    hooks_on_client(server_hooks(s), client_event, p);
    return p;
}

void pauses_free(struct pauses *p)
{
    must(p->held == 0);
    mem_free(p);
}
