/* SPDX-License-Identifier: BSD-3-Clause */
/* A client whose command must wait: WAITAOF for the disk, WAIT for replicas, a list command for an
 * element.
 *
 *   static const struct block_kind kind = {.wake = wake, .release = release};
 *   void cmd_x(struct ctx *c)
 *   {
 *       if (there already || !block_may(c)) ... reply ...
 *       else block_client(c, timeout_ms, &kind, what_it_waits_for);
 *   }
 *   ... later, from anywhere: block_wake(client, BLOCK_READY);
 *
 * While it waits a client's further input is kept unread, a hang-up is noticed, and it does not
 * time out as idle. Being woken is a note: before the loop writes the log wake is called, which
 * replies in a unit of its own (exec_later), and goes on with the client's input. release is
 * called once in any case, last; when the client goes, without wake. */
#ifndef SERVER_BLOCK_H
#define SERVER_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct clients;
struct ctx;
struct server;

enum block_why { BLOCK_READY, BLOCK_TIMEOUT };

struct block_kind {
    void (*wake)(struct ctx *c, void *arg, enum block_why why);
    void (*release)(struct client *client, void *arg); /* may be NULL */
    size_t (*bytes)(const void *arg); /* that are kept for the client; NULL: none */
    bool stays; /* neither CLIENT UNBLOCK nor block_end_all reaches it */
};

/* Not inside MULTI or a script, not for clients without a socket. */
bool block_may(const struct ctx *c);
/* timeout_ms 0: for ever. The handler replies nothing. */
void block_client(struct ctx *c, int64_t timeout_ms, const struct block_kind *kind, void *arg);
/* The first reason counts. */
void block_wake(struct client *client, enum block_why why);
/* CLIENT UNBLOCK: as if its time were over, or with an error. False: it does not wait. */
bool block_unblock(struct client *client, bool with_error);
/* It was woken, and only has not been told yet. */
bool block_is_woken(const struct client *client);
/* For wait_keys.c. Its command ran again (exec_again): it goes on waiting; or has been answered,
 * and the client's input goes on later, without wake. */
void block_still(struct ctx *c);
void block_served(struct client *client);
/* The server became what it cannot serve them as: all hear the error, and are closed when it has
 * been sent; but those whose kind stays. */
void block_end_all(struct clients *clients, const char *error);
void block_init(struct server *s);

#endif
