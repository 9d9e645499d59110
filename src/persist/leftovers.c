/* SPDX-License-Identifier: BSD-3-Clause */
/* Names are collected before anything is removed: a directory must not change under the reader. A
 * process of another user that lives answers kill with EPERM, which is not "gone". */
#include "persist/leftovers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/must.h"
#include "os/file.h"
#include "os/lock_file.h"

/* Behind prefix only a number without sign or leading zero, then suffix. */
static pid_t pid_between(const char *name, const char *prefix, const char *suffix)
{
    enum { DIGITS_MAX = 9 };
    size_t n = strlen(prefix);
    if (strncmp(name, prefix, n) != 0)
        return 0;
    size_t digits = strspn(name + n, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX || name[n] == '0' ||
        strcmp(name + n + digits, suffix) != 0)
        return 0;
    long pid = atol(name + n);
    must(pid > 0);
    return (pid_t)pid;
}

pid_t leftovers_pid(const char *name)
{
    pid_t pid = pid_between(name, "temp-", ".rdb");
    if (!pid) /* received by a replica */
        pid = pid_between(name, "temp-sync-", ".rdb");
    if (!pid)
        pid = pid_between(name, "temp-rewriteaof-", ".aof");
    return pid ? pid : pid_between(name, "temp-rewriteaof-bg-", ".aof");
}

static bool collect(void *arg, const char *name)
{
    pid_t pid = leftovers_pid(name);
    if (pid && (pid == getpid() || process_has_ended(pid)))
        buf_append(arg, name, strlen(name) + 1);
    return true;
}

void leftovers_remove(const char *dir)
{
    struct buf names = {0}, path = {0};
    file_each(dir, collect, &names);
    must(names.len == 0 || names.data[names.len - 1] == '\0');
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
        struct stat st;
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, names.data + at);
        if (lstat(buf_cstr(&path), &st) < 0 || !S_ISREG(st.st_mode))
            continue;
        int err = file_unlink(buf_cstr(&path));
        if (err < 0)
            log_warning("Can't remove the temporary file %s: %s", path.data, strerror(-err));
        else
            log_notice("Removed %s (%lld bytes), which a process that died left", path.data,
                       (long long)st.st_size);
    }
    buf_free(&names);
    buf_free(&path);
}
