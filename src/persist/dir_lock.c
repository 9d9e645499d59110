/* SPDX-License-Identifier: BSD-3-Clause */
/* Held directories are told apart by what they are, not by their names: under another name the same
 * one would seem to be taken by somebody else. At most four are held: the one that is worked in,
 * that of the log, the one its directory really lies in (by a link to it two homes share one log),
 * and for a moment the one that was left. */
#include "persist/dir_lock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/lock_file.h"
#include "persist/aof_state.h"
#include "persist/persist.h"
#include "persist/save_config.h"
#include "server/config.h"
#include "server/server_frame.h"
#include "server/settings.h"
#include "server/supervisor.h"

enum { HELD_MAX = 4, LOOK_EVERY_US = 20000, TELL_EVERY_US = 5000000 };

struct held {
    int fd;
    dev_t dev; /* of the directory */
    ino_t ino;
    char *path; /* of the lock file */
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
    must(i >= 0 && i < d->count);
    close(d->held[i].fd);
    mem_free(d->held[i].path);
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

/* A directory that is not there needs none: who writes there will say so. */
static bool find_dir(const char *dir, struct stat *st, int *err)
{
    *err = dir && stat(dir, st) < 0 ? errno : 0;
    if (*err == ENOENT || *err == ENOTDIR || can_go_without(*err))
        *err = 0;
    else if (dir && *err == 0)
        return true;
    return false;
}

static int keep(struct dir_lock *d, int fd, const struct stat *st, const char *dir, struct fault *f)
{
    must(fd >= 0 && place_of(d, st) < 0);
    dir_lock_tick(d);
    if (d->count == HELD_MAX) {
        close(fd);
        fault_set(f, FAULT_LIMIT, "The directories that are locked are too many: the append log's "
                  "can't be found any more");
        return -1;
    }
    char *file = file_join(strcmp(dir, ".") == 0 ? NULL : dir, DIR_LOCK_FILE);
    char *path = file_absolute(file, f);
    mem_free(file);
    if (!path) {
        close(fd);
        return -1;
    }
    d->held[d->count++] = (struct held){fd, st->st_dev, st->st_ino, path};
    return 0;
}

/* 0: held, or none is needed. 1: somebody else has it, -1: no locks here; f says so. */
static int take(struct dir_lock *d, const char *dir, lock_file_taking *how, struct fault *f)
{
    struct stat st;
    pid_t holder;
    int err;
    if (!d->on)
        return 0;
    if (!find_dir(dir, &st, &err)) {
        if (err)
            fault_io(f, err, "stat", "The directory %s can't be locked", dir);
        return err ? -1 : 0;
    }
    if (place_of(d, &st) >= 0)
        return 0;
    char *path = file_join(dir, DIR_LOCK_FILE);
    int fd = how(path, &holder);
    mem_free(path);
    if (fd >= 0)
        return keep(d, fd, &st, dir, f);
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
    return p->aof->enabled || p->aof->state != AOF_OFF || save_config_has_points(p->save);
}

/* The clients that connect meanwhile are told that the data set is not there yet. */
static bool wait_for_it(struct dir_lock *d, struct fault *f)
{
    struct server *s = d->persist->server;
    int64_t end_us = clock_mono_us() + d->wait_s * 1000000;
    int rc = 1;
    must(fault_is(f) && !d->started);
    log_notice("%s. Waiting up to %lld s", f->what, (long long)d->wait_s);
    d->persist->loading = true;
    server_set_loading(s, LOADING_ALONE);
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
        rc = take(d, ".", lock_file_take, f);
    }
    server_set_loading(s, LOADING_NOTHING);
    d->persist->loading = false;
    if (rc == 0 && server_is_stopping(s))
        fault_set(f, FAULT_INVALID, "stopped while waiting for the directory");
    else if (rc == 0)
        log_notice("The directory is free: going on");
    return rc == 0 && !server_is_stopping(s);
}

/* A log that is reached by a link to its directory is the one of the place it lies in, too. */
static bool hold_where_it_lies(struct dir_lock *d, lock_file_taking *how, struct fault *f)
{
    char *up = file_join(d->persist->aof->dir, "..");
    int rc = take(d, up, how, f);
    mem_free(up);
    must(rc == 0 || fault_is(f));
    return rc == 0;
}

bool dir_lock_start(struct dir_lock *d, struct fault *f)
{
    must(!d->started && d->count == 0);
    int rc = may_write(d->persist) ? take(d, ".", lock_file_take_from_ended, f) : 0;
    bool ok = (rc == 0 || (rc == 1 && d->wait_s && wait_for_it(d, f))) &&
              (!d->persist->aof->enabled || hold_where_it_lies(d, lock_file_take_from_ended, f));
    must(ok || fault_is(f));
    d->started = ok;
    return ok;
}

bool dir_lock_hold(struct dir_lock *d, struct fault *f)
{
    int rc = take(d, ".", lock_file_take, f);
    must(rc == 0 || fault_is(f));
    return rc == 0;
}

bool dir_lock_hold_log(struct dir_lock *d, struct fault *f)
{
    must(d->persist->aof->home);
    return take(d, d->persist->aof->home, lock_file_take, f) == 0 &&
           hold_where_it_lies(d, lock_file_take, f);
}

/* Or nobody knows. */
static bool is_in(const struct held *h, const char *dir, const char *up)
{
    struct stat st;
    char *path = dir ? file_join(dir, up) : NULL;
    bool unknown = !path || stat(path, &st) < 0;
    mem_free(path);
    return unknown || (st.st_dev == h->dev && st.st_ino == h->ino);
}

static bool is_needed(const struct dir_lock *d, const struct held *h)
{
    struct stat st;
    if (stat(".", &st) < 0 || (st.st_dev == h->dev && st.st_ino == h->ino))
        return true;
    const struct aof *a = d->persist->aof;
    bool written = a->state != AOF_OFF || d->persist->child_kind == &child_rewrite;
    return written && (is_in(h, a->home, "") || is_in(h, a->dir, ".."));
}

/* Somebody removed the file: the next server would lock a new one. */
static void look_after(struct held *h)
{
    struct stat st;
    pid_t holder;
    if (fstat(h->fd, &st) < 0 || st.st_nlink > 0)
        return;
    int fd = lock_file_take(h->path, &holder);
    if (fd < 0)
        return; /* as it was: the directory may be gone, or full */
    log_warning("The lock file %s was removed while this server has the directory: it is there "
                "again", h->path);
    close(h->fd);
    h->fd = fd;
}

void dir_lock_tick(struct dir_lock *d)
{
    for (int i = 0; i < d->count; i++)
        look_after(&d->held[i]);
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
    {.name = "dir-lock", .flags = CONFIG_IMMUTABLE,
     CONFIG_BOOL_AT(struct dir_lock, on), .initial = "yes"},
    {.name = "dir-lock-wait", .flags = CONFIG_IMMUTABLE,
     CONFIG_INT_AT(struct dir_lock, wait_s), .initial = "0", .min = 0, .max = 86400},
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
