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
#include "persist/aof.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"
#include "persist/aof_find.h"
#include "persist/snapshot.h"

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
    if (!a->names_gone && (now->base.name || now->incr.count || now->history.count))
        return true;
    if (a->names_gone && !aof_dir_is_ours(a, f))
        return false;
    bool ok = clear_way(a, &next->base, f);
    for (size_t i = 0; ok && i < next->incr.count; i++)
        ok = clear_way(a, &next->incr.files[i], f);
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
    buf_free(&text);
    mem_free(path);
    mem_free(tmp);
    return ok;
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

/* ---- what an interrupted one left ---- */

bool aof_first_find(struct aof *a, struct manifest *next, bool *plan, struct fault *f)
{
    char *path = plan_path(a);
    bool ok = file_look_for(path, plan, f) && (!*plan || aof_read_manifest(path, next, f));
    mem_free(path);
    return ok;
}

static bool is_there(const struct aof *a, const char *name, bool *there, struct fault *f)
{
    char *path = aof_path(a, name);
    bool ok = file_look_for(path, there, f);
    mem_free(path);
    return ok;
}

static bool put_aside(struct aof *a, const char *name, struct fault *f)
{
    struct buf aside = {0};
    bool there;
    if (!is_there(a, name, &there, f))
        return false;
    if (!there)
        return true;
    buf_printf(&aside, "interrupted-%s", name);
    char *from = aof_path(a, name), *to = aof_path(a, buf_cstr(&aside));
    int err = file_rename(from, to);
    if (err < 0)
        fault_io(f, -err, "rename", "Can't move %s to %s", from, to);
    else
        log_warning("The first install of the append log was interrupted, and no manifest names "
                    "%s: it is now %s and can be deleted", name, to);
    mem_free(from);
    mem_free(to);
    buf_free(&aside);
    return err == 0;
}

static bool put_all_aside(struct aof *a, const struct manifest *next, struct fault *f)
{
    bool ok = !next->base.name || put_aside(a, next->base.name, f);
    for (size_t i = 0; ok && i < next->incr.count; i++)
        ok = put_aside(a, next->incr.files[i].name, f);
    int err = ok ? file_sync_dir(a->dir) : 0;
    if (err < 0)
        fault_io(f, -err, "fsync", "Can't sync %s", a->dir);
    return ok && err == 0;
}

/* The manifest that was to come, as far as its files are there. */
static bool adopt(struct aof *a, struct manifest *next, struct fault *f)
{
    bool there = true;
    for (size_t i = 0; there && i < next->incr.count; i++)
        if (!is_there(a, next->incr.files[i].name, &there, f))
            return false;
    if (!there) {
        manifest_retire_incr(next, 0);
        manifest_drop_history(next);
    }
    /* Renames that are seen here may still be lost: all are durable before the manifest is. */
    int err = file_sync_dir(a->dir);
    if (err < 0) {
        fault_io(f, -err, "fsync", "Can't sync %s", a->dir);
        return false;
    }
    log_warning("The first install of the append log was interrupted: going on from %s",
                next->base.name);
    return aof_put_manifest(a, next, f);
}

bool aof_first_resolve(struct aof *a, struct manifest *next, bool *found, struct fault *f)
{
    bool base = false, dump = false;
    if (!file_look_for(a->persist->snapshot->filename, &dump, f) ||
        (next->base.name && !is_there(a, next->base.name, &base, f)))
        return false;
    a->first_install = true; /* whichever way, the plan goes */
    /* Numbers go on: its log was there and was removed. All that was acknowledged is in the base,
     * for writes were refused since; the dump says nothing newer. */
    bool again = next->base.seq > 1;
    /* While the server runs, what it has in memory counts. */
    if (base && (!dump || again) && !a->started) {
        *found = adopt(a, next, f);
        return *found;
    }
    if (!put_all_aside(a, next, f))
        return false;
    aof_first_done(a);
    return true;
}
