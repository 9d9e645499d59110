/* SPDX-License-Identifier: BSD-3-Clause */
/* Every disk call of a scenario fails: once with ENOSPC, EIO, EINTR or a short write, and once for
 * good (from that call on, then the disk works again). A run without a fault tells how many calls
 * there are; then each run fails another one. What must hold each time:
 *
 *   - the server lives, or refused to start with a message, or ended because the log could not be
 *     written under always
 *   - while it lives reads are answered, and writes are acknowledged or refused with -MISCONF
 *   - when the disk works again writes come back without a restart
 *   - after a SIGKILL the next start finds every acknowledged unit and no half one */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "tests/crash/crash_client.h"

enum { UNITS = 200, WAIT_MAX_MS = 4000 };

struct trial {
    const struct plot *plot;
    struct trace *trace;
    char dir[PATH_TEXT], socket[PATH_TEXT], log[PATH_TEXT], prepared[PATH_TEXT];
    struct args args;
    struct client_conn c;
    struct buf text, out;
    char refusal[200]; /* of the last unit that was refused */
    pid_t pid;
    uint64_t sent, acked, floor;
    bool logged;  /* acknowledged units are durable */
    bool ready;   /* the server answered since it was started */
    bool bad;
    char why[300];
};

struct plot {
    const char *name, *policy;
    void (*play)(struct trial *t);
    long share; /* of the bound, in per cent */
};

static void complain(struct trial *t, const char *what)
{
    if (!t->bad)
        snprintf(t->why, sizeof t->why, "%s (%.150s)", what, t->text.data ? t->text.data : "");
    t->bad = true;
}

/* ---- a client that takes things as they come ---- */

static bool alive(struct trial *t)
{
    return t->pid > 0 && t->c.fd >= 0 && !t->bad;
}

static bool log_tells(const struct trial *t, const char *words)
{
    return file_tells(t->log, words);
}

/* The connection is gone: the server must have ended, and for a good reason. */
static void ended(struct trial *t)
{
    int status = server_wait(t->pid, PATIENCE_MS);
    client_shut(&t->c);
    if (status == -1) {
        complain(t, "the connection is gone, the server is not");
        return;
    }
    t->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        complain(t, "the server died");
    else if (t->ready && WEXITSTATUS(status) == 1 && !log_tells(t, "Can't recover from AOF"))
        complain(t, "the server ended without a reason");
}

static char call(struct trial *t, const char *a, const char *b, const char *c, const char *d)
{
    if (!alive(t))
        return 0;
    char kind = client_call(&t->c, &t->text, a, b, c, d, NULL);
    if (kind == 0)
        ended(t);
    return kind;
}

static bool unit(struct trial *t)
{
    if (!alive(t))
        return false;
    buf_clear(&t->out);
    int replies = workload_unit(&t->out, t->acked);
    bool ok = true;
    if (t->sent < t->acked + 1)
        t->sent = t->acked + 1;
    client_send(&t->c, &t->out);
    for (int i = 0; i < replies; i++) {
        char kind = client_reply(&t->c, &t->text);
        if (kind == 0) {
            ended(t);
            return false;
        }
        if (kind == '-' && ok) {
            snprintf(t->refusal, sizeof t->refusal, "%.190s", t->text.data);
            if (strncmp(t->text.data, "MISCONF ", 8) != 0)
                complain(t, "a write was refused, but not with MISCONF");
        }
        ok = ok && kind != '-';
    }
    if (ok)
        t->acked++;
    if (ok && t->logged)
        t->floor = t->acked;
    return ok;
}

static void units(struct trial *t, int count)
{
    while (count-- > 0 && alive(t))
        unit(t);
}

static bool field_is(struct trial *t, const char *field, const char *value)
{
    if (!alive(t))
        return false;
    bool same = strcmp(client_info(&t->c, &t->text, field), value) == 0;
    if (t->text.len == 0)
        ended(t);
    return same;
}

/* Waits until no child runs. */
static void quiet(struct trial *t)
{
    int64_t until = now_us() + WAIT_MAX_MS * 1000;
    while (alive(t) && now_us() < until &&
           !(field_is(t, "rdb_bgsave_in_progress", "0") &&
             field_is(t, "aof_rewrite_in_progress", "0")))
        usleep(1000);
}

/* How far the data set came: the client goes on from there. */
static void look(struct trial *t)
{
    if (call(t, "LLEN", "log", NULL, NULL) != ':') {
        complain(t, "reads are not answered");
        return;
    }
    uint64_t m = strtoull(t->text.data, NULL, 10);
    if (m < t->floor || m > t->sent)
        complain(t, "LOST, or more than was sent, at a start in between");
    t->acked = t->sent = m;
    t->logged = strcmp(t->plot->policy, "always") == 0;
    if (t->logged)
        t->floor = m;
}

static void start(struct trial *t)
{
    char kind = '-';
    unlink(t->log);
    t->ready = false;
    t->pid = server_spawn(t->dir, t->socket, t->log, &t->args, t->trace);
    int64_t until = now_us() + PATIENCE_MS * 1000;
    while (t->c.fd < 0 && now_us() < until) { /* or it ends before it listens */
        int status;
        if (!client_open(&t->c, t->socket, 0) && waitpid(t->pid, &status, WNOHANG) == t->pid) {
            t->pid = 0;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
                complain(t, "the server died at its start");
            else if (!log_tells(t, " # "))
                complain(t, "it refused to start and did not say why");
            return;
        }
        usleep(200);
    }
    if (t->c.fd < 0)
        complain(t, "the server neither starts nor refuses");
    while (alive(t) && (kind = call(t, "PING", NULL, NULL, NULL)) == '-' &&
           strncmp(t->text.data, "LOADING", 7) == 0)
        usleep(1000);
    t->ready = alive(t);
    if (alive(t))
        look(t);
}

/* ---- plots ---- */

static void save(struct trial *t)
{
    if (call(t, "SAVE", NULL, NULL, NULL) == '+')
        t->floor = t->acked;
}

static void bgsave(struct trial *t)
{
    uint64_t now = t->acked;
    if (call(t, "BGSAVE", NULL, NULL, NULL) != '+')
        return;
    unit(t);
    quiet(t);
    if (field_is(t, "rdb_last_bgsave_status", "ok") && strcmp(t->plot->policy, "no") == 0)
        t->floor = now;
}

static void stop(struct trial *t, const char *how)
{
    int status = -1;
    if (!alive(t))
        return;
    if (client_call(&t->c, &t->text, "SHUTDOWN", how, NULL) != 0)
        return; /* it would not: it lives on */
    status = server_wait(t->pid, PATIENCE_MS);
    client_shut(&t->c);
    if (status == -1)
        complain(t, "SHUTDOWN closes the connection, and nothing else");
    else
        t->pid = 0;
    if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && strcmp(how, "SAVE") == 0)
        t->floor = t->acked;
}

static void rdb_play(struct trial *t)
{
    start(t);
    units(t, 5);
    save(t);
    units(t, 4);
    bgsave(t);
    units(t, 3);
    stop(t, "SAVE");
    if (t->pid == 0 && !t->bad)
        start(t);
    units(t, 2);
    save(t);
}

static void switch_log(struct trial *t)
{
    if (call(t, "CONFIG", "SET", "appendonly", "no") == '+')
        t->logged = false;
    unit(t);
    if (call(t, "CONFIG", "SET", "appendonly", "yes") != '+' || t->logged)
        return;
    unit(t);
    quiet(t);
    if (field_is(t, "aof_enabled", "1") && field_is(t, "aof_rewrite_in_progress", "0") &&
        field_is(t, "aof_last_bgrewrite_status", "ok") && unit(t)) {
        t->logged = true;
        t->floor = t->acked;
    }
}

static void log_play(struct trial *t)
{
    start(t);
    units(t, 4);
    call(t, "BGREWRITEAOF", NULL, NULL, NULL);
    units(t, 2);
    quiet(t);
    units(t, 2);
    if (strcmp(t->plot->policy, "always") == 0)
        switch_log(t);
    else
        usleep(1100000);
    bgsave(t);
    units(t, 2);
    stop(t, "NOSAVE");
    if (t->pid == 0 && !t->bad)
        start(t);
    units(t, 2);
}

/* Starting on what is there, with a torn tail to cut. */
static void load_play(struct trial *t)
{
    t->floor = t->acked = t->sent = 12;
    start(t);
    units(t, 2);
}

static const struct plot plots[] = {
    {"rdb", "no", rdb_play, 100},
    {"always", "always", log_play, 100},
    {"load", "always", load_play, 100},
    {"everysec", "everysec", log_play, 2},
    {NULL, NULL, NULL, 0},
};

/* ---- one trial ---- */

struct bench {
    struct options o;
    char scratch[PATH_TEXT];
    char (*digests)[DIGEST_LINE];
    struct trace *trace;
    int passed, failed;
    bool expected; /* what is bad is meant to be */
    uint64_t runs, failures, ended, refused, kinds[CALL_KINDS];
};

static void set_up(struct bench *b, struct trial *t, const struct plot *plot)
{
    *t = (struct trial){.plot = plot, .trace = b->trace, .c = {.fd = -1}};
    snprintf(t->dir, sizeof t->dir, "%.400s/run", b->scratch);
    snprintf(t->prepared, sizeof t->prepared, "%.400s/prepared", b->scratch);
    snprintf(t->socket, sizeof t->socket, "%.400s/run.sock", b->scratch);
    snprintf(t->log, sizeof t->log, "%.400s/run.log", b->scratch);
    args_add(&t->args, "--save", "", "--appendonly", plot->play == rdb_play ? "no" : "yes",
             "--appendfsync", plot->policy, NULL);
}

/* Twelve units in a log whose last bytes are the beginning of another. */
static void prepare_log(struct bench *b)
{
    struct trial t;
    char path[PATH_TEXT + 64];
    set_up(b, &t, &plots[1]);
    remove_tree(t.prepared);
    must(mkdir(t.prepared, 0755) == 0);
    snprintf(t.dir, sizeof t.dir, "%s", t.prepared);
    args_add(&t.args, "--aof-checksum", "no", NULL); /* the torn unit has none */
    trace_begin(b->trace, t.dir, false);
    start(&t);
    units(&t, 7);
    call(&t, "BGREWRITEAOF", NULL, NULL, NULL);
    quiet(&t);
    units(&t, 5);
    must(t.acked == 12);
    stop(&t, "NOSAVE");
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof.2.incr.aof", t.dir);
    buf_clear(&t.out);
    workload_unit(&t.out, 13);
    FILE *f = fopen(path, "ae");
    must(f && fwrite(t.out.data, 1, t.out.len - 9, f) == t.out.len - 9);
    fclose(f);
    buf_free(&t.out);
    buf_free(&t.text);
}

static void disk_works_again(struct trial *t)
{
    trace_set_plan(t->trace, &(struct trace_plan){0});
    if (!alive(t))
        return;
    if (call(t, "LLEN", "log", NULL, NULL) != ':')
        complain(t, "reads are not answered");
    int64_t until = now_us() + PATIENCE_MS * 1000;
    while (alive(t) && !unit(t)) {
        if (now_us() > until)
            complain(t, t->refusal);
        usleep(10000);
    }
    /* The kernel has it: a kill loses nothing of it. */
    if (alive(t) && strcmp(t->plot->policy, "everysec") == 0) {
        while (alive(t) && !field_is(t, "aof_pending_bytes", "0"))
            usleep(1000); /* what waits behind a sync has not come there yet */
        t->floor = t->acked;
    }
}

static void restart(struct bench *b, struct trial *t)
{
    struct load_result result;
    uint64_t m = 0;
    char check[PATH_TEXT];
    if (t->pid > 0)
        server_kill(t->pid);
    t->pid = 0;
    client_shut(&t->c);
    if (t->bad)
        return;
    snprintf(check, sizeof check, "%.400s/check.log", b->scratch);
    unlink(check);
    /* Switching the log on failed, and a dump was saved after it: what it has is older. The start
     * asks which one is meant, and the dump must have all. A log in force is never asked about. */
    if (t->logged)
        server_load(t->dir, t->socket, check, &t->args, NULL, &result);
    else
        server_load_answered(t->dir, t->socket, check, &t->args, NULL, &result);
    buf_clear(&t->text);
    if (result.how != LOADED) {
        buf_printf(&t->text, "status %x, see check.log", (unsigned)result.status);
        buf_cstr(&t->text);
        complain(t, result.how == DIED ? "the start after it died" : "the start after it refused");
        return;
    }
    while (m <= UNITS && memcmp(b->digests[m], result.digest, DIGEST_LINE - 1) != 0)
        m++;
    buf_printf(&t->text, "found %lld, must have %llu, acknowledged %llu, sent %llu",
               m > UNITS ? -1 : (long long)m, (unsigned long long)t->floor,
               (unsigned long long)t->acked, (unsigned long long)t->sent);
    buf_cstr(&t->text);
    if (m > UNITS)
        complain(t, "no number of units gives this data set");
    else if (m < t->floor)
        complain(t, "LOST");
    else if (m > t->sent)
        complain(t, "more than was sent");
}

static const char *const call_names[] = {"open", "close", "read", "pread", "write", "fsync",
                                         "fdatasync", "truncate", "rename", "unlink", "mkdir",
                                         "fstat", "stat", "readdir"};

static const char *error_name(int error)
{
    return error == FAIL_SHORT ? "short" : error == FAIL_LIE ? "lie" : error == -ENOSPC ? "ENOSPC"
           : error == -EIO ? "EIO" : error == -EINTR ? "EINTR" : "none";
}

static bool trial_run(struct bench *b, const struct plot *plot, struct trace_plan plan,
                      uint64_t *calls)
{
    struct trial t;
    set_up(b, &t, plot);
    remove_tree(t.dir);
    if (plot->play == load_play)
        must(copy_tree(t.prepared, t.dir));
    else
        must(mkdir(t.dir, 0755) == 0);
    trace_begin(b->trace, t.dir, false);
    trace_set_plan(b->trace, &plan);
    plot->play(&t);
    if (calls)
        *calls = trace_call_count(b->trace, plan.kinds);
    bool hit = trace_failed_count(b->trace) > 0;
    enum trace_call kind = trace_failed_kind(b->trace);
    char name[100];
    snprintf(name, sizeof name, "%s", trace_failed_name(b->trace));
    b->runs++;
    b->failures += hit;
    b->kinds[kind] += hit;
    b->ended += t.pid == 0 && t.ready;
    b->refused += t.pid == 0 && !t.ready;
    disk_works_again(&t);
    restart(b, &t);
    if (t.bad && !b->expected) {
        printf("  BAD %s: call %llu (%s %s) %s%s: %s\n", plot->name, (unsigned long long)plan.at,
               hit ? call_names[kind] : "-", name, error_name(plan.error),
               plan.permanent ? " for good" : "", t.why);
        printf("    again: crash_faults -o %s,%llu,%s%s\n", plot->name,
               (unsigned long long)plan.at, error_name(plan.error), plan.permanent ? "+" : "");
        fflush(stdout);
    }
    buf_free(&t.text);
    buf_free(&t.out);
    return !t.bad;
}

/* ---- all ---- */

static const struct trace_plan faults[] = {
    {.error = -ENOSPC}, {.error = -EIO}, {.error = -EINTR},
    {.error = FAIL_SHORT, .kinds = 1u << CALL_WRITE},
    {.error = -ENOSPC, .permanent = true}, {.error = -EIO, .permanent = true},
    {.error = FAIL_SHORT, .kinds = 1u << CALL_WRITE, .permanent = true},
};
enum { FAULTS = sizeof faults / sizeof *faults };

/* One call of one plot: "always,17,EIO+". */
static int one(struct bench *b)
{
    char name[32] = "", error[32] = "";
    unsigned long long at = 0;
    if (sscanf(b->o.only, "%31[a-z],%llu,%31s", name, &at, error) != 3)
        return 2;
    bool permanent = error[strlen(error) - 1] == '+', ok = true;
    if (permanent)
        error[strlen(error) - 1] = '\0';
    for (const struct plot *p = plots; p->name; p++)
        for (int i = 0; i < FAULTS; i++)
            if (strcmp(p->name, name) == 0 && faults[i].permanent == permanent &&
                strcmp(error_name(faults[i].error), error) == 0) {
                struct trace_plan plan = faults[i];
                plan.at = at;
                ok = trial_run(b, p, plan, NULL);
                scratch_keep();
                printf("%s; kept: %s\n", ok ? "good" : "bad", b->scratch);
            }
    return !ok;
}

static void play_all(struct bench *b, const struct plot *plot)
{
    uint64_t all = 0, writes = 0, bad = 0, runs = b->runs;
    int64_t began = now_us();
    struct trace_plan none = {0}, none_write = {.kinds = 1u << CALL_WRITE};
    bool ok = trial_run(b, plot, none, &all) && trial_run(b, plot, none_write, &writes);
    uint64_t combinations = 0, seed = b->o.seed;
    for (int i = 0; i < FAULTS; i++)
        combinations += faults[i].kinds ? writes : all;
    uint64_t bound = (uint64_t)(b->o.bound * plot->share / 100);
    for (int i = 0; ok && i < FAULTS; i++)
        for (uint64_t k = 1; k <= (faults[i].kinds ? writes : all); k++) {
            struct trace_plan plan = faults[i];
            plan.at = k;
            if (mix64(&seed) % combinations < bound)
                bad += !trial_run(b, plot, plan, NULL);
        }
    ok = ok && bad == 0;
    printf("%-9s %llu calls, %llu of %llu faults tried, %llu bad (%.0f s)\n", plot->name,
           (unsigned long long)all, (unsigned long long)(b->runs - runs),
           (unsigned long long)combinations, (unsigned long long)bad,
           (double)(now_us() - began) / 1e6);
    if (!ok)
        printf("FAIL %s (seed %llu)\n", plot->name, (unsigned long long)b->o.seed);
    fflush(stdout);
    b->passed += ok;
    b->failed += !ok;
}

/* These tests must see a disk that says that it wrote and did not. */
static void lie(struct bench *b)
{
    uint64_t writes = 0, found = 0, told = 0;
    b->expected = true;
    trial_run(b, &plots[1], (struct trace_plan){.kinds = 1u << CALL_WRITE}, &writes);
    for (uint64_t k = 1; k <= writes; k++, told++)
        found += !trial_run(b, &plots[1],
                            (struct trace_plan){.at = k, .error = FAIL_LIE,
                                                .kinds = 1u << CALL_WRITE}, NULL);
    b->expected = false;
    printf("lies      %llu of %llu writes that were not made were found out\n",
           (unsigned long long)found, (unsigned long long)told);
    b->passed += found > 0; /* most are mended by the next rewrite */
    b->failed += found == 0;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    mem_thread_enter();
    signal(SIGPIPE, SIG_IGN);
    options_read(&b.o, argc, argv, 700, 15000);
    scratch_dir(b.scratch, "crash-faults", true);
    b.digests = mem_zalloc((UNITS + 1) * sizeof *b.digests);
    b.trace = trace_new(1 << 20);
    if (!workload_digests(b.scratch, b.digests, UNITS)) {
        printf("no reference\n0 passed, 1 failed\n");
        return 1;
    }
    prepare_log(&b);
    if (b.o.only && strchr(b.o.only, ','))
        return one(&b);
    for (const struct plot *p = plots; p->name; p++)
        if (!b.o.only || strcmp(b.o.only, p->name) == 0)
            play_all(&b, p);
    printf("figures: %llu runs, %llu with a fault:", (unsigned long long)b.runs,
           (unsigned long long)b.failures);
    for (int i = 0; i < CALL_KINDS; i++)
        printf(" %s %llu", call_names[i], (unsigned long long)b.kinds[i]);
    printf("\nfigures: %llu ended by themselves or were stopped, %llu refused to start; "
           "seed %llu\n",
           (unsigned long long)b.ended, (unsigned long long)b.refused,
           (unsigned long long)b.o.seed);
    if (!b.o.only || strcmp(b.o.only, "lies") == 0)
        lie(&b);
    remove_tree(b.scratch);
    mem_free(b.digests);
    printf("%d passed, %d failed\n", b.passed, b.failed);
    return b.failed != 0;
}
