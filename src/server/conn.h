/* SPDX-License-Identifier: BSD-3-Clause */
/* The way between a client's socket and its buffers.
 *
 *   readable: one recv -> parse all whole commands in place -> run them -> replies in c->out
 *   before the loop sleeps: one send per client, up to what the gates allow (conn_send.c) */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

struct client;
struct clients;

enum { CONN_READ_SIZE = 64 * 1024 };

/* Starts to listen to the client's socket. */
void conn_open(struct client *c);
/* Sends what it can now. */
void conn_flush_all(struct clients *cs);
/* A gate that asks about the client lets more pass: what it holds back is looked at again. */
void conn_retry_held(struct clients *cs);
/* What the gates hold back of its replies is dropped; in place of the first it gets the error, and
 * is closed behind it, as nothing tells any more which reply belongs to what. None of its commands
 * runs. error: "NOREPLICAS ...". */
void conn_give_up(struct client *c, const char *error);
/* The last sends, when nothing is served any more: to each as much as its socket takes. */
void conn_flush_last(struct clients *cs);
/* STAGE_UNBLOCK: input that a wire holds already. arg: the struct clients. */
void conn_stage(void *arg);
/* Behind each reading of a client that is not plain: what its wire does not tell by the
 * descriptor. */
void conn_look_at_wire(struct client *c);
/* Goes on with input that was left when the client was blocked or paused. */
void conn_resume(struct client *c);

#endif
