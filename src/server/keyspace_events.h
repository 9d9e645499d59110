/* SPDX-License-Identifier: BSD-3-Clause */
/* notify-keyspace-events: what notify.h tells, published for clients, as channels of two kinds.
 *
 *   __keyspace@0__:key  event       K
 *   __keyevent@0__:event  key       E
 *
 * The option's letters are those of notify.h; A stands for g$lshzxetd. */
#ifndef SERVER_KEYSPACE_EVENTS_H
#define SERVER_KEYSPACE_EVENTS_H

struct keyspace_events; /* opaque */
struct server;

struct keyspace_events *keyspace_events_new(struct server *s); /* adds its option */
void keyspace_events_free(struct keyspace_events *ke);

#endif
