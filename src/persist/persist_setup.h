/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistence as a feature of the server: snapshots, the append log, loading at start. It hangs on
 * through hooks (hooks.h); the core and the command families do not know it.
 *
 *   struct persist *p = persist_new(server);   // options, hooks, INFO, commands
 *   ... configuration is read ...
 *   if (!persist_start(p, &f)) ... refuse to start: f says why ...
 *   ... server_run ...
 *   persist_free(p); */
#ifndef PERSIST_PERSIST_SETUP_H
#define PERSIST_PERSIST_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

struct persist;
struct server;

struct persist *persist_new(struct server *server);
void persist_free(struct persist *p);
/* Loads what the configuration says there is, and opens the append log. Nothing on disk is touched
 * before the load has succeeded. */
bool persist_start(struct persist *p, struct fault *f);
/* Why clients' writes are refused now: what the disk is to keep it does not take. NULL: it does. */
const char *persist_refusal(struct persist *p);
/* Bytes of changes that wait to be written to the log, of a struct persist. */
size_t persist_waiting_bytes(const void *persist);

#endif
