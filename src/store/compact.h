/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that idles in a keyspace; from cron, between commands. */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include <stdbool.h>
#include <stddef.h>

struct keyspace;

/* What idles between entries that deletions left far apart, and what entries take. Cost: a few
 * hundred loads a database. */
void keyspace_slack(const struct keyspace *ks, size_t *slack, size_t *used);
/* Moves the entries of one page to where there is room. Every pointer to an entry ends. False:
 * there is nothing to win. Cost: up to some thousand entries. */
bool keyspace_compact(struct keyspace *ks);
/* About once a second: a part of what is kept in reserve goes back to the system, and tables that a
 * child kept from it shrink or grow a little: as much in all, however many they are. */
void keyspace_give_back(struct keyspace *ks);

#endif
