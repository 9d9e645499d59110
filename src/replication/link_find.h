/* SPDX-License-Identifier: BSD-3-Clause */
/* The addresses of a host, asked for on a worker's thread: the loop goes on. */
#ifndef REPLICATION_LINK_FIND_H
#define REPLICATION_LINK_FIND_H

struct link_find; /* opaque */
struct resolved;
struct worker;

/* found is called on the loop's thread, once, and not after link_find_drop; then it is gone. */
struct link_find *link_find(struct worker *worker, const char *host,
                            void (*found)(void *arg, const struct resolved *r), void *arg);
void link_find_drop(struct link_find *f);

#endif
