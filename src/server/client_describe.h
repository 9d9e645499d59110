/* SPDX-License-Identifier: BSD-3-Clause */
/* A client in words: one line of CLIENT LIST, without its end. */
#ifndef SERVER_CLIENT_DESCRIBE_H
#define SERVER_CLIENT_DESCRIBE_H

struct buf;
struct client;

void client_describe(const struct client *c, struct buf *out);

#endif
