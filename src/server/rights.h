/* SPDX-License-Identifier: BSD-3-Clause */
/* Who decides whether a client's user may make a call (acl.h is it). Asked about clients with
 * CLIENT_RESTRICTED only, by one bit that is tested with others. */
#ifndef SERVER_RIGHTS_H
#define SERVER_RIGHTS_H

#include <stdbool.h>

#include "base/slice.h"

struct client;
struct command_entry;
struct ctx;

struct rights {
    /* Seen at once, for the common case: it may. False tells nothing. */
    bool (*quick)(void *arg, const struct client *c, const struct command_entry *e,
                  const struct slice *argv);
    /* NULL, or the error to reply, valid until the next call; it is noted. told: whose connection
     * is shown for it (a script's client has none). */
    const char *(*refusal)(void *arg, const struct ctx *c, const struct command_entry *e,
                           const struct client *told);
    void *arg;
};

#endif
