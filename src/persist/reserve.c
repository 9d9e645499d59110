/* SPDX-License-Identifier: BSD-3-Clause */
/* none -> being made (on a worker: a slow disk must not hold the loop) -> there -> given up -> none
 *
 * The blocks are really allocated, so a sparse file would be no reserve. The name is that of the
 * directory the server works in; a reserve made before CONFIG SET dir or before the size was
 * changed is removed, and made anew. What an earlier process left is taken over when it fits. */
#include "persist/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/persist.h"
#include "server/config.h"
#include "server/info.h"
#include "server/server.h"

static const char reserve_name[] = "holdfast-reserve.tmp";
enum { LOOK_EVERY_MS = 1000, TROUBLE_LOGGED_EVERY_MS = 600000 };

enum reserve_state { RESERVE_NONE, RESERVE_BEING_MADE, RESERVE_THERE };

struct reserve {
    struct worker_job job; /* makes the file */
    struct persist *persist;
    struct worker *worker;
    int64_t size; /* the setting; 0: none is kept */
    bool started, freeing;
    enum reserve_state state;
    char *path;        /* absolute; of the one there is or is being made */
    int64_t path_size; /* its size */
    int result;
    int64_t next_look_ms, trouble_logged_ms; /* monotonic */
    uint64_t given_up;
};

/* ---- making it ---- */

/* What has the name may be anything, and in a directory that others write to it may lead elsewhere:
 * nothing but a file of its own is cut or filled. */
static int make(const char *path, int64_t size)
{
    struct stat st;
    must(size > 0);
    int fd = file_open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return fd;
    int err = file_fstat(fd, &st);
    if (err == 0 && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
        err = -EEXIST;
    if (err < 0) {
        file_close(fd);
        return err;
    }
    err = file_size(fd) > size ? file_truncate(fd, (off_t)size) : 0;
    if (err == 0)
        err = -posix_fallocate(fd, 0, (off_t)size);
    if (err == 0)
        err = file_fsync(fd);
    file_close(fd);
    if (err < 0)
        file_unlink(path);
    return err;
}

static void run_make(struct worker_job *job)
{
    struct reserve *r = (struct reserve *)(void *)job;
    must(r->state == RESERVE_BEING_MADE && r->path);
    r->result = make(r->path, r->path_size);
}

static void trouble(struct reserve *r, const char *why)
{
    int64_t now_ms = clock_mono_us() / 1000;
    if (r->trouble_logged_ms && now_ms - r->trouble_logged_ms < TROUBLE_LOGGED_EVERY_MS)
        return;
    r->trouble_logged_ms = now_ms;
    log_warning("No reserve of %lld bytes is kept for a full disk (reserve-file-size): %s",
                (long long)r->size, why);
}

static void made(struct worker_job *job)
{
    struct reserve *r = (struct reserve *)(void *)job;
    must(r->state == RESERVE_BEING_MADE && r->result <= 0);
    r->state = r->result == 0 ? RESERVE_THERE : RESERVE_NONE;
    if (r->freeing)
        return;
    if (r->result < 0) {
        trouble(r, strerror(-r->result));
        return;
    }
    r->trouble_logged_ms = 0;
    log_notice("A reserve of %lld bytes for a full disk is in %s", (long long)r->path_size,
               r->path);
}

/* Twice its size, so that it is not made and given up by turns. */
static bool room(const struct reserve *r, const char *dir)
{
    struct statvfs vfs;
    if (statvfs(dir, &vfs) < 0)
        return false;
    return (uint64_t)vfs.f_bavail * vfs.f_frsize / 2 >= (uint64_t)r->size;
}

static void begin(struct reserve *r, const char *path)
{
    must(r->state == RESERVE_NONE && r->size > 0);
    mem_free(r->path);
    r->path = mem_strdup(path);
    r->path_size = r->size;
    r->state = RESERVE_BEING_MADE;
    worker_give(r->worker, &r->job);
}

static void drop(struct reserve *r)
{
    must(r->state == RESERVE_NONE || (r->state == RESERVE_THERE && r->path));
    if (r->state == RESERVE_THERE)
        file_unlink(r->path);
    r->state = RESERVE_NONE;
}

static bool reserve_path(char *out, size_t size, char dir[PATH_MAX])
{
    if (!getcwd(dir, PATH_MAX))
        return false;
    return (size_t)snprintf(out, size, "%s/%s", dir, reserve_name) < size;
}

static void look(struct reserve *r)
{
    char dir[PATH_MAX], path[PATH_MAX + sizeof reserve_name];
    struct stat st;
    if (r->state == RESERVE_BEING_MADE || !reserve_path(path, sizeof path, dir))
        return;
    if (r->state == RESERVE_THERE && r->size == r->path_size && strcmp(path, r->path) == 0 &&
        file_stat(path, &st) == 0 && st.st_size == r->size)
        return;
    drop(r);
    if (r->size == 0)
        return;
    bool left = file_stat(path, &st) == 0 && st.st_size >= r->size;
    if (left || room(r, dir))
        begin(r, path);
    else
        trouble(r, "there is not twice as much free");
}

/* ---- from outside ---- */

bool reserve_give_up(struct reserve *r, int err)
{
    if ((err != ENOSPC && err != EDQUOT) || r->state != RESERVE_THERE)
        return false;
    drop(r);
    must(r->state == RESERVE_NONE);
    r->given_up++;
    r->next_look_ms = clock_mono_us() / 1000 + LOOK_EVERY_MS;
    log_warning("The disk is full: the reserve of %lld bytes (reserve-file-size) is given up. Make "
                "room: it is made again when %lld bytes are free.",
                (long long)r->path_size, (long long)(r->path_size * 2));
    return true;
}

void reserve_tick(struct reserve *r, int64_t mono_ms)
{
    if (!r->started || mono_ms < r->next_look_ms)
        return;
    r->next_look_ms = mono_ms + LOOK_EVERY_MS;
    if (r->size || r->state == RESERVE_THERE)
        look(r);
}

void reserve_info(const struct reserve *r, struct info_out *o)
{
    static const char *const words[] = {"none", "being_made", "there"};
    info_str(o, "reserve_file", words[r->state]);
    info_u64(o, "reserve_file_given_up", r->given_up);
}

static void run_nothing(struct worker_job *job)
{
    (void)job;
}

/* Now, not beside a fork: a starting thread holds locks of the allocator. */
static void start_thread(struct reserve *r)
{
    struct worker_job first = {.run = run_nothing};
    if (!r->started || r->size == 0)
        return;
    worker_give(r->worker, &first);
    worker_drain(r->worker);
}

static bool apply_size(void *owner, struct fault *f)
{
    struct reserve *r = owner;
    (void)f;
    r->next_look_ms = 0;
    r->trouble_logged_ms = 0;
    start_thread(r);
    return true;
}

static const struct config_option options[] = {
    {.name = "reserve-file-size", CONFIG_SIZE_AT(struct reserve, size),
     .initial = "0", .max = INT64_MAX / 4, .apply = apply_size},
    {.name = NULL}};

void reserve_start(struct reserve *r)
{
    char dir[PATH_MAX], path[PATH_MAX + sizeof reserve_name];
    must(!r->started && r->state == RESERVE_NONE);
    r->started = true;
    if (r->size == 0 && reserve_path(path, sizeof path, dir) && file_exists(path))
        file_unlink(path); /* an earlier process kept one */
    start_thread(r);
}

struct reserve *reserve_new(struct persist *p)
{
    struct reserve *r = mem_zalloc(sizeof *r);
    r->persist = p;
    r->job.run = run_make;
    r->job.done = made;
    r->worker = worker_new(server_workers(p->server), "reserve");
    config_add(server_config(p->server), options, r);
    return r;
}

/* The file stays: the next start finds its room taken by nobody else. */
void reserve_free(struct reserve *r)
{
    r->freeing = true;
    worker_drain(r->worker);
    workers_collect(server_workers(r->persist->server));
    must(r->state != RESERVE_BEING_MADE);
    mem_free(r->path);
    mem_free(r);
}
