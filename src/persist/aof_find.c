/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing that holds data is overlooked: a manifest, the single file of an older server, or parts
 * without a manifest. Only "no such file" means that there is none. */
#include "persist/aof_find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "persist/aof_check.h"
#include "persist/aof_file.h"
#include "persist/aof_first.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

/* A part that lies in the directory and is not named. */
struct orphan_search {
    struct aof *aof;
    const struct manifest *named;
    char found[256];
};

static bool look_for_orphan(void *arg, const char *name)
{
    struct orphan_search *s = arg;
    if (!aof_part_kind(s->aof->filename, name) || manifest_names(s->named, name))
        return true;
    snprintf(s->found, sizeof s->found, "%s", name);
    return false;
}

struct stray_search {
    struct aof *aof;
    struct fault *fault;
};

static bool look_for_stray(void *arg, const char *name)
{
    struct stray_search *s = arg;
    struct aof *a = s->aof;
    return !aof_part_is_stray(&a->manifest, a->filename, name, aof_look, a, s->fault);
}

/* Parts without a manifest hold data: starting empty would write over them. */
static bool no_orphans(struct aof *a, const struct manifest *plan, struct fault *f)
{
    struct orphan_search s = {.aof = a, .named = plan};
    int err = file_each(a->dir, look_for_orphan, &s);
    if (err < 0 && err != -ENOENT)
        fault_io(f, -err, "readdir", "Can't look into %s", a->dir);
    else if (s.found[0])
        fault_set(f, FAULT_FORMAT,
                  "%s holds %s but no manifest %s.manifest: restore the manifest, or move the "
                  "files away",
                  a->dir, s.found, a->filename);
    return !fault_is(f);
}

/* A manifest that names no base, or no increment, beside one that holds data: it was damaged, or
 * is not theirs. What it says would be loaded without them, and the next rewrite would end them. */
static bool no_strays(struct aof *a, struct fault *f)
{
    struct stray_search s = {a, f};
    int err = file_each(a->dir, look_for_stray, &s);
    if (err < 0)
        fault_io(f, -err, "readdir", "Can't look into %s", a->dir);
    return !fault_is(f);
}

/* ---- what an interrupted install left (aof_first.c) ---- */

static bool is_there(const struct aof *a, const char *name, bool *there, struct fault *f)
{
    char *path = aof_path(a, name);
    bool ok = file_look_for(path, there, f);
    mem_free(path);
    return ok;
}

/* The file of that name, when it is there, is the next in the list. For mem_free: the names. */
static bool list_aside(struct aof *a, const char *name, struct renaming *list, size_t *count,
                       struct fault *f)
{
    struct buf aside = {0};
    bool there = false;
    bool ok = !name || is_there(a, name, &there, f);
    if (!ok || !there)
        return ok;
    buf_printf(&aside, "interrupted-%s", name);
    list[(*count)++] = (struct renaming){aof_path(a, name), aof_path(a, buf_cstr(&aside))};
    buf_free(&aside);
    return true;
}

static bool rename_aside(struct aof *a, const struct renaming *list, size_t count, struct fault *f)
{
    if (count == 0)
        return aof_sync_dir(a, f);
    struct renamed r = file_rename_durably(list, count);
    size_t moved = r.end == RENAME_FAILED ? r.at : count;
    must(moved <= count);
    for (size_t i = 0; i < moved; i++)
        log_warning("The first install of the append log was interrupted, and no manifest names "
                    "%s: it is now %s and can be deleted", strrchr(list[i].from, '/') + 1,
                    list[i].to);
    if (r.end == RENAME_FAILED)
        fault_io(f, -r.err, "rename", "Can't move %s to %s", list[r.at].from, list[r.at].to);
    else if (r.end == RENAME_UNSURE)
        fault_io(f, -r.err, "fsync", "Can't sync %s", a->dir);
    return r.end == RENAME_DONE;
}

static bool put_all_aside(struct aof *a, const struct manifest *next, struct fault *f)
{
    struct renaming *list = mem_zalloc((1 + next->incr.count) * sizeof *list);
    size_t count = 0;
    bool ok = list_aside(a, next->base.name, list, &count, f);
    for (size_t i = 0; ok && i < next->incr.count; i++)
        ok = list_aside(a, next->incr.files[i].name, list, &count, f);
    must(count <= 1 + next->incr.count && (ok || fault_is(f)));
    ok = ok && rename_aside(a, list, count, f);
    for (size_t i = 0; i < count; i++) {
        mem_free((void *)(uintptr_t)list[i].from);
        mem_free((void *)(uintptr_t)list[i].to);
    }
    mem_free(list);
    return ok;
}

/* The manifest that was to come, as far as its files are there. */
static bool adopt(struct aof *a, struct manifest *next, struct fault *f)
{
    bool there = true;
    must(next->base.name && !a->started);
    for (size_t i = 0; there && i < next->incr.count; i++)
        if (!is_there(a, next->incr.files[i].name, &there, f))
            return false;
    if (!there) {
        manifest_retire_incr(next, 0);
        manifest_drop_history(next);
    }
    /* Renames that are seen here may still be lost: all are durable before the manifest is. */
    if (!aof_sync_dir(a, f))
        return false;
    log_warning("The first install of the append log was interrupted: going on from %s",
                next->base.name);
    return aof_put_manifest(a, next, f);
}

/* Takes what an interrupted install left, or puts it aside; then *found: there is a log now. */
static bool resolve(struct aof *a, const char *dump_name, struct manifest *next, bool *found,
                    struct fault *f)
{
    bool base = false, dump = false;
    if (!file_look_for(dump_name, &dump, f) ||
        (next->base.name && !is_there(a, next->base.name, &base, f)))
        return false;
    aof_first_seen(a, true); /* whichever way, the plan goes */
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

/* Only what an interrupted first install left is no loss. */
static bool without_manifest(struct aof *a, const char *dump, bool *found, struct fault *f)
{
    struct manifest plan = {0};
    bool planned = false;
    must(!*found);
    aof_take_manifest(a, &(struct manifest){0}); /* there was a log when it was switched off */
    bool ok = aof_first_find(a, &plan, &planned, f) && no_orphans(a, &plan, f) &&
              (!planned || resolve(a, dump, &plan, found, f));
    must(!*found || (ok && a->manifest.base.name));
    manifest_free(&plan);
    return ok;
}

static bool move_old(struct aof *a, const char *old, struct fault *f)
{
    char *path = aof_path(a, a->filename);
    int err = file_rename_durably(&(struct renaming){old, path}, 1).err;
    if (err == 0) /* and the old name does not come back */
        err = file_sync_dir(a->home);
    if (err < 0)
        fault_io(f, -err, "rename", "Can't move %s to %s", old, path);
    mem_free(path);
    return err == 0;
}

/* Steps that may be interrupted anywhere and done again: mkdir, manifest, rename. */
static bool take_over_old(struct aof *a, const char *old, struct fault *f)
{
    struct manifest m = {0};
    log_notice("Found the append-only file %s of an older server, moving it into %s", old, a->dir);
    if (!aof_make_dir(a, f))
        return false;
    manifest_set_base(&m, a->filename, 1);
    bool ok = aof_put_manifest(a, &m, f) && move_old(a, old, f);
    must(ok ? a->manifest.base.name != NULL : fault_is(f));
    manifest_free(&m);
    return ok;
}

/* Nothing was ever logged to it: whatever else is there holds more. */
static bool is_empty(const char *path, bool *empty, struct fault *f)
{
    struct stat st;
    int err = file_stat(path, &st);
    *empty = err == 0 && st.st_size == 0;
    if (err < 0)
        fault_io(f, -err, "stat", "Can't look at %s", path);
    return err == 0;
}

/* The old single file counts when nothing newer does: no manifest, or one that an interrupted
 * take-over left (its base is the old file, which is not yet in the directory). */
static bool old_file_counts(struct aof *a, const char *old, bool has_manifest, bool *counts,
                            struct fault *f)
{
    const struct manifest *m = &a->manifest;
    must(has_manifest || (!m->base.name && !m->incr.count));
    if (!file_look_for(old, counts, f))
        return false;
    if (!*counts || file_is_dir(old)) {
        *counts = false;
        return true;
    }
    bool empty, moved = true;
    if (!file_is_regular(old, f) || !is_empty(old, &empty, f))
        return false;
    if (!has_manifest || empty) {
        *counts = !empty;
        return true;
    }
    if (m->base.name && strcmp(m->base.name, a->filename) == 0 && !m->incr.count &&
        !m->history.count) {
        char *path = aof_path(a, a->filename);
        bool ok = file_look_for(path, &moved, f);
        mem_free(path);
        if (!ok)
            return false;
    }
    *counts = !moved;
    return true;
}

/* A plan beside the manifest means nothing, once the manifest that is seen is durable. */
static bool forget_plan(struct aof *a, struct fault *f)
{
    struct manifest plan = {0};
    bool planned = false;
    if (!aof_first_find(a, &plan, &planned, f))
        fault_clear(f); /* unreadable: it goes all the same */
    manifest_free(&plan);
    bool synced = !planned || aof_sync_dir(a, f);
    aof_first_seen(a, planned);
    if (synced)
        aof_first_done(a);
    return synced;
}

static bool find_manifest(struct aof *a, const char *dump, bool *found, struct fault *f)
{
    char *path = aof_path_around(a, "", ".manifest");
    bool ok = file_look_for(path, found, f);
    if (ok && *found) {
        struct manifest m = {0};
        ok = aof_read_manifest(path, &m, f);
        aof_take_manifest(a, &m);
        ok = ok && no_strays(a, f) && forget_plan(a, f);
    } else if (ok) {
        ok = without_manifest(a, dump, found, f);
    }
    mem_free(path);
    return ok;
}

bool aof_find(struct aof *a, const char *dump, bool *found, struct fault *f)
{
    struct buf old = {0};
    bool counts = false;
    must(a->state == AOF_OFF && a->home && a->dir);
    buf_printf(&old, "%s/%s", a->home, a->filename);
    bool ok = find_manifest(a, dump, found, f) &&
              old_file_counts(a, buf_cstr(&old), *found, &counts, f) &&
              (!counts || take_over_old(a, buf_cstr(&old), f));
    *found = *found || counts;
    must(ok || fault_is(f));
    must(!ok || *found || (!a->manifest.base.name && !a->manifest.incr.count));
    buf_free(&old);
    return ok;
}

/* ---- does it hold anything? ---- */

/* What can't be read may be data: whoever loads it tells why not. */
static bool part_holds(struct aof *a, const char *name)
{
    struct buf head = {0};
    struct fault f = {0};
    uint64_t size;
    bool holds = !aof_look(a, name, &size, &head, &f) || size > head.len ||
                 aof_part_content(buf_slice(&head)) != AOF_NOTHING;
    buf_free(&head);
    return holds;
}

bool aof_is_empty(struct aof *a)
{
    const struct manifest *m = &a->manifest;
    bool holds = m->base.name != NULL;
    for (size_t i = 0; !holds && i < m->incr.count; i++)
        holds = part_holds(a, m->incr.files[i].name);
    return !holds;
}
