/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/file_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"

enum { BLOCK = 64 << 10, NAMES_MAX = 100 };

/* 0 or -errno. */
static int copy(int from, uint64_t at, int to)
{
    char *block = mem_alloc(BLOCK);
    ssize_t got;
    int err = 0;
    while (err == 0 && (got = file_pread(from, block, BLOCK, (off_t)at)) != 0) {
        err = got < 0 ? (int)got : file_write_all(to, block, (size_t)got, NULL);
        at += got > 0 ? (uint64_t)got : 0;
    }
    mem_free(block);
    return err;
}

/* A name that is free: the same cut may have been made within this second. */
static int create(const char *path, uint64_t at, int64_t now_s, struct buf *kept)
{
    size_t start = kept->len;
    int fd = -EEXIST;
    for (int i = 0; i < NAMES_MAX && fd == -EEXIST; i++) {
        kept->len = start;
        buf_printf(kept, "%s.cut-%" PRIu64 "-%" PRId64, path, at, now_s);
        if (i > 0)
            buf_printf(kept, ".%d", i);
        fd = file_open(buf_cstr(kept) + start, O_WRONLY | O_CREAT | O_EXCL, 0666);
    }
    return fd;
}

static bool keep(const char *path, int from, uint64_t at, int64_t now_s, struct buf *kept,
                 struct fault *f)
{
    size_t start = kept->len;
    int fd = create(path, at, now_s, kept);
    const char *name = buf_cstr(kept) + start;
    must(kept->len > start);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Can't keep what is to be cut off in %s", name);
        kept->len = start;
        return false;
    }
    struct stat st;
    int err = file_fstat(from, &st);
    if (err == 0) /* no more people may read it than the file it comes from */
        err = file_set_attributes(fd, &st);
    if (err == 0)
        err = copy(from, at, fd);
    if (err == 0)
        err = file_fsync(fd);
    file_close(fd);
    if (err == 0)
        err = file_sync_dir_of(name);
    if (err == 0)
        return true;
    fault_io(f, -err, "write", "Can't keep what is to be cut off in %s", name);
    file_unlink(name);
    kept->len = start;
    return false;
}

bool file_cut(const char *path, uint64_t at, int64_t now_s, struct buf *kept, struct fault *f)
{
    int fd = file_open(path, O_RDWR, 0);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Can't open %s", path);
        return false;
    }
    int64_t size = file_size(fd);
    bool ok = true;
    if (size < 0 || (uint64_t)size > at) {
        ok = keep(path, fd, at, now_s, kept, f);
        int err = ok ? file_truncate(fd, (off_t)at) : 0;
        if (ok && err == 0)
            err = file_fsync(fd);
        if (err < 0) {
            fault_io(f, -err, "truncate", "Can't cut %s", path);
            ok = false;
        }
    }
    must(ok || fault_is(f));
    file_close(fd);
    return ok;
}
