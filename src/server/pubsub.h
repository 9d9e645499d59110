/* SPDX-License-Identifier: BSD-3-Clause */
/* Who listens to which channels: by their names, by patterns (glob.h), and to shard channels, whose
 * names are another world. Who publishes is publish.h.
 *
 * A client that subscribes is flagged CLIENT_PUBSUB until it has no subscription left. Its
 * subscriptions go with it, and at RESET. Cost: O(1) to subscribe and unsubscribe, about 64 bytes a
 * subscription and the name, which count as the client's memory. */
#ifndef SERVER_PUBSUB_H
#define SERVER_PUBSUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;
struct client;
struct pubsub; /* opaque */
struct slots;

enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD, PUBSUB_KINDS };

struct pubsub *pubsub_new(struct slots *slots);
void pubsub_free(struct pubsub *ps); /* behind the clients */

/* False: it listened already. */
bool pubsub_subscribe(struct pubsub *ps, struct client *c, enum pubsub_kind kind,
                      struct slice name);
/* False: it did not listen. */
bool pubsub_unsubscribe(struct pubsub *ps, struct client *c, enum pubsub_kind kind,
                        struct slice name);
/* What it listens to longest of this kind; data is NULL when there is nothing. Valid until it is
 * unsubscribed. */
struct slice pubsub_first(const struct pubsub *ps, const struct client *c, enum pubsub_kind kind);
size_t pubsub_of_client(const struct pubsub *ps, const struct client *c, enum pubsub_kind kind);

/* Each name it listens to. f neither subscribes nor unsubscribes anybody. */
typedef void pubsub_name(void *arg, struct slice name);
void pubsub_each_of_client(const struct pubsub *ps, const struct client *c, enum pubsub_kind kind,
                           pubsub_name *f, void *arg);

/* Different names that somebody listens to. */
size_t pubsub_names(const struct pubsub *ps, enum pubsub_kind kind);
size_t pubsub_subscribers(const struct pubsub *ps, enum pubsub_kind kind, struct slice name);
/* Each of those names. The same rule for f. */
void pubsub_each_name(const struct pubsub *ps, enum pubsub_kind kind, pubsub_name *f, void *arg);
/* Each pattern that the channel's name fits. Cost: O(patterns): only its text is kept of a pattern,
 * and read again each time. */
void pubsub_each_pattern(const struct pubsub *ps, struct slice channel, pubsub_name *f, void *arg);
/* Each client that listens to it, in the order in which they came; returns how many. The same rule
 * for f. */
typedef void pubsub_hear(void *arg, struct client *c);
size_t pubsub_each_subscriber(struct pubsub *ps, enum pubsub_kind kind, struct slice name,
                              pubsub_hear *f, void *arg);
/* Two empty buffers for who publishes, which keep their room from one message to the next. */
struct buf *pubsub_room(struct pubsub *ps);

#endif
