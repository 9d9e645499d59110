/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections to servers that keys are moved to (MIGRATE), over TLS with tls-cluster. Whoever uses
 * one waits: for the other side to make progress, at most timeout_ms at a time.
 *
 *   l = migrate_link_get(links, &to, &f);            connected, or one that was left open
 *   resp_put_head(&l->out, ..); err = migrate_link_step(l);      sends, receives: some of either
 *   err = migrate_link_reply(l, &item);              the next one, while the rest is sent
 *   migrate_link_keep(l);  or  migrate_link_drop(l);
 *
 * Errors are -errno: -ETIMEDOUT when nothing moved for so long, -ECONNRESET when the other side has
 * hung up, -EPROTO when it makes no sense. The first one stays: a link that failed gives the
 * replies that came before, and then says so again. Kept ones are closed after MIGRATE_KEEP_S. */
#ifndef REPLICATION_MIGRATE_LINK_H
#define REPLICATION_MIGRATE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/link.h"
#include "format/reply_read.h"
#include "os/wire.h"

struct server;
struct migrate_links; /* opaque */

enum { MIGRATE_KEEP_S = 10, MIGRATE_KEPT_MAX = 64 };

struct migrate_to {
    struct slice host, port;
    int64_t timeout_ms;
    bool unknown; /* not one that was told a password: as whom it is let in there is its own */
};

struct migrate_link {
    struct link link;        /* of those that are kept; linked: nobody uses it */
    struct migrate_links *links;
    char *host, *port;
    int fd;
    struct wire wire;
    struct buf out, in;      /* out: what is still to be sent */
    struct reply_reader reader;
    int64_t timeout_ms, used_us;
    int error;               /* 0: it works */
    bool kept;               /* it was used before: it may have been closed meanwhile */
    /* of who uses it */
    bool told_password;
    int64_t db;              /* selected there; -1: unknown */
    int version;             /* of the RDB that it reads; -1: unknown */
};

struct migrate_links *migrate_links_new(struct server *s);
void migrate_links_free(struct migrate_links *links);

/* NULL: f says why. */
struct migrate_link *migrate_link_get(struct migrate_links *links, const struct migrate_to *to,
                                      struct fault *f);
void migrate_link_keep(struct migrate_link *l);
void migrate_link_drop(struct migrate_link *l);
int migrate_link_step(struct migrate_link *l);
bool migrate_link_unsent(const struct migrate_link *l);
/* A whole reply that is no aggregate, whose text is valid until the next call. */
int migrate_link_reply(struct migrate_link *l, struct reply_item *item);

#endif
