/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/pushed.h"

#include "base/mem.h"
#include "server/client.h"

void pushed_drop(struct client *c)
{
    if (!c->pushed)
        return;
    link_remove(&c->pushed->link);
    buf_free(&c->pushed->kept);
    mem_free(c->pushed);
    c->pushed = NULL;
}

size_t pushed_bytes(const struct client *c)
{
    return c->pushed ? c->pushed->kept.len : 0;
}

size_t pushed_memory(const struct client *c)
{
    return c->pushed ? sizeof *c->pushed + c->pushed->kept.cap : 0;
}
