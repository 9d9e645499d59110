/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends under load: SIGKILL, and as often a stop in order (SIGTERM, SIGINT, SHUTDOWN with its words,
 * by a connection of its own or in the middle of a pipeline). Several clients send units of several
 * keys, each client in a database of its own, and note each acknowledgement; the server is ended at
 * a random moment, often during BGSAVE or a rewrite, and started again on what it left.
 *
 *   unit n of a client: MULTI; RPUSH log n; LTRIM; SET key:(n % 13) n; INCR counter; HSET;
 *                       SETRANGE big BIG n; XADD stream MAXLEN 20 n+1-0; XREADGROUP of it; XACK of
 *                       n-0; EXEC
 *
 * Beside them clients wait for keys (crash_waiters.h).
 *
 * What big holds is more than proto-max-bulk-len allows at each start (it is raised while running),
 * and half of the starts call commands by other names (rename-command). The wall clock jumps, by up
 * to a month in both directions. Often there is a second server on the directory: one that must be
 * refused, or one that waits for the end of the first and is the next.
 * Then each client's database must be that after m units, acknowledged <= m <= sent. A kill of the
 * process takes nothing from the kernel: so under everysec, too, what was written is there. What is
 * acknowledged before it is written can be at most as old as a sync is slow (two seconds); the test
 * counts what is missing, and fails when it is older than one second. A stop in order takes nothing
 * at all, whatever the policy; with save points alone there are no other ends. */
#include <errno.h>
#include <poll.h>
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
#include "tests/crash/crash_clock.h"
#include "tests/crash/crash_waiters.h"

enum { CLIENTS = 6, KEYS = 13, DEPTH_MAX = 8, REPLIES = 11, FRESH_EVERY = 40 };
#define BIG "1200000"

struct user {
    struct client_conn c;
    uint64_t sent, acked;
    int replies; /* of the unit under way */
    int64_t acked_us[DEPTH_MAX * 2]; /* when the last ones were acknowledged, by number */
    bool gone;
};

struct plan {
    const char *name, *log, *fsync, *save;
    bool kills; /* else stops in order only */
};

struct load {
    const struct plan *plan;
    char scratch[PATH_TEXT], dir[PATH_TEXT], sockets[2][PATH_TEXT], log[PATH_TEXT];
    struct args args;
    struct user users[CLIENTS];
    struct waiters waiters;
    struct client_conn control;
    struct buf text, out;
    pid_t pid, next; /* next: waits for the directory; 0: none does */
    int lives; /* of servers, begun; each other one has the other socket */
    uint64_t seed;
    bool renamed; /* this life of the server: commands are called xNAME */
    /* figures */
    uint64_t kills, stops, in_save, in_rewrite, units, missing, missing_old, half, unsent;
    uint64_t renames, refused, waited, jumps;
    bool bad, expected; /* expected: nothing is told of what is bad */
    const char *how;    /* the last end; NULL: it was killed */
};

static void complain(struct load *l, const char *what)
{
    l->bad = true;
    if (!l->expected)
        printf("  BAD %s, end %llu by %s: %s (%.200s)\n", l->plan->name,
               (unsigned long long)(l->kills + l->stops), l->how ? l->how : "kill", what,
               l->text.data ? l->text.data : "");
}

static void complain_of(struct load *l, const char *wrong)
{
    if (wrong)
        complain(l, wrong);
}

/* ---- load ---- */

static const char *const renamed_names[] = {
    "xMULTI", "xRPUSH", "xLTRIM", "xSET", "xINCR", "xHSET", "xSETRANGE", "xEXEC"};

static void put_unit(struct buf *out, uint64_t n, bool renamed)
{
    char number[24], key[24], field[24], last[24], id[24];
    const char *name[8];
    for (int i = 0; i < 8; i++)
        name[i] = renamed_names[i] + !renamed;
    snprintf(number, sizeof number, "%llu", (unsigned long long)n);
    snprintf(key, sizeof key, "key:%u", (unsigned)(n % KEYS));
    snprintf(field, sizeof field, "f%u", (unsigned)(n % KEYS));
    snprintf(last, sizeof last, "%llu-0", (unsigned long long)n);
    snprintf(id, sizeof id, "%llu-0", (unsigned long long)n + 1);
    resp_command(out, name[0], NULL);
    resp_command(out, name[1], "log", number, NULL);
    resp_command(out, name[2], "log", "-20", "-1", NULL);
    resp_command(out, name[3], key, number, NULL);
    resp_command(out, name[4], "counter", NULL);
    resp_command(out, name[5], "hash", field, number, NULL);
    resp_command(out, name[6], "big", BIG, number, NULL);
    resp_command(out, "XADD", "stream", "MAXLEN", "20", id, "n", number, NULL);
    resp_command(out, "XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "stream", ">",
                 NULL);
    resp_command(out, "XACK", "stream", "g", last, NULL);
    resp_command(out, name[7], NULL);
}

static void fill(struct load *l, struct user *u)
{
    uint64_t depth = 1 + mix64(&l->seed) % DEPTH_MAX;
    buf_clear(&l->out);
    while (u->sent - u->acked < depth)
        put_unit(&l->out, u->sent++, l->renamed);
    if (l->out.len && !client_send(&u->c, &l->out))
        u->gone = true;
}

/* Takes the replies that wait. */
static void drain(struct load *l, struct user *u)
{
    do {
        char kind = client_reply(&u->c, &l->text);
        if (kind == 0) {
            u->gone = true;
            return;
        }
        if (kind == '-') {
            complain(l, "an error");
            u->gone = true;
            return;
        }
        if (++u->replies == REPLIES) {
            u->replies = 0;
            u->acked_us[u->acked % (DEPTH_MAX * 2)] = now_us();
            u->acked++;
            l->units++;
        }
    } while (u->c.at < u->c.in.len);
}

static void one_round(struct load *l, int timeout_ms)
{
    struct pollfd p[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        if (!l->users[i].gone)
            fill(l, &l->users[i]);
        p[i] = (struct pollfd){.fd = l->users[i].gone ? -1 : l->users[i].c.fd, .events = POLLIN};
    }
    complain_of(l, waiters_round(&l->waiters, 0));
    if (poll(p, CLIENTS, timeout_ms) <= 0)
        return;
    for (int i = 0; i < CLIENTS; i++)
        if (p[i].fd >= 0 && p[i].revents)
            drain(l, &l->users[i]);
}

/* ---- lives of the server ---- */

static pid_t spawn(const struct load *l, int life, bool renamed, const char *wait_s)
{
    struct args args = l->args;
    args_add(&args, "--dir-lock-wait", wait_s, NULL);
    for (int i = 0; renamed && i < 8; i++)
        args_add(&args, "--rename-command", renamed_names[i] + 1, renamed_names[i], NULL);
    return server_spawn(l->dir, l->sockets[life % 2], l->log, &args, NULL);
}

/* A second server while the first lives. */
static void second_server(struct load *l)
{
    int status;
    if (mix64(&l->seed) % 2) {
        l->next = spawn(l, l->lives + 1, !l->renamed, "60");
        l->waited++;
        return;
    }
    pid_t pid = spawn(l, l->lives + 1, l->renamed, "0");
    while ((status = server_wait(pid, 0)) == -1)
        one_round(l, 1);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
        complain(l, "a second server was not refused");
    l->refused++;
}

static bool start(struct load *l)
{
    char db[8];
    l->lives++;
    l->renamed = l->next ? !l->renamed : mix64(&l->seed) % 2;
    l->renames += l->renamed;
    l->pid = l->next ? l->next : spawn(l, l->lives, l->renamed, "0");
    l->next = 0;
    if (!client_open(&l->control, l->sockets[l->lives % 2], PATIENCE_MS)) {
        complain(l, "the server does not start");
        return false;
    }
    while (client_call(&l->control, &l->text, "PING", NULL) == '-')
        usleep(500);
    client_call(&l->control, &l->text, "CONFIG", "SET", "proto-max-bulk-len", "8mb", NULL);
    for (int i = 0; i < CLIENTS; i++) {
        struct user *u = &l->users[i];
        snprintf(db, sizeof db, "%d", i);
        if (!client_open(&u->c, l->sockets[l->lives % 2], PATIENCE_MS) ||
            client_call(&u->c, &l->text, "SELECT", db, NULL) != '+') {
            complain(l, "a client can't connect");
            return false;
        }
        client_call(&u->c, &l->text, "XGROUP", "CREATE", "stream", "g", "0", "MKSTREAM", NULL);
        u->gone = false;
        u->replies = 0;
    }
    snprintf(db, sizeof db, "%d", CLIENTS);
    return waiters_open(&l->waiters, l->sockets[l->lives % 2], db, l->renamed);
}

static void ended(struct load *l)
{
    for (int i = 0; i < CLIENTS; i++) { /* what was on its way counts */
        while (!l->users[i].gone)
            drain(l, &l->users[i]);
        client_shut(&l->users[i].c);
    }
    complain_of(l, waiters_close(&l->waiters));
    client_shut(&l->control);
}

static void killed(struct load *l)
{
    l->how = NULL;
    server_kill(l->pid);
    ended(l);
}

/* On a connection of its own, or as one of the users, with units in front of it and behind it. */
static void say_shutdown(struct load *l, struct user *u, const char *word)
{
    buf_clear(&l->out);
    if (u)
        put_unit(&l->out, u->sent++, l->renamed);
    resp_command(&l->out, "SHUTDOWN", word, NULL);
    if (u)
        put_unit(&l->out, u->sent++, l->renamed);
    if (!client_send(u ? &u->c : &l->control, &l->out))
        complain(l, "SHUTDOWN can't be sent");
}

/* In order, while the clients go on. */
static void stopped(struct load *l)
{
    static const struct {
        const char *name, *word;
        int signal;
    } ways[] = {{"SIGTERM", NULL, SIGTERM}, {"SIGINT", NULL, SIGINT}, {"SHUTDOWN", NULL, 0},
                {"SHUTDOWN SAVE", "SAVE", 0}, {"SHUTDOWN NOW", "NOW", 0},
                {"SHUTDOWN NOSAVE", "NOSAVE", 0}};
    uint64_t count = sizeof ways / sizeof *ways - !l->plan->kills; /* points: NOSAVE loses them */
    uint64_t way = mix64(&l->seed) % count, who = mix64(&l->seed) % (2 * CLIENTS);
    struct user *u = who < CLIENTS ? &l->users[who] : NULL;
    int status;
    l->how = ways[way].name;
    if (ways[way].signal)
        kill(l->pid, ways[way].signal);
    else
        say_shutdown(l, u, ways[way].word);
    for (int64_t until = now_us() + PATIENCE_MS * 1000; (status = server_wait(l->pid, 0)) == -1;) {
        one_round(l, 1);
        if (now_us() > until) {
            complain(l, "it does not stop");
            server_kill(l->pid);
            break;
        }
    }
    if (status != -1 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        complain(l, "it did not end with exit code 0");
    ended(l);
}

/* ---- what must be there ---- */

static uint64_t number_of(struct load *l, struct user *u, const char *a, const char *b,
                          const char *c)
{
    client_call(&u->c, &l->text, a, b, c, NULL);
    return l->text.len ? strtoull(l->text.data, NULL, 10) : 0;
}

/* Every key tells of the same m. */
static bool whole(struct load *l, struct user *u, uint64_t m)
{
    char key[24], field[64];
    if (m && number_of(l, u, "LINDEX", "log", "-1") != m - 1)
        return false;
    client_call(&u->c, &l->text, "GETRANGE", "big", BIG, "-1", NULL);
    if (m ? !l->text.len || strtoull(l->text.data, NULL, 10) != m - 1 : l->text.len != 0)
        return false;
    if (number_of(l, u, "LLEN", "log", NULL) != (m < 20 ? m : 20))
        return false;
    snprintf(field, sizeof field, "1\n%llu-0\n%llu-0\n", (unsigned long long)m,
             (unsigned long long)m);
    client_call(&u->c, &l->text, "XPENDING", "stream", "g", NULL);
    if (m && strncmp(l->text.data, field, strlen(field)) != 0)
        return false;
    if (number_of(l, u, "XLEN", "stream", NULL) != (m < 20 ? m : 20))
        return false;
    for (unsigned k = 0; k < KEYS; k++) {
        uint64_t last = m > k ? (m - 1 - k) / KEYS * KEYS + k : 0;
        snprintf(key, sizeof key, "key:%u", k);
        snprintf(field, sizeof field, "f%u", k);
        client_call(&u->c, &l->text, "GET", key, NULL);
        if (m > k ? strtoull(l->text.data, NULL, 10) != last : l->text.len != 0)
            return false;
        client_call(&u->c, &l->text, "HGET", "hash", field, NULL);
        if (m > k ? strtoull(l->text.data, NULL, 10) != last : l->text.len != 0)
            return false;
    }
    return true;
}

static void check_user(struct load *l, struct user *u, int64_t killed_us)
{
    uint64_t m = number_of(l, u, "GET", "counter", NULL);
    char what[160];
    snprintf(what, sizeof what, "%llu units found, %llu acknowledged, %llu sent",
             (unsigned long long)m, (unsigned long long)u->acked, (unsigned long long)u->sent);
    if (m < u->acked) {
        l->missing += u->acked - m;
        bool old = l->how || u->acked - m > DEPTH_MAX * 2 ||
                   killed_us - u->acked_us[m % (DEPTH_MAX * 2)] > 1000000;
        l->missing_old += old;
        if (old || strcmp(l->plan->fsync, "always") == 0)
            complain(l, what);
    }
    if (m > u->sent) {
        l->unsent++;
        complain(l, what);
    }
    if (!whole(l, u, m)) {
        l->half++;
        complain(l, "a unit is half there");
    }
    u->sent = u->acked = m;
}

static void fresh(struct load *l)
{
    remove_tree(l->dir);
    must(mkdir(l->dir, 0755) == 0);
    for (int i = 0; i < CLIENTS; i++)
        l->users[i].sent = l->users[i].acked = 0;
    waiters_forget(&l->waiters);
}

/* Hours, days, or back to what it is. */
static void jump(struct load *l)
{
    static const int64_t by_s[] = {-3600, 3600, -86400, 30 * 86400, -30 * 86400, 0};
    crash_clock_move(by_s[mix64(&l->seed) % (sizeof by_s / sizeof *by_s)]);
    l->jumps++;
}

static void one_end(struct load *l)
{
    uint64_t dice = mix64(&l->seed);
    if (!l->expected && dice % 7 < 3)
        second_server(l);
    int64_t until = now_us() + 2000 + (int64_t)(dice % 60000), child_at;
    const char *child = dice / 64 % 3 == 0 ? "BGSAVE" : dice / 64 % 3 == 1 ? "BGREWRITEAOF" : NULL;
    if (l->expected) /* nothing is to be kept */
        child = NULL;
    child_at = now_us() + (int64_t)(dice / 1024 % 40000);
    while ((now_us() < until || (l->expected && !l->units)) && !l->bad) {
        one_round(l, 1);
        if (mix64(&l->seed) % 64 == 0)
            jump(l);
        if (child && now_us() > child_at) {
            l->in_save += child[2] == 'S';
            l->in_rewrite += child[2] == 'R';
            client_call(&l->control, &l->text, child, NULL);
            until = now_us() + (int64_t)(mix64(&l->seed) % 12000); /* within it */
            child = NULL;
        }
    }
    bool kill_it = l->expected || (l->plan->kills && mix64(&l->seed) % 2);
    l->kills += kill_it;
    l->stops += !kill_it;
    if (kill_it)
        killed(l);
    else
        stopped(l);
    int64_t killed_us = now_us();
    if (l->bad || !start(l))
        return;
    for (int i = 0; i < CLIENTS; i++)
        check_user(l, &l->users[i], killed_us);
    bool strict = l->how || strcmp(l->plan->fsync, "always") == 0;
    complain_of(l, waiters_check(&l->waiters, strict));
}

static void tell(const struct load *l, int64_t began_us)
{
    printf("figures: %s, %llu kills and %llu stops (%llu behind BGSAVE, %llu behind BGREWRITEAOF), "
           "%llu starts under other names, %llu second servers refused, %llu that waited, %llu "
           "jumps of the clock, %llu things given to who waited, %llu units acknowledged, %llu of "
           "them missing (%llu too old for that), %llu half applied (%.0f s)\n",
           l->plan->name, (unsigned long long)l->kills, (unsigned long long)l->stops,
           (unsigned long long)l->in_save, (unsigned long long)l->in_rewrite,
           (unsigned long long)l->renames, (unsigned long long)l->refused,
           (unsigned long long)l->waited, (unsigned long long)l->jumps,
           (unsigned long long)l->waiters.served, (unsigned long long)l->units,
           (unsigned long long)l->missing, (unsigned long long)l->missing_old,
           (unsigned long long)l->half,
           (double)(now_us() - began_us) / 1e6);
}

/* lossy: units must be missing, or this test sees nothing. */
static bool run(const struct plan *plan, bool lossy, uint64_t seed, long ends)
{
    struct load l = {.plan = plan, .seed = seed, .expected = lossy};
    int64_t began = now_us();
    scratch_dir(l.scratch, "crash-kill", true);
    snprintf(l.dir, sizeof l.dir, "%.400s/run", l.scratch);
    for (int i = 0; i < 2; i++)
        snprintf(l.sockets[i], sizeof l.sockets[i], "%.400s/sock%d", l.scratch, i);
    snprintf(l.log, sizeof l.log, "%.400s/log", l.scratch);
    args_add(&l.args, "--save", plan->save, "--appendonly", plan->log, "--appendfsync", plan->fsync,
             "--rdb-key-save-delay", "200", "--proto-max-bulk-len", "1mb", NULL);
    fresh(&l);
    if (start(&l)) {
        for (long i = 0; i < ends && !l.bad; i++) {
            one_end(&l);
            if (!l.bad && i % FRESH_EVERY == FRESH_EVERY - 1) {
                killed(&l);
                fresh(&l);
                start(&l);
            }
        }
        killed(&l);
    }
    if (lossy)
        printf("%s: %llu units are missing, as they must be\n", plan->name,
               (unsigned long long)l.missing);
    else
        tell(&l, began);
    if (l.bad && !lossy) {
        scratch_keep();
        printf("FAIL %s (alone: crash_kill -o %s -s %llu); kept: %s\n", plan->name, plan->name,
               (unsigned long long)seed, l.scratch);
    } else {
        remove_tree(l.scratch);
    }
    waiters_free(&l.waiters);
    buf_free(&l.text);
    buf_free(&l.out);
    fflush(stdout);
    return lossy ? l.missing > 0 : !l.bad;
}

int main(int argc, char **argv)
{
    static const struct plan plans[] = {
        {"always", "yes", "always", "", true},
        {"everysec", "yes", "everysec", "", true},
        {"no", "yes", "no", "", true},
        {"points", "no", "no", "3600 100000000", false},
    };
    static const struct plan nothing = {"without log or points", "no", "no", "", true};
    struct options o = {0};
    int passed = 0, failed = 0;
    mem_thread_enter();
    options_read(&o, argc, argv, 100, 2000);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        if (o.only && strcmp(o.only, plans[i].name) != 0)
            continue;
        bool ok = run(&plans[i], false, o.seed, o.bound);
        passed += ok;
        failed += !ok;
    }
    bool seen = run(&nothing, true, o.seed, 1);
    passed += seen;
    failed += !seen;
    printf("figures: seed %llu\n", (unsigned long long)o.seed);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
