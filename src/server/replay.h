/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs commands of the append log. They were acknowledged before, so nobody is asked whether they
 * may run, and no limit that is set for clients counts; names are those of the command tables,
 * whatever rename-command says. What fails all the same is told, also inside EXEC: the rest of the
 * transaction runs. */
#ifndef SERVER_REPLAY_H
#define SERVER_REPLAY_H

#include <stdbool.h>

#include "base/slice.h"

struct client;
struct server;

struct replay_failure {
    int index; /* inside EXEC: the how manieth queued command, from 0; else -1 */
    struct slice command, key; /* key {0}: it has none */
    const char *error;
};
struct replay {
    struct client *client; /* selected database, queue of MULTI */
    void (*failed)(void *arg, const struct replay_failure *failure);
    void *arg;
};
/* True when it was queued, for the EXEC that comes. */
bool replay_command(struct server *s, struct replay *r, int argc, const struct slice *argv);
/* A command about key comes behind the next one: what it will look at is fetched meanwhile. */
void replay_soon(struct replay *r, struct slice key);

#endif
