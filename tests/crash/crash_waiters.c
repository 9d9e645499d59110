/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit n: MULTI; RPUSH jobs n; RPUSH queue n; XADD stream n+1-0; INCR pushed; EXEC. Each waiter
 * says its command again when it was given something, so that most of the time it waits. */
#include "tests/crash/crash_waiters.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

enum { UNIT_REPLIES = 6 };

bool waiters_open(struct waiters *w, const char *socket, const char *db, bool renamed)
{
    w->renamed = renamed;
    w->replies = 0;
    for (int i = 0; i <= WAITERS; i++) {
        w->asked[i] = w->gone[i] = false;
        if (!client_open(&w->c[i], socket, PATIENCE_MS) ||
            client_call(&w->c[i], &w->text, "SELECT", db, NULL) != '+')
            return false;
    }
    client_call(&w->c[0], &w->text, "XGROUP", "CREATE", "stream", "g", "0", "MKSTREAM", NULL);
    return true; /* the group may be there */
}

static void put_unit(struct waiters *w)
{
    char number[24], id[24];
    int skip = !w->renamed;
    snprintf(number, sizeof number, "%llu", (unsigned long long)w->sent);
    snprintf(id, sizeof id, "%llu-0", (unsigned long long)w->sent + 1);
    resp_command(&w->out, &"xMULTI"[skip], NULL);
    resp_command(&w->out, &"xRPUSH"[skip], "jobs", number, NULL);
    resp_command(&w->out, &"xRPUSH"[skip], "queue", number, NULL);
    resp_command(&w->out, "XADD", "stream", id, "n", number, NULL);
    resp_command(&w->out, &"xINCR"[skip], "pushed", NULL);
    resp_command(&w->out, &"xEXEC"[skip], NULL);
    w->sent++;
}

static void ask(struct waiters *w, int i)
{
    buf_clear(&w->out);
    if (i == WAIT_POP)
        resp_command(&w->out, "BLPOP", "jobs", "0", NULL);
    else if (i == WAIT_MOVE)
        resp_command(&w->out, "BLMOVE", "queue", "done", "LEFT", "RIGHT", "0", NULL);
    else if (i == WAIT_GROUP)
        resp_command(&w->out, "XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "BLOCK", "0",
                     "STREAMS", "stream", ">", NULL);
    else
        put_unit(w);
    w->gone[i] = !client_send(&w->c[i], &w->out);
    w->asked[i] = true;
}

/* The number in what waiter i was given: jobs and it, it, the stream and its id one further. */
static uint64_t given(const struct waiters *w, int i)
{
    const char *at = w->text.data;
    if (i != WAIT_MOVE)
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "";
    return strtoull(at, NULL, 10) - (i == WAIT_GROUP);
}

/* One reply of connection i. */
static const char *take(struct waiters *w, int i)
{
    char kind = client_reply(&w->c[i], &w->text);
    w->gone[i] |= kind == 0;
    if (kind == 0)
        return NULL;
    if (kind == '-')
        return "an error for a client that waits, or for who pushes";
    if (i == WAITERS) {
        if (++w->replies == UNIT_REPLIES) {
            w->replies = 0;
            w->asked[i] = false;
            w->pushed++;
        }
        return NULL;
    }
    w->asked[i] = false;
    w->served++;
    return given(w, i) == w->received[i]++ ? NULL : "a waiter was given something out of turn";
}

const char *waiters_round(struct waiters *w, int timeout_ms)
{
    struct pollfd p[WAITERS + 1];
    const char *wrong = NULL;
    for (int i = 0; i <= WAITERS; i++) {
        if (!w->asked[i] && !w->gone[i])
            ask(w, i);
        p[i] = (struct pollfd){.fd = w->gone[i] ? -1 : w->c[i].fd, .events = POLLIN};
    }
    if (poll(p, WAITERS + 1, timeout_ms) <= 0)
        return NULL;
    for (int i = 0; i <= WAITERS && !wrong; i++) {
        if (p[i].fd < 0 || !p[i].revents)
            continue;
        do
            wrong = take(w, i);
        while (!wrong && !w->gone[i] && w->c[i].at < w->c[i].in.len);
    }
    return wrong;
}

const char *waiters_close(struct waiters *w)
{
    const char *wrong = NULL;
    for (int i = 0; i <= WAITERS; i++) {
        while (!w->gone[i] && !wrong)
            wrong = take(w, i);
        client_shut(&w->c[i]);
    }
    return wrong;
}

static uint64_t number(struct waiters *w, const char *a, const char *b, const char *c)
{
    client_call(&w->c[0], &w->text, a, b, c, NULL);
    return w->text.len ? strtoull(w->text.data, NULL, 10) : 0;
}

/* What is taken and what is left is all that was pushed, in its order. */
static bool whole(struct waiters *w, const uint64_t *taken, uint64_t m)
{
    char ids[64];
    for (int i = 0; i < WAITERS; i++)
        if (taken[i] > m)
            return false;
    if ((taken[WAIT_POP] < m && number(w, "LINDEX", "jobs", "0") != taken[WAIT_POP]) ||
        (taken[WAIT_MOVE] < m && number(w, "LINDEX", "queue", "0") != taken[WAIT_MOVE]) ||
        number(w, "LLEN", "queue", NULL) + taken[WAIT_MOVE] != m ||
        (taken[WAIT_MOVE] && number(w, "LINDEX", "done", "-1") != taken[WAIT_MOVE] - 1) ||
        number(w, "XLEN", "stream", NULL) != m)
        return false;
    snprintf(ids, sizeof ids, "%llu\n1-0\n%llu-0\n", (unsigned long long)taken[WAIT_GROUP],
             (unsigned long long)taken[WAIT_GROUP]);
    client_call(&w->c[0], &w->text, "XPENDING", "stream", "g", NULL);
    return taken[WAIT_GROUP] == 0 || strncmp(w->text.data, ids, strlen(ids)) == 0;
}

const char *waiters_check(struct waiters *w, bool strict)
{
    uint64_t m = number(w, "GET", "pushed", NULL), taken[WAITERS];
    taken[WAIT_POP] = m - number(w, "LLEN", "jobs", NULL);
    taken[WAIT_MOVE] = number(w, "LLEN", "done", NULL);
    taken[WAIT_GROUP] = number(w, "XPENDING", "stream", "g");
    const char *wrong = NULL;
    if (m > w->sent || (strict && m < w->pushed))
        wrong = "units pushed for waiters";
    for (int i = 0; i < WAITERS; i++) {
        if (taken[i] > w->received[i] + 1)
            wrong = "something was taken that no waiter was given";
        if (strict && taken[i] < w->received[i])
            wrong = "what a waiter was given is there again";
        w->received[i] = taken[i];
    }
    if (!wrong && !whole(w, taken, m))
        wrong = "what waiters take from is not what was pushed";
    w->sent = w->pushed = m;
    return wrong;
}

void waiters_forget(struct waiters *w)
{
    w->sent = w->pushed = 0;
    for (int i = 0; i < WAITERS; i++)
        w->received[i] = 0;
}

void waiters_free(struct waiters *w)
{
    buf_free(&w->text);
    buf_free(&w->out);
}
