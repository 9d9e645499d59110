/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "persist/aof_check.h"
#include "persist/aof_first.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

static void run_nothing(struct worker_job *job)
{
    (void)job;
}

bool aof_set_dirs(struct aof *a, struct fault *f)
{
    must(!a->home && !a->dir);
    a->home = file_absolute("", f);
    must(a->home || fault_is(f));
    if (!a->home)
        return false;
    a->dir = file_join(a->home, a->dirname);
    /* The worker's thread starts now, not beside a fork: a starting thread holds locks of the
     * allocator, and a child would find them held for ever. */
    struct worker_job first = {.run = run_nothing};
    worker_give(a->sync.worker, &first);
    worker_drain(a->sync.worker);
    return true;
}

/* No manifest is written that the next start would refuse (a name that is too long as it is
 * written there). */
static bool reads_back(struct slice text, struct fault *f)
{
    struct manifest m = {0};
    bool ok = manifest_parse(&m, text, f);
    if (!ok)
        fault_prefix(f, "Can't write the manifest");
    manifest_free(&m);
    return ok;
}

void aof_take_manifest(struct aof *a, struct manifest *m)
{
    must(m != &a->manifest);
    manifest_free(&a->manifest);
    a->manifest = *m;
    *m = (struct manifest){0};
}

bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f)
{
    struct buf text = {0};
    must(m != &a->manifest);
    if (!a->checksum)
        manifest_make_plain(m);
    manifest_print(m, &text);
    if (!reads_back(buf_slice(&text), f)) {
        must(fault_is(f));
        buf_free(&text);
        return false;
    }
    char *path = aof_path_around(a, "", ".manifest");
    char *tmp = aof_path_around(a, "temp-", ".manifest");
    enum rename_end end = file_put(tmp, path, buf_slice(&text), f);
    mem_free(tmp);
    mem_free(path);
    buf_free(&text);
    must(end == RENAME_DONE || fault_is(f));
    if (end == RENAME_FAILED)
        return false;
    if (end == RENAME_UNSURE) {
        log_fault(NULL, f);
        fault_clear(f);
    }
    a->manifest_unsure = end == RENAME_UNSURE;
    if (end == RENAME_DONE)
        aof_first_done(a);
    must(m->base.name || m->incr.count); /* or the next start would find nothing in it */
    aof_take_manifest(a, m);
    return true;
}

bool aof_sync_manifest(struct aof *a, struct fault *f)
{
    if (a->manifest_unsure && !aof_sync_dir(a, f))
        return false;
    a->manifest_unsure = false;
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

void aof_measure_base(struct aof *a)
{
    aof_measure(a);
    a->base_size = a->total_size;
}

/* Its first line must be there when a manifest tells what it says. */
static int write_first_line(struct aof *a, struct aof_incr *made)
{
    struct buf line = {0};
    struct aof_session session = {.id = aof_id(a), .seq = (uint32_t)made->is.seq};
    must(session.id != 0);
    aof_chain_begin(&made->chain, &session, &line);
    must(line.len == AOF_LOG_LINE && made->chain.open);
    int err = file_write_all(made->fd, line.data, line.len, NULL);
    made->size = line.len;
    made->is.id = session.id;
    buf_free(&line);
    return err;
}

bool aof_create_incr(struct aof *a, const char *path, int64_t seq, struct aof_incr *made,
                     struct fault *f)
{
    must(seq > 0);
    *made = (struct aof_incr){.is.seq = seq};
    made->fd = file_create(path, O_APPEND);
    int err = made->fd < 0 ? made->fd : 0;
    if (err == 0 && a->checksum && seq <= UINT32_MAX)
        err = write_first_line(a, made);
    /* After a lost sync, whatever is in it: does the disk work again? */
    if (err == 0 && (made->size || a->sync.lost))
        err = file_fdatasync(made->fd);
    must((made->is.id != 0) == (made->size != 0));
    if (err == 0)
        return true;
    fault_io(f, -err, "open", "Can't make the append-only file %s", path);
    if (made->fd >= 0) {
        file_close(made->fd);
        file_unlink(path);
    }
    return false;
}

/* ---- numbers ---- */

/* What can't be read may be data, too. */
static bool holds_data(const char *path, const struct stat *st)
{
    struct buf head = {0};
    struct fault f = {0};
    uint64_t size;
    bool data = true;
    if (S_ISREG(st->st_mode) && aof_look_at_part(path, &size, &head, &f))
        data = size > head.len || aof_part_content(buf_slice(&head)) != AOF_NOTHING;
    buf_free(&head);
    return data;
}

/* A disk that can't say whether the file is there ends the search, *err: not the next number. */
static bool is_free(const struct aof *a, char *name, int *err)
{
    struct stat st;
    char *path = aof_path(a, name);
    int looked = file_stat(path, &st);
    bool used = manifest_names(&a->manifest, name) || (looked == 0 && holds_data(path, &st));
    if (looked < 0 && looked != -ENOENT)
        *err = looked;
    else if (used)
        log_warning("%s is there: its number is not used again", name);
    mem_free(path);
    mem_free(name);
    return !used && *err == 0;
}

/* What is named by no manifest may be data all the same: nothing is written over it. */
static int64_t free_number(const struct aof *a, bool base, struct fault *f)
{
    const struct manifest *m = &a->manifest;
    int64_t seq = base ? manifest_next_base(m) : manifest_next_incr(m);
    int err = 0;
    /* Files of an install that failed, which its plan names, are made anew (aof_first.c). */
    while (seq > 0 && !a->first_install &&
           !(base ? is_free(a, manifest_base_name(a->filename, seq, true), &err) &&
                        is_free(a, manifest_base_name(a->filename, seq, false), &err)
                  : is_free(a, manifest_incr_name(a->filename, seq), &err))) {
        if (err != 0) {
            fault_set(f, FAULT_IO, "Can't look for a free number in %s: %s", a->dirname,
                      strerror(-err));
            return 0;
        }
        seq = seq < INT64_MAX ? seq + 1 : 0;
    }
    if (seq == 0)
        fault_set(f, FAULT_LIMIT, "The manifest's numbers are used up: a new file gets none");
    must(seq > 0 || fault_is(f));
    return seq;
}

int64_t aof_free_base(const struct aof *a, struct fault *f)
{
    return free_number(a, true, f);
}

int64_t aof_free_incr(const struct aof *a, struct fault *f)
{
    return free_number(a, false, f);
}

static bool add_first_incr(struct aof *a, struct fault *f)
{
    struct manifest next = {0};
    struct aof_incr made;
    int64_t seq = aof_free_incr(a, f);
    must(a->manifest.incr.count == 0);
    if (seq == 0)
        return false;
    char *name = manifest_incr_name(a->filename, seq);
    char *path = aof_path(a, name);
    bool ok = aof_create_incr(a, path, seq, &made, f);
    int err = ok ? file_close(made.fd) : 0;
    if (ok && err == 0)
        err = file_sync_dir(a->dir); /* the name first, then the manifest that tells of it */
    if (err < 0)
        fault_io(f, -err, "open", "Can't make the append-only file %s", path);
    manifest_copy(&next, &a->manifest);
    manifest_add_incr(&next, name, seq);
    must(next.incr.count == 1);
    next.incr.files[0].id = made.is.id;
    mem_free(path);
    mem_free(name);
    ok = ok && err == 0 && aof_put_manifest(a, &next, f);
    manifest_free(&next);
    /* After a loss of power no manifest may name it: nothing that goes there would count. */
    return ok && aof_sync_manifest(a, f);
}

/* ---- the newest increment ---- */

static struct manifest_file *newest(struct manifest *m)
{
    return m->incr.count ? &m->incr.files[m->incr.count - 1] : NULL;
}

static bool put_size(struct aof *a, int64_t size, struct fault *f)
{
    struct manifest next;
    manifest_copy(&next, &a->manifest);
    must(next.incr.count > 0 && size >= -1);
    newest(&next)->size = size;
    bool ok = aof_put_manifest(a, &next, f);
    manifest_free(&next);
    return ok;
}

/* It says "at least": what is appended behind it makes nothing wrong, if the server goes on. */
void aof_tell_size(struct aof *a)
{
    struct fault f = {0};
    const struct manifest_file *file = newest(&a->manifest);
    if (a->state != AOF_ON || a->open.aside || a->sync.lost || a->sync.failed ||
        a->batch.pending.len || !file || !a->checksum)
        return;
    int64_t size = file_size(a->open.fd);
    if (size >= 0 && size != file->size && !put_size(a, size, &f))
        log_warning("%s", f.what);
}

void aof_take_file(struct aof *a, int fd, uint64_t size, const struct aof_origin *aside)
{
    must(fd >= 0 && (!aside || aside->seq > 0));
    a->open = (struct aof_open){.fd = fd, .aside = aside != NULL, .size = size};
    a->open.durable_size = a->open.answered_size = size;
    a->total_size += size;
    if (aside)
        a->open.is = *aside;
}

void aof_file_is_named(struct aof *a)
{
    a->open.aside = false;
}

void aof_drop_file(struct aof *a)
{
    a->open = (struct aof_open){.fd = -1};
}

void aof_file_grew(struct aof *a, uint64_t bytes)
{
    must(a->open.fd >= 0);
    a->open.size += bytes;
    a->total_size += bytes;
}

void aof_file_is_durable(struct aof *a, uint64_t size)
{
    must(size <= a->open.size);
    if (size > a->open.durable_size)
        a->open.durable_size = size;
}

void aof_file_is_answered(struct aof *a)
{
    must(a->open.answered_size <= a->open.size);
    a->open.answered_size = a->open.size;
}

void aof_file_failed(struct aof *a)
{
    must(a->open.fd >= 0);
    a->open.failed = true;
}

void aof_file_free(struct aof *a)
{
    if (a->open.fd >= 0)
        file_close(a->open.fd);
    manifest_free(&a->manifest);
    mem_free(a->home);
    mem_free(a->dir);
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

bool aof_open_newest(struct aof *a, struct fault *f)
{
    must(a->state == AOF_OFF && a->open.fd < 0);
    if (a->manifest.incr.count == 0 && !add_first_incr(a, f))
        return false;
    /* The end may have been cut off by a start that was told to, or an old server writes next: what
     * it was at the last stop means nothing from here on. Without checksums nothing is told. */
    int64_t told = newest(&a->manifest)->size;
    bool plain = a->checksum || manifest_is_plain(&a->manifest);
    if ((told >= 0 || !plain) && !put_size(a, -1, f)) {
        /* On a full disk: what is still that long stays so, or grows. */
        if (told >= 0 && size_of(a, newest(&a->manifest)->name) < (uint64_t)told)
            return false;
        log_warning("The manifest goes on telling how long the log was: %s", f->what);
        fault_clear(f);
    }
    const char *name = newest(&a->manifest)->name;
    char *path = aof_path(a, name);
    int fd = file_open(path, O_RDWR | O_APPEND | O_CREAT, 0666);
    if (fd < 0)
        fault_io(f, -fd, "open", "Can't open the append-only file %s", path);
    mem_free(path);
    if (fd < 0)
        return false;
    /* What was loaded from it will be shown, so it is made durable: a process that was killed may
     * have left bytes that the kernel only holds. */
    int err = end_last_line(fd);
    if (err == 0)
        err = file_fdatasync(fd);
    int64_t size = err == 0 ? file_size(fd) : 0;
    if (size < 0)
        err = (int)size;
    if (err < 0) {
        fault_io(f, -err, "fsync", "Can't sync the append-only file %s", name);
        file_close(fd);
        return false;
    }
    aof_take_file(a, fd, (uint64_t)size, NULL);
    aof_measure(a);
    /* What has grown since the last rewrite is what stands behind the base. */
    a->base_size = a->manifest.base.name ? size_of(a, a->manifest.base.name) : 0;
    return true;
}
