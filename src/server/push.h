/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to any client at any time, not only to the one whose command runs: what is published,
 * what a client's cache must forget, what MONITOR shows.
 *
 *   struct push p;
 *   push_begin(&p, to);
 *   reply_push(&p.ctx, 2); ...      in the client's protocol, with reply_*
 *   push_end(&p);
 *
 * A message never cuts into a reply: to a client in the middle of its own command it comes behind
 * that command's reply, whatever becomes of the reply (CLIENT REPLY OFF). What is pushed while a
 * unit is open may tell of its changes, so it leaves when they are where replies wait for them:
 * messages pass the gates as replies do. A client over its output limit is closed by push_end.
 *
 * Nothing is pushed to a client that is about to be closed, or that has no socket. */
#ifndef SERVER_PUSH_H
#define SERVER_PUSH_H

#include "base/slice.h"
#include "server/ctx.h"

struct client;
struct clients;

struct push {
    struct ctx ctx; /* for reply_*; no command runs in it */
};

void push_begin(struct push *p, struct client *to);
void push_end(struct push *p);
/* A message that is encoded already, once for many clients of its protocol. */
void push_bytes(struct client *to, struct slice whole);

/* For the executor: the outermost unit is over and has its position. Cheap when nothing waits. */
void push_unit_over(struct clients *cs);
#endif
