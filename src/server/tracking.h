/* SPDX-License-Identifier: BSD-3-Clause */
/* CLIENT TRACKING: clients that keep what they read are told what to forget.
 *
 * By default what a client reads is remembered (tracked_keys.h), and the first change of the key is
 * told to all who have read it. With TRACKING_BCAST nothing is remembered: a client hears of each
 * change of a key that begins with one of its prefixes (tracked_prefixes.h), once a turn of the
 * event loop. Keys are known by name, whatever database they lie in. A script reads for its caller.
 *
 * Told is the client itself, if it speaks RESP3, or the one it redirects to, as a push or as a
 * message of the channel __redis__:invalidate:  [key ...], or null: forget everything (all keys are
 * gone, or lie in another database). A message is a push (push.h): it comes behind the reply of the
 * command that caused it, and no earlier than the change is where replies wait for it. A client
 * whose other one has gone hears tracking-redir-broken, if it can.
 *
 * Of more than tracking-table-max-keys keys any one is forgotten, and told as if it had changed.
 * Cost: while nobody tracks, nothing. */
#ifndef SERVER_TRACKING_H
#define SERVER_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct client;
struct server;
struct tracking; /* opaque */

struct tracking *tracking_new(struct server *s);
void tracking_free(struct tracking *t); /* behind the clients */

enum {
    TRACKING_BCAST = 1,
    TRACKING_OPTIN = 2,  /* only what is read behind CLIENT CACHING YES */
    TRACKING_OPTOUT = 4, /* all but what is read behind CLIENT CACHING NO */
    TRACKING_NOLOOP = 8, /* the client's own changes are not told to it */
};
/* On, in these modes; or with others than before, but for BCAST, which stays as it is. redirect:
 * the id of the client that is told; 0: itself. */
void tracking_on(struct tracking *t, struct client *c, unsigned modes, uint64_t redirect);
/* For a client with TRACKING_BCAST; the prefix overlaps with none that it has. */
void tracking_add_prefix(struct tracking *t, struct client *c, struct slice prefix);
void tracking_off(struct tracking *t, struct client *c);
/* The client's next command is an exception (OPTIN, OPTOUT). */
void tracking_except_next(struct tracking *t, struct client *c);

struct tracking_view {
    bool on, excepted, broken; /* broken: who it redirects to has gone */
    unsigned modes;
    uint64_t redirect;
};
struct tracking_view tracking_view(const struct tracking *t, const struct client *c);
typedef void tracking_visit(void *arg, struct slice prefix);
/* The client's prefixes, as they came. */
void tracking_each_prefix(const struct tracking *t, const struct client *c, tracking_visit *visit,
                          void *arg);
#endif
