/* SPDX-License-Identifier: BSD-3-Clause */
/* LATENCY GRAPH and DOCTOR: spikes for people to read.
 *
 *   command: 4 seconds with spikes in the last 5m, 12 to 80 ms, worst ever 80 ms
 *      80 |  #
 *         |  #
 *      46 |  # #
 *         |  # #
 *      12 |# ###
 *          5m      now
 *
 * A column is a second in which there was a spike, the oldest first; a row is a fifth of the way
 * from the least to the most. */
#include <math.h>

#include "base/buf.h"
#include "base/must.h"
#include "commands/cmd_observe.h"
#include "os/clock.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/spikes.h"

enum { ROWS = 5, COLUMNS = 80, LABEL = 8 };

struct range {
    int64_t least, most, oldest_s;
    double mean, deviation; /* the mean distance from the mean */
};

static struct range range_of(const struct spike_series *series, unsigned from)
{
    struct range r = {.least = INT64_MAX, .oldest_s = spikes_nth(series, from)->time_s};
    must(from < series->count);
    unsigned n = series->count - from;
    for (unsigned i = from; i < series->count; i++) {
        int64_t ms = spikes_nth(series, i)->ms;
        r.least = ms < r.least ? ms : r.least;
        r.most = ms > r.most ? ms : r.most;
        r.mean += (double)ms / n;
    }
    for (unsigned i = from; i < series->count; i++)
        r.deviation += fabs((double)spikes_nth(series, i)->ms - r.mean) / n;
    return r;
}

static void put_ago(struct buf *to, int64_t s)
{
    static const struct {
        int64_t s;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    s = s < 0 ? 0 : s;
    while (i < 3 && s < units[i].s)
        i++;
    buf_printf(to, "%lld%c", (long long)(s / units[i].s), units[i].unit);
}

static void put_head(struct buf *to, enum spike_event e, const struct spike_series *series,
                     unsigned from, const struct range *r)
{
    buf_printf(to, "%s: %u seconds with spikes in the last ", spikes_name(e),
               series->count - from);
    put_ago(to, clock_wall_s() - r->oldest_s);
    buf_printf(to, ", %lld to %lld ms, worst ever %lld ms\n", (long long)r->least,
               (long long)r->most, (long long)series->worst_ms);
}

/* How many of the rows the column fills: the least one, the most all of them. */
static int height(const struct range *r, int64_t ms)
{
    int64_t span = r->most - r->least;
    must(ms >= r->least && ms <= r->most);
    return span ? 1 + (int)((double)(ms - r->least) * (ROWS - 1) / (double)span + 0.5) : ROWS;
}

static void put_graph(struct buf *to, enum spike_event e, const struct spike_series *series)
{
    unsigned from = series->count > COLUMNS ? series->count - COLUMNS : 0;
    struct range r = range_of(series, from);
    put_head(to, e, series, from, &r);
    for (int row = ROWS; row > 0; row--) {
        int64_t at = r.least + (r.most - r.least) * (row - 1) / (ROWS - 1);
        if (row % 2)
            buf_printf(to, "%*lld |", LABEL, (long long)at);
        else
            buf_printf(to, "%*s |", LABEL, "");
        for (unsigned i = from; i < series->count; i++)
            buf_byte(to, height(&r, spikes_nth(series, i)->ms) >= row ? '#' : ' ');
        buf_byte(to, '\n');
    }
    buf_printf(to, "%*s", LABEL + 2, "");
    size_t begins = to->len;
    put_ago(to, clock_wall_s() - r.oldest_s);
    size_t used = to->len - begins, columns = series->count - from;
    buf_printf(to, "%*s\n", columns > used + 4 ? (int)(columns - used) : 5, "now");
}

void cmd_latency_graph(struct ctx *c)
{
    enum spike_event e;
    const struct spike_series *series = NULL;
    struct buf text = {0};
    if (spikes_event(c->argv[2], &e))
        series = spikes_of(server_spikes(c->server), e);
    if (!series) {
        reply_errorf(c, "ERR No samples available for event '%.*s'", SLICE_ARG(c->argv[2]));
        return;
    }
    put_graph(&text, e, series);
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}

/* ---- DOCTOR ---- */

static const char *const advice[SPIKE_EVENTS] = {
    [SPIKE_COMMAND] =
        "SLOWLOG GET names the commands; set slowlog-log-slower-than below the threshold, or it "
        "misses some. Commands over large keys are the usual cause: take such keys apart, use the "
        "SCAN family in place of KEYS, SMEMBERS, HGETALL, and UNLINK in place of DEL.",
    [SPIKE_FAST_COMMAND] =
        "These commands do little by themselves: the process did not get the CPU, or memory was "
        "swapped. Look at steal time and swapping of this machine, and at what else runs here.",
    [SPIKE_FORK] =
        "A fork takes longer the more memory is used: INFO has latest_fork_usec. Save less often, "
        "use a smaller instance, or a machine whose hypervisor forks fast.",
    [SPIKE_EXPIRE_CYCLE] =
        "Many keys, or large ones, expire at once. Spread their times, set lazyfree-lazy-expire "
        "to yes, or lower active-expire-effort.",
    [SPIKE_EVICTION_CYCLE] =
        "Memory is over maxmemory faster than it is given back. Raise maxmemory, or lower "
        "maxmemory-eviction-tenacity, which spreads the work over more commands.",
    [SPIKE_EVICTION_DEL] =
        "Keys that are evicted are large. Set lazyfree-lazy-eviction to yes, or take them apart.",
    [SPIKE_AOF_WRITE] =
        "The disk takes writes of the log slowly: the events behind this one say beside what.",
    [SPIKE_AOF_WRITE_PENDING_FSYNC] =
        "Writes waited for a sync of the log. A faster disk helps, or one that nobody else uses.",
    [SPIKE_AOF_WRITE_ACTIVE_CHILD] =
        "Writes waited while a child saved or rewrote. Let it run at quieter times, or put the "
        "log on a disk of its own.",
    [SPIKE_AOF_WRITE_ALONE] =
        "Writes waited though nothing of ours kept the disk busy: look for other processes, and "
        "at what the file system does.",
    [SPIKE_AOF_FSYNC_ALWAYS] =
        "With appendfsync always each reply of a write waits for the disk. appendfsync everysec "
        "does not, and may lose a second; a disk that syncs faster keeps the promise.",
    [SPIKE_AOF_RENAME] = "Renaming files took long: the file system is busy with its journal.",
    [SPIKE_RDB_UNLINK] = "Removing the file of a save that ended early took long.",
    [SPIKE_WHILE_BLOCKED] =
        "Other clients were served while a script or a load held the server: both are shorter "
        "with fewer of them.",
    [SPIKE_COMMAND_UNBLOCKING] =
        "Commands that had waited for keys took long once these were there: let them take less "
        "at a time.",
};

static void put_finding(struct buf *to, enum spike_event e, const struct spike_series *series)
{
    struct range r = range_of(series, 0);
    must(advice[e] && r.least <= r.most);
    put_head(to, e, series, 0, &r);
    buf_printf(to, "    On average %.0f ms, by %.0f ms more or less; ", r.mean, r.deviation);
    if (series->count > 1)
        buf_printf(to, "one every %.1f s.\n",
                   (double)(spikes_nth(series, series->count - 1)->time_s - r.oldest_s) /
                       (series->count - 1));
    else
        buf_printf(to, "once.\n");
    buf_printf(to, "    %s\n", advice[e]);
}

void cmd_latency_doctor(struct ctx *c)
{
    const struct spikes *sp = server_spikes(c->server);
    struct buf text = {0};
    for (int i = 0; i < SPIKE_EVENTS; i++) {
        const struct spike_series *series = spikes_of(sp, (enum spike_event)i);
        if (series)
            put_finding(&text, (enum spike_event)i, series);
    }
    if (text.len == 0 && sp->threshold_ms)
        buf_printf(&text, "Nothing took %lld ms or more since the last reset.\n",
                   (long long)sp->threshold_ms);
    else if (text.len == 0)
        buf_printf(&text, "Nothing is measured: latency-monitor-threshold is 0. CONFIG SET it to "
                          "the milliseconds that are too long for you, and ask again later.\n");
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}
