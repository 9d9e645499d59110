/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/scripting_parts.h"

#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/worker.h"
#include "scripting/vm.h"
#include "server/memory_limit.h"

/* Without maxmemory: so much of the machine's, within bounds. */
enum { MACHINE_SHARE = 8 };
#define LIMIT_MIN ((size_t)16 << 20) /* whatever the percentage gives: a state alone takes some */
#define LIMIT_MAX ((size_t)1 << 30)

size_t scripting_machine_share(void)
{
    size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    return all / MACHINE_SHARE < LIMIT_MAX ? all / MACHINE_SHARE : LIMIT_MAX;
}

size_t scripting_limit(const struct scripting *home)
{
    size_t all = home->memory ? memory_limit_bytes(home->memory) : 0, limit;
    if (home->memory_max >= 0)
        limit = (size_t)home->memory_max;
    else
        limit = all ? all / 100 * (size_t)-home->memory_max : home->machine_share;
    return limit > LIMIT_MIN ? limit : LIMIT_MIN;
}

/* ---- what is large is freed beside the loop ---- */
struct sweep {
    struct worker_job job;
    struct vm *vm;
};

static void sweep(struct worker_job *job)
{
    struct sweep *s = (struct sweep *)job;
    vm_free(s->vm);
    mem_free(s);
}

void scripting_sweep(struct scripting *home, struct vm *vm, bool async)
{
    if (!async) {
        vm_free(vm);
        return;
    }
    struct sweep *s = mem_zalloc(sizeof *s);
    s->job.run = sweep;
    s->vm = vm;
    worker_give(home->sweeper, &s->job);
}
