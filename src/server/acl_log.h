/* SPDX-License-Identifier: BSD-3-Clause */
/* What was denied, to whom and how often: ACL LOG. What happens again within a minute to the same
 * user, for the same reason, in the same place and with the same object counts in one entry. The
 * newest first; at most acllog-max-len of them. Secrets are not among what is kept. */
#ifndef SERVER_ACL_LOG_H
#define SERVER_ACL_LOG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "server/acl_check.h"

struct client;

enum acl_where { ACL_TOP_LEVEL, ACL_IN_MULTI, ACL_IN_SCRIPT, ACL_IN_MODULE };
struct acl_log {
    struct link entries;
    uint64_t next_id;
    int64_t count, max;
};
struct acl_log_entry {
    struct link link;
    uint64_t id;
    int64_t count, created_ms, updated_ms; /* wall clock */
    enum acl_reason reason;
    enum acl_where where;
    struct buf object, user, client;
};

void acl_log_init(struct acl_log *l);
void acl_log_clear(struct acl_log *l);
/* object: the command's name, the key, the channel, or the word of who tried to log in; kept of it
 * are 4096 bytes, and of the client's names fewer (client_describe_short). */
void acl_log_add(struct acl_log *l, enum acl_reason reason, enum acl_where where,
                 struct slice object, struct slice user, const struct client *c);
void acl_log_trim(struct acl_log *l); /* after max changed */
const char *acl_log_reason(enum acl_reason reason);
const char *acl_log_where(enum acl_where where);

#endif
