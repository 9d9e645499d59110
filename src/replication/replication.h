/* SPDX-License-Identifier: BSD-3-Clause */
/* Replication as a feature of the server. It hangs on through hooks, role, progress and
 * registries; the core does not know it.
 *
 *   struct repl *r = replication_new(server, persist, limit);  // options, commands, hooks, INFO
 *   ... configuration is read, the data set is loaded, the server runs ...
 *   replication_free(r); */
#ifndef REPLICATION_REPLICATION_H
#define REPLICATION_REPLICATION_H

struct memory_limit;
struct persist;
struct repl;
struct server;

struct repl *replication_new(struct server *server, struct persist *persist,
                             struct memory_limit *limit);
void replication_free(struct repl *r);

#endif
