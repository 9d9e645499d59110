/* SPDX-License-Identifier: BSD-3-Clause */
/* Holding back what would change the data, or all that clients want, for a while. Several may want
 * that at once, each for a purpose of its own; what is paused is what any of them wants, until its
 * time is over. The command of a client that is held keeps the client's further input unread, and
 * runs when nothing holds it any more. */
#ifndef SERVER_PAUSE_H
#define SERVER_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct held_command;
struct pauses; /* opaque */
struct server;

enum pause_purpose { PAUSE_ASKED /* CLIENT PAUSE */, PAUSE_SHUTDOWN, PAUSE_FAILOVER,
                     PAUSE_PURPOSES };
enum {
    PAUSE_WRITES = 1,   /* clients' commands that write, or may replicate */
    PAUSE_CLIENTS = 2,  /* all of clients' commands */
    PAUSE_EXPIRY = 4,   /* a key whose time is over is hidden, and stays */
    PAUSE_EVICTION = 8,
    PAUSE_REPLICAS = 16, /* nothing is sent to replicas */
    /* No byte of the data set changes. */
    PAUSE_CHANGES = PAUSE_WRITES | PAUSE_EXPIRY | PAUSE_EVICTION | PAUSE_REPLICAS,
};

struct pauses *pauses_new(struct server *s);
void pauses_free(struct pauses *p);

/* For ms milliseconds from now, PAUSE_*. One that is on for this purpose and ends later, or holds
 * back more, stays so. */
void pause_begin(struct pauses *p, enum pause_purpose purpose, unsigned what, int64_t ms);
/* Ends before the loop sleeps next: held commands must not run inside another's. */
void pause_end_soon(struct pauses *p, enum pause_purpose purpose);
/* What is held back now: PAUSE_*, 0 nothing. It lasts until the loop has ended it. */
unsigned pause_what(const struct pauses *p);
/* Is a client's command with these flags (CMD_*) held back? */
bool pause_holds(const struct pauses *p, uint32_t command_flags);
/* The milliseconds that the pause for this purpose still lasts; 0: there is none. */
int64_t pause_left_ms(const struct pauses *p, enum pause_purpose purpose);

/* The client has no held command. Takes h over. */
void pause_hold(struct pauses *p, struct client *c, struct held_command *h);
unsigned pause_held_count(const struct pauses *p);

/* For server_frame.c: ends what is over. pause_end.c */
void pause_stage(void *pauses);

#endif
