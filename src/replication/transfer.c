/* SPDX-License-Identifier: BSD-3-Clause */
/*   runs -> (the child ended well, and by pipe all it wrote has been read) complete
 *        -> (it did not)                                                   failed: all are dropped
 *
 * By pipe the length is not known in front: "$EOF:" and 40 bytes at random, which come again behind
 * the last byte. By file it is "$length", once the file is there. */
#include "replication/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "replication/backlog.h"
#include "replication/repl.h"
#include "replication/replicas.h"
#include "server/client.h"
#include "server/server.h"
#include "server/settings.h"

enum { PIPE_SIZE = 1 << 20, CHUNK = 128 * 1024, READ_AT_ONCE = 1 << 20, MARK = 40 };

struct transfer {
    struct repl *repl;
    void (*left)(void *arg);
    void *left_arg;
    unsigned holders, replicas; /* replicas are holders, too */
    bool by_file, ended, ok, complete;
    int child_fd;          /* -1: closed */
    int fd;                /* the file; by pipe: io has it */
    int64_t size;          /* of the file, complete */
    struct loop_io io;     /* the pipe's end; fd -1: at its end, or no pipe */
    struct backlog *bytes; /* by pipe: what was read, from offset 1 on */
    char mark[MARK + 1];
};

static void close_pipe(struct transfer *t)
{
    if (t->io.fd < 0)
        return;
    loop_unwatch(server_loop(t->repl->server), &t->io);
    close(t->io.fd);
    t->io.fd = -1;
}

static void close_child_fd(struct transfer *t)
{
    if (t->child_fd >= 0)
        close(t->child_fd);
    t->child_fd = -1;
}

void transfer_release(struct transfer *t)
{
    must(t->holders > 0);
    if (--t->holders)
        return;
    must(t->replicas == 0);
    close_pipe(t);
    close_child_fd(t);
    if (t->fd >= 0)
        file_close(t->fd);
    if (t->bytes)
        backlog_free(t->bytes);
    mem_free(t);
}

/* ---- where the child writes ---- */
/* Gone from the directory at once: a crash leaves nothing there. */
static bool open_file(struct transfer *t, struct fault *f)
{
    char name[64];
    snprintf(name, sizeof name, "temp-%ld.rdb", (long)getpid());
    settings_find_dir(server_settings(t->repl->server));
    file_unlink(name);
    int fd = file_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Failed opening the temp RDB file %s for replicas", name);
        return false;
    }
    file_unlink(name);
    t->fd = fd;
    return true;
}

static void pipe_ready(void *arg, unsigned what);

static bool open_pipe(struct transfer *t, struct fault *f)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fault_io(f, errno, "pipe", "pipe");
        return false;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE); /* where a user may have so much: fewer turns */
    t->io = (struct loop_io){.fd = ends[0], .ready = pipe_ready, .arg = t};
    t->child_fd = ends[1];
    t->bytes = backlog_new(0);
    backlog_start(t->bytes, 1);
    rand_hex(t->mark, MARK);
    return true;
}

struct transfer *transfer_new(struct repl *r, bool by_file, void (*left)(void *arg), void *arg,
                              struct fault *f)
{
    struct transfer *t = mem_zalloc(sizeof *t);
    t->repl = r;
    t->holders = 1;
    t->by_file = by_file;
    t->left = left;
    t->left_arg = arg;
    t->child_fd = t->fd = t->io.fd = -1;
    if (by_file ? open_file(t, f) : open_pipe(t, f))
        return t;
    must(fault_is(f));
    transfer_release(t);
    return NULL;
}

int transfer_fd(const struct transfer *t)
{
    return t->by_file ? t->fd : t->child_fd;
}

void transfer_begun(struct transfer *t)
{
    close_child_fd(t);
    if (!t->by_file)
        must(loop_watch(server_loop(t->repl->server), &t->io, LOOP_READ) == 0);
}

/* ---- from the child ---- */
/* Of a transfer's replicas: the next one behind after, NULL: the first. */
static struct replica *next_of(const struct transfer *t, struct replica *after)
{
    struct link *all = &t->repl->replicas->all;
    for (struct link *pos = after ? after->link.next : all->next; pos != all; pos = pos->next) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        if (rep->transfer == t)
            return rep;
    }
    return NULL;
}

static void drop_all(struct transfer *t)
{
    struct replica *next;
    for (struct replica *rep = next_of(t, NULL); rep; rep = next) {
        next = next_of(t, rep);
        log_warning("Replica %s is dropped: it can't get the whole data set",
                    replica_name(rep, (char[REPLICA_NAME_MAX]){0}));
        replica_drop(rep);
    }
}

static void wake_all(struct transfer *t)
{
    for (struct replica *rep = next_of(t, NULL); rep; rep = next_of(t, rep))
        client_want_send(rep->client);
}

static void say_length(struct transfer *t)
{
    char line[32];
    int len = snprintf(line, sizeof line, "$%lld\r\n", (long long)t->size);
    for (struct replica *rep = next_of(t, NULL); rep; rep = next_of(t, rep))
        replica_tell(rep, slice(line, (size_t)len));
}

/* Ended, or read to its end. */
static void settle(struct transfer *t)
{
    t->holders++; /* those who are dropped let it go */
    if (t->ended && !t->ok) {
        close_pipe(t);
        drop_all(t);
    } else if (t->ended && t->io.fd < 0 && !t->complete) {
        t->complete = true;
        if (t->by_file) {
            t->size = file_size(t->fd);
            must(t->size > 0);
            say_length(t);
        } else {
            backlog_add(t->bytes, slice(t->mark, MARK));
        }
        wake_all(t);
    }
    transfer_release(t);
}

void transfer_child_ended(struct transfer *t, bool ok)
{
    must(!t->ended);
    t->ended = true;
    t->ok = ok;
    settle(t);
}

static size_t most_behind(const struct transfer *t)
{
    size_t most = 0;
    for (struct replica *rep = next_of(t, NULL); rep; rep = next_of(t, rep)) {
        size_t left = backlog_left(t->bytes, &rep->received);
        most = left > most ? left : most;
    }
    return most;
}

/* False at its end. */
static bool read_some(struct transfer *t)
{
    for (size_t got = 0; got < READ_AT_ONCE;) {
        size_t room;
        char *to = backlog_room(t->bytes, &room);
        ssize_t n = read(t->io.fd, to, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        backlog_grew(t->bytes, (size_t)n);
        got += (size_t)n;
    }
    return true;
}

static void pipe_ready(void *arg, unsigned what)
{
    struct transfer *t = arg;
    (void)what;
    if (most_behind(t) >= TRANSFER_AHEAD) { /* until one has taken some: sent */
        loop_watch(server_loop(t->repl->server), &t->io, 0);
        return;
    }
    bool more = read_some(t);
    wake_all(t);
    if (more)
        return;
    close_pipe(t);
    settle(t);
}

/* ---- to a replica ---- */
static void leave(struct replica *rep)
{
    struct transfer *t = rep->transfer;
    must(t);
    if (rep->received.block)
        backlog_release(t->bytes, &rep->received);
    buf_free(&rep->chunk);
    rep->transfer = NULL;
    rep->source = NULL;
    must(t->replicas > 0);
    if (--t->replicas == 0 && !t->ended)
        t->left(t->left_arg);
    if (t->io.fd >= 0 && !t->io.watched) /* it may have been the slowest */
        loop_watch(server_loop(t->repl->server), &t->io, LOOP_READ);
    transfer_release(t);
}

static bool fill_chunk(struct transfer *t, struct replica *rep)
{
    buf_clear(&rep->chunk);
    rep->chunk_sent = 0;
    int64_t left = t->size - (int64_t)rep->file_sent;
    size_t n = left < CHUNK ? (size_t)left : CHUNK;
    ssize_t got = file_pread(t->fd, buf_reserve(&rep->chunk, n), n, (off_t)rep->file_sent);
    if (got <= 0) {
        log_warning("Can't read what is to be sent to replica %s: %s",
                    replica_name(rep, (char[REPLICA_NAME_MAX]){0}),
                    got < 0 ? strerror((int)-got) : "the file was cut");
        replica_drop(rep);
        return false;
    }
    rep->chunk.len += (size_t)got;
    return true;
}

static int parts(struct replica *rep, size_t most, struct iovec *to, int max)
{
    struct transfer *t = rep->transfer;
    if (!t->by_file)
        return backlog_parts(t->bytes, &rep->received, most, to, max);
    if (!t->complete)
        return 0;
    if (rep->chunk_sent == rep->chunk.len && !fill_chunk(t, rep))
        return 0;
    size_t left = rep->chunk.len - rep->chunk_sent;
    to[0].iov_base = rep->chunk.data + rep->chunk_sent;
    to[0].iov_len = left < most ? left : most;
    return 1;
}

static bool has_all(const struct replica *rep)
{
    const struct transfer *t = rep->transfer;
    return t->complete && (t->by_file ? (int64_t)rep->file_sent == t->size
                                      : backlog_left(t->bytes, &rep->received) == 0);
}

static void sent(struct replica *rep, size_t n)
{
    struct transfer *t = rep->transfer;
    bool wait = !t->by_file;
    if (n)
        rep->moved_ms = clock_now.mono_us / 1000;
    if (t->by_file) {
        rep->file_sent += n;
        rep->chunk_sent += n;
    } else {
        backlog_take(t->bytes, &rep->received, n);
        if (t->io.fd >= 0 && !t->io.watched && most_behind(t) < TRANSFER_AHEAD / 2)
            loop_watch(server_loop(t->repl->server), &t->io, LOOP_READ);
    }
    if (!has_all(rep))
        return;
    leave(rep);
    replica_go_online(rep, wait);
}

static bool has_some(const struct replica *rep)
{
    const struct transfer *t = rep->transfer;
    return t->by_file ? t->complete : backlog_left(t->bytes, &rep->received) > 0;
}

/* Into what has been begun by pipe nothing can be put. */
static bool begun(const struct replica *rep)
{
    return !rep->transfer->by_file || rep->transfer->complete;
}

static const struct replica_source source = {
    .parts = parts, .sent = sent, .has_some = has_some, .begun = begun, .leave = leave};

void transfer_join(struct transfer *t, struct replica *rep)
{
    must(!rep->transfer && !t->ended);
    rep->transfer = t;
    rep->source = &source;
    t->holders++;
    t->replicas++;
    rep->moved_ms = clock_now.mono_us / 1000;
    if (t->by_file)
        return;
    backlog_seek(t->bytes, &rep->received, 1);
    replica_tell(rep, SLICE_LIT("$EOF:"));
    replica_tell(rep, slice(t->mark, MARK));
    replica_tell(rep, SLICE_LIT("\r\n"));
}
