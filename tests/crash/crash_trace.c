/* SPDX-License-Identifier: BSD-3-Clause */
/* A call is made and recorded under the lock, so the order of the records is the order in which the
 * kernel saw the calls. Only a sync runs outside: it is two records, and what was written between
 * them may or may not be covered.
 *
 * The lock is robust: a child that was killed while it held it leaves it to the next one. The
 * record it was making is not counted then (its length is added last). */
#include "tests/crash/crash_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"
#include "os/clock.h"

enum { FDS_MAX = 4096 };

struct trace {
    pthread_mutex_t lock;
    size_t map_size, size, used;
    bool record, full;
    struct trace_plan plan;
    uint64_t calls[CALL_KINDS], failed, syncs;
    enum trace_call failed_kind;
    char failed_name[128];
    char root[PATH_MAX];
    _Alignas(8) char data[];
};

/* Which descriptors of this process lie below the root: a child begins with its parent's. */
static struct trace *in_use;
static struct {
    bool ours, dir;
} fds[FDS_MAX];

struct trace *trace_new(size_t size)
{
    size_t whole = sizeof(struct trace) + size;
    struct trace *t = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(t != MAP_FAILED);
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&t->lock, &attr);
    t->map_size = whole;
    t->size = size;
    return t;
}

void trace_free(struct trace *t)
{
    munmap(t, t->map_size);
}

static void lock(struct trace *t)
{
    if (pthread_mutex_lock(&t->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&t->lock);
}

static void unlock(struct trace *t)
{
    pthread_mutex_unlock(&t->lock);
}

void trace_begin(struct trace *t, const char *root, bool record)
{
    lock(t);
    t->used = 0;
    memset(t->calls, 0, sizeof t->calls);
    t->failed = t->syncs = 0;
    t->full = false;
    t->record = record;
    t->plan = (struct trace_plan){0};
    t->failed_name[0] = '\0';
    snprintf(t->root, sizeof t->root, "%s", root);
    unlock(t);
}

void trace_set_plan(struct trace *t, const struct trace_plan *plan)
{
    lock(t);
    t->plan = *plan;
    unlock(t);
}

void trace_hold(struct trace *t)
{
    lock(t);
}

void trace_release(struct trace *t)
{
    unlock(t);
}

/* ---- records ---- */

static void put(struct trace *t, const struct trace_rec *head, const char *text, size_t len,
                const char *text2)
{
    size_t len2 = text2 ? strlen(text2) : 0;
    size_t size = (sizeof *head + len + len2 + 2 + 7) & ~(size_t)7;
    if (!t->record)
        return;
    if (t->size - t->used < size) {
        t->full = true;
        return;
    }
    struct trace_rec *r = (struct trace_rec *)(void *)(t->data + t->used);
    *r = *head;
    r->size = (uint32_t)size;
    r->pid = (int32_t)getpid();
    r->at_us = clock_mono_us();
    r->text_len = (uint32_t)len;
    r->text2_len = (uint32_t)len2;
    if (len)
        memcpy(r->text, text, len);
    r->text[len] = '\0';
    if (len2)
        memcpy(r->text + len + 1, text2, len2);
    r->text[len + 1 + len2] = '\0';
    t->used += size;
}

void trace_mark(struct trace *t, enum trace_op mark, int64_t n)
{
    lock(t);
    put(t, &(struct trace_rec){.op = mark, .a = n}, NULL, 0, NULL);
    unlock(t);
}

/* The name below the root, or NULL. */
static const char *below(const struct trace *t, const char *path)
{
    if (path[0] != '/')
        return strcmp(path, ".") == 0 ? "" : path; /* the server works in the root */
    size_t n = strlen(t->root);
    if (strncmp(path, t->root, n) != 0 || (path[n] != '/' && path[n]))
        return NULL;
    return path[n] ? path + n + 1 : path + n;
}

static bool ours(int fd)
{
    return fd >= 0 && fd < FDS_MAX && fds[fd].ours;
}

/* ---- faults ---- */

uint64_t trace_call_count(const struct trace *t, unsigned kinds)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < CALL_KINDS; i++)
        n += !kinds || kinds & 1u << i ? t->calls[i] : 0;
    return n;
}

/* 0, or how this call fails. Under the lock. */
static int planned(struct trace *t, enum trace_call kind, const char *name)
{
    const struct trace_plan *p = &t->plan;
    t->calls[kind]++;
    if (!p->at || (p->kinds && !(p->kinds & 1u << kind)))
        return 0;
    uint64_t number = trace_call_count(t, p->kinds);
    if (number != p->at && !(p->permanent && number > p->at))
        return 0;
    if (p->error <= FAIL_SHORT && kind != CALL_WRITE)
        return 0;
    if (t->failed++ == 0) {
        t->failed_kind = kind;
        snprintf(t->failed_name, sizeof t->failed_name, "%s", name ? name : "");
    }
    /* A disk that is full for good takes one part, and then nothing. */
    return p->error == FAIL_SHORT && number > p->at ? -ENOSPC : p->error;
}

/* ---- the table ---- */

#define REAL (&file_calls_real)

static int call_open(const char *path, int flags, mode_t mode)
{
    const char *name = below(in_use, path);
    if (!name)
        return REAL->open(path, flags, mode);
    lock(in_use);
    int fd = planned(in_use, CALL_OPEN, name);
    if (fd == 0)
        fd = REAL->open(path, flags, mode);
    if (fd >= 0) {
        must(fd < FDS_MAX);
        fds[fd].ours = true;
        fds[fd].dir = flags & O_DIRECTORY;
        put(in_use, &(struct trace_rec){.op = TRACE_OPEN, .fd = fd, .a = flags}, name, strlen(name),
            NULL);
    }
    unlock(in_use);
    return fd;
}

/* Linux releases the descriptor even when close fails. */
static int call_close(int fd)
{
    if (!ours(fd))
        return REAL->close(fd);
    lock(in_use);
    int fault = planned(in_use, CALL_CLOSE, "");
    put(in_use, &(struct trace_rec){.op = TRACE_CLOSE, .fd = fd}, NULL, 0, NULL);
    fds[fd].ours = false;
    int rc = REAL->close(fd);
    unlock(in_use);
    return fault ? fault : rc;
}

static ssize_t call_read(int fd, void *to, size_t n)
{
    if (!ours(fd))
        return REAL->read(fd, to, n);
    lock(in_use);
    ssize_t got = planned(in_use, CALL_READ, "");
    if (got == 0)
        got = REAL->read(fd, to, n);
    if (got > 0)
        put(in_use, &(struct trace_rec){.op = TRACE_READ, .fd = fd, .a = got}, NULL, 0, NULL);
    unlock(in_use);
    return got;
}

static ssize_t call_pread(int fd, void *to, size_t n, off_t at)
{
    lock(in_use);
    ssize_t got = ours(fd) ? planned(in_use, CALL_PREAD, "") : 0;
    unlock(in_use);
    return got ? got : REAL->pread(fd, to, n, at);
}

static ssize_t call_write(int fd, const void *from, size_t n)
{
    if (!ours(fd))
        return REAL->write(fd, from, n);
    lock(in_use);
    int fault = planned(in_use, CALL_WRITE, "");
    ssize_t done = fault;
    if (fault == FAIL_SHORT)
        done = REAL->write(fd, from, n > 1 ? n / 2 : n);
    else if (fault == FAIL_LIE)
        done = (ssize_t)n;
    else if (fault == 0)
        done = REAL->write(fd, from, n);
    if (done > 0)
        put(in_use, &(struct trace_rec){.op = TRACE_WRITE, .fd = fd}, from, (size_t)done, NULL);
    unlock(in_use);
    return done;
}

static int sync_fd(int fd, enum trace_call kind, int (*real)(int fd))
{
    if (!ours(fd))
        return real(fd);
    lock(in_use);
    int64_t id = (int64_t)++in_use->syncs;
    int rc = planned(in_use, kind, fds[fd].dir ? "directory" : "");
    bool skip = fds[fd].dir ? in_use->plan.skip_sync_dir : in_use->plan.skip_sync;
    if (!skip)
        put(in_use, &(struct trace_rec){.op = TRACE_SYNC_BEGIN, .fd = fd, .a = id}, NULL, 0, NULL);
    unlock(in_use);
    if (rc == 0 && !skip)
        rc = real(fd);
    if (skip)
        return rc;
    lock(in_use);
    put(in_use, &(struct trace_rec){.op = TRACE_SYNC_END, .fd = fd, .a = id, .b = rc}, NULL, 0,
        NULL);
    unlock(in_use);
    return rc;
}

static int call_fsync(int fd)
{
    return sync_fd(fd, CALL_FSYNC, REAL->fsync);
}

static int call_fdatasync(int fd)
{
    return sync_fd(fd, CALL_FDATASYNC, REAL->fdatasync);
}

static int call_ftruncate(int fd, off_t size)
{
    if (!ours(fd))
        return REAL->ftruncate(fd, size);
    lock(in_use);
    int rc = planned(in_use, CALL_TRUNCATE, "");
    if (rc == 0)
        rc = REAL->ftruncate(fd, size);
    if (rc == 0)
        put(in_use, &(struct trace_rec){.op = TRACE_TRUNCATE, .fd = fd, .a = size}, NULL, 0, NULL);
    unlock(in_use);
    return rc;
}

static int call_rename(const char *from, const char *to)
{
    const char *name = below(in_use, from), *new_name = below(in_use, to);
    if (!name || !new_name)
        return REAL->rename(from, to);
    lock(in_use);
    int rc = planned(in_use, CALL_RENAME, new_name);
    if (rc == 0)
        rc = REAL->rename(from, to);
    if (rc == 0)
        put(in_use, &(struct trace_rec){.op = TRACE_RENAME}, name, strlen(name), new_name);
    unlock(in_use);
    return rc;
}

static int call_unlink(const char *path)
{
    const char *name = below(in_use, path);
    if (!name)
        return REAL->unlink(path);
    lock(in_use);
    int rc = planned(in_use, CALL_UNLINK, name);
    if (rc == 0)
        rc = REAL->unlink(path);
    if (rc == 0)
        put(in_use, &(struct trace_rec){.op = TRACE_UNLINK}, name, strlen(name), NULL);
    unlock(in_use);
    return rc;
}

static int call_link(const char *from, const char *to)
{
    return REAL->link(from, to); /* no scenario makes one */
}

static int call_mkdir(const char *path, mode_t mode)
{
    const char *name = below(in_use, path);
    if (!name)
        return REAL->mkdir(path, mode);
    lock(in_use);
    int rc = planned(in_use, CALL_MKDIR, name);
    if (rc == 0)
        rc = REAL->mkdir(path, mode);
    if (rc == 0)
        put(in_use, &(struct trace_rec){.op = TRACE_MKDIR}, name, strlen(name), NULL);
    unlock(in_use);
    return rc;
}

static int call_fstat(int fd, struct stat *st)
{
    lock(in_use);
    int rc = ours(fd) ? planned(in_use, CALL_FSTAT, "") : 0;
    unlock(in_use);
    return rc ? rc : REAL->fstat(fd, st);
}

static int call_stat(const char *path, struct stat *st)
{
    const char *name = below(in_use, path);
    lock(in_use);
    int rc = name ? planned(in_use, CALL_STAT, name) : 0;
    unlock(in_use);
    return rc ? rc : REAL->stat(path, st);
}

static int call_each(const char *dir, bool (*visit)(void *arg, const char *name), void *arg)
{
    const char *name = below(in_use, dir);
    lock(in_use);
    int rc = name ? planned(in_use, CALL_EACH, name) : 0;
    unlock(in_use);
    return rc ? rc : REAL->each(dir, visit, arg);
}

static const struct file_calls recording = {
    .open = call_open,
    .close = call_close,
    .read = call_read,
    .pread = call_pread,
    .write = call_write,
    .fsync = call_fsync,
    .fdatasync = call_fdatasync,
    .ftruncate = call_ftruncate,
    .rename = call_rename,
    .unlink = call_unlink,
    .link = call_link,
    .mkdir = call_mkdir,
    .fstat = call_fstat,
    .stat = call_stat,
    .each = call_each,
};

const struct file_calls *trace_calls(struct trace *t)
{
    in_use = t;
    memset(fds, 0, sizeof fds);
    return &recording;
}

/* ---- reading ---- */

uint64_t trace_failed_count(const struct trace *t)
{
    return t->failed;
}

enum trace_call trace_failed_kind(const struct trace *t)
{
    return t->failed_kind;
}

const char *trace_failed_name(const struct trace *t)
{
    return t->failed_name;
}

bool trace_full(const struct trace *t)
{
    return t->full;
}

static const struct trace_rec *at(const struct trace *t, size_t offset)
{
    return offset < t->used ? (const struct trace_rec *)(const void *)(t->data + offset) : NULL;
}

const struct trace_rec *trace_first(const struct trace *t)
{
    return at(t, 0);
}

const struct trace_rec *trace_next(const struct trace *t, const struct trace_rec *r)
{
    return at(t, (size_t)((const char *)r - t->data) + r->size);
}

const char *trace_text2(const struct trace_rec *r)
{
    return r->text + r->text_len + 1;
}

const char *trace_op_name(const struct trace_rec *r)
{
    static const char *const names[] = {"open", "close", "read", "write", "sync-begin", "sync-end",
                                        "truncate", "rename", "unlink", "mkdir", "sent", "acked",
                                        "floor", "mode"};
    return r->op < sizeof names / sizeof *names ? names[r->op] : "?";
}
