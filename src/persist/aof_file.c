/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of the append log: where they lie, the manifest that names them, and the increment that
 * is appended to. */
#include "persist/aof.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "os/file.h"

static char *join(const char *dir, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", dir, name);
    buf_cstr(&path);
    return path.data;
}

static void run_nothing(struct worker_job *job)
{
    (void)job;
}

bool aof_settle(struct aof *a, struct fault *f)
{
    char cwd[PATH_MAX];
    if (!getcwd(cwd, sizeof cwd)) {
        fault_io(f, errno, "getcwd", "Can't tell the working directory");
        return false;
    }
    a->home = mem_strdup(cwd);
    a->dir = join(cwd, a->dirname);
    /* The worker's thread starts now, not beside a fork: a starting thread holds locks of the
     * allocator, and a child would find them held for ever. */
    struct worker_job first = {.run = run_nothing};
    worker_give(a->worker, &first);
    worker_drain(a->worker);
    return true;
}

char *aof_path(const struct aof *a, const char *name)
{
    return join(a->dir, name);
}

bool aof_make_dir(struct aof *a, struct fault *f)
{
    int err = file_mkdir(a->dir, 0755);
    if (err == -EEXIST)
        return true;
    if (err == 0)
        err = file_sync_dir(a->home);
    if (err < 0)
        fault_io(f, -err, "mkdir", "Can't open or create append-only dir %s", a->dir);
    return err == 0;
}

bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f)
{
    struct buf text = {0}, stem = {0};
    manifest_print(m, &text);
    buf_printf(&stem, "%s.manifest", a->filename);
    char *path = aof_path(a, buf_cstr(&stem));
    buf_clear(&stem);
    buf_printf(&stem, "temp-%s.manifest", a->filename);
    char *tmp = aof_path(a, buf_cstr(&stem));
    bool synced = file_replace(tmp, path, buf_slice(&text), f);
    bool renamed = synced || strcmp(f->doing, "fsync-directory") == 0;
    mem_free(tmp);
    mem_free(path);
    buf_free(&stem);
    buf_free(&text);
    if (!renamed)
        return false;
    if (!synced) {
        char line[512];
        log_warning("%s", fault_text(f, line, sizeof line));
        fault_clear(f);
    }
    a->manifest_unsure = !synced;
    manifest_free(&a->manifest);
    a->manifest = *m;
    *m = (struct manifest){0};
    return true;
}

static uint64_t size_of(const struct aof *a, const char *name)
{
    struct stat st;
    char *path = aof_path(a, name);
    uint64_t size = file_stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    mem_free(path);
    return size;
}

void aof_measure(struct aof *a)
{
    const struct manifest *m = &a->manifest;
    a->total_size = m->base.name ? size_of(a, m->base.name) : 0;
    for (size_t i = 0; i < m->incr.count; i++)
        a->total_size += size_of(a, m->incr.files[i].name);
}

static bool add_first_incr(struct aof *a, struct fault *f)
{
    struct manifest next = {0};
    int64_t seq = manifest_next_incr(&a->manifest);
    char *name = manifest_incr_name(a->filename, seq);
    char *path = aof_path(a, name);
    int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int err = fd < 0 ? fd : file_close(fd);
    if (err == 0)
        err = file_sync_dir(a->dir); /* the name first, then the manifest that tells of it */
    if (err < 0)
        fault_io(f, -err, "open", "Can't make the append-only file %s", path);
    manifest_copy(&next, &a->manifest);
    manifest_add_incr(&next, name, seq);
    mem_free(path);
    mem_free(name);
    bool ok = err == 0 && aof_put_manifest(a, &next, f);
    manifest_free(&next);
    return ok;
}

/* The log may end in an annotation that was cut off. Its line ends here, or it would swallow the
 * command that comes behind it. */
static int end_last_line(int fd)
{
    char last;
    int64_t size = file_size(fd);
    ssize_t got = size > 0 ? file_pread(fd, &last, 1, (off_t)size - 1) : 0;
    if (size < 0 || got < 0)
        return size < 0 ? (int)size : (int)got;
    return got == 1 && last != '\n' ? file_write_all(fd, "\n", 1, NULL) : 0;
}

bool aof_open_log(struct aof *a, struct fault *f)
{
    if (a->manifest.incr.count == 0 && !add_first_incr(a, f))
        return false;
    const char *name = a->manifest.incr.files[a->manifest.incr.count - 1].name;
    char *path = aof_path(a, name);
    a->fd = file_open(path, O_RDWR | O_APPEND | O_CREAT, 0644);
    if (a->fd < 0)
        fault_io(f, -a->fd, "open", "Can't open the append-only file %s", path);
    mem_free(path);
    if (a->fd < 0)
        return false;
    /* What was loaded from it will be shown, so it is made durable: a process that was killed may
     * have left bytes that the kernel only holds. */
    int err = end_last_line(a->fd);
    if (err == 0)
        err = file_fdatasync(a->fd);
    if (err < 0) {
        fault_io(f, -err, "fsync", "Can't sync the append-only file %s", name);
        file_close(a->fd);
        a->fd = -1;
        return false;
    }
    int64_t size = file_size(a->fd);
    a->incr_size = a->durable_size = size > 0 ? (uint64_t)size : 0;
    aof_measure(a);
    a->base_size = a->total_size;
    aof_listen(a, AOF_ON);
    return true;
}
