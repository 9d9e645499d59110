/* SPDX-License-Identifier: BSD-3-Clause */
/* A client in words: one line of CLIENT LIST, without its end. Its name and the like, which may be
 * long, are whole, or cut for what is kept and for the log. */
#ifndef SERVER_CLIENT_DESCRIBE_H
#define SERVER_CLIENT_DESCRIBE_H

struct buf;
struct client;

enum { CLIENT_WORD_SHORT = 128 };

void client_describe(const struct client *c, struct buf *out);
void client_describe_short(const struct client *c, struct buf *out);

#endif
