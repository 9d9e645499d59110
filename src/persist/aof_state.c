/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_state.h"

#include "base/must.h"

void aof_must_hold(const struct aof *a)
{
    must((a->state == AOF_OFF) == (a->open.fd < 0));
    must(a->sync.durable <= a->write.written && a->write.written <= a->write.appended);
    must(a->sync.commands_durable <= a->write.commands_written);
    must(a->write.commands_written <= a->write.commands_appended);
    must(a->open.durable_size <= a->open.size && a->open.answered_size <= a->open.size);
    must(a->state == AOF_OFF || a->write.written == a->write.appended || a->batch.pending.len > 0);
    must(!a->open.aside || a->state != AOF_OFF);
    must(!a->names.gone || a->sync.lost);
    must(!a->batch.open || a->batch.at <= a->batch.pending.len);
}
