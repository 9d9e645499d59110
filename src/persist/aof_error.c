/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_error.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

enum { LOG_ERROR_EVERY_S = 30 };

void aof_note_error(struct aof *a, const char *phase, int err)
{
    must(err > 0);
    char when[PERSIST_TIME_MAX], *name = aof_open_name(a);
    a->error.err = err;
    snprintf(a->error.text, sizeof a->error.text, "%s of %s failed at %s: %s", phase, name,
             persist_time(clock_wall_s(), when), strerror(err));
    mem_free(name);
}

void aof_note_short_write(struct aof *a, int err, size_t written, size_t wanted)
{
    int64_t now_s = clock_mono_s();
    must(written < wanted);
    if (now_s - a->error.logged_mono_s >= LOG_ERROR_EVERY_S || a->write.ok) {
        log_warning("Short write while writing to the AOF file: %s, (nwritten=%zu, expected=%zu)",
                    strerror(err), written, wanted);
        a->error.logged_mono_s = now_s;
    }
    aof_note_error(a, "write", err);
}

const char *aof_refuse_failed(struct aof *a, int64_t next_try_s)
{
    must(a->error.err > 0 && a->error.text[0]);
    snprintf(a->error.refusal, sizeof a->error.refusal,
             "MISCONF Errors writing to the AOF file: %s (%s; next try in %lld s)",
             strerror(a->error.err), a->error.text, (long long)next_try_s);
    return a->error.refusal;
}

const char *aof_refuse_slow(struct aof *a)
{
    must(a->write.overfull && a->batch.pending.len > 0);
    snprintf(a->error.refusal, sizeof a->error.refusal,
             "MISCONF The AOF can't be synced in time: the disk has been at it for %lld s, and %zu "
             "bytes wait in memory (aof-max-pending)",
             (long long)((clock_mono_us() - a->sync.job.began_us) / 1000000), a->batch.pending.len);
    return a->error.refusal;
}
