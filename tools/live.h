/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection to a running server, ours or any of the family: commands out, replies in, one after
 * another or many at once.
 *
 *   struct live *l = live_open("127.0.0.1:6379", &f);      host:port  [::1]:port  unix:/path
 *                                                          redis://user:password@host:port
 *                                                          rediss://...  over TLS (live_tls.h)
 *   live_put(l, 2, WORDS("INFO", "keyspace"));             any number, then as many replies
 *   if (!live_reply(l, &f)) ...                            sends what waits; connection or timeout
 *   ... l->items[0].kind, .text; l->count ...              valid until the next live_reply
 *   live_close(l);
 *
 * The password comes from the address, or from REDISCLI_AUTH, which a server without one need not
 * know; AUTH is sent at once. An error reply is a reply: live_ask makes a fault of it. */
#ifndef TOOLS_LIVE_H
#define TOOLS_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"
#include "format/reply_read.h"
#include "os/wire.h"

enum { LIVE_TIMEOUT_MS = 60000 };
struct live {
    int fd;
    struct wire wire;
    int timeout_ms; /* for each reply */
    char *address;  /* without the password, for people */
    struct buf out, in;
    struct reply_reader reader;
    size_t whole;   /* bytes of in that the last reply took */
    struct reply_item *items; /* of the last reply; [0] is its head */
    size_t count, cap;
};

#define WORDS(...) ((const struct slice[]){__VA_ARGS__})
#define W(text) SLICE_LIT(text)

/* Could the word be an address, and no path? */
bool live_is_address(const char *word);
struct live *live_open(const char *address, struct fault *f);
/* A server of our own, of which no environment tells. */
struct live *live_open_own(const char *address, struct fault *f);
void live_close(struct live *l);
void live_put(struct live *l, size_t argc, const struct slice *argv);
bool live_reply(struct live *l, struct fault *f);
/* The same, but its items are handed on as they come, and not kept: however many there are, in
 * memory is one. */
typedef void live_take(void *arg, const struct reply_item *item);
bool live_reply_each(struct live *l, live_take *take, void *arg, struct fault *f);
/* live_put, live_reply, and an error reply is a fault, too. */
bool live_ask(struct live *l, size_t argc, const struct slice *argv, struct fault *f);
/* An error reply of a server that knows no such command? */
bool live_is_unknown(const struct reply_item *item);
/* After "\r\nNAME:" in an INFO reply: the rest of the line, {0}: it is not there. */
struct slice live_info(struct slice info, const char *name);

#endif
