/* SPDX-License-Identifier: BSD-3-Clause */
/* The first install of a log, or one after its directory was removed (aof_gone.c): files get their
 * names, and there is no manifest yet. When the power fails in between, the next start must tell
 * them from a log that has lost its manifest. That one holds acknowledged writes and is never
 * touched; these hold nothing that anybody was promised, as no manifest ever named them.
 *
 *   1  what stands where a file will go (of an install that failed) is removed
 *   2  the plan, which is the manifest to come, is written as temp-NAME.first: synced, renamed, the
 *      directory synced, which makes 1 durable too
 *   3  the files get their names, the directory is synced
 *   4  the manifest is written, the directory synced
 *   5  the plan is removed
 *
 * Whatever of the renames a loss of power keeps: before the end of 2 no numbered file is there but
 * those of an install that failed, beside its plan; from then to the end of 4 the plan is, later
 * the manifest. So numbered files without either are never of an install, and are refused. A plan
 * beside a manifest is left from 5 and means nothing.
 *
 * A start that finds the plan and no manifest: numbered files that the plan does not name are
 * refused as ever. Those it names were written before 3, the base complete and synced. Is there a
 * dump file, then it is what was promised, and may be newer than a base whose install failed on a
 * bad disk: the files are put aside (interrupted-NAME) and the dump is loaded. Is there none, then
 * the base, complete by its name, is the most there is, and the increment goes with it when it has
 * its name: both are of one install because of 1. Without the base an increment means nothing. A
 * base with a number above 1 was made anew (aof_gone.c): it holds all that was acknowledged, since
 * writes were refused from when the loss was seen, and is adopted whatever the dump says. */
#include "persist/aof_first.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

static char *plan_path(const struct aof *a)
{
    return aof_path_around(a, "temp-", ".first");
}

/* ---- while installing ---- */

static bool clear_way(struct aof *a, const struct manifest_file *file, struct fault *f)
{
    if (!file->name)
        return true;
    char *path = aof_path(a, file->name);
    int err = file_unlink(path);
    if (err < 0 && err != -ENOENT)
        fault_io(f, -err, "unlink", "Can't remove %s of an install that failed", path);
    mem_free(path);
    return err == 0 || err == -ENOENT;
}

bool aof_first_plan(struct aof *a, const struct manifest *next, struct fault *f)
{
    const struct manifest *now = &a->manifest;
    must(next != now);
    if (!a->names.gone && (now->base.name || now->incr.count || now->history.count))
        return true;
    if (a->names.gone && !aof_dir_is_ours(a, f))
        return false;
    must(next->base.name); /* without a base the increments mean nothing */
    bool ok = clear_way(a, &next->base, f);
    for (size_t i = 0; ok && i < next->incr.count; i++)
        ok = clear_way(a, &next->incr.files[i], f);
    must(ok || fault_is(f));
    if (!ok)
        return false;
    struct buf text = {0};
    char *path = plan_path(a);
    char *tmp = mem_zalloc(strlen(path) + 5);
    memcpy(tmp, path, strlen(path));
    memcpy(tmp + strlen(path), ".new", 4);
    manifest_print(next, &text);
    ok = file_replace(tmp, path, buf_slice(&text), f);
    a->first_install = true;
    must(ok || fault_is(f));
    buf_free(&text);
    mem_free(path);
    mem_free(tmp);
    return ok;
}

void aof_first_seen(struct aof *a, bool there)
{
    a->first_install = there;
}

/* A plan that comes back after a loss of power stands beside the manifest and is removed again. */
void aof_first_done(struct aof *a)
{
    if (!a->first_install)
        return;
    char *path = plan_path(a);
    int err = file_unlink(path);
    if (err == 0)
        err = file_sync_dir(a->dir);
    if (err < 0 && err != -ENOENT)
        log_warning("Can't remove %s: %s", path, strerror(-err));
    else
        a->first_install = false;
    mem_free(path);
}

bool aof_first_find(struct aof *a, struct manifest *next, bool *plan, struct fault *f)
{
    char *path = plan_path(a);
    bool ok = file_look_for(path, plan, f) && (!*plan || aof_read_manifest(path, next, f));
    must(ok || fault_is(f));
    mem_free(path);
    return ok;
}
