/* SPDX-License-Identifier: BSD-3-Clause */
/* Each scenario is one function that reads as what a user does. */
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
#include "tests/crash/crash_replica.h"
#include "tests/crash/crash_steps.h"

/* ---- scenarios ---- */

static void rdb_args(struct run *r)
{
    args_add(&r->args, "--save", "", "--appendonly", "no", NULL);
}

static void rdb_play(struct run *r)
{
    step_start(r);
    step_units(r, 5);
    step_save(r);
    step_units(r, 20);
    step_bgsave(r, 6);
    step_units(r, 10);
    step_save(r);
    step_bgsave(r, 0);
    step_units(r, 12);
    step_bgsave(r, 3);
    step_units(r, 5);
    step_stop(r, "SAVE");
    step_floor(r, r->next);
    step_start(r);
    step_units(r, 5);
    step_save(r);
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
    step_start(r);
    step_mode(r, MODE_ACKED);
    step_units(r, 40);
    step_rewrite(r, 12);
    step_units(r, 20);
    step_rewrite(r, 5);
    step_units(r, 10);
    step_stop(r, "NOSAVE");
    step_start(r);
    step_units(r, 14);
    step_stop(r, "NOSAVE");
}

/* The policy changes: always begins with all that was there before. */
static void policy_play(struct run *r)
{
    step_start(r);
    for (int i = 0; i < 3; i++) {
        step_mode(r, MODE_SYNCED);
        step_call(r, "CONFIG", "SET", "appendfsync", i == 1 ? "no" : "everysec");
        step_units(r, 8);
        step_call(r, "CONFIG", "SET", "appendfsync", "always");
        step_floor(r, r->next);
        step_mode(r, MODE_ACKED);
        step_units(r, 5);
        if (i == 1)
            step_rewrite(r, 3);
    }
    step_stop(r, "NOSAVE");
}

static void everysec_args(struct run *r)
{
    aof_args(r, "everysec");
}

static void everysec_play(struct run *r)
{
    step_start(r);
    step_mode(r, MODE_SYNCED);
    for (int i = 0; i < 8; i++) {
        step_units(r, 9);
        usleep(150000);
    }
    step_wait_durable(r, "1", "0", "3000");
    step_rewrite(r, 12);
    for (int i = 0; i < 8; i++) {
        step_units(r, 5);
        usleep(150000);
    }
    step_rewrite(r, 3);
    step_units(r, 10);
    step_stop(r, "NOSAVE");
    step_floor(r, r->next);
}

/* The log of the starts behind the crash is on: without a manifest the dump is the data set. */
static void switch_prepare(struct run *r)
{
    struct args before = {0};
    args_add(&before, "--save", "", "--appendonly", "no", NULL);
    aof_args(r, "always");
    step_earlier(r, &before, 20);
}

static void switch_on(struct run *r)
{
    step_call(r, "CONFIG", "SET", "appendonly", "yes");
    step_units(r, 9);
    step_await(r, "aof_rewrite_in_progress", "0");
    step_await(r, "aof_rewrite_scheduled", "0");
    step_await(r, "aof_last_bgrewrite_status", "ok");
    step_units(r, 1); /* its reply waits for a sync of all before it */
}

static void switch_play(struct run *r)
{
    struct args after = r->args;
    step_floor(r, r->next);
    r->args = (struct args){0};
    args_add(&r->args, "--save", "", "--appendonly", "no", "--appendfsync", "always", NULL);
    step_start(r);
    step_units(r, 10);
    switch_on(r);
    step_mode(r, MODE_ACKED);
    step_units(r, 12);
    step_call(r, "CONFIG", "SET", "appendonly", "no");
    step_mode(r, MODE_FLOOR);
    step_units(r, 10);
    switch_on(r);
    step_mode(r, MODE_ACKED);
    step_units(r, 10);
    step_stop(r, "NOSAVE");
    r->args = after;
}

/* Each step of switching on fails once, or it and all behind it; dumps are saved in between, and
 * then it works. */
static void failing_switch_play(struct run *r)
{
    struct args after = r->args;
    r->args = (struct args){0};
    args_add(&r->args, "--save", "", "--appendonly", "no", "--appendfsync", "always", NULL);
    step_start(r);
    for (unsigned i = 0; i < 4 && !r->bad; i++) {
        uint64_t dice = mix64(&r->seed);
        struct trace_plan plan = {.error = -EIO, .permanent = dice % 4 > 0};
        plan.kinds = 1u << CALL_RENAME | 1u << CALL_FSYNC | 1u << CALL_UNLINK;
        plan.at = trace_call_count(r->trace, plan.kinds) + 3 + dice / 4 % 9;
        step_units(r, 3);
        trace_set_plan(r->trace, &plan);
        client_call(&r->c, &r->text, "CONFIG", "SET", "appendonly", "yes", NULL);
        step_units(r, 3);
        step_await(r, "aof_rewrite_in_progress", "0");
        trace_set_plan(r->trace, &(struct trace_plan){0});
        step_call(r, "CONFIG", "SET", "appendonly", "no");
        step_units(r, 2);
        if (i % 2)
            step_save(r);
    }
    switch_on(r);
    step_mode(r, MODE_ACKED);
    step_units(r, 10);
    step_stop(r, "NOSAVE");
    r->args = after;
}

static void first_prepare(struct run *r)
{
    struct args before = {0};
    args_add(&before, "--save", "", "--appendonly", "no", NULL);
    step_earlier(r, &before, 24);
    aof_args(r, "always");
}

static void first_play(struct run *r)
{
    step_floor(r, r->next);
    step_mode(r, MODE_ACKED);
    step_start(r);
    step_units(r, 12);
    step_kill(r);
    step_start(r);
    step_units(r, 4);
}

/* An old single file: the increment of a new server is one. */
static void old_prepare(struct run *r)
{
    struct args before = {0};
    char from[PATH_TEXT + 64], to[PATH_TEXT + 64], dir[PATH_TEXT + 64];
    aof_args(r, "always");
    args_add(&before, "--save", "", "--appendonly", "yes", "--appenddirname", "earlier", NULL);
    step_earlier(r, &before, 24);
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
    step_earlier(r, &before, 24);
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
    step_mode(r, MODE_ACKED);
    for (int i = 0; i < 6; i++) {
        step_start(r);
        step_units(r, 6);
        step_call(r, "BGREWRITEAOF", NULL, NULL, NULL);
        step_units(r, 4);
        usleep((useconds_t)(mix64(&r->seed) % 15000));
        step_kill(r);
    }
    step_start(r);
    step_units(r, 4);
    step_stop(r, "NOSAVE");
}

/* A rewrite and a save that are stopped half way. */
static void abort_play(struct run *r)
{
    step_mode(r, MODE_ACKED);
    step_start(r);
    step_units(r, 10);
    step_call(r, "CONFIG", "SET", "rdb-key-save-delay", "2000");
    step_call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    step_units(r, 6);
    step_call(r, "CONFIG", "SET", "appendonly", "no");
    step_mode(r, MODE_FLOOR);
    step_units(r, 5);
    step_call(r, "CONFIG", "SET", "rdb-key-save-delay", "0");
    switch_on(r);
    step_mode(r, MODE_ACKED);
    step_units(r, 5);
    step_call(r, "CONFIG", "SET", "rdb-key-save-delay", "2000");
    step_call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    step_units(r, 5);
    step_stop(r, "NOSAVE");
    step_start(r);
    step_units(r, 3);
}

/* ---- a disk that fails now and then ---- */

/* The server is started again when it has ended. How far it came it tells itself. */
static void come_back(struct run *r)
{
    int status;
    client_shut(&r->c);
    if (r->pid > 0 && (status = server_wait(r->pid, PATIENCE_MS)) == -1)
        step_complain(r, "an end");
    r->pid = 0;
    step_start(r);
    if (client_call(&r->c, &r->text, "LLEN", "log", NULL) != ':')
        step_complain(r, "LLEN");
    r->next = (uint64_t)atol(r->text.data);
    step_floor(r, r->next); /* shown to a client: under always nothing undurable is */
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
            step_complain(r, "writes come back");
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
            step_wait_durable(r, "1", "0", "50");
        usleep(120000);
    }
}

static void lostsync_play(struct run *r)
{
    step_start(r);
    step_mode(r, MODE_SYNCED);
    paced_units(r, 4);
    fail_from_here(r, (struct trace_plan){.error = -EIO, .kinds = 1u << CALL_FDATASYNC});
    paced_units(r, 40);
}

/* The increment that the rewrite under way began with is the one that can't be synced. */
static void lostsync_rewrite_play(struct run *r)
{
    step_start(r);
    step_mode(r, MODE_SYNCED);
    paced_units(r, 2);
    step_call(r, "CONFIG", "SET", "rdb-key-save-delay", "40000");
    step_call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    /* behind that of the increment before */
    struct trace_plan plan = {.error = -EIO, .kinds = 1u << CALL_FDATASYNC};
    plan.at = trace_call_count(r->trace, plan.kinds) + 2;
    trace_set_plan(r->trace, &plan);
    paced_units(r, 8);
    step_call(r, "CONFIG", "SET", "rdb-key-save-delay", "0");
    paced_units(r, 8);
}

static void lostsync_always_play(struct run *r)
{
    step_start(r);
    step_mode(r, MODE_ACKED);
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
    step_start(r);
    step_mode(r, MODE_SYNCED);
    stubborn_units(r, 11);
    full_disk(r);
    paced_units(r, 12);
}

static void full_always_play(struct run *r)
{
    step_start(r);
    step_mode(r, MODE_ACKED);
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
    {"replica", "always, of a primary: by file, cut off, led by itself", true, 0, always_args,
     replica_play},
    {"replica2", "everysec, of a primary: loaded beside what is there", true, 0, everysec_args,
     replica_beside_play},
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
        step_kill(r);
    if (trace_full(trace))
        step_complain(r, "room for the trace");
    return !r->bad;
}

void scenario_done(struct run *r)
{
    client_shut(&r->c);
    buf_free(&r->text);
    buf_free(&r->out);
}
