/* SPDX-License-Identifier: BSD-3-Clause */
/* A log is not changed under a server that appends to it: what the server writes next would stand
 * where something was cut. The server's lock (src/persist/dir_lock.h) is in its working directory:
 * the one above the log's, or that of the single file of an older server. It is only looked for: a
 * directory without it was never one of ours. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/aof_parts.h"
#include "os/file.h"
#include "os/lock_file.h"
#include "tools/check.h"

/* False: a server has it; why tells. Kept until the tool ends otherwise. */
static bool take(const char *dir, const char *up, struct buf *why)
{
    char path[PATH_MAX];
    pid_t holder;
    if ((size_t)snprintf(path, sizeof path, "%s%s" DIR_LOCK_FILE, dir, up) >= sizeof path ||
        access(path, F_OK) < 0)
        return true;
    if (lock_file_take_from_ended(path, &holder) != -EAGAIN)
        return true; /* ours, or none that can be had */
    if (holder)
        buf_printf(why, "A server is using this log: process %ld. Stop it first.", (long)holder);
    else
        buf_printf(why, "A server is using this log. Stop it first.");
    return false;
}

/* ---- servers that know no such lock: who has the files open for writing? ---- */

/* The log, and the process and its descriptor that are looked at. */
struct writers {
    char *file;       /* as /proc has it */
    const char *name; /* in it, behind the directory */
    char *stem;       /* of a set: x.aof of x.aof.manifest, its files are named by it; else NULL */
    long self, found; /* process that writes; 0: none */
    char *open;       /* /proc/PID/fd of the one that is looked at */
    const char *pid;
};

/* Does the descriptor write? */
static bool writes(const char *pid, const char *fd)
{
    char path[64];
    struct buf text = {0};
    struct fault none = {0};
    snprintf(path, sizeof path, "/proc/%.20s/fdinfo/%.20s", pid, fd);
    bool told = file_slurp(path, 1 << 20, &text, &none);
    const char *flags = told ? strstr(buf_cstr(&text), "flags:") : NULL;
    bool yes = flags && (strtoul(flags + 6, NULL, 8) & O_ACCMODE) != O_RDONLY;
    buf_free(&text);
    return yes;
}

/* Is it the file, or, of a set, one that has its place in it? What else somebody writes beside them
 * is no part of the log. */
static bool concerns(const struct writers *w, const char *open)
{
    size_t dir = (size_t)(w->name - w->file);
    if (strcmp(open, w->file) == 0)
        return true;
    return w->stem && strncmp(open, w->file, dir) == 0 && !strchr(open + dir, '/') &&
           !strstr(open, " (deleted)") && aof_part_kind(w->stem, open + dir);
}

static bool look_at_fd(void *arg, const char *fd)
{
    struct writers *w = arg;
    char *link = file_join(w->open, fd), open[PATH_MAX];
    ssize_t n = readlink(link, open, sizeof open - 1);
    mem_free(link);
    open[n < 0 ? 0 : n] = '\0';
    if (concerns(w, open) && writes(w->pid, fd))
        w->found = strtol(w->pid, NULL, 10);
    return !w->found;
}

static bool look_at_process(void *arg, const char *name)
{
    struct writers *w = arg;
    long pid = strtol(name, NULL, 10);
    if (pid <= 0 || pid == w->self)
        return true;
    char dir[64];
    snprintf(dir, sizeof dir, "/proc/%.20s/fd", name);
    w->open = dir;
    w->pid = name;
    file_each(dir, look_at_fd, w);
    w->open = NULL;
    return !w->found;
}

/* As /proc has its name; of a set, whose files lie beside it, a link is no other place. For
 * mem_free; NULL: it is not there. */
static char *real_name(const char *path, bool set)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash && slash > path ? mem_dup(path, (size_t)(slash - path)) : mem_strdup(".");
    char *real = realpath(!set ? path : slash == path ? "/" : dir, NULL), *name = NULL;
    if (real)
        name = !set ? mem_strdup(real)
                    : file_join(strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : path);
    mem_free(dir);
    free(real);
    return name;
}

/* Where /proc tells, of processes that we may look into. */
static bool nobody_writes(const char *path, struct buf *why)
{
    static const char suffix[] = ".manifest";
    size_t n = strlen(path), tail = sizeof suffix - 1;
    bool set = n > tail && strcmp(path + n - tail, suffix) == 0;
    struct writers w = {.self = (long)getpid(), .file = real_name(path, set)};
    if (!w.file)
        return true;
    w.name = strrchr(w.file, '/') + 1;
    if (set)
        w.stem = mem_dup(w.name, strlen(w.name) - tail);
    file_each("/proc", look_at_process, &w);
    if (w.found)
        buf_printf(why, "Process %ld has this log open for writing. Stop it first.", w.found);
    mem_free(w.stem);
    mem_free(w.file);
    return !w.found;
}

bool check_lock_free(const char *path, struct buf *why)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    if (len >= sizeof dir)
        return true;
    memcpy(dir, path, len);
    dir[len] = '\0';
    return take(dir, "", why) && take(dir, "../", why) && nobody_writes(path, why);
}

int check_lock_turn(const char *path, struct buf *why)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_dup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    pid_t holder;
    int fd = lock_dir_take(dir, &holder);
    mem_free(dir);
    if (fd == -EAGAIN && holder)
        buf_printf(why, "Process %ld is changing this log. Wait for its end.", (long)holder);
    else if (fd == -EAGAIN)
        buf_printf(why, "Another process is changing this log. Wait for its end.");
    return fd < 0 ? -1 : fd;
}

/* The turn is kept until the process ends. */
bool check_lock(const char *path)
{
    struct buf why = {0};
    bool ok = (check_lock_turn(path, &why) >= 0 || why.len == 0) && check_lock_free(path, &why);
    if (!ok)
        printf("%s\n", buf_cstr(&why));
    buf_free(&why);
    return ok;
}
