/* SPDX-License-Identifier: BSD-3-Clause */
/* What conn.c, which receives, and conn_send.c share, and nobody else. */
#ifndef SERVER_CONN_PARTS_H
#define SERVER_CONN_PARTS_H

#include <stdbool.h>

struct client;

/* It has not authenticated, and what is kept of it is as much as may be. */
bool conn_is_full(const struct client *c);
/* Its socket is watched for what it can go on with. */
void conn_watch(struct client *c);
/* Sends what may leave now, within a turn's budget. */
void conn_send(struct client *c);

#endif
