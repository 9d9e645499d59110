/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"

#define OWN_FILES "/proc/self/fd"

static int write_fd(void *arg, const void *from, size_t n)
{
    struct out_file *o = arg;
    int err = file_write_all(o->fd, from, n, NULL);
    o->written += err == 0 ? n : 0;
    return err;
}

/* A file without a name, of which nothing is left should the program be killed; negative where the
 * file system has none, or /proc, by which it gets its name, is not there. */
static int open_unnamed(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct buf dir = {0};
    if (!file_exists(OWN_FILES))
        return -ENOENT;
    buf_printf(&dir, "%.*s.", slash ? (int)(slash + 1 - path) : 0, path);
    int fd = file_open(buf_cstr(&dir), O_WRONLY | O_TMPFILE, 0666);
    buf_free(&dir);
    return fd;
}

/* dir/.name.PID.tmp: beside the file, so that it can be renamed. */
static char *tmp_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct buf tmp = {0};
    buf_printf(&tmp, "%.*s.%s.%ld.tmp", slash ? (int)(slash + 1 - path) : 0, path,
               slash ? slash + 1 : path, (long)getpid());
    char *out = mem_strdup(buf_cstr(&tmp));
    buf_free(&tmp);
    return out;
}

static bool open_file(struct out_file *o, const char *path, struct fault *f)
{
    bool there;
    struct stat st;
    if (file_stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
        o->fd = file_open(path, O_WRONLY, 0); /* a device, a pipe: nothing is written over */
        if (o->fd < 0)
            fault_io(f, -o->fd, "open", "Can't write %s", path);
        return o->fd >= 0;
    }
    if (!o->replace && (!file_look_for(path, &there, f) || there)) {
        fault_set(f, FAULT_INVALID, "%s is there already: nothing is written over it", path);
        return false;
    }
    o->path = mem_strdup(path);
    o->fd = open_unnamed(path);
    if (o->fd < 0) {
        o->tmp = tmp_beside(path);
        o->fd = file_create(o->tmp, 0);
    }
    if (o->fd >= 0)
        return true;
    fault_io(f, -o->fd, "open", "Can't write %s", o->tmp);
    mem_free(o->path);
    mem_free(o->tmp);
    return false;
}

bool out_file_open(struct out_file *o, const char *path, const struct out_file_options *opt,
                 struct fault *f)
{
    *o = (struct out_file){.replace = opt->replace, .fd = STDOUT_FILENO};
    if (strcmp(path, "-") == 0)
        fflush(stdout);
    else if (!open_file(o, path, f))
        return false;
    if (opt->compression == COMPRESSION_NONE) {
        out_init_callback(&o->out, write_fd, o, 0);
        return true;
    }
    o->packer = packer_new(opt->compression, opt->level, write_fd, o);
    out_init_callback(&o->out, packer_write, o->packer, 0);
    return true;
}

static void let_go(struct out_file *o)
{
    out_free(&o->out);
    packer_free(o->packer);
    mem_free(o->path);
    mem_free(o->tmp);
    *o = (struct out_file){.fd = -1};
}

void out_file_drop(struct out_file *o)
{
    if (o->fd > STDERR_FILENO)
        file_close(o->fd);
    if (o->tmp)
        file_unlink(o->tmp);
    let_go(o);
}

/* An unnamed one: a name beside the wanted one, if that is to be replaced. */
static int name_unnamed(struct out_file *o)
{
    char self[sizeof OWN_FILES + 16];
    must(!o->tmp && o->fd >= 0);
    snprintf(self, sizeof self, OWN_FILES "/%d", o->fd);
    if (!o->replace)
        return file_link(self, o->path);
    o->tmp = tmp_beside(o->path);
    file_unlink(o->tmp);
    return file_link(self, o->tmp);
}

/* A name that came to be meanwhile is not written over: link says so where rename would not. */
static int name_named(struct out_file *o)
{
    int linked = o->replace ? -EPERM : file_link(o->tmp, o->path);
    if (linked == -EPERM) /* to be replaced, or a file system without second names */
        return file_rename(o->tmp, o->path);
    return linked < 0 ? linked : file_unlink(o->tmp);
}

/* What is written is durable, and then has the wanted name. */
static bool give_name(struct out_file *o, struct fault *f)
{
    bool unnamed = !o->tmp;
    int err = file_fsync(o->fd);
    if (err == 0 && unnamed)
        err = name_unnamed(o);
    int closed = file_close(o->fd);
    o->fd = -1;
    if (err == 0)
        err = closed;
    if (err == 0 && o->tmp)
        err = name_named(o);
    if (err == 0)
        err = file_sync_dir_of(o->path);
    if (err < 0)
        fault_io(f, -err, "write", "Can't write %s", o->path);
    return err == 0;
}

bool out_file_end(struct out_file *o, struct fault *f)
{
    bool ok = out_flush(&o->out);
    if (!ok)
        *f = o->out.fault;
    int err = ok && o->packer ? packer_end(o->packer) : 0;
    if (err < 0)
        fault_io(f, -err, "write", "Can't write %s", o->path ? o->path : "to standard output");
    ok = ok && err == 0;
    if (!ok) {
        out_file_drop(o);
        return false;
    }
    if (o->path && !give_name(o, f)) {
        if (o->tmp)
            file_unlink(o->tmp);
        ok = false;
    }
    let_go(o);
    return ok;
}
