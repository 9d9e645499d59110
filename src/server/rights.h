/* SPDX-License-Identifier: BSD-3-Clause */
/* Who decides whether a client's user may make a call (acl.h is it). Asked about clients with
 * CLIENT_RESTRICTED only, by one bit that is tested with others. */
#ifndef SERVER_RIGHTS_H
#define SERVER_RIGHTS_H

#include <stdbool.h>

#include "base/slice.h"

struct acl_user;
struct client;
struct command_entry;
struct ctx;

struct rights {
    /* Seen at once, for the common case: it may. False tells nothing. */
    bool (*quick)(const struct acl_user *u, const struct command_entry *e,
                  const struct slice *argv);
    const struct acl_user *standard; /* of clients that have none */
    /* NULL, or the error to reply, valid until the next call; it is noted. told: whose connection
     * is shown for it (a script's client has none). */
    const char *(*refusal)(void *arg, const struct ctx *c, const struct command_entry *e,
                           const struct client *told);
    void *arg;
};

#endif
