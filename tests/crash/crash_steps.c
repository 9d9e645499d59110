/* SPDX-License-Identifier: BSD-3-Clause */
/* Units are sent in small pipelines, so that batches of several units are written at once. */
#include "tests/crash/crash_steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"

void step_complain(struct run *r, const char *what)
{
    if (!r->bad)
        printf("  did not happen: %s (%s)\n", what, r->text.data ? r->text.data : "");
    r->bad = true;
}

void step_start(struct run *r)
{
    r->pid = server_spawn(r->dir, r->socket, r->log, &r->args, r->trace);
    if (!client_open(&r->c, r->socket, PATIENCE_MS))
        step_complain(r, "a connection");
    /* The socket is there before the data is. */
    while (!r->bad && client_call(&r->c, &r->text, "PING", NULL) == '-' &&
           strncmp(r->text.data, "LOADING", 7) == 0)
        usleep(1000);
}

void step_mode(struct run *r, enum trace_mode m)
{
    trace_mark(r->trace, TRACE_MODE, m);
}

void step_floor(struct run *r, uint64_t units)
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
        step_complain(r, "a pipeline sent");
    for (int i = 0; i < group && !r->bad; i++) {
        for (int k = 0; k < replies[i]; k++) {
            char kind = client_reply(&r->c, &r->text);
            if (kind == 0 || kind == '-')
                step_complain(r, "a unit");
        }
        r->next++;
        if (!r->bad)
            trace_mark(r->trace, TRACE_ACKED, (int64_t)r->next);
    }
}

void step_units(struct run *r, int count)
{
    while (count > 0 && !r->bad) {
        uint64_t dice = mix64(&r->seed);
        int group = dice % 3 ? 1 : (int)(dice / 3 % 7) + 1;
        group = group > count ? count : group;
        send_group(r, group);
        count -= group;
    }
}

void step_call(struct run *r, const char *a, const char *b, const char *c, const char *d)
{
    char kind = client_call(&r->c, &r->text, a, b, c, d, NULL);
    if (kind == 0 || kind == '-')
        step_complain(r, a);
}

void step_await(struct run *r, const char *field, const char *value)
{
    int64_t until = now_us() + PATIENCE_MS * 1000;
    while (strcmp(client_info(&r->c, &r->text, field), value) != 0) {
        if (now_us() > until) {
            step_complain(r, field);
            return;
        }
        usleep(1000);
    }
}

void step_rewrite(struct run *r, int meanwhile)
{
    step_call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    step_units(r, meanwhile);
    step_await(r, "aof_rewrite_in_progress", "0");
    step_await(r, "aof_last_bgrewrite_status", "ok");
    step_units(r, 2);
    usleep(20000); /* history goes on the worker */
}

void step_bgsave(struct run *r, int meanwhile)
{
    uint64_t saved = r->next;
    step_call(r, "BGSAVE", NULL, NULL, NULL);
    step_units(r, meanwhile);
    step_await(r, "rdb_bgsave_in_progress", "0");
    step_await(r, "rdb_last_bgsave_status", "ok");
    step_floor(r, saved);
}

void step_save(struct run *r)
{
    step_call(r, "SAVE", NULL, NULL, NULL);
    step_floor(r, r->next);
}

bool step_wait_durable(struct run *r, const char *local, const char *replicas,
                       const char *timeout_ms)
{
    int have_local, have_replicas;
    char kind = client_call(&r->c, &r->text, "WAITAOF", local, replicas, timeout_ms, NULL);
    if (kind != '*' || sscanf(r->text.data, "%d %d", &have_local, &have_replicas) != 2) {
        step_complain(r, "WAITAOF");
        return false;
    }
    bool durable = have_local >= atoi(local) && have_replicas >= atoi(replicas);
    if (durable)
        step_floor(r, r->next);
    return durable;
}

void step_stop(struct run *r, const char *how)
{
    client_call(&r->c, &r->text, "SHUTDOWN", how, NULL);
    int status = server_wait(r->pid, PATIENCE_MS);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        step_complain(r, "a shutdown");
    if (status != -1)
        r->pid = 0;
    client_shut(&r->c);
}

void step_kill(struct run *r)
{
    client_shut(&r->c);
    trace_hold(r->trace);
    server_kill(r->pid);
    trace_release(r->trace);
    r->pid = 0;
}

void step_earlier(struct run *r, const struct args *args, int count)
{
    struct trace *trace = r->trace;
    struct args mine = r->args;
    r->trace = trace_new(1 << 20);
    trace_begin(r->trace, r->dir, false);
    r->args = *args;
    step_start(r);
    step_units(r, count);
    step_stop(r, "SAVE");
    trace_free(r->trace);
    r->trace = trace;
    r->args = mine;
}
