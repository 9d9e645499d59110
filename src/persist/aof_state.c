/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_state.h"

#include "base/must.h"

void aof_must_hold(const struct aof *a)
{
    must((a->state == AOF_OFF) == (a->fd < 0));
    must(a->durable <= a->written && a->written <= a->appended);
    must(a->commands_durable <= a->commands_written);
    must(a->commands_written <= a->commands_appended);
    must(a->durable_size <= a->incr_size && a->answered_size <= a->incr_size);
    must(a->state == AOF_OFF || a->written == a->appended || a->pending.len > 0);
    must(!a->aside || a->state != AOF_OFF);
    must(!a->names_gone || a->lost_sync);
    must(!a->batch_open || a->batch_at <= a->pending.len);
}
