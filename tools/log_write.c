/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "os/lock_file.h"
#include "tools/input.h"

static int write_out(void *arg, const void *from, size_t n)
{
    return file_write_all((int)(intptr_t)arg, from, n, NULL);
}

bool log_write_open(struct log_writer *w, const char *path, struct fault *f)
{
    *w = (struct log_writer){.path = mem_strdup(path)};
    w->fd = file_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (w->fd < 0) {
        fault_io(f, -w->fd, "open", "Can't make %s", path);
        mem_free(w->path);
        return false;
    }
    out_init_callback(&w->out, write_out, (void *)(intptr_t)w->fd, 0);
    return true;
}

void log_write_copy(struct log_writer *w, struct log_bytes *b, uint64_t from, uint64_t to)
{
    must(from <= to && !w->batch.len);
    while (from < to && !out_bad(&w->out)) {
        size_t n = to - from < LOG_LOOK_MAX ? (size_t)(to - from) : LOG_LOOK_MAX;
        struct slice s = log_bytes_at(b, from, n);
        if (s.len == 0)
            break;
        out_slice(&w->out, s);
        from += s.len;
    }
    if (fault_is(&b->fault))
        w->fault = b->fault;
}

void log_write_seal(struct log_writer *w, uint64_t id, uint32_t seq)
{
    must(!w->sealing && !w->batch.len);
    w->sealing = id != 0;
    w->session = (struct aof_session){.id = id, .seq = seq};
}

bool log_write_place(const char *from, const char *to, struct fault *f)
{
    struct renaming one = {from, to};
    struct renamed done = file_rename_durably(&one, 1);
    if (done.end != RENAME_DONE)
        fault_io(f, -done.err, "rename", "Can't give %s its name", to);
    return !fault_is(f);
}

/* A server that reads it starts only when all of it is on the disk: so says each line. */
static void put_line(struct log_writer *w, uint64_t len, uint64_t crc)
{
    char line[AOF_SUM_LINE];
    must(w->sealing && w->session.id);
    if (!w->chain.open) {
        struct buf first = {0};
        w->session.offset = out_offset(&w->out);
        aof_chain_begin(&w->chain, &w->session, &first);
        out_slice(&w->out, buf_slice(&first));
        buf_free(&first);
    }
    uint64_t at = out_offset(&w->out);
    aof_chain_seal_sum(&w->chain, line, len, crc, at, at);
    out_bytes(&w->out, line, sizeof line);
}

static void flush_batch(struct log_writer *w)
{
    if (!w->batch.len)
        return;
    put_line(w, w->batch.len, crc64(0, w->batch.data, w->batch.len));
    out_slice(&w->out, buf_slice(&w->batch));
    buf_clear(&w->batch);
}

void log_write_unit(struct log_writer *w, struct log_bytes *b, uint64_t from, uint64_t to)
{
    must(from <= to && to <= b->size);
    if (!w->sealing) {
        log_write_copy(w, b, from, to);
        return;
    }
    if (to - from > AOF_BATCH_BYTES) {
        flush_batch(w);
        put_line(w, to - from, log_bytes_crc(b, from, to, 0));
        log_write_copy(w, b, from, to);
        return;
    }
    buf_add(&w->batch, log_bytes_at(b, from, (size_t)(to - from)));
    if (fault_is(&b->fault))
        w->fault = b->fault;
    if (w->batch.len >= AOF_BATCH_BYTES)
        flush_batch(w);
}

static void finish(struct log_writer *w)
{
    out_free(&w->out);
    buf_free(&w->batch);
    if (w->fd >= 0)
        file_close(w->fd);
    w->fd = -1;
}

bool log_write_end(struct log_writer *w, uint64_t *size, struct fault *f)
{
    must(w->fd >= 0);
    flush_batch(w);
    if (fault_is(&w->fault))
        *f = w->fault;
    else if (!out_flush(&w->out))
        *f = w->out.fault;
    int err = fault_is(f) ? 0 : file_fsync(w->fd);
    if (err < 0)
        fault_io(f, -err, "fsync", "Can't sync %s", w->path);
    *size = out_offset(&w->out);
    finish(w);
    if (fault_is(f))
        file_unlink(w->path);
    mem_free(w->path);
    return !fault_is(f);
}

void log_write_drop(struct log_writer *w)
{
    finish(w);
    file_unlink(w->path);
    mem_free(w->path);
}

bool log_write_file(const char *path, const char *from, const char *like, uint64_t *size,
                    struct fault *f)
{
    struct log_writer w;
    struct log_bytes b;
    struct stat st;
    int fd = file_open(from, O_RDONLY, 0);
    int64_t len = fd < 0 ? fd : file_size(fd);
    if (len < 0) {
        fault_io(f, (int)-len, "open", "Can't open %s", from);
        if (fd >= 0)
            file_close(fd);
        return false;
    }
    log_bytes_open(&b, fd, (uint64_t)len);
    bool ok = log_write_open(&w, path, f);
    if (ok && like && file_stat(like, &st) == 0)
        file_set_attributes(w.fd, &st);
    if (ok) {
        log_write_copy(&w, &b, 0, (uint64_t)len);
        ok = log_write_end(&w, size, f);
    }
    log_bytes_close(&b);
    file_close(fd);
    return ok;
}

/* ---- directories ---- */

static bool make_dir(const char *path, struct fault *f)
{
    int err = file_mkdir(path, 0777);
    if (err < 0)
        fault_io(f, -err, "mkdir", "Can't make the directory %s", path);
    return err == 0;
}

static bool add_name(void *arg, const char *name)
{
    buf_append(arg, name, strlen(name) + 1);
    return true;
}

/* The names in a directory, which must not change under its reader: each with its NUL. */
static struct buf names_in(const char *dir)
{
    struct buf names = {0};
    file_each(dir, add_name, &names);
    must(names.len == 0 || names.data[names.len - 1] == '\0');
    return names;
}

/* What new_dir made: files, and directories of files. A link is removed, not followed. */
static void remove_dir(const char *dir)
{
    struct buf names = names_in(dir);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
        char *path = file_join(dir, names.data + at);
        if (file_unlink(path) < 0 && rmdir(path) < 0 && errno == ENOTEMPTY) {
            struct buf inner = names_in(path);
            for (size_t i = 0; i < inner.len; i += strlen(inner.data + i) + 1) {
                char *file = file_join(path, inner.data + i);
                file_unlink(file);
                mem_free(file);
            }
            buf_free(&inner);
            rmdir(path);
        }
        mem_free(path);
    }
    buf_free(&names);
    rmdir(dir);
}

static const char mark[] = ".new-";

/* Is it NAME.new-PID, and its maker not there any more? */
static bool is_left(const char *found, const char *name)
{
    enum { DIGITS_MAX = 9 };
    size_t n = strlen(name), m = sizeof mark - 1;
    if (strncmp(found, name, n) != 0 || strncmp(found + n, mark, m) != 0)
        return false;
    const char *pid = found + n + m;
    size_t digits = strspn(pid, "0123456789");
    bool number = digits > 0 && digits <= DIGITS_MAX && *pid != '0' && !pid[digits];
    return number && (atol(pid) == (long)getpid() || process_has_ended((pid_t)atol(pid)));
}

/* What runs that were killed have left of the same product. */
static void remove_left(const char *out)
{
    const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
    char *dir = slash ? mem_dup(out, (size_t)(slash - out) + 1) : mem_strdup("./");
    struct buf names = names_in(dir);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1)
        if (is_left(names.data + at, name)) {
            char *path = file_join(dir, names.data + at);
            remove_dir(path);
            mem_free(path);
        }
    buf_free(&names);
    mem_free(dir);
}

bool new_dir_begin(struct new_dir *d, const char *out, const char *sub, struct fault *f)
{
    struct buf name = {0};
    size_t len = strlen(out);
    while (len > 1 && out[len - 1] == '/')
        len--;
    buf_append(&name, out, len);
    *d = (struct new_dir){.out = mem_strdup(buf_cstr(&name))};
    if (file_exists(d->out)) {
        fault_set(f, FAULT_INVALID, "%s is there already: nothing is written over it", d->out);
        mem_free(d->out);
        d->out = NULL;
        buf_free(&name);
        return false;
    }
    remove_left(d->out);
    buf_printf(&name, "%s%ld", mark, (long)getpid());
    d->tmp = mem_strdup(buf_cstr(&name));
    buf_free(&name);
    bool ok = make_dir(d->tmp, f);
    if (ok && sub) {
        d->sub = file_join(d->tmp, sub);
        ok = make_dir(d->sub, f);
    }
    if (!ok)
        new_dir_drop(d);
    return ok;
}

char *new_dir_path(const struct new_dir *d, const char *name)
{
    return file_join(d->sub ? d->sub : d->tmp, name);
}

bool new_dir_copy(const struct new_dir *d, const char *from, const char *name, struct fault *f)
{
    struct input i;
    struct log_writer w;
    uint64_t size;
    if (!input_open(&i, from, f))
        return false;
    char *path = new_dir_path(d, name);
    bool ok = log_write_open(&w, path, f);
    while (ok && !in_at_end(&i.in) && !out_bad(&w.out)) {
        struct slice some = in_window(&i.in, SIZE_MAX);
        out_slice(&w.out, some);
        in_skip(&i.in, some.len);
    }
    if (ok && in_bad(&i.in))
        w.fault = i.in.fault;
    ok = ok && log_write_end(&w, &size, f);
    input_close(&i);
    mem_free(path);
    return ok;
}

bool new_dir_text(const struct new_dir *d, const char *name, struct slice text, struct fault *f)
{
    char *path = new_dir_path(d, name), *tmp = file_join(d->tmp, "new-text");
    bool ok = file_replace(tmp, path, text, f);
    mem_free(path);
    mem_free(tmp);
    return ok;
}

static void free_dir(struct new_dir *d)
{
    mem_free(d->out);
    mem_free(d->tmp);
    mem_free(d->sub);
    *d = (struct new_dir){0};
}

bool new_dir_end(struct new_dir *d, struct fault *f)
{
    must(d->tmp && d->out);
    int err = d->sub ? file_sync_dir(d->sub) : 0;
    if (err == 0)
        err = file_sync_dir(d->tmp);
    if (err < 0)
        fault_io(f, -err, "fsync", "Can't sync %s", d->tmp);
    if (err == 0 && file_exists(d->out))
        fault_io(f, EEXIST, "rename", "%s", d->out);
    if (!fault_is(f)) {
        struct renaming one = {d->tmp, d->out};
        struct renamed done = file_rename_durably(&one, 1);
        if (done.end != RENAME_DONE)
            fault_io(f, -done.err, "rename", "Can't give %s its name", d->out);
    }
    if (fault_is(f))
        new_dir_drop(d);
    else
        free_dir(d);
    return !fault_is(f);
}

void new_dir_drop(struct new_dir *d)
{
    if (d->tmp)
        remove_dir(d->tmp);
    free_dir(d);
}
