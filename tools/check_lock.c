/* SPDX-License-Identifier: BSD-3-Clause */
/* A log is not changed under a server that appends to it: what the server writes next would stand
 * where something was cut. The server's lock (src/persist/dir_lock.h) is in its working directory:
 * the one above the log's, or that of the single file of an older server. It is only looked for: a
 * directory without it was never one of ours. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
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

bool check_lock_free(const char *path, struct buf *why)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    if (len >= sizeof dir)
        return true;
    memcpy(dir, path, len);
    dir[len] = '\0';
    return take(dir, "", why) && take(dir, "../", why);
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
