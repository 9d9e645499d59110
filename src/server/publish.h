/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to all who listen to a channel, by its name or a pattern (pubsub.h): each as a push of
 * its own, encoded once a protocol however many there are (push.h). */
#ifndef SERVER_PUBLISH_H
#define SERVER_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct server;

/* Returns how many heard it; who listens by name and by patterns hears it as often. With nobody it
 * costs a look-up. */
size_t publish(struct server *s, struct slice channel, struct slice text);
size_t publish_shard(struct server *s, struct slice channel, struct slice text);

#endif
