/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/tidy.h"

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/server.h"
#include "store/compact.h"
#include "store/db.h"

enum { GIVE_BACK_US = 1000000, SLACK_MIN = 2 << 20 };

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

void tidy_tick(struct tidy *t, struct server *s, int64_t period_us)
{
    struct keyspace *ks = server_keyspace(s);
    int64_t began = clock_mono_us(), budget = period_us * worth(ks) / 100;
    while (budget > 0 && keyspace_compact(ks) && clock_mono_us() - began < budget)
        ;
    if (began - t->gave_back_us < GIVE_BACK_US)
        return;
    t->gave_back_us = began;
    keyspace_give_back(ks);
    mem_decay();
}
