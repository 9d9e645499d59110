/* SPDX-License-Identifier: BSD-3-Clause */
/* The real calls, the table in use, and the few compositions whose order is what makes a file safe:
 *
 *   write tmp -> fsync tmp -> close -> rename over path -> fsync the directory
 *
 * The pointer to the table in use is the one mutable object here: a test sets it before anything
 * else runs, the server never does. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"

static int real_open(const char *path, int flags, mode_t mode)
{
    int fd = open(path, flags | O_CLOEXEC, mode);
    return fd < 0 ? -errno : fd;
}

static int real_close(int fd)
{
    return close(fd) < 0 ? -errno : 0;
}

static ssize_t real_read(int fd, void *to, size_t n)
{
    ssize_t got = read(fd, to, n);
    return got < 0 ? -errno : got;
}

static ssize_t real_pread(int fd, void *to, size_t n, off_t at)
{
    ssize_t got = pread(fd, to, n, at);
    return got < 0 ? -errno : got;
}

static ssize_t real_write(int fd, const void *from, size_t n)
{
    ssize_t put = write(fd, from, n);
    return put < 0 ? -errno : put;
}

static int real_fsync(int fd)
{
    return fsync(fd) < 0 ? -errno : 0;
}

static int real_fdatasync(int fd)
{
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int real_ftruncate(int fd, off_t size)
{
    return ftruncate(fd, size) < 0 ? -errno : 0;
}

static int real_rename(const char *from, const char *to)
{
    return rename(from, to) < 0 ? -errno : 0;
}

static int real_unlink(const char *path)
{
    return unlink(path) < 0 ? -errno : 0;
}

static int real_link(const char *from, const char *to)
{
    static const char own[] = "/proc/self/fd/"; /* of what is open, and may have no name yet */
    int flags = strncmp(from, own, sizeof own - 1) == 0 ? AT_SYMLINK_FOLLOW : 0;
    return linkat(AT_FDCWD, from, AT_FDCWD, to, flags) < 0 ? -errno : 0;
}

static int real_mkdir(const char *path, mode_t mode)
{
    return mkdir(path, mode) < 0 ? -errno : 0;
}

static int real_fstat(int fd, struct stat *st)
{
    return fstat(fd, st) < 0 ? -errno : 0;
}

static int real_stat(const char *path, struct stat *st)
{
    return stat(path, st) < 0 ? -errno : 0;
}

/* An error in the middle is told: what was seen then is not all. */
static int real_each(const char *dir, bool (*visit)(void *arg, const char *name), void *arg)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    int err = 0;
    bool more = true;
    if (!d)
        return -errno;
    while (more) {
        errno = 0;
        if (!(entry = readdir(d))) {
            err = errno;
            break;
        }
        bool self = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        more = self || visit(arg, entry->d_name);
    }
    closedir(d);
    return -err;
}

static int real_write_behind(int fd, off_t from, off_t n)
{
#ifdef SYNC_FILE_RANGE_WRITE
    unsigned wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                    SYNC_FILE_RANGE_WAIT_AFTER;
    int rc = sync_file_range(fd, from, n, SYNC_FILE_RANGE_WRITE);
    if (rc == 0 && from >= n)
        rc = sync_file_range(fd, from - n, n, wait);
    return rc < 0 ? -errno : 0;
#else
    (void)fd, (void)from, (void)n;
    return -ENOSYS;
#endif
}

const struct file_calls file_calls_real = {
    .open = real_open,
    .close = real_close,
    .read = real_read,
    .pread = real_pread,
    .write = real_write,
    .fsync = real_fsync,
    .fdatasync = real_fdatasync,
    .ftruncate = real_ftruncate,
    .rename = real_rename,
    .unlink = real_unlink,
    .link = real_link,
    .mkdir = real_mkdir,
    .fstat = real_fstat,
    .stat = real_stat,
    .write_behind = real_write_behind,
    .each = real_each,
};

static const struct file_calls *calls_in_use = &file_calls_real;

void file_use(const struct file_calls *calls)
{
    calls_in_use = calls ? calls : &file_calls_real;
}

const struct file_calls *file_calls(void)
{
    return calls_in_use;
}

#define RETRY(result, call) \
    do { \
        result = (call); \
    } while (result == -EINTR)

int file_open(const char *path, int flags, mode_t mode)
{
    int fd;
    RETRY(fd, calls_in_use->open(path, flags, mode));
    return fd;
}

/* Linux has released the descriptor even when close was interrupted: a retry could close another
 * one. */
int file_close(int fd)
{
    int rc = calls_in_use->close(fd);
    return rc == -EINTR ? 0 : rc;
}

ssize_t file_read(int fd, void *to, size_t n)
{
    ssize_t got;
    RETRY(got, calls_in_use->read(fd, to, n));
    return got;
}

ssize_t file_pread(int fd, void *to, size_t n, off_t at)
{
    ssize_t got;
    RETRY(got, calls_in_use->pread(fd, to, n, at));
    return got;
}

static ssize_t write_some(int fd, const void *from, size_t n)
{
    ssize_t put;
    RETRY(put, calls_in_use->write(fd, from, n));
    return put;
}

int file_fsync(int fd)
{
    int rc;
    RETRY(rc, calls_in_use->fsync(fd));
    return rc;
}

int file_fdatasync(int fd)
{
    int rc;
    RETRY(rc, calls_in_use->fdatasync(fd));
    return rc;
}

int file_truncate(int fd, off_t size)
{
    int rc;
    RETRY(rc, calls_in_use->ftruncate(fd, size));
    return rc;
}

int file_rename(const char *from, const char *to)
{
    return calls_in_use->rename(from, to);
}

int file_link(const char *from, const char *to)
{
    return calls_in_use->link(from, to);
}

int file_fstat(int fd, struct stat *st)
{
    return calls_in_use->fstat(fd, st);
}

int file_unlink(const char *path)
{
    return calls_in_use->unlink(path);
}

int file_mkdir(const char *path, mode_t mode)
{
    return calls_in_use->mkdir(path, mode);
}

int file_stat(const char *path, struct stat *st)
{
    return calls_in_use->stat(path, st);
}

int64_t file_size(int fd)
{
    struct stat st;
    int rc = file_fstat(fd, &st);
    return rc < 0 ? rc : (int64_t)st.st_size;
}

int file_write_all(int fd, const void *from, size_t n, size_t *written)
{
    size_t done = 0;
    int rc = 0;
    while (done < n) {
        ssize_t put = write_some(fd, (const char *)from + done, n - done);
        if (put <= 0) {
            rc = put < 0 ? (int)put : -ENOSPC; /* a write of nothing will not get better */
            break;
        }
        must((size_t)put <= n - done);
        done += (size_t)put;
    }
    if (written)
        *written = done;
    return rc;
}

int file_sync_dir(const char *dir)
{
    int fd = file_open(dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = file_fsync(fd);
    file_close(fd);
    /* Some file systems cannot sync a directory and say so: nothing is left to be done there. */
    return rc == -EINVAL ? 0 : rc;
}

int file_sync_dir_of(const char *path)
{
    char dir[PATH_MAX];
    if (file_is_dir(path))
        return file_sync_dir(path);
    const char *last = strrchr(path, '/');
    if (!last)
        return file_sync_dir(".");
    size_t len = last == path ? 1 : (size_t)(last - path);
    if (len >= sizeof dir)
        return -ENAMETOOLONG;
    memcpy(dir, path, len);
    dir[len] = '\0';
    return file_sync_dir(dir);
}

/* Without the last name, as far as it is a path; "." otherwise. For mem_free. */
static char *dir_of(const char *path)
{
    const char *last = strrchr(path, '/');
    size_t len = !last ? 0 : last == path ? 1 : (size_t)(last - path);
    char *dir = mem_strdup(len ? path : ".");
    if (len)
        dir[len] = '\0';
    return dir;
}

/* Of the i-th new name; 0 when one before it lies there too. */
static int sync_dir_of_nth(const struct renaming *list, size_t i)
{
    char *dir = dir_of(list[i].to);
    bool again = false;
    for (size_t k = 0; k < i && !again; k++) {
        char *before = dir_of(list[k].to);
        again = strcmp(before, dir) == 0;
        mem_free(before);
    }
    int err = again ? 0 : file_sync_dir(dir);
    mem_free(dir);
    return err;
}

struct renamed file_rename_durably(const struct renaming *list, size_t count)
{
    struct renamed r = {.end = RENAME_FAILED};
    must(count > 0);
    for (r.at = 0; r.at < count; r.at++) {
        r.err = file_rename(list[r.at].from, list[r.at].to);
        if (r.err < 0)
            return r;
    }
    r.end = RENAME_UNSURE;
    for (r.at = 0; r.at < count; r.at++) {
        r.err = sync_dir_of_nth(list, r.at);
        if (r.err < 0)
            return r;
    }
    r.end = RENAME_DONE;
    must(r.err == 0 && r.at == count);
    return r;
}

/* fd is tmp's; it is closed in any case. */
static enum rename_end publish(int fd, const char *tmp, const char *path, struct fault *f)
{
    struct renamed r = {.end = RENAME_FAILED};
    const char *doing = "fsync";
    int err = file_fsync(fd);
    int closed = file_close(fd);
    if (err == 0 && closed < 0) {
        doing = "close";
        err = closed;
    }
    if (err == 0) {
        doing = "rename";
        r = file_rename_durably(&(struct renaming){tmp, path}, 1);
        err = r.err;
    }
    if (r.end == RENAME_FAILED) {
        fault_io(f, -err, doing, "Can't %s %s", doing, tmp);
        file_unlink(tmp);
    } else if (r.end == RENAME_UNSURE) {
        fault_io(f, -err, "fsync-directory", "Can't sync the directory of %s", path);
    }
    must(r.end == RENAME_DONE ? err == 0 : fault_is(f));
    return r.end;
}

int file_write_behind(int fd, off_t from, off_t n)
{
    return file_calls()->write_behind ? file_calls()->write_behind(fd, from, n) : -ENOSYS;
}

int file_create(const char *path, int flags)
{
    must((flags & ~O_APPEND) == 0);
    int old = file_unlink(path);
    if (old < 0 && old != -ENOENT)
        return old;
    return file_open(path, O_WRONLY | O_CREAT | O_EXCL | flags, 0666);
}

/* Not through the table: no byte of data hangs on it. The owner first, as the mode may be lost with
 * it; who may not give files away, or has a file system without owners, keeps them. */
int file_set_attributes(int fd, const struct stat *like)
{
    struct stat now;
    if (fstat(fd, &now) < 0)
        return -errno;
    if ((now.st_uid != like->st_uid || now.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid) == 0)
        now.st_mode = 0; /* it may have changed */
    if ((now.st_mode & 07777) == (like->st_mode & 07777))
        return 0;
    return fchmod(fd, like->st_mode & 07777) < 0 ? -errno : 0;
}

struct timespec file_time_past(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t); /* where files' times come from */
    if (t.tv_nsec-- == 0)
        t = (struct timespec){t.tv_sec - 1, 999999999};
    must(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    return t;
}

void file_set_time(int fd, struct timespec modified)
{
    struct timespec times[2] = {modified, modified};
    if (futimens(fd, times) < 0)
        return; /* it keeps that of its last write */
}

enum rename_end file_put(const char *tmp, const char *path, struct slice content, struct fault *f)
{
    int fd = file_create(tmp, 0);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Can't open %s", tmp);
        return RENAME_FAILED;
    }
    struct stat like;
    int rc = file_stat(path, &like) == 0 ? file_set_attributes(fd, &like) : 0;
    if (rc == 0) /* no byte was in it before */
        rc = file_write_all(fd, content.data, content.len, NULL);
    if (rc < 0) {
        fault_io(f, -rc, "write", "Can't write %s", tmp);
        file_close(fd);
        file_unlink(tmp);
        return RENAME_FAILED;
    }
    return publish(fd, tmp, path, f);
}

bool file_replace(const char *tmp, const char *path, struct slice content, struct fault *f)
{
    return file_put(tmp, path, content, f) == RENAME_DONE;
}

/* Reads until the end rather than trusting the size: pipes and /proc files have none. */
static bool read_to_end(int fd, const char *path, size_t limit, struct buf *out, struct fault *f)
{
    size_t start = out->len;
    for (;;) {
        size_t have = out->len - start;
        must(have <= limit);
        /* One byte over the limit is asked for, so that exactly limit bytes still fit. */
        size_t room = limit - have < 16384 ? limit - have + 1 : 16384;
        ssize_t got = file_read(fd, buf_reserve(out, room), room);
        if (got < 0) {
            fault_io(f, (int)-got, "read", "Can't read %s", path);
            return false;
        }
        if (got == 0)
            return true;
        out->len += (size_t)got;
        if (out->len - start > limit) {
            fault_set(f, FAULT_LIMIT, "%s is larger than %zu bytes", path, limit);
            return false;
        }
    }
}

bool file_slurp(const char *path, size_t limit, struct buf *out, struct fault *f)
{
    must(limit < SIZE_MAX);
    int fd = file_open(path, O_RDONLY, 0);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Can't open %s", path);
        return false;
    }
    bool ok = read_to_end(fd, path, limit, out, f);
    must(ok || fault_is(f));
    file_close(fd);
    return ok;
}

int file_each(const char *dir, bool (*visit)(void *arg, const char *name), void *arg)
{
    return calls_in_use->each(dir, visit, arg);
}

char *file_join(const char *dir, const char *name)
{
    struct buf path = {0};
    size_t n = dir ? strlen(dir) : 0;
    bool slash = dir && (n == 0 || dir[n - 1] != '/');
    buf_printf(&path, "%s%s%s", dir ? dir : "", slash ? "/" : "", name);
    buf_cstr(&path);
    return path.data;
}

char *file_absolute(const char *name, struct fault *f)
{
    char here[PATH_MAX];
    if (*name == '/')
        return mem_strdup(name);
    if (!getcwd(here, sizeof here)) {
        fault_io(f, errno, "getcwd", "Can't tell the working directory");
        return NULL;
    }
    return *name ? file_join(here, name) : mem_strdup(here);
}

bool file_is_regular(const char *path, struct fault *f)
{
    struct stat st;
    int err = file_stat(path, &st);
    if (err == -ENOENT || (err == 0 && S_ISREG(st.st_mode)))
        return true;
    if (err < 0)
        fault_io(f, -err, "stat", "Can't look for %s", path);
    else
        fault_set(f, FAULT_INVALID, "%s is not a regular file", path);
    return false;
}

bool file_slurp_regular(const char *path, size_t limit, struct buf *out, struct fault *f)
{
    return file_is_regular(path, f) && file_slurp(path, limit, out, f);
}

bool file_look_for(const char *path, bool *there, struct fault *f)
{
    struct stat st;
    char target[2];
    int err = file_stat(path, &st);
    *there = err == 0;
    if (err == -ENOENT && readlink(path, target, sizeof target) > 0) {
        fault_io(f, ENOENT, "stat", "%s is a symbolic link to a file that is not there", path);
        return false;
    }
    if (err == 0 || err == -ENOENT)
        return true;
    fault_io(f, -err, "stat", "Can't look for %s", path);
    return false;
}

bool file_exists(const char *path)
{
    struct stat st;
    return file_stat(path, &st) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return file_stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
