/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/new_dir.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/input.h"
#include "tools/log_write.h"
#include "tools/unfinished.h"

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

/* What runs that were killed have left of the same product. */
static void remove_left(const char *out)
{
    const char *slash = strrchr(out, '/'), *name = slash ? slash + 1 : out;
    char *dir = slash ? mem_dup(out, (size_t)(slash - out) + 1) : mem_strdup("./");
    struct buf names = names_in(dir);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
        size_t n;
        const char *found = names.data + at;
        if (!unfinished_left(found, mark, &n) || n != strlen(name) || strncmp(found, name, n) != 0)
            continue;
        char *path = file_join(dir, found);
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
    d->tmp = unfinished_name(d->out, mark);
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

void new_dir_options(const struct new_dir *d, const char *manifest, struct buf *to)
{
    static const char dir[] = "appendonlydir", file[] = "appendonly.aof.manifest";
    const char *end = strstr(manifest, ".manifest"), *slash = d->sub ? strrchr(d->sub, '/') : NULL;
    must(d->out);
    if (slash && strcmp(slash + 1, dir) != 0)
        buf_printf(to, ", appenddirname %s", slash + 1);
    if (end && strcmp(manifest, file) != 0)
        buf_printf(to, ", appendfilename %.*s", (int)(end - manifest), manifest);
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
