/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/sync_choice.h"

#include "base/rand.h"
#include "tests/unit/unit.h"

/* A disk and its clients: commands a second in each way, commands a sync, noise in percent. */
struct world {
    double inline_rate, worker_rate;
    unsigned per_sync, noise_percent;
    int64_t now_us;
    double commands;
};

/* Lets time pass; returns the part of it in which the worker's way was used. */
static double live(struct world *w, struct sync_choice *c, double seconds)
{
    int64_t end_us = w->now_us + (int64_t)(seconds * 1e6);
    double worker_us = 0, all_us = 0;
    while (w->now_us < end_us) {
        double rate = c->worker ? w->worker_rate : w->inline_rate;
        if (w->noise_percent)
            rate *= 1 + ((double)rand_below(2 * w->noise_percent + 1) - w->noise_percent) / 100;
        double took_us = w->per_sync / rate * 1e6;
        w->now_us += (int64_t)took_us;
        w->commands += w->per_sync;
        all_us += took_us;
        worker_us += c->worker ? took_us : 0;
        sync_choice_note(c, w->now_us, (uint64_t)w->commands);
    }
    return worker_us / all_us;
}

static void one_client_stays_inline(void)
{
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 5000, .worker_rate = 50000, .per_sync = 1, .now_us = 1};
    CHECK(live(&w, &c, 20) == 0);
    w.per_sync = SYNC_CHOICE_GROUP - 1;
    CHECK(live(&w, &c, 20) == 0);
}

static void the_better_way_is_found(void)
{
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 50000, .worker_rate = 70000, .per_sync = 25, .now_us = 1};
    live(&w, &c, 3);
    CHECK(live(&w, &c, 30) > 0.95);
    w.worker_rate = 30000; /* the load has changed */
    live(&w, &c, 20);
    CHECK(live(&w, &c, 60) < 0.05);
    w.worker_rate = 90000;
    live(&w, &c, 20);
    CHECK(live(&w, &c, 60) > 0.95);
    w.per_sync = 1; /* the others have gone */
    live(&w, &c, 0.1);
    CHECK(live(&w, &c, 10) == 0);
}

static void nothing_to_gain_changes_nothing(void)
{
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 50000, .worker_rate = 51000, .per_sync = 25, .now_us = 1};
    live(&w, &c, 5);
    CHECK(live(&w, &c, 60) < 0.05);
    CHECK(!c.chosen);
}

static void noise_is_stood(void)
{
    rand_seed(unit_seed());
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 50000, .worker_rate = 40000, .per_sync = 25, .now_us = 1,
                      .noise_percent = 40};
    live(&w, &c, 5);
    CHECK(live(&w, &c, 60) < 0.1);
}

static void pauses_say_nothing(void)
{
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 50000, .worker_rate = 20000, .per_sync = 25, .now_us = 1};
    for (int i = 0; i < 30; i++) {
        live(&w, &c, 1);
        w.now_us += 10000000;
    }
    CHECK(!c.chosen);
}

static void slow_disks_have_windows_too(void)
{
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 100, .worker_rate = 200, .per_sync = 25, .now_us = 1};
    live(&w, &c, 30); /* a quarter of a second each */
    CHECK(c.chosen);
}

/* CONFIG RESETSTAT. */
static void counting_anew_says_nothing(void)
{
    struct sync_choice c = {0};
    struct world w = {.inline_rate = 50000, .worker_rate = 40000, .per_sync = 25, .now_us = 1};
    bool changed = false;
    for (int i = 0; i < 200; i++) {
        live(&w, &c, 0.27);
        changed |= c.chosen;
        w.commands = 0;
    }
    CHECK(!changed);
}

int main(void)
{
    return UNIT_RUN(UNIT(one_client_stays_inline), UNIT(the_better_way_is_found),
                    UNIT(nothing_to_gain_changes_nothing), UNIT(noise_is_stood),
                    UNIT(pauses_say_nothing), UNIT(slow_disks_have_windows_too),
                    UNIT(counting_anew_says_nothing));
}
