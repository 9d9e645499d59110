/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/crash/crash_replica.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/must.h"
#include "tests/crash/crash_steps.h"

enum { PORT_TRIES = 20 };

struct primary {
    pid_t pid;
    char dir[PATH_TEXT + 16], socket[PATH_TEXT + 16], log[PATH_TEXT + 16], port[16];
    struct client_conn other; /* to the one of the two that r->c is not connected to */
};

/* ---- the primary ---- */

static void choose_port(char port[16])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0);
    must(getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    snprintf(port, 16, "%d", ntohs(a.sin_port));
    close(fd);
}

/* Others may take the port meanwhile: then it ends at once, and another is tried. */
static void start_primary(struct run *r, struct primary *p)
{
    snprintf(p->dir, sizeof p->dir, "%s-primary", r->before);
    snprintf(p->socket, sizeof p->socket, "%s-primary", r->socket);
    snprintf(p->log, sizeof p->log, "%s-primary", r->log);
    remove_tree(p->dir);
    must(mkdir(p->dir, 0755) == 0);
    for (int i = 0; i < PORT_TRIES; i++) {
        struct args args = {0};
        choose_port(p->port);
        args_add(&args, "--port", p->port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
                 "no", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", NULL);
        p->pid = server_spawn(p->dir, p->socket, p->log, &args, NULL);
        while (server_wait(p->pid, 1) == -1)
            if (client_open(&r->c, p->socket, 0))
                return;
    }
    step_complain(r, "a primary");
}

static void end_primary(struct primary *p)
{
    client_shut(&p->other);
    server_kill(p->pid);
    remove_tree(p->dir);
}

/* r->c goes to the other of the two. */
static void turn(struct run *r, struct primary *p)
{
    struct client_conn c = r->c;
    r->c = p->other;
    p->other = c;
}

/* ---- the replica; r->c goes to the primary before and behind each of these ---- */

static void await_linked(struct run *r, struct primary *p)
{
    turn(r, p);
    step_await(r, "master_link_status", "up");
    turn(r, p);
}

static void start_replica(struct run *r, struct primary *p)
{
    turn(r, p);
    step_start(r);
    turn(r, p);
    await_linked(r, p);
}

static void kill_replica(struct run *r, struct primary *p)
{
    turn(r, p);
    step_kill(r);
    turn(r, p);
}

static void tell_replica(struct run *r, struct primary *p, const char *a, const char *b,
                         const char *c)
{
    turn(r, p);
    step_call(r, a, b, c, NULL);
    turn(r, p);
}

/* Units, of which some are waited for until the replica's disk has them. */
static void promised_units(struct run *r, int rounds)
{
    for (int i = 0; i < rounds && !r->bad; i++) {
        step_units(r, (int)(mix64(&r->seed) % 4) + 1);
        if (mix64(&r->seed) % 2 && !step_wait_durable(r, "0", "1", "60000"))
            step_complain(r, "a promise");
    }
}

/* Who is told to lead while units are under way to it has none of them, and then those that it is
 * sent itself begin behind a hole. */
static void await_received(struct run *r)
{
    if (client_call(&r->c, &r->text, "WAIT", "1", "60000", NULL) != ':' || atoi(r->text.data) < 1)
        step_complain(r, "a replica that has all");
}

/* The link goes, and it asks for the part that it missed. */
static void cut_off(struct run *r, struct primary *p)
{
    step_call(r, "CLIENT", "KILL", "TYPE", "replica");
    step_units(r, 6);
    await_linked(r, p);
    promised_units(r, 3);
}

/* It leads, and follows again: it is of another history then, and gets all anew. */
static void all_anew(struct run *r, struct primary *p)
{
    tell_replica(r, p, "REPLICAOF", "NO", "ONE");
    step_units(r, 5);
    tell_replica(r, p, "REPLICAOF", "127.0.0.1", p->port);
    step_units(r, 7); /* while it comes */
    await_linked(r, p);
    promised_units(r, 3);
}

/* Not while the log that begins with the copy is written. */
static void rewrite(struct run *r, struct primary *p)
{
    turn(r, p);
    step_await(r, "aof_rewrite_in_progress", "0");
    step_call(r, "BGREWRITEAOF", NULL, NULL, NULL);
    turn(r, p);
}

static void follow_and_lead(struct run *r, const char *diskless_load, bool acked)
{
    struct args alone = r->args;
    struct primary p = {.other = {.fd = -1}};
    start_primary(r, &p);
    step_units(r, 10);
    args_add(&r->args, "--replicaof", "127.0.0.1", p.port, "--repl-diskless-load", diskless_load,
             NULL);
    start_replica(r, &p);
    promised_units(r, 6);
    cut_off(r, &p);
    all_anew(r, &p);
    rewrite(r, &p);
    promised_units(r, 4);
    kill_replica(r, &p);
    step_units(r, 4);
    start_replica(r, &p);
    promised_units(r, 4);
    cut_off(r, &p);
    await_received(r);
    turn(r, &p); /* it leads from here on */
    step_call(r, "REPLICAOF", "NO", "ONE", NULL);
    if (acked)
        step_mode(r, MODE_ACKED);
    step_units(r, 8);
    step_stop(r, "NOSAVE");
    end_primary(&p);
    r->args = alone;
}

void replica_play(struct run *r)
{
    follow_and_lead(r, "disabled", true);
}

void replica_beside_play(struct run *r)
{
    follow_and_lead(r, "swapdb", false);
}
