/* SPDX-License-Identifier: BSD-3-Clause */
/* Held directories are told apart by what they are, not by their names: under another name the same
 * one would seem to be taken by somebody else. At most three are held: the one that is worked in,
 * that of the log, and for a moment the one that was left. */
#include "persist/dir_lock.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/lock_file.h"
#include "persist/aof.h"
#include "persist/persist.h"
#include "persist/snapshot.h"
#include "server/config.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/supervisor.h"

enum { HELD_MAX = 3, LOOK_EVERY_US = 20000, DEAD_HOLDER_US = 2000000, TELL_EVERY_US = 5000000 };

struct held {
    int fd;
    dev_t dev; /* of the directory */
    ino_t ino;
};

struct dir_lock {
    struct persist *persist;
    bool on, started;
    int64_t wait_s;
    struct held held[HELD_MAX];
    int count;
    bool told; /* that a directory can't be locked as nothing can be written there */
};

static int place_of(const struct dir_lock *d, const struct stat *st)
{
    for (int i = 0; i < d->count; i++)
        if (d->held[i].dev == st->st_dev && d->held[i].ino == st->st_ino)
            return i;
    return -1;
}

static void give_back(struct dir_lock *d, int i)
{
    close(d->held[i].fd);
    d->held[i] = d->held[--d->count];
}

static void tell_holder(const char *dir, pid_t holder, struct fault *f)
{
    char who[64] = "a server on another host or in another container", here[256];
    if (holder)
        snprintf(who, sizeof who, "process %ld", (long)holder);
    fault_set(f, FAULT_LIMIT,
              "The directory %s is in use by %s: stop that first, or wait for its end "
              "(dir-lock-wait), or give each server a directory of its own; dir-lock no lets them "
              "share it",
              *dir == '/' ? dir : getcwd(here, sizeof here) ? here : ".", who);
}

/* Who can't make the lock can't write data there either: that says so itself when it is tried. */
static bool can_go_without(int err)
{
    return err == EACCES || err == EROFS || err == EPERM || err == ENOSPC || err == EDQUOT;
}

/* Gone, or a zombie: its threads may still be on their way out. */
static bool has_ended(pid_t pid)
{
    char path[32], text[256] = "";
    if (kill(pid, 0) < 0 && errno == ESRCH)
        return true;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *stat_file = fopen(path, "re");
    size_t got = stat_file ? fread(text, 1, sizeof text - 1, stat_file) : 0;
    if (stat_file)
        fclose(stat_file);
    const char *name_end = got ? strrchr(text, ')') : NULL;
    return name_end && name_end[1] == ' ' && name_end[2] == 'Z';
}

/* A killed server may have the lock for a moment yet: its last thread has it, or a child that was
 * just being made and has not noticed. */
static int take_file(const char *path, pid_t *holder)
{
    int64_t end_us = clock_mono_us() + DEAD_HOLDER_US;
    int fd = lock_file_take(path, holder);
    while (fd == -EAGAIN && (*holder == 0 || has_ended(*holder)) &&
           clock_mono_us() < end_us) {
        usleep(LOOK_EVERY_US);
        fd = lock_file_take(path, holder);
    }
    return fd;
}

/* 0: held, or none is needed. 1: somebody else has it, -1: no locks here; f says so. */
static int take(struct dir_lock *d, const char *dir, struct fault *f)
{
    struct stat st;
    pid_t holder;
    if (!d->on || stat(dir, &st) < 0 || place_of(d, &st) >= 0)
        return 0;
    char *path = file_join(dir, DIR_LOCK_FILE);
    int fd = take_file(path, &holder);
    mem_free(path);
    if (fd >= 0) {
        dir_lock_tick(d);
        d->held[d->count++] = (struct held){fd, st.st_dev, st.st_ino};
        return 0;
    }
    if (fd == -EAGAIN) {
        tell_holder(dir, holder, f);
        return 1;
    }
    if (can_go_without(-fd)) {
        if (!d->told)
            log_warning("The directory can't be locked against a second server (%s): %s",
                        DIR_LOCK_FILE, strerror(-fd));
        d->told = true;
        return 0;
    }
    fault_io(f, -fd, "lock", "The directory can't be locked against a second server (%s): where "
             "the file system has no locks, dir-lock no", DIR_LOCK_FILE);
    return -1;
}

static bool may_write(const struct persist *p)
{
    return p->aof->enabled || p->aof->state != AOF_OFF || snapshot_has_points(p->snapshot);
}

/* The clients that connect meanwhile are told that the data set is not there yet. */
static bool wait_for_it(struct dir_lock *d, struct fault *f)
{
    struct server *s = d->persist->server;
    int64_t end_us = clock_mono_us() + d->wait_s * 1000000;
    int rc = 1;
    log_notice("%s. Waiting up to %lld s", f->what, (long long)d->wait_s);
    d->persist->loading = true;
    server_set_loading(s, true);
    int64_t told_us = 0;
    while (rc == 1 && clock_mono_us() < end_us && !server_is_stopping(s)) {
        if (told_us == 0 || clock_mono_us() - told_us > TELL_EVERY_US) {
            told_us = clock_mono_us();
            supervisor_tell(server_settings(s),
                            "STATUS=Waiting for the end of the server that has the directory\n"
                            SUPERVISOR_PATIENCE);
        }
        usleep(LOOK_EVERY_US);
        server_turn(s);
        fault_clear(f);
        rc = take(d, ".", f);
    }
    server_set_loading(s, false);
    d->persist->loading = false;
    if (rc == 0 && server_is_stopping(s))
        fault_set(f, FAULT_INVALID, "stopped while waiting for the directory");
    else if (rc == 0)
        log_notice("The directory is free: going on");
    return rc == 0 && !server_is_stopping(s);
}

bool dir_lock_start(struct dir_lock *d, struct fault *f)
{
    int rc = may_write(d->persist) ? take(d, ".", f) : 0;
    bool ok = rc == 0 || (rc == 1 && d->wait_s && wait_for_it(d, f));
    d->started = ok;
    return ok;
}

bool dir_lock_hold(struct dir_lock *d, struct fault *f)
{
    return take(d, ".", f) == 0;
}

bool dir_lock_hold_log(struct dir_lock *d, struct fault *f)
{
    return take(d, d->persist->aof->home, f) == 0;
}

static bool is_needed(const struct dir_lock *d, const struct held *h)
{
    struct stat st;
    if (stat(".", &st) == 0 && st.st_dev == h->dev && st.st_ino == h->ino)
        return true;
    const struct aof *a = d->persist->aof;
    bool written = a->state != AOF_OFF || d->persist->child_kind == CHILD_REWRITE;
    return written && (!a->home || stat(a->home, &st) < 0 ||
                                   (st.st_dev == h->dev && st.st_ino == h->ino));
}

void dir_lock_tick(struct dir_lock *d)
{
    for (int i = d->count; i-- > 0 && d->count > 1;)
        if (!is_needed(d, &d->held[i]))
            give_back(d, i);
}

/* ---- options ---- */

static bool dir_changed(void *arg, struct fault *f)
{
    struct dir_lock *d = arg;
    return !d->started || !may_write(d->persist) || dir_lock_hold(d, f);
}

static const struct config_option options[] = {
    {.name = "dir-lock", .kind = CONFIG_BOOL, .flags = CONFIG_IMMUTABLE,
     .offset = offsetof(struct dir_lock, on), .initial = "yes"},
    {.name = "dir-lock-wait", .kind = CONFIG_INT, .flags = CONFIG_IMMUTABLE,
     .offset = offsetof(struct dir_lock, wait_s), .initial = "0", .min = 0, .max = 86400},
    {.name = NULL}};

struct dir_lock *dir_lock_new(struct persist *p)
{
    struct dir_lock *d = mem_zalloc(sizeof *d);
    d->persist = p;
    config_add(server_config(p->server), options, d);
    settings_on_dir(server_settings(p->server), dir_changed, d);
    return d;
}

void dir_lock_free(struct dir_lock *d)
{
    while (d->count)
        give_back(d, 0);
    mem_free(d);
}
