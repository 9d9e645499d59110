/* SPDX-License-Identifier: BSD-3-Clause */
/* Each scenario is one function that reads as what a user does. Units are sent in small pipelines,
 * so that batches of several units are written at once. */
#include "tests/crash/crash_scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"

/* ---- steps ---- */

static void complain(struct run *r, const char *what)
{
    if (!r->bad)
        printf("  did not happen: %s (%s)\n", what, r->text.data ? r->text.data : "");
    r->bad = true;
}

static void start(struct run *r)
{
    r->pid = server_spawn(r->dir, r->socket, r->log, &r->args, r->trace);
    if (!client_open(&r->c, r->socket, PATIENCE_MS))
        complain(r, "a connection");
    /* The socket is there before the data is. */
    while (!r->bad && client_call(&r->c, &r->text, "PING", NULL) == '-' &&
           strncmp(r->text.data, "LOADING", 7) == 0)
        usleep(1000);
}

static void mode(struct run *r, enum trace_mode m)
{
    trace_mark(r->trace, TRACE_MODE, m);
}

static void floor_here(struct run *r, uint64_t units)
{
    trace_mark(r->trace, TRACE_FLOOR, (int64_t)units);
}

static void send_group(struct run *r, int group)
{
    int replies[16];
    must(group <= 16);
    buf_clear(&r->out);
    for (int i = 0; i < group; i++)
        replies[i] = workload_unit(&r->out, r->next + (uint64_t)i);
    trace_mark(r->trace, TRACE_SENT, (int64_t)(r->next + (uint64_t)group));
    if (!client_send(&r->c, &r->out))
        complain(r, "a pipeline sent");
    for (int i = 0; i < group && !r->bad; i++) {
        for (int k = 0; k < replies[i]; k++) {
            char kind = client_reply(&r->c, &r->text);
            if (kind == 0 || kind == '-')
                complain(r, "a unit");
        }
        r->next++;
        if (!r->bad)
            trace_mark(r->trace, TRACE_ACKED, (int64_t)r->next);
    }
}

static void units(struct run *r, int count)
{
    while (count > 0 && !r->bad) {
        uint64_t dice = mix64(&r->seed);
        int group = dice % 3 ? 1 : (int)(dice / 3 % 7) + 1;
        group = group > count ? count : group;
        send_group(r, group);
        count -= group;
    }
}

static void call(struct run *r, const char *a, const char *b, const char *c, const char *d)
{
    char kind = client_call(&r->c, &r->text, a, b, c, d, NULL);
    if (kind == 0 || kind == '-')
        complain(r, a);
}

static void await(struct run *r, const char *field, const char *value)
{
    int64_t until = now_us() + PATIENCE_MS * 1000;
    while (strcmp(client_info(&r->c, &r->text, field), value) != 0) {
        if (now_us() > until) {
            complain(r, field);
            return;
        }
        usleep(1000);
    }
}

/* A rewrite with writes meanwhile; its end was reported. */
static void rewrite(struct run *r, int meanwhile)
{
    call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    units(r, meanwhile);
    await(r, "aof_rewrite_in_progress", "0");
    await(r, "aof_last_bgrewrite_status", "ok");
    units(r, 2);
    usleep(20000); /* history goes on the worker */
}

/* A save that counts from its report on. */
static void bgsave(struct run *r, int meanwhile)
{
    uint64_t saved = r->next;
    call(r, "BGSAVE", NULL, NULL, NULL);
    units(r, meanwhile);
    await(r, "rdb_bgsave_in_progress", "0");
    await(r, "rdb_last_bgsave_status", "ok");
    floor_here(r, saved);
}

static void save(struct run *r)
{
    call(r, "SAVE", NULL, NULL, NULL);
    floor_here(r, r->next);
}

/* What WAITAOF calls durable is. */
static void wait_durable(struct run *r, const char *timeout_ms)
{
    char kind = client_call(&r->c, &r->text, "WAITAOF", "1", "0", timeout_ms, NULL);
    if (kind == 0)
        complain(r, "WAITAOF");
    else if (kind == '*' && r->text.data[0] == '1')
        floor_here(r, r->next);
}

static void stop(struct run *r, const char *how)
{
    client_call(&r->c, &r->text, "SHUTDOWN", how, NULL);
    int status = server_wait(r->pid, PATIENCE_MS);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        complain(r, "a shutdown");
    if (status != -1)
        r->pid = 0;
    client_shut(&r->c);
}

static void kill_it(struct run *r)
{
    client_shut(&r->c);
    trace_hold(r->trace);
    server_kill(r->pid);
    trace_release(r->trace);
    r->pid = 0;
}

/* Data of an earlier life, not recorded: the units so far are durable. */
static void earlier(struct run *r, const struct args *args, int count)
{
    struct trace *trace = r->trace;
    struct args mine = r->args;
    r->trace = trace_new(1 << 20);
    trace_begin(r->trace, r->dir, false);
    r->args = *args;
    start(r);
    units(r, count);
    stop(r, "SAVE");
    trace_free(r->trace);
    r->trace = trace;
    r->args = mine;
}

/* ---- scenarios ---- */

static void rdb_args(struct run *r)
{
    args_add(&r->args, "--save", "", "--appendonly", "no", NULL);
}

static void rdb_play(struct run *r)
{
    start(r);
    units(r, 5);
    save(r);
    units(r, 20);
    bgsave(r, 6);
    units(r, 10);
    save(r);
    bgsave(r, 0);
    units(r, 12);
    bgsave(r, 3);
    units(r, 5);
    stop(r, "SAVE");
    floor_here(r, r->next);
    start(r);
    units(r, 5);
    save(r);
}

static void aof_args(struct run *r, const char *policy)
{
    args_add(&r->args, "--save", "", "--appendonly", "yes", "--appendfsync", policy, NULL);
}

static void always_args(struct run *r)
{
    aof_args(r, "always");
}

static void always_play(struct run *r)
{
    start(r);
    mode(r, MODE_ACKED);
    units(r, 40);
    rewrite(r, 12);
    units(r, 20);
    rewrite(r, 5);
    units(r, 10);
    stop(r, "NOSAVE");
    start(r);
    units(r, 14);
    stop(r, "NOSAVE");
}

/* The policy changes: always begins with all that was there before. */
static void policy_play(struct run *r)
{
    start(r);
    for (int i = 0; i < 3; i++) {
        mode(r, MODE_SYNCED);
        call(r, "CONFIG", "SET", "appendfsync", i == 1 ? "no" : "everysec");
        units(r, 8);
        call(r, "CONFIG", "SET", "appendfsync", "always");
        floor_here(r, r->next);
        mode(r, MODE_ACKED);
        units(r, 5);
        if (i == 1)
            rewrite(r, 3);
    }
    stop(r, "NOSAVE");
}

static void everysec_args(struct run *r)
{
    aof_args(r, "everysec");
}

static void everysec_play(struct run *r)
{
    start(r);
    mode(r, MODE_SYNCED);
    for (int i = 0; i < 8; i++) {
        units(r, 9);
        usleep(150000);
    }
    wait_durable(r, "3000");
    rewrite(r, 12);
    for (int i = 0; i < 8; i++) {
        units(r, 5);
        usleep(150000);
    }
    rewrite(r, 3);
    units(r, 10);
    stop(r, "NOSAVE");
    floor_here(r, r->next);
}

/* The log of the starts behind the crash is on: without a manifest the dump is the data set. */
static void switch_prepare(struct run *r)
{
    struct args before = {0};
    args_add(&before, "--save", "", "--appendonly", "no", NULL);
    aof_args(r, "always");
    earlier(r, &before, 20);
}

static void switch_on(struct run *r)
{
    call(r, "CONFIG", "SET", "appendonly", "yes");
    units(r, 9);
    await(r, "aof_rewrite_in_progress", "0");
    await(r, "aof_rewrite_scheduled", "0");
    await(r, "aof_last_bgrewrite_status", "ok");
    units(r, 1); /* its reply waits for a sync of all before it */
}

static void switch_play(struct run *r)
{
    struct args after = r->args;
    floor_here(r, r->next);
    r->args = (struct args){0};
    args_add(&r->args, "--save", "", "--appendonly", "no", "--appendfsync", "always", NULL);
    start(r);
    units(r, 10);
    switch_on(r);
    mode(r, MODE_ACKED);
    units(r, 12);
    call(r, "CONFIG", "SET", "appendonly", "no");
    mode(r, MODE_FLOOR);
    units(r, 10);
    switch_on(r);
    mode(r, MODE_ACKED);
    units(r, 10);
    stop(r, "NOSAVE");
    r->args = after;
}

/* Each step of switching on fails once, or it and all behind it; dumps are saved in between, and
 * then it works. */
static void failing_switch_play(struct run *r)
{
    struct args after = r->args;
    r->args = (struct args){0};
    args_add(&r->args, "--save", "", "--appendonly", "no", "--appendfsync", "always", NULL);
    start(r);
    for (unsigned i = 0; i < 4 && !r->bad; i++) {
        uint64_t dice = mix64(&r->seed);
        struct trace_plan plan = {.error = -EIO, .permanent = dice % 4 > 0};
        plan.kinds = 1u << CALL_RENAME | 1u << CALL_FSYNC | 1u << CALL_UNLINK;
        plan.at = trace_call_count(r->trace, plan.kinds) + 3 + dice / 4 % 9;
        units(r, 3);
        trace_set_plan(r->trace, &plan);
        client_call(&r->c, &r->text, "CONFIG", "SET", "appendonly", "yes", NULL);
        units(r, 3);
        await(r, "aof_rewrite_in_progress", "0");
        trace_set_plan(r->trace, &(struct trace_plan){0});
        call(r, "CONFIG", "SET", "appendonly", "no");
        units(r, 2);
        if (i % 2)
            save(r);
    }
    switch_on(r);
    mode(r, MODE_ACKED);
    units(r, 10);
    stop(r, "NOSAVE");
    r->args = after;
}

static void first_prepare(struct run *r)
{
    struct args before = {0};
    args_add(&before, "--save", "", "--appendonly", "no", NULL);
    earlier(r, &before, 24);
    aof_args(r, "always");
}

static void first_play(struct run *r)
{
    floor_here(r, r->next);
    mode(r, MODE_ACKED);
    start(r);
    units(r, 12);
    kill_it(r);
    start(r);
    units(r, 4);
}

/* An old single file: the increment of a new server is one. */
static void old_prepare(struct run *r)
{
    struct args before = {0};
    char from[PATH_TEXT + 64], to[PATH_TEXT + 64], dir[PATH_TEXT + 64];
    aof_args(r, "always");
    args_add(&before, "--save", "", "--appendonly", "yes", "--appenddirname", "earlier", NULL);
    earlier(r, &before, 24);
    snprintf(dir, sizeof dir, "%s/earlier", r->dir);
    snprintf(from, sizeof from, "%s/earlier/appendonly.aof.1.incr.aof", r->dir);
    snprintf(to, sizeof to, "%s/appendonly.aof", r->dir);
    must(rename(from, to) == 0);
    remove_tree(dir);
    snprintf(to, sizeof to, "%s/dump.rdb", r->dir);
    unlink(to);
}

/* Bytes that an earlier crash left behind the last whole unit. */
static void torn_prepare(struct run *r)
{
    struct args before = {0};
    char path[PATH_TEXT + 64];
    struct buf unit = {0};
    args_add(&before, "--save", "", "--appendonly", "yes", "--aof-checksum", "no", NULL);
    aof_args(r, "always");
    earlier(r, &before, 24);
    workload_unit(&unit, 25);
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof.1.incr.aof", r->dir);
    int fd = open(path, O_WRONLY | O_APPEND);
    must(fd >= 0 && write(fd, unit.data, unit.len - 9) == (ssize_t)unit.len - 9);
    close(fd);
    buf_free(&unit);
}

static void commands_args(struct run *r)
{
    aof_args(r, "always");
    args_add(&r->args, "--aof-use-rdb-preamble", "no", NULL);
}

/* Killed in the middle of everything, started again, several times. */
static void kills_play(struct run *r)
{
    mode(r, MODE_ACKED);
    for (int i = 0; i < 6; i++) {
        start(r);
        units(r, 6);
        call(r, "BGREWRITEAOF", NULL, NULL, NULL);
        units(r, 4);
        usleep((useconds_t)(mix64(&r->seed) % 15000));
        kill_it(r);
    }
    start(r);
    units(r, 4);
    stop(r, "NOSAVE");
}

/* A rewrite and a save that are stopped half way. */
static void abort_play(struct run *r)
{
    mode(r, MODE_ACKED);
    start(r);
    units(r, 10);
    call(r, "CONFIG", "SET", "rdb-key-save-delay", "2000");
    call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    units(r, 6);
    call(r, "CONFIG", "SET", "appendonly", "no");
    mode(r, MODE_FLOOR);
    units(r, 5);
    call(r, "CONFIG", "SET", "rdb-key-save-delay", "0");
    switch_on(r);
    mode(r, MODE_ACKED);
    units(r, 5);
    call(r, "CONFIG", "SET", "rdb-key-save-delay", "2000");
    call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    units(r, 5);
    stop(r, "NOSAVE");
    start(r);
    units(r, 3);
}

/* ---- a disk that fails now and then ---- */

/* The server is started again when it has ended. How far it came it tells itself. */
static void come_back(struct run *r)
{
    int status;
    client_shut(&r->c);
    if (r->pid > 0 && (status = server_wait(r->pid, PATIENCE_MS)) == -1)
        complain(r, "an end");
    r->pid = 0;
    start(r);
    if (client_call(&r->c, &r->text, "LLEN", "log", NULL) != ':')
        complain(r, "LLEN");
    r->next = (uint64_t)atol(r->text.data);
    floor_here(r, r->next); /* shown to a client: under always nothing undurable is */
}

/* One unit: true when it was acknowledged. */
static bool try_unit(struct run *r)
{
    buf_clear(&r->out);
    int replies = workload_unit(&r->out, r->next);
    bool ok = true;
    trace_mark(r->trace, TRACE_SENT, (int64_t)r->next + 1);
    if (!client_send(&r->c, &r->out))
        return false;
    for (int k = 0; k < replies; k++) {
        char kind = client_reply(&r->c, &r->text);
        if (kind == 0)
            client_shut(&r->c);
        ok = ok && kind && kind != '-';
    }
    if (ok)
        trace_mark(r->trace, TRACE_ACKED, (int64_t)++r->next);
    return ok;
}

/* Until count more units were acknowledged, whatever happens. */
static void stubborn_units(struct run *r, int count)
{
    int64_t until = now_us() + PATIENCE_MS * 1000;
    while (count > 0 && !r->bad) {
        if (now_us() > until)
            complain(r, "writes come back");
        else if (try_unit(r))
            count--;
        else if (r->c.fd < 0)
            come_back(r);
        else
            usleep(20000);
    }
}

static void fail_from_here(struct run *r, struct trace_plan plan)
{
    plan.at = trace_call_count(r->trace, plan.kinds) + 1 + mix64(&r->seed) % 3;
    trace_set_plan(r->trace, &plan);
}

static void paced_units(struct run *r, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        stubborn_units(r, 3);
        if (i % 3 == 0 && !r->bad)
            wait_durable(r, "50");
        usleep(120000);
    }
}

static void lostsync_play(struct run *r)
{
    start(r);
    mode(r, MODE_SYNCED);
    paced_units(r, 4);
    fail_from_here(r, (struct trace_plan){.error = -EIO, .kinds = 1u << CALL_FDATASYNC});
    paced_units(r, 40);
}

/* The increment that the rewrite under way began with is the one that can't be synced. */
static void lostsync_rewrite_play(struct run *r)
{
    start(r);
    mode(r, MODE_SYNCED);
    paced_units(r, 2);
    call(r, "CONFIG", "SET", "rdb-key-save-delay", "40000");
    call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    /* behind that of the increment before */
    struct trace_plan plan = {.error = -EIO, .kinds = 1u << CALL_FDATASYNC};
    plan.at = trace_call_count(r->trace, plan.kinds) + 2;
    trace_set_plan(r->trace, &plan);
    paced_units(r, 8);
    call(r, "CONFIG", "SET", "rdb-key-save-delay", "0");
    paced_units(r, 8);
}

static void lostsync_always_play(struct run *r)
{
    start(r);
    mode(r, MODE_ACKED);
    for (int i = 0; i < 3; i++) {
        stubborn_units(r, 6);
        fail_from_here(r, (struct trace_plan){.error = -EIO, .kinds = 1u << CALL_FDATASYNC});
        stubborn_units(r, 6);
    }
}

static void full_disk(struct run *r)
{
    fail_from_here(r, (struct trace_plan){.error = FAIL_SHORT, .permanent = true,
                                          .kinds = 1u << CALL_WRITE});
    while (!r->bad && trace_failed_count(r->trace) == 0)
        try_unit(r);
    for (int i = 0; i < 3; i++)
        try_unit(r);
    trace_set_plan(r->trace, &(struct trace_plan){0});
}

static void full_play(struct run *r)
{
    start(r);
    mode(r, MODE_SYNCED);
    stubborn_units(r, 11);
    full_disk(r);
    paced_units(r, 12);
}

static void full_always_play(struct run *r)
{
    start(r);
    mode(r, MODE_ACKED);
    stubborn_units(r, 11);
    full_disk(r);
    stubborn_units(r, 5);
}

const struct scenario scenarios[] = {
    {"rdb", "SAVE, BGSAVE, SHUTDOWN SAVE without a log", false, 0, rdb_args, rdb_play},
    {"always", "append, rewrite twice, shutdown, start", true, 0, always_args, always_play},
    {"everysec", "append and rewrite, synced once a second", true, 1500000, everysec_args,
     everysec_play},
    {"policy", "CONFIG SET appendfsync, there and back", true, 0, always_args, policy_play},
    {"switch", "CONFIG SET appendonly yes, no, yes over a dump", true, 0, switch_prepare,
     switch_play},
    {"switch2", "CONFIG SET appendonly yes fails at each step", true, 0, always_args,
     failing_switch_play},
    {"first", "first start with a log over a dump", true, 0, first_prepare, first_play},
    {"old", "an old single appendonly.aof is taken over", true, 0, old_prepare, first_play},
    {"torn", "a torn tail is cut at start", true, 0, torn_prepare, first_play},
    {"commands", "a base of commands: aof-use-rdb-preamble no", true, 0, commands_args,
     always_play},
    {"kills", "killed during rewrites, started again", true, 0, always_args, kills_play},
    {"abort", "rewrites stopped by appendonly no and shutdown", true, 0, always_args, abort_play},
    {"lostsync", "everysec, a sync fails", true, 0, everysec_args, lostsync_play},
    {"lostsync2", "always, syncs fail, the server is started again", true, 0, always_args,
     lostsync_always_play},
    {"lostsync3", "everysec, a sync fails during a rewrite", true, 0, everysec_args,
     lostsync_rewrite_play},
    {"full", "everysec, the disk is full for a while", true, 0, everysec_args, full_play},
    {"full2", "always, the disk is full for a while", true, 0, always_args, full_always_play},
    {NULL, NULL, false, 0, NULL, NULL},
};

/* ---- running one ---- */

bool scenario_run(const struct scenario *s, struct run *r, struct trace *trace,
                  const char *scratch, const struct trace_plan *plan)
{
    uint64_t seed = r->seed;
    *r = (struct run){.trace = trace, .seed = seed, .c = {.fd = -1}};
    snprintf(r->dir, sizeof r->dir, "%s/run", scratch);
    snprintf(r->before, sizeof r->before, "%s/before", scratch);
    snprintf(r->socket, sizeof r->socket, "%s/run.sock", scratch);
    snprintf(r->log, sizeof r->log, "%s/run.log", scratch);
    remove_tree(r->dir);
    remove_tree(r->before);
    must(mkdir(r->dir, 0755) == 0);
    if (s->prepare)
        s->prepare(r);
    must(copy_tree(r->dir, r->before));
    trace_begin(trace, r->dir, true);
    if (plan)
        trace_set_plan(trace, plan);
    s->play(r);
    if (r->pid > 0)
        kill_it(r);
    if (trace_full(trace))
        complain(r, "room for the trace");
    return !r->bad;
}

void scenario_done(struct run *r)
{
    client_shut(&r->c);
    buf_free(&r->text);
    buf_free(&r->out);
}
