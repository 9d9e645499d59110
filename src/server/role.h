/* SPDX-License-Identifier: BSD-3-Clause */
/* What this server is to others: a primary, or the replica of one. Replication changes it; the core
 * and other features only read it, and ask for a change through role_ops, not knowing who carries
 * it out. Without replication the server is a primary. */
#ifndef SERVER_ROLE_H
#define SERVER_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct fault;
struct server;

struct role_ops {
    /* Become a replica of that server; a primary again. What happens then comes later, told of by
     * ROLE hooks. False: refused, f says why. */
    bool (*follow)(void *arg, struct slice host, int port, struct fault *f);
    bool (*lead)(void *arg, struct fault *f);
    int (*priority)(void *arg); /* for promotion; 0: never */
};

enum { ROLE_ID_SIZE = 41 };

struct role {
    struct server *server;
    bool is_replica;
    bool link_up;        /* of a replica: it is in touch with its primary */
    bool keeps_all;      /* of a replica: its primary evicts, it does not */
    bool writable;       /* of a replica: clients may write to it; see role_set_writable */
    const char *mode;    /* "standalone", "cluster", "sentinel" */
    char id[ROLE_ID_SIZE], old_id[ROLE_ID_SIZE]; /* of the history of data, 40 hex digits; the one
                          * before a promotion, all zeros: none */
    int64_t old_id_until; /* the offset up to which old_id holds; -1: none */
    /* Bytes of that history so far. It is no position of the log (commit.h): a full sync sets it,
     * also back, and what only replicas or only the log gets moves one of the two alone. */
    int64_t offset;
    const struct role_ops *ops; /* NULL: there is no replication */
    void *arg;                  /* theirs */
};

struct role *role_new(struct server *s);
void role_free(struct role *r);
static inline int64_t role_offset(const struct role *r)
{
    return r->offset;
}
/* Can one that comes from outside be an offset? Sums of several stay in range. */
static inline bool role_offset_can_be(int64_t offset)
{
    return offset >= 0 && offset <= INT64_MAX / 4;
}
/* Now it is a replica, or a primary again. Keys whose time is over are hidden from then on rather
 * than deleted (a replica waits for its primary's DEL); clients that wait for keys hear that it is
 * in vain; ROLE hooks are told. Not from inside a command of a client but the one that asked. */
void role_set_replica(struct role *r, bool is_replica);
/* What clients then write over a key whose time is over finds it gone, as they see it. */
void role_set_writable(struct role *r, bool writable);

#endif
