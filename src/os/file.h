/* SPDX-License-Identifier: BSD-3-Clause */
/* Every disk call that data hangs on goes through one table, so that a test can fail, shorten,
 * record or stop any of them. Thin: same meaning as the system call, -errno instead of -1 and
 * errno. Beside it: owners, modes and times of files (below), locks, the reserve's room, the log.
 *
 *   int fd = file_open(path, O_RDONLY, 0);
 *   if (fd < 0) fault_io(&f, -fd, "open", "Can't open %s", path); */
#ifndef OS_FILE_H
#define OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/fault.h"

struct file_calls {
    int (*open)(const char *path, int flags, mode_t mode); /* O_CLOEXEC is added */
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *to, size_t n);
    ssize_t (*pread)(int fd, void *to, size_t n, off_t at);
    ssize_t (*write)(int fd, const void *from, size_t n);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*ftruncate)(int fd, off_t size);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*link)(const char *from, const char *to); /* a second name */
    int (*mkdir)(const char *path, mode_t mode);
    int (*fstat)(int fd, struct stat *st);
    int (*stat)(const char *path, struct stat *st);
    int (*write_behind)(int fd, off_t from, off_t n); /* NULL: there is no such thing */
    int (*each)(const char *dir, bool (*visit)(void *arg, const char *name), void *arg);
};
/* The real calls. file_use(NULL) goes back to them; the table must outlive its use. */
extern const struct file_calls file_calls_real;
void file_use(const struct file_calls *calls);
const struct file_calls *file_calls(void);

/* ---- the calls, through the table; EINTR is retried except for close ---- */
int file_open(const char *path, int flags, mode_t mode);
int file_close(int fd);
ssize_t file_read(int fd, void *to, size_t n);
ssize_t file_pread(int fd, void *to, size_t n, off_t at);
int file_fsync(int fd);
int file_fdatasync(int fd);
int file_truncate(int fd, off_t size);
int file_rename(const char *from, const char *to);
int file_unlink(const char *path);
int file_link(const char *from, const char *to);
int file_fstat(int fd, struct stat *st);
int file_mkdir(const char *path, mode_t mode);
int file_stat(const char *path, struct stat *st);
int64_t file_size(int fd); /* or -errno */

/* ---- made of them ---- */
/* Writes all n bytes. Returns 0 or -errno; *written (may be NULL) tells how far it came. */
int file_write_all(int fd, const void *from, size_t n, size_t *written);
/* The kernel begins to write these bytes to the disk and ends writing the n before them: who writes
 * waits for a slow disk only. Makes nothing durable. 0 or -errno: no such thing. */
int file_write_behind(int fd, off_t from, off_t n);
/* A new, empty file to write to, also where one has the name: that one may be left from a try whose
 * sync failed, and such a file can't be trusted again. flags: O_APPEND, or 0. Its mode is what the
 * umask leaves of 0666, as with every file made here. fd or -errno. */
int file_create(const char *path, int flags);
/* fsync of the directory that holds path (or of path itself when it is a directory). */
int file_sync_dir_of(const char *path);
int file_sync_dir(const char *dir);

/* ---- names that readers open, and that survive a loss of power ---- */
/* FAILED: a name could not be given, those before it in the list are. UNSURE: all are given, and
 * not durable: after a loss of power a name may stand for what it stood for before. */
enum rename_end { RENAME_FAILED, RENAME_UNSURE, RENAME_DONE };
struct renaming {
    const char *from, *to;
};
struct renamed {
    enum rename_end end;
    int err;   /* -errno; 0 when done */
    size_t at; /* in the list: what could not be renamed, or whose directory could not be synced */
};
/* Complete and durable files get their names, in the order of the list. Then the directories of the
 * new names are synced, each once. An old name in another directory may be back after a loss of
 * power. */
struct renamed file_rename_durably(const struct renaming *list, size_t count);
/* The rule for files as a whole: content is complete and durable under tmp, then renamed over path,
 * then the directory is synced. A file that is replaced keeps its mode and, where that may be given
 * away, its owner: it may hold secrets. f is filled unless done; when it failed tmp is removed. */
enum rename_end file_put(const char *tmp, const char *path, struct slice content, struct fault *f);
/* The same; true: done. */
bool file_replace(const char *tmp, const char *path, struct slice content, struct fault *f);

/* Mode and owner of another file, as far as they may be given away. 0 or -errno. */
int file_set_attributes(int fd, const struct stat *like);
/* What is written from now on is younger than this. */
struct timespec file_time_past(void);
void file_set_time(int fd, struct timespec modified);
/* Whole small file into out (appended); refuses above limit. A pipe is read to its end. */
bool file_slurp(const char *path, size_t limit, struct buf *out, struct fault *f);
/* Only what is a regular file: of data, which is nobody's pipe. A pipe would be waited for. */
bool file_slurp_regular(const char *path, size_t limit, struct buf *out, struct fault *f);
/* False with f when there is something of that name that is no regular file. */
bool file_is_regular(const char *path, struct fault *f);
/* Each name in the directory but . and ..; the visitor returns false to stop. 0 or -errno. */
int file_each(const char *dir, bool (*visit)(void *arg, const char *name), void *arg);
/* dir/name, with one slash; name where dir is NULL. For mem_free. */
char *file_join(const char *dir, const char *name);
/* Name as seen from the working directory of now ("": that itself), for mem_free. NULL with f. */
char *file_absolute(const char *name, struct fault *f);
/* Only "no such file" means that there is none: what cannot be looked at may well be there, and so
 * may what a link to nothing is meant to name (a disk that is not mounted). */
bool file_look_for(const char *path, bool *there, struct fault *f);
bool file_exists(const char *path);
bool file_is_dir(const char *path);

#endif
