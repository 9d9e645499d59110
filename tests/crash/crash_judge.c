/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/crash/crash_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"

void judge_print_log(const char *path)
{
    char line[600], last[4][600] = {{0}};
    int n = 0;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        memcpy(last[n++ % 4], line, sizeof line);
    if (f)
        fclose(f);
    for (int i = n < 4 ? 0 : n - 4; i < n; i++)
        printf("    | %s", last[i % 4]);
}

void judge_open(struct judge *j, const char *scratch, const char *tag)
{
    snprintf(j->dir, sizeof j->dir, "%.400s/state%s", scratch, tag);
    snprintf(j->log, sizeof j->log, "%.400s/state%s.log", scratch, tag);
    snprintf(j->sock, sizeof j->sock, "%.400s/state%s.sock", scratch, tag);
    snprintf(j->before, sizeof j->before, "%.400s/before%s.2", scratch, tag);
}

static uint64_t find_digest(const struct judge *j, const char *digest)
{
    for (uint64_t m = 0; m < j->digest_count; m++)
        if (memcmp(j->digests[m], digest, DIGEST_LINE - 1) == 0)
            return m;
    return UINT64_MAX;
}

/* The last warning of the server, without the directory. */
static void last_warning(const struct judge *j, char *out, size_t size)
{
    char line[1200];
    FILE *f = fopen(j->log, "re");
    out[0] = '\0';
    while (f && fgets(line, sizeof line, f)) {
        const char *text = strstr(line, " # ");
        size_t n = strlen(j->dir);
        if (!text)
            continue;
        text += strncmp(text + 3, j->dir, n) == 0 ? 3 + n : 3;
        snprintf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
    }
    if (f)
        fclose(f);
}

/* What the tool announced is what it took. */
static bool told_the_loss(const struct judge *j)
{
    char line[1200], name[256], path[PATH_TEXT + 300];
    unsigned long long from, with, to;
    bool ok = true;
    FILE *f = fopen(j->log, "re");
    while (f && fgets(line, sizeof line, f)) {
        struct stat st;
        if (sscanf(line, "This will shrink the AOF %255s from %llu bytes, with %llu bytes, to %llu",
                   name, &from, &with, &to) != 4)
            continue;
        snprintf(path, sizeof path, "%s/appendonlydir/%s", j->dir, name);
        ok = ok && from - with == to && stat(path, &st) == 0 && (uint64_t)st.st_size == to;
    }
    if (f)
        fclose(f);
    return ok;
}

/* The repair is what is recorded then. */
static bool fix(const struct judge *j, struct trace *trace)
{
    if (trace) {
        remove_tree(j->before);
        must(copy_tree(j->dir, j->before));
        trace_begin(trace, j->dir, true);
    }
    return server_fix(j->dir, "appendonlydir/appendonly.aof.manifest", j->log, trace);
}

bool judge_goes_on(const struct judge *j, uint64_t m)
{
    enum { MORE = 3 };
    struct client_conn c;
    struct buf out = {0}, text = {0};
    struct load_result result;
    pid_t pid = server_spawn(j->dir, j->sock, j->log, &j->args, NULL);
    bool ok = client_open(&c, j->sock, PATIENCE_MS);
    while (ok && client_call(&c, &text, "PING", NULL) == '-')
        usleep(500);
    int replies = 0;
    for (uint64_t n = m; n < m + MORE; n++)
        replies += workload_unit(&out, n);
    ok = ok && client_send(&c, &out);
    for (int i = 0; ok && i < replies; i++) {
        char kind = client_reply(&c, &text);
        ok = kind && kind != '-';
    }
    if (!j->has_log)
        ok = ok && client_call(&c, &text, "SAVE", NULL) == '+';
    client_shut(&c);
    server_kill(pid);
    buf_free(&out);
    buf_free(&text);
    server_load(j->dir, j->sock, j->log, &j->args, NULL, &result);
    return ok && result.how == LOADED && find_digest(j, result.digest) == m + MORE;
}

struct verdict judge_state(struct judge *j, uint64_t floor, uint64_t most,
                           struct trace *trace)
{
    struct verdict v = {.ok = false, .m = UINT64_MAX};
    struct load_result result;
    unlink(j->log);
    server_load_answered(j->dir, j->sock, j->log, &j->args, trace, &result);
    if (result.how == REFUSED && j->has_log) {
        v.refused = true;
        v.fixed = fix(j, trace);
        if (!told_the_loss(j)) {
            snprintf(v.how, sizeof v.how, "the tool took other than it announced");
            return v;
        }
        server_load(j->dir, j->sock, j->log, &j->args, NULL, &result);
        v.repaired = result.how == LOADED;
    }
    if (result.how != LOADED) {
        char why[100];
        last_warning(j, why, sizeof why);
        snprintf(v.how, sizeof v.how, "the server %s%s (%x: %s)",
                 result.how == DIED ? "died" : "refused to start",
                 v.refused ? ", the tool did not help" : "", (unsigned)result.status, why);
        return v;
    }
    v.m = find_digest(j, result.digest);
    if (v.m == UINT64_MAX)
        snprintf(v.how, sizeof v.how, "no number of units gives this data set");
    else if (v.m < floor)
        snprintf(v.how, sizeof v.how, "LOST: %llu units found, %llu were durable",
                 (unsigned long long)v.m, (unsigned long long)floor);
    else if (v.m > most)
        snprintf(v.how, sizeof v.how, "%llu units found, only %llu were sent",
                 (unsigned long long)v.m, (unsigned long long)most);
    else
        v.ok = true;
    return v;
}
