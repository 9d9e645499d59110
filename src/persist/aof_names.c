/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_names.h"

#include <errno.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "os/file.h"
#include "persist/aof_state.h"

char *aof_path(const struct aof *a, const char *name)
{
    must(a->dir && *name);
    return file_join(a->dir, name);
}

char *aof_path_around(const struct aof *a, const char *before, const char *after)
{
    struct buf name = {0};
    buf_printf(&name, "%s%s%s", before, a->filename, after);
    char *path = aof_path(a, buf_cstr(&name));
    buf_free(&name);
    return path;
}

char *aof_open_name(const struct aof *a)
{
    const struct manifest_list *incr = &a->manifest.incr;
    struct buf name = {0};
    if (a->open.aside || incr->count == 0)
        buf_printf(&name, "temp-%s.incr", a->filename);
    else
        buf_printf(&name, "%s", incr->files[incr->count - 1].name);
    buf_cstr(&name);
    return name.data;
}

bool aof_make_dir(struct aof *a, struct fault *f)
{
    int err = file_mkdir(a->dir, 0755);
    if (err == 0 || err == -EEXIST) /* there, but the sync of an earlier try may have failed */
        err = file_sync_dir(a->home);
    if (err < 0)
        fault_io(f, -err, "mkdir", "Can't open or create append-only dir %s", a->dir);
    must(err == 0 || fault_is(f));
    return err == 0;
}

bool aof_sync_dir(const struct aof *a, struct fault *f)
{
    int err = file_sync_dir(a->dir);
    if (err < 0)
        fault_io(f, -err, "fsync", "Can't sync %s", a->dir);
    must(err == 0 || fault_is(f));
    return err == 0;
}

void aof_id_is(struct aof *a, uint64_t id)
{
    must(a->state == AOF_OFF); /* what is written says whose it is */
    a->log_id = id;
}

uint64_t aof_id(struct aof *a)
{
    while (!a->log_id)
        rand_secure(&a->log_id, sizeof a->log_id);
    return a->log_id;
}

bool aof_read_manifest(const char *path, struct manifest *m, struct fault *f)
{
    enum { MANIFEST_MAX = 1 << 20 };
    struct buf text = {0};
    must(!m->base.name && !m->incr.count && !m->history.count);
    bool ok = file_slurp_regular(path, MANIFEST_MAX, &text, f) &&
              aof_parts_manifest(m, path, buf_slice(&text), f);
    must(ok || fault_is(f));
    if (!ok)
        fault_prefix(f, path);
    buf_free(&text);
    return ok;
}

bool aof_dir_is_ours(const struct aof *a, struct fault *f)
{
    struct buf ours = {0}, theirs = {0};
    struct manifest m = {0};
    bool there;
    must(a->names.gone);
    char *path = aof_path_around(a, "", ".manifest");
    bool ok = file_look_for(path, &there, f) && (!there || aof_read_manifest(path, &m, f));
    manifest_print(&a->manifest, &ours);
    manifest_print(&m, &theirs);
    if (ok && there && !slice_eq(buf_slice(&ours), buf_slice(&theirs))) {
        fault_set(f, FAULT_INVALID, "another append log lies in %s: move it away", a->dir);
        ok = false;
    }
    must(ok || fault_is(f));
    manifest_free(&m);
    buf_free(&ours);
    buf_free(&theirs);
    mem_free(path);
    return ok;
}
