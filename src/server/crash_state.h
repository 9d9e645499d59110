/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server tells of itself in a crash report (crash.h): the command that ran, with its
 * secrets blotted out, and its client; INFO; all clients. */
#ifndef SERVER_CRASH_STATE_H
#define SERVER_CRASH_STATE_H

struct server;

void crash_state_register(struct server *s);

#endif
