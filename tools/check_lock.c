/* SPDX-License-Identifier: BSD-3-Clause */
/* A log is not changed under a server that appends to it: what the server writes next would stand
 * where something was cut. The server's lock (src/persist/dir_lock.h) is in its working directory:
 * the one above the log's, or that of the single file of an older server. It is only looked for: a
 * directory without it was never one of ours. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Does the descriptor of that process write? */
static bool writes(const char *pid, const char *fd)
{
    char path[PATH_MAX], line[128];
    bool yes = false;
    snprintf(path, sizeof path, "/proc/%s/fdinfo/%s", pid, fd);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "flags:", 6) == 0)
            yes = (strtoul(line + 6, NULL, 8) & O_ACCMODE) != O_RDONLY;
    if (f)
        fclose(f);
    return yes;
}

/* Is it the file, or, of a set, a file beside the manifest? */
static bool concerns(const char *open, const char *file, bool set)
{
    size_t dir = (size_t)(strrchr(file, '/') - file) + 1;
    if (!set)
        return strcmp(open, file) == 0;
    return strncmp(open, file, dir) == 0 && !strchr(open + dir, '/') &&
           !strstr(open, " (deleted)");
}

static bool process_writes(const char *pid, const char *file, bool set)
{
    char dir[64], name[PATH_MAX], open[PATH_MAX];
    struct dirent *e;
    bool found = false;
    snprintf(dir, sizeof dir, "/proc/%.20s/fd", pid);
    DIR *d = opendir(dir);
    while (d && !found && (e = readdir(d))) {
        snprintf(name, sizeof name, "%s/%.20s", dir, e->d_name);
        ssize_t n = readlink(name, open, sizeof open - 1);
        open[n < 0 ? 0 : n] = '\0';
        found = n > 0 && concerns(open, file, set) && writes(pid, e->d_name);
    }
    if (d)
        closedir(d);
    return found;
}

/* Where /proc tells, of processes that we may look into. */
static bool nobody_writes(const char *path, struct buf *why)
{
    static const char suffix[] = ".manifest";
    size_t n = strlen(path), tail = sizeof suffix - 1;
    char *file = realpath(path, NULL);
    struct dirent *e;
    DIR *d = file ? opendir("/proc") : NULL;
    long self = (long)getpid();
    bool free_of = true;
    while (d && free_of && (e = readdir(d))) {
        long pid = strtol(e->d_name, NULL, 10);
        if (pid <= 0 || pid == self)
            continue;
        free_of = !process_writes(e->d_name, file,
                                  n > tail && strcmp(path + n - tail, suffix) == 0);
        if (!free_of)
            buf_printf(why, "Process %ld has this log open for writing. Stop it first.", pid);
    }
    if (d)
        closedir(d);
    free(file);
    return free_of;
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

bool check_lock(const char *path)
{
    struct buf why = {0};
    bool ok = check_lock_free(path, &why);
    if (!ok)
        printf("%s\n", buf_cstr(&why));
    buf_free(&why);
    return ok;
}
