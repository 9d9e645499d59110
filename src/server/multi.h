/* SPDX-License-Identifier: BSD-3-Clause */
/* MULTI's queue and WATCH. A watched key is one struct in two lists: the client's and the key's.
 * Any event of the key marks its clients; EXEC then runs nothing. */
#ifndef SERVER_MULTI_H
#define SERVER_MULTI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct client;
struct command_entry;
struct ctx;
struct db;
struct held_command;
struct keyspace;
struct offer;
struct watches;

struct watches *watches_new(void);
void watches_free(struct watches *w);
/* The key was changed in any way. Cheap when nobody watches. */
void watches_touch(struct watches *w, struct db *db, struct slice key);
/* The db was emptied, or has other contents. Cost: all watched keys. */
void watches_replaced(struct watches *w, struct db *db);
size_t watches_count(const struct watches *w); /* watched keys */

void multi_begin(struct client *c);
/* big: see held_command_new. */
void multi_queue(struct client *c, struct command_entry *e, int argc, const struct slice *argv,
                 struct offer *big);
/* Leaves the transaction: queue freed, watches dropped. */
void multi_discard(struct client *c);
int multi_length(const struct client *c); /* -1 outside MULTI */
/* The i-th queued command. */
struct held_command *multi_queued(const struct client *c, int i);
size_t multi_memory(const struct client *c);
/* EXEC's flags_of: what the queued commands are about to do; what it may do while loading, all of
 * them must be allowed. */
uint32_t multi_flags(const struct ctx *c);

void multi_watch(struct client *c, struct slice key);
void multi_unwatch(struct client *c);
/* A watched key has expired since WATCH: noticed at EXEC. */
void multi_check_expired(struct client *c);
/* The client goes. */
void multi_free(struct client *c);

#endif
