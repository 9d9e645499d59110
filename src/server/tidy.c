/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/tidy.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/server.h"
#include "store/compact.h"
#include "store/db.h"

enum { GIVE_BACK_US = 1000000, SLACK_MIN = 2 << 20, SLICES_APART_US = 10000 };

/* Hundredths of the time that the memory lying idle is worth: 0, 1 .. 10. */
static int64_t worth(const struct keyspace *ks)
{
    size_t slack, used;
    keyspace_slack(ks, &slack, &used);
    if (slack < SLACK_MIN || slack < used / 3 || (ks->held && slack < used))
        return 0;
    int64_t hundredths = slack >= 2 * used ? 10 : (int64_t)(1 + slack * 9 / (2 * used));
    must(hundredths >= 1 && hundredths <= 10);
    return hundredths;
}

static void move_a_slice(void *arg)
{
    struct tidy *t = arg;
    struct keyspace *ks = server_keyspace(t->server);
    int64_t began = clock_mono_us(), budget = SLICES_APART_US * worth(ks) / 100;
    t->moving = !server_is_loading(t->server) && budget > 0 && keyspace_compact(ks);
    if (!t->moving)
        return;
    while (clock_mono_us() - began < budget && keyspace_compact(ks))
        ;
    loop_timer_start(server_loop(t->server), &t->slice, SLICES_APART_US);
}

void tidy_init(struct tidy *t, struct server *s)
{
    *t = (struct tidy){.server = s, .slice = {.due = move_a_slice, .arg = t}};
}

void tidy_stop(struct tidy *t)
{
    t->moving = false;
    loop_timer_stop(server_loop(t->server), &t->slice);
}

void tidy_tick(struct tidy *t)
{
    int64_t now = clock_mono_us();
    if (!t->moving)
        move_a_slice(t);
    if (now - t->gave_back_us < GIVE_BACK_US)
        return;
    t->gave_back_us = now;
    keyspace_give_back(server_keyspace(t->server));
    mem_decay();
}
