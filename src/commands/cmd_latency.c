/* SPDX-License-Identifier: BSD-3-Clause */
/* LATENCY: spikes as they are kept, and the histogram of commands. What is made of the spikes for
 * people to read is in cmd_latency_text.c. */
#include <string.h>

#include "base/must.h"
#include "commands/cmd_observe.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/spikes.h"
#include "server/stats.h"

void cmd_latency_latest(struct ctx *c)
{
    const struct spikes *sp = server_spikes(c->server);
    uint64_t mark = reply_later(c);
    size_t n = 0;
    for (int i = 0; i < SPIKE_EVENTS; i++) {
        const struct spike_series *series = spikes_of(sp, (enum spike_event)i);
        if (!series)
            continue;
        const struct spike *last = spikes_nth(series, series->count - 1);
        must(last->ms <= series->worst_ms);
        reply_array(c, 4);
        reply_bulk_str(c, spikes_name((enum spike_event)i));
        reply_int(c, last->time_s);
        reply_int(c, last->ms);
        reply_int(c, series->worst_ms);
        n++;
    }
    reply_later_array(c, mark, n);
}

void cmd_latency_history(struct ctx *c)
{
    enum spike_event e;
    const struct spike_series *series = NULL;
    if (spikes_event(c->argv[2], &e))
        series = spikes_of(server_spikes(c->server), e);
    reply_array(c, series ? series->count : 0);
    for (unsigned i = 0; series && i < series->count; i++) {
        reply_array(c, 2);
        reply_int(c, spikes_nth(series, i)->time_s);
        reply_int(c, spikes_nth(series, i)->ms);
    }
}

void cmd_latency_reset(struct ctx *c)
{
    struct spikes *sp = server_spikes(c->server);
    enum spike_event e;
    int64_t n = 0;
    for (int i = 0; c->argc == 2 && i < SPIKE_EVENTS; i++)
        n += spikes_reset(sp, (enum spike_event)i);
    for (int i = 2; i < c->argc; i++)
        if (spikes_event(c->argv[i], &e))
            n += spikes_reset(sp, e);
    reply_int(c, n);
}

/* ---- HISTOGRAM ---- */

struct histograms {
    struct ctx *ctx;
    size_t n;
};

/* The ends of the ranges of 7.2: powers of two, a little more where its numbers have two digits. */
static uint64_t range_end(unsigned power)
{
    return power < 5 ? 1u << power : (((uint64_t)1032 << power) - 1) / 1000;
}

/* Cumulative; ranges without a call of their own are left out. */
static void put_histogram(struct histograms *h, const struct command_entry *e)
{
    enum { POWERS = 32 };
    const struct latency *l = e->stats.latency;
    uint64_t all = latency_count(l), seen = 0;
    size_t ranges = 0;
    if (!all)
        return;
    h->n++;
    reply_bulk_str(h->ctx, e->name);
    reply_map(h->ctx, 2);
    reply_bulk_str(h->ctx, "calls");
    reply_int(h->ctx, (int64_t)all);
    reply_bulk_str(h->ctx, "histogram_usec");
    uint64_t mark = reply_later(h->ctx);
    must(all <= e->stats.calls);
    for (unsigned power = 0; power < POWERS && seen < all; power++) {
        uint64_t up_to = power + 1 < POWERS ? latency_up_to(l, range_end(power)) : all;
        if (up_to == seen)
            continue;
        reply_int(h->ctx, (int64_t)range_end(power));
        reply_int(h->ctx, (int64_t)up_to);
        seen = up_to;
        ranges++;
    }
    must(seen == all && ranges > 0);
    reply_later_map(h->ctx, mark, ranges);
}

static void put_with_subs(void *arg, struct command_entry *e)
{
    put_histogram(arg, e);
    for (unsigned i = 0; i < e->sub_count; i++)
        put_histogram(arg, &e->subs[i]);
}

/* "config" is all of its subcommands, "config|get" one. */
static void put_named(struct histograms *h, struct slice name)
{
    struct commands *cs = server_commands(h->ctx->server);
    const char *bar = name.len ? memchr(name.data, '|', name.len) : NULL;
    size_t len = bar ? (size_t)(bar - name.data) : name.len;
    struct command_entry *e = commands_find(cs, slice(name.data, len));
    if (e && bar)
        e = command_find_sub(e, slice_from(name, len + 1));
    if (e && bar)
        put_histogram(h, e);
    else if (e)
        put_with_subs(h, e);
}

void cmd_latency_histogram(struct ctx *c)
{
    struct histograms h = {c, 0};
    uint64_t mark = reply_later(c);
    if (c->argc == 2)
        commands_each(server_commands(c->server), put_with_subs, &h);
    for (int i = 2; i < c->argc; i++)
        put_named(&h, c->argv[i]);
    reply_later_map(c, mark, h.n);
}

void cmd_latency_help(struct ctx *c)
{
    static const char *const lines[] = {
        "DOCTOR", "    Say what took long, and what may help.",
        "GRAPH <event>", "    Draw what the event took over time.",
        "HISTOGRAM [<command> ...]",
        "    Show how many calls of the commands (of all) took up to how many microseconds.",
        "HISTORY <event>", "    Show when the event took long, and how many milliseconds.",
        "LATEST", "    Show of each event the latest time, and the worst.",
        "RESET [<event> ...]", "    Forget what is known of the events (of all).", NULL};
    reply_help(c, lines);
}
