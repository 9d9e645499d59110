/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss of power at every moment of recorded runs. Two passes over a trace:
 *
 *   1  at each moment each recipe is a state; equal ones count once, with the most that had to be
 *      there and the least that could be
 *   2  a bounded, seeded choice of them is written to a directory, and the server starts on it
 *
 * The data set found must be that after m units, floor <= m <= sent. When the server refuses, the
 * check tool repairs, and then the same holds. Some starts are recorded themselves, and crashed
 * again. The model must be able to fail: runs whose syncs do nothing must be found out. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "tests/crash/crash_judge.h"
#include "tests/crash/crash_recipes.h"
#include "tests/crash/crash_scenario.h"

enum { KEPT_MAX = 2, KINDS_MAX = 16, ROUNDS_LONG = 5 };

/* Bad states by what is wrong with them. */
struct kind {
    char how[200];
    uint64_t count;
};

struct seen {
    uint64_t hash;
    uint64_t floor, most; /* the largest floor, the smallest upper bound */
    uint64_t rank;
    bool done;
};

/* One exploration of one trace. */
struct hunt {
    const struct scenario *scenario;
    const char *name;
    struct trace *trace;
    const char *before, *scratch;
    struct judge judge;
    uint64_t seed;
    uint64_t floor0, most0; /* at the beginning */
    size_t bound;
    bool nested, quiet;
    struct seen *table; /* open addressing, size a power of two */
    size_t table_size, distinct;
    uint64_t worst; /* the largest rank that is tried */
    /* figures */
    int64_t oldest_us;
    uint64_t points, states, tried, as_is, repaired, again, went_on, nested_tried, bad;
};

struct progress {
    uint64_t floor, sent, acked;
    int64_t acked_us[UNITS_MAX + 1]; /* when unit n was acknowledged */
    int64_t oldest_us; /* the greatest age of one that no sync had covered */
    enum trace_mode mode;
    struct {
        int pid, fd;
        uint64_t units;
        bool log, lost; /* lost: a sync failed, no later one counts */
    } fds[64];
    size_t fd_count;
    struct {
        int64_t id;
        uint64_t units;
    } syncs[64];
    size_t sync_count;
};

static int kept;
static char kept_dir[PATH_TEXT];
static struct kind kinds[KINDS_MAX]; /* of the scenario */

/* Numbers do not make another kind. How many there are of it now. */
static uint64_t count_kind(const char *how)
{
    char plain[200];
    size_t n = 0, i = 0;
    for (; *how && n < sizeof plain - 1; how++)
        if (*how < '0' || *how > '9' || n == 0 || plain[n - 1] != '#')
            plain[n++] = *how >= '0' && *how <= '9' ? '#' : *how;
    plain[n] = '\0';
    while (i < KINDS_MAX - 1 && kinds[i].count && strcmp(kinds[i].how, plain) != 0)
        i++;
    memcpy(kinds[i].how, plain, sizeof plain);
    return ++kinds[i].count;
}

/* ---- the table of states ---- */

static struct seen *find(struct hunt *h, uint64_t hash)
{
    for (size_t i = hash & (h->table_size - 1);; i = (i + 1) & (h->table_size - 1))
        if (h->table[i].hash == hash || h->table[i].hash == 0)
            return &h->table[i];
}

static void grow(struct hunt *h)
{
    struct seen *old = h->table;
    size_t old_size = h->table_size;
    h->table_size = old_size ? old_size * 2 : 4096;
    h->table = mem_zalloc(h->table_size * sizeof *h->table);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].hash)
            *find(h, old[i].hash) = old[i];
    mem_free(old);
}

static void note(struct hunt *h, uint64_t hash, const struct progress *p)
{
    if (h->distinct * 2 >= h->table_size)
        grow(h);
    struct seen *s = find(h, hash);
    if (s->hash == 0) {
        uint64_t rank = h->seed ^ hash;
        *s = (struct seen){.hash = hash, .most = p->sent, .rank = mix64(&rank)};
        h->distinct++;
    }
    if (p->floor > s->floor)
        s->floor = p->floor;
    if (p->sent < s->most)
        s->most = p->sent;
}

static int by_rank(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void choose_worst(struct hunt *h)
{
    uint64_t *ranks = mem_alloc((h->distinct + 1) * sizeof *ranks);
    size_t n = 0;
    for (size_t i = 0; i < h->table_size; i++)
        if (h->table[i].hash)
            ranks[n++] = h->table[i].rank;
    h->worst = UINT64_MAX;
    if (n > h->bound) {
        qsort(ranks, n, sizeof *ranks, by_rank);
        h->worst = ranks[h->bound - 1];
    }
    mem_free(ranks);
}

/* ---- what the client and the trace know ---- */

static size_t fd_of(struct progress *p, const struct trace_rec *r)
{
    for (size_t i = 0; i < p->fd_count; i++)
        if (p->fds[i].pid == r->pid && p->fds[i].fd == r->fd)
            return i;
    must(p->fd_count < 64);
    p->fds[p->fd_count].pid = r->pid;
    p->fds[p->fd_count].fd = r->fd;
    p->fds[p->fd_count].units = 0;
    p->fds[p->fd_count].log = p->fds[p->fd_count].lost = false;
    return p->fd_count++;
}

static void end_sync(struct progress *p, const struct trace_rec *r)
{
    for (size_t i = 0; i < p->sync_count; i++) {
        if (p->syncs[i].id != r->a)
            continue;
        size_t fd = fd_of(p, r);
        p->fds[fd].lost |= r->b < 0;
        if (!p->fds[fd].lost && p->mode == MODE_SYNCED && p->syncs[i].units > p->floor)
            p->floor = p->syncs[i].units;
        p->syncs[i] = p->syncs[--p->sync_count];
        return;
    }
}

/* Units whose bytes a sync of the log covered. */
static void follow_log(struct progress *p, const struct trace_rec *r)
{
    if (r->op == TRACE_OPEN) {
        size_t i = fd_of(p, r);
        p->fds[i].log = strstr(r->text, ".incr") != NULL;
        p->fds[i].units = 0;
        p->fds[i].lost = false;
    } else if (r->op == TRACE_CLOSE) {
        p->fds[fd_of(p, r)] = p->fds[p->fd_count - 1];
        p->fd_count--;
    } else if (r->op == TRACE_WRITE) {
        size_t i = fd_of(p, r);
        uint64_t units = p->fds[i].log ? workload_seen(r->text, r->text_len) : 0;
        if (units > p->fds[i].units)
            p->fds[i].units = units;
    } else if (r->op == TRACE_SYNC_BEGIN) {
        must(p->sync_count < 64);
        p->syncs[p->sync_count].id = r->a;
        p->syncs[p->sync_count++].units = p->fds[fd_of(p, r)].units;
    } else if (r->op == TRACE_SYNC_END) {
        end_sync(p, r);
    }
}

static void follow(struct progress *p, const struct trace_rec *r)
{
    uint64_t n = (uint64_t)r->a;
    if (p->mode == MODE_SYNCED && p->acked > p->floor) {
        int64_t age = r->at_us - p->acked_us[p->floor];
        p->oldest_us = age > p->oldest_us ? age : p->oldest_us;
    }
    switch (r->op) {
    case TRACE_SENT:
        p->sent = n > p->sent ? n : p->sent;
        break;
    case TRACE_ACKED:
        p->acked = n;
        p->acked_us[n - 1] = r->at_us;
        if (p->mode == MODE_ACKED && n > p->floor)
            p->floor = n;
        break;
    case TRACE_FLOOR:
        p->floor = n > p->floor ? n : p->floor;
        p->sent = p->sent < n ? n : p->sent;
        break;
    case TRACE_MODE:
        p->mode = (enum trace_mode)n;
        break;
    default:
        follow_log(p, r);
    }
}

/* ---- one state ---- */

static void keep_state(struct hunt *h, const struct disk_state *s, const struct seen *seen,
                       const struct verdict *v)
{
    if (count_kind(v->how) > KEPT_MAX || h->quiet)
        return;
    printf("  BAD %s state %016llx: %s [must have %llu, sent %llu]\n", h->name,
           (unsigned long long)seen->hash, v->how, (unsigned long long)seen->floor,
           (unsigned long long)seen->most);
    char dir[PATH_TEXT + 32], expect[PATH_TEXT + 64];
    if (!kept_dir[0])
        scratch_dir(kept_dir, "crash-bad", false);
    snprintf(dir, sizeof dir, "%s/%d", kept_dir, ++kept);
    mkdir(dir, 0755);
    snprintf(expect, sizeof expect, "%s/expect", dir);
    FILE *f = fopen(expect, "we");
    fprintf(f, "%s %llu %llu\n", h->scenario->name, (unsigned long long)seen->floor,
            (unsigned long long)seen->most);
    fclose(f);
    snprintf(expect, sizeof expect, "%s/state", dir);
    mkdir(expect, 0755);
    disk_state_write(s, expect);
    disk_state_print(s);
    judge_print_log(h->judge.log);
    printf("    again: crash_states -d %s\n", dir);
}

static void hunt_run(struct hunt *h);

/* The start itself is recorded, and the power fails during it. */
static void hunt_again(struct hunt *h, const struct seen *seen, struct trace *t)
{
    struct hunt again = *h;
    judge_open(&again.judge, h->scratch, "-again");
    again.nested = true;
    again.trace = t;
    again.before = h->judge.before;
    again.floor0 = seen->floor;
    again.most0 = seen->most;
    again.bound = h->bound / 20 + 8;
    again.seed = h->seed ^ seen->hash;
    again.table = NULL;
    again.table_size = again.distinct = 0;
    again.points = again.states = again.tried = again.as_is = again.repaired = again.bad = 0;
    hunt_run(&again);
    h->nested_tried += again.tried;
    h->bad += again.bad;
}

static void lay_out(const struct disk_state *s, const char *dir)
{
    remove_tree(dir);
    mkdir(dir, 0755);
    if (!disk_state_write(s, dir)) {
        printf("can't write %s\n", dir);
        exit(1);
    }
}

/* A choice of the good ones is started once more, written to, crashed once more. */
static void look_closer(struct hunt *h, const struct seen *seen, struct verdict *v)
{
    if (seen->rank % 8 == 1) { /* what was found stays */
        uint64_t m = v->m;
        h->again++;
        *v = judge_state(&h->judge, m, m, NULL);
        if (!v->ok)
            snprintf(v->how + strlen(v->how), sizeof v->how - strlen(v->how), " at a second start");
    }
    if (v->ok && seen->rank % 64 == 3) {
        h->went_on++;
        v->ok = judge_goes_on(&h->judge, v->m);
        if (!v->ok)
            snprintf(v->how, sizeof v->how, "the server does not go on from there");
    }
}

static void try_state(struct hunt *h, const struct disk_state *s, struct seen *seen)
{
    static struct trace *second;
    bool deeper = !h->nested && seen->rank % 32 == 0 && !h->quiet;
    lay_out(s, h->judge.dir);
    if (deeper) {
        if (!second)
            second = trace_new(32 << 20);
        lay_out(s, h->judge.before);
        trace_begin(second, h->judge.dir, true);
    }
    struct args as_configured = h->judge.args;
    struct verdict v = judge_state(&h->judge, seen->floor, seen->most, deeper ? second : NULL);
    h->tried++;
    h->repaired += v.repaired;
    h->as_is += v.ok && !v.repaired;
    if (v.ok)
        look_closer(h, seen, &v);
    if (!v.ok) {
        h->bad++;
        keep_state(h, s, seen, &v);
    } else if (deeper) {
        hunt_again(h, seen, second);
    }
    h->judge.args = as_configured;
}

/* ---- the passes ---- */

static void at_point(struct hunt *h, const struct disk *d, const struct progress *p, size_t point,
                     bool second_pass)
{
    struct recipes rs;
    recipes_list(&rs, d, h->seed + point * 7919);
    for (size_t i = 0; i < rs.count; i++) {
        struct disk_state *s = disk_choose(d, &rs.list[i]);
        uint64_t hash = disk_state_hash(s);
        if (!second_pass) {
            h->states++;
            note(h, hash, p);
        } else {
            struct seen *seen = find(h, hash);
            must(seen->hash == hash);
            if (!seen->done && seen->rank <= h->worst) {
                seen->done = true;
                try_state(h, s, seen);
            }
        }
        disk_state_free(s);
    }
}

static bool is_disk_call(const struct trace_rec *r)
{
    return r->op < TRACE_MARKS && r->op != TRACE_CLOSE && r->op != TRACE_READ &&
           r->op != TRACE_SYNC_BEGIN;
}

static void pass(struct hunt *h, bool second_pass)
{
    struct disk *d = disk_new();
    struct progress p = {.floor = h->floor0, .sent = h->most0};
    size_t point = 0;
    bool due = true;
    disk_load(d, h->before);
    for (const struct trace_rec *r = trace_first(h->trace); r; r = trace_next(h->trace, r)) {
        uint64_t floor = p.floor;
        if (due && is_disk_call(r)) {
            at_point(h, d, &p, point++, second_pass);
            due = false;
        }
        if (disk_apply(d, r))
            due = true;
        follow(&p, r);
        due = due || p.floor > floor;
    }
    at_point(h, d, &p, point++, second_pass);
    h->points = point;
    h->oldest_us = p.oldest_us;
    disk_free(d);
}

static void hunt_run(struct hunt *h)
{
    pass(h, false);
    choose_worst(h);
    pass(h, true);
    mem_free(h->table);
    h->table = NULL;
}

/* ---- scenarios ---- */

struct session {
    struct options o;
    char scratch[PATH_TEXT];
    char (*digests)[DIGEST_LINE];
    struct trace *trace;
    int passed, failed;
    uint64_t states, distinct, tried, repaired, nested;
};

static struct hunt hunt_of(struct session *s, const struct scenario *sc, struct run *r)
{
    struct hunt h = {.scenario = sc, .name = sc->name, .trace = s->trace, .before = r->before,
                     .scratch = s->scratch, .seed = s->o.seed, .bound = (size_t)s->o.bound};
    judge_open(&h.judge, s->scratch, "");
    h.judge.has_log = sc->log;
    h.judge.args = r->args;
    h.judge.digests = s->digests;
    h.judge.digest_count = UNITS_MAX + 1;
    return h;
}

static void count(struct session *s, bool ok, const char *name, const char *what)
{
    s->passed += ok;
    s->failed += !ok;
    if (!ok)
        printf("FAIL %s: %s (seed %llu; alone: crash_states -o %s -s %llu)\n", name, what,
               (unsigned long long)s->o.seed, name, (unsigned long long)s->o.seed);
    fflush(stdout);
}

static void print_figures(const struct hunt *h)
{
    printf("%4llu moments, %6llu states, %6zu distinct, %5llu tried, %llu repaired by the tool, "
           "%llu started twice, %llu gone on with, %llu of crashes of starts and repairs, %llu bad",
           (unsigned long long)h->points, (unsigned long long)h->states, h->distinct,
           (unsigned long long)h->tried, (unsigned long long)h->repaired,
           (unsigned long long)h->again, (unsigned long long)h->went_on,
           (unsigned long long)h->nested_tried, (unsigned long long)h->bad);
}

static void explore(struct session *s, const struct scenario *sc)
{
    struct run r = {.seed = s->o.seed};
    int64_t began = now_us();
    bool ran = scenario_run(sc, &r, s->trace, s->scratch, NULL);
    if (ran) {
        int64_t recorded = now_us();
        struct hunt h = hunt_of(s, sc, &r);
        memset(kinds, 0, sizeof kinds);
        hunt_run(&h);
        for (size_t i = 0; i < KINDS_MAX && kinds[i].count; i++)
            printf("  %llu states: %s\n", (unsigned long long)kinds[i].count, kinds[i].how);
        printf("%-9s %4llu units, ", sc->name, (unsigned long long)r.next);
        print_figures(&h);
        printf(" (%.1f + %.1f s)\n", (double)(recorded - began) / 1e6,
               (double)(now_us() - recorded) / 1e6);
        if (h.oldest_us)
            printf("          the oldest acknowledged unit without a sync was %.2f s old\n",
                   (double)h.oldest_us / 1e6);
        count(s, h.bad == 0, sc->name, "states that must not be");
        if (sc->unsynced_max_us)
            count(s, h.oldest_us <= sc->unsynced_max_us, sc->name, "a sync comes too late");
        s->states += h.states;
        s->distinct += h.distinct;
        s->tried += h.tried;
        s->repaired += h.repaired;
        s->nested += h.nested_tried;
    } else {
        judge_print_log(r.log);
        count(s, false, sc->name, "the run itself");
    }
    scenario_done(&r);
}

/* The harness must see what a server that does not sync would lose. */
static void explore_broken(struct session *s, const struct scenario *sc, const char *what,
                           struct trace_plan plan)
{
    struct run r = {.seed = s->o.seed};
    char name[64];
    snprintf(name, sizeof name, "%s, %s", sc->name, what);
    if (scenario_run(sc, &r, s->trace, s->scratch, &plan)) {
        struct hunt h = hunt_of(s, sc, &r);
        h.bound = h.bound > 150 ? 150 : h.bound;
        h.quiet = true;
        hunt_run(&h);
        printf("%-9s without %s: %llu of %llu states are bad, as they must be\n", sc->name, what,
               (unsigned long long)h.bad, (unsigned long long)h.tried);
        count(s, h.bad > 0, name, "nothing was found");
    } else {
        count(s, false, name, "the run itself");
    }
    scenario_done(&r);
}

static const struct scenario *scenario_named(const char *name)
{
    const struct scenario *sc = scenarios;
    while (sc->name && strcmp(sc->name, name) != 0)
        sc++;
    return sc->name ? sc : NULL;
}

static bool wanted(const struct session *s, const char *name)
{
    return !s->o.only || strcmp(s->o.only, name) == 0;
}

static void explore_all(struct session *s)
{
    for (const struct scenario *sc = scenarios; sc->name; sc++)
        if (wanted(s, sc->name))
            explore(s, sc);
    if (wanted(s, "broken")) {
        static const char *const names[] = {"always", "rdb"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            explore_broken(s, scenario_named(names[i]), "syncs",
                           (struct trace_plan){.skip_sync = true});
            explore_broken(s, scenario_named(names[i]), "syncs of directories",
                           (struct trace_plan){.skip_sync_dir = true});
        }
        explore_broken(s, scenario_named("replica"), "syncs",
                       (struct trace_plan){.skip_sync = true});
    }
}

/* A kept state once more. */
static int again(struct session *s, const char *kept_state)
{
    char path[PATH_TEXT + 64], name[64] = "";
    unsigned long long floor = 0, most = 0;
    snprintf(path, sizeof path, "%s/expect", kept_state);
    FILE *f = fopen(path, "re");
    if (!f || fscanf(f, "%63s %llu %llu", name, &floor, &most) != 3)
        return 2;
    fclose(f);
    const struct scenario *sc = scenario_named(name);
    if (!sc)
        return 2;
    struct run r = {.seed = 1};
    scenario_run(sc, &r, s->trace, s->scratch, NULL); /* for its args */
    struct hunt h = hunt_of(s, sc, &r);
    snprintf(path, sizeof path, "%s/state", kept_state);
    remove_tree(h.judge.dir);
    must(copy_tree(path, h.judge.dir));
    struct verdict v = judge_state(&h.judge, floor, most, NULL);
    printf("%s: %s, %lld units\n", name, v.ok ? "good" : v.how, (long long)v.m);
    judge_print_log(h.judge.log);
    remove_tree(s->scratch);
    return !v.ok;
}

int main(int argc, char **argv)
{
    struct session s = {0};
    const char *one = argc == 3 && strcmp(argv[1], "-d") == 0 ? argv[2] : NULL;
    mem_thread_enter();
    options_read(&s.o, one ? 1 : argc, argv, 240, 20000);
    scratch_dir(s.scratch, "crash-states", true);
    s.digests = mem_zalloc((UNITS_MAX + 1) * sizeof *s.digests);
    s.trace = trace_new((size_t)256 << 20);
    int64_t began = now_us();
    if (!workload_digests(s.scratch, s.digests, UNITS_MAX)) {
        printf("no reference\n0 passed, 1 failed\n");
        return 1;
    }
    if (one)
        return again(&s, one);
    uint64_t seed = s.o.seed;
    for (int i = 0; i < (s.o.longer ? ROUNDS_LONG : 1); i++, s.o.seed++)
        explore_all(&s);
    printf("figures: %llu states of the disk, %llu distinct, %llu tried (%llu repaired by the "
           "tool), and %llu of crashes of starts and repairs; seed %llu, bound %ld, %.0f s\n",
           (unsigned long long)s.states, (unsigned long long)s.distinct,
           (unsigned long long)s.tried, (unsigned long long)s.repaired,
           (unsigned long long)s.nested, (unsigned long long)seed, s.o.bound,
           (double)(now_us() - began) / 1e6);
    remove_tree(s.scratch);
    mem_free(s.digests);
    printf("%d passed, %d failed\n", s.passed, s.failed);
    return s.failed != 0;
}
