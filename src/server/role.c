/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/role.h"

#include <string.h>

#include "base/mem.h"
#include "server/block.h"
#include "server/hooks.h"
#include "server/server.h"

struct role *role_new(struct server *s)
{
    struct role *r = mem_zalloc(sizeof *r);
    r->server = s;
    r->mode = "standalone";
    r->old_id_until = -1;
    memcpy(r->id, server_run_id(s), ROLE_ID_SIZE);
    memset(r->old_id, '0', ROLE_ID_SIZE - 1);
    return r;
}

void role_free(struct role *r)
{
    mem_free(r);
}

static void settle_expiry(const struct role *r)
{
    server_keep_expired(r->server, EXPIRED_REPLICA, r->is_replica);
    server_keep_expired(r->server, EXPIRED_WRITABLE_REPLICA, r->is_replica && r->writable);
}

void role_set_writable(struct role *r, bool writable)
{
    r->writable = writable;
    settle_expiry(r);
}

void role_set_replica(struct role *r, bool is_replica)
{
    if (r->is_replica == is_replica)
        return;
    r->is_replica = is_replica;
    r->link_up = false;
    settle_expiry(r);
    if (is_replica)
        block_end_all(server_clients(r->server),
                      "UNBLOCKED force unblock from blocking operation, "
                      "instance state changed (master -> replica?)");
    hooks_role(server_hooks(r->server), is_replica);
}
