/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages on the pipe: a header (size of the payload, kind, phase, keys, bytes, part,
 * copy-on-write bytes) and, for the report, the payload. Each is one write below PIPE_BUF, so it
 * arrives whole or, when the child dies, cut; a cut one is dropped.
 *
 *   forked --messages--> ... --end of file--> waitpid --> ended()
 *
 * The end of file, not SIGCHLD, tells that the child is gone: nothing else holds the write end. The
 * process may need a moment more to become waitable; the next turn asks again. */
#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"

enum { PROGRESS = 1, REPORT = 2, PROGRESS_EVERY_US = 100000, REAP_AGAIN_NS = 50000,
       NICENESS = 10 };

struct header {
    uint32_t size, kind;
    uint64_t phase, keys, bytes;
    double part;
    uint64_t cow_bytes;
};
_Static_assert(sizeof(struct header) + CHILD_REPORT_MAX <= PIPE_BUF, "one write a message");

static void take_message(struct child *c, const struct header *h, const void *payload)
{
    must(h->size <= CHILD_REPORT_MAX && h->size <= c->got);
    c->keys = h->keys;
    c->bytes = h->bytes;
    c->phase = (unsigned)h->phase;
    c->part = h->part;
    if (h->cow_bytes) {
        c->cow_bytes = h->cow_bytes;
        c->cow_read_us = clock_mono_us();
        if (h->cow_bytes > c->cow_peak_bytes)
            c->cow_peak_bytes = h->cow_bytes;
    }
    if (h->kind == REPORT) {
        memcpy(c->report, payload, h->size);
        c->report_size = h->size;
        c->reported = true;
    }
}

/* Takes the whole messages at the front of c->message; false when they make no sense. */
static bool take_messages(struct child *c)
{
    char *at = (char *)c->message;
    struct header h;
    while (c->got >= sizeof h) {
        memcpy(&h, at, sizeof h);
        if (h.size > CHILD_REPORT_MAX || (h.kind != PROGRESS && h.kind != REPORT))
            return false;
        size_t whole = sizeof h + h.size;
        if (c->got < whole)
            break;
        take_message(c, &h, at + sizeof h);
        c->got -= whole;
        memmove(at, at + whole, c->got);
    }
    return true;
}

static void ended(struct child *c, int status)
{
    must(c->pid > 0 && c->spec.ended && c->report_size <= sizeof c->report);
    struct child_end end = {
        .pid = c->pid,
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .killed = c->killed,
        .report = c->reported ? c->report : NULL,
        .report_size = c->report_size,
        .cow_bytes = c->cow_bytes,
    };
    loop_unwatch(c->loop, &c->io);
    loop_timer_stop(c->loop, &c->reap);
    close(c->io.fd);
    c->pid = 0;
    c->spec.ended(c->spec.arg, &end);
}

static void reap(void *arg)
{
    struct child *c = arg;
    int status = 0;
    must(c->pid > 0); /* or it would wait for any */
    pid_t pid = waitpid(c->pid, &status, WNOHANG);
    if (pid == 0) { /* by the next turn, whatever the clock says: it may stand still */
        static const struct timespec moment = {.tv_nsec = REAP_AGAIN_NS};
        nanosleep(&moment, NULL);
        loop_timer_start(c->loop, &c->reap, 0);
        return;
    }
    ended(c, pid < 0 ? SIGKILL : status); /* somebody else waited for it: it counts as killed */
}

/* False once the pipe is at its end. */
static bool read_pipe(struct child *c)
{
    for (;;) {
        must(c->got < sizeof c->message); /* reading nothing would look like the end */
        ssize_t n = read(c->io.fd, (char *)c->message + c->got, sizeof c->message - c->got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        if (n == 0)
            return false;
        c->got += (size_t)n;
        if (!take_messages(c)) {
            log_warning("%s child sent a broken message", c->spec.name);
            c->got = 0;
        }
    }
}

static void pipe_ready(void *arg, unsigned what)
{
    struct child *c = arg;
    (void)what;
    if (read_pipe(c))
        return;
    loop_unwatch(c->loop, &c->io);
    reap(c);
}

/* The lowest one from fd on that is to stay open; INT_MAX: none. */
static int next_kept(const struct child *c, int fd)
{
    int next = c->pipe_write >= fd ? c->pipe_write : INT_MAX;
    for (size_t i = 0; i < c->spec.keep_count; i++)
        if (c->spec.keep[i] >= fd && c->spec.keep[i] < next)
            next = c->spec.keep[i];
    must(next >= fd);
    return next;
}

static void close_others(const struct child *c)
{
    int from = 3;
    for (int kept; (kept = next_kept(c, from)) != INT_MAX; from = kept + 1)
        if (kept > from)
            close_range((unsigned)from, (unsigned)kept - 1, 0);
    close_range((unsigned)from, ~0u, 0);
}

/* A child whose parent has died must not go on: a new server may already have saved newer data. And
 * it holds none of the parent's sockets open: what the parent closes is closed. */
static void leave_parent(struct child *c, pid_t parent)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(1);
    close_others(c);
}

static void become_child(struct child *c, pid_t parent)
{
    static const int back_to_default[] = {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM};
    leave_parent(c, parent);
    for (size_t i = 0; i < sizeof back_to_default / sizeof *back_to_default; i++)
        signal(back_to_default[i], SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN); /* the parent died: write fails, child_finish exits */
    log_set_role('C');
#ifdef __linux__
    prctl(PR_SET_NAME, c->spec.name);
#endif
    setpriority(PRIO_PROCESS, 0, NICENESS); /* clients do not wait for a save */
}

pid_t child_fork(struct child *c, struct loop *loop, const struct child_spec *spec, struct fault *f)
{
    int ends[2];
    must(c->pid == 0 && spec->ended);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fault_io(f, errno, "pipe", "pipe");
        return -errno;
    }
    memset(c, 0, sizeof *c);
    c->spec = *spec;
    c->loop = loop;
    c->pipe_write = ends[1];
    fflush(NULL); /* or the child would print what is still in our buffers once more */
    c->began_us = clock_mono_us();
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        become_child(c, parent);
        return 0;
    }
    c->spec.keep = NULL; /* borrowed no longer */
    c->spec.keep_count = 0;
    int err = errno;
    c->fork_us = clock_mono_us() - c->began_us;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        fault_io(f, err, "fork", "fork");
        return -err;
    }
    c->pid = pid;
    c->io = (struct loop_io){.fd = ends[0], .ready = pipe_ready, .arg = c};
    c->reap = (struct loop_timer){.due = reap, .arg = c};
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    must(loop_watch(loop, &c->io, LOOP_READ) == 0);
    return pid;
}

void child_kill(struct child *c, int sig)
{
    if (c->pid <= 0)
        return;
    must(sig > 0);
    c->killed = true;
    kill(c->pid, sig);
}

void child_wait(struct child *c)
{
    int status = 0;
    pid_t pid;
    if (c->pid <= 0)
        return;
    do {
        pid = waitpid(c->pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    read_pipe(c); /* what it said last is still in the pipe */
    ended(c, pid < 0 ? SIGKILL : status);
}

static void send_message(struct child *c, const struct header *h, const void *payload)
{
    char message[sizeof *h + CHILD_REPORT_MAX];
    ssize_t put;
    must(h->size <= CHILD_REPORT_MAX && (h->kind == PROGRESS || h->kind == REPORT));
    memcpy(message, h, sizeof *h);
    if (h->size)
        memcpy(message + sizeof *h, payload, h->size);
    do {
        put = write(c->pipe_write, message, sizeof *h + h->size);
    } while (put < 0 && errno == EINTR);
}

static struct header header_of(const struct child *c, uint32_t kind)
{
    return (struct header){.kind = kind, .phase = c->phase, .keys = c->keys, .bytes = c->bytes,
                           .part = c->part, .cow_bytes = c->cow_bytes};
}

/* Private dirty bytes of this process: what copying after a fork has cost so far; 0 unknown. */
static size_t cow_bytes(void)
{
    struct buf text = {0};
    struct fault f = {0};
    size_t kib = 0;
    if (file_slurp("/proc/self/smaps_rollup", 65536, &text, &f)) {
        const char *at = strstr(buf_cstr(&text), "Private_Dirty:");
        if (at)
            sscanf(at + 14, "%zu", &kib);
    }
    buf_free(&text);
    return kib * 1024;
}

static void send_progress(struct child *c, int64_t now)
{
    /* Reading smaps_rollup walks all page tables: let it take at most 1 % of the time. */
    if (now >= c->cow_read_us) {
        c->cow_bytes = cow_bytes();
        int64_t after = clock_mono_us();
        c->cow_read_us = after + (after - now) * 100;
        now = after;
    }
    c->last_told_us = now;
    struct header h = header_of(c, PROGRESS);
    send_message(c, &h, NULL);
}

static void maybe_send(struct child *c)
{
    int64_t now = clock_mono_us();
    if (now - c->last_told_us >= PROGRESS_EVERY_US)
        send_progress(c, now);
}

void child_progress(struct child *c, uint64_t keys, double part)
{
    c->keys = keys;
    c->part = part;
    maybe_send(c);
}

void child_wrote(struct child *c, uint64_t bytes)
{
    c->bytes = bytes;
    maybe_send(c);
}

void child_phase(struct child *c, unsigned phase)
{
    c->phase = phase;
    c->bytes = 0;
    send_progress(c, clock_mono_us());
}

void child_finish(struct child *c, const void *report, size_t size, int exit_code)
{
    must(size <= CHILD_REPORT_MAX);
    c->cow_bytes = cow_bytes();
    struct header h = header_of(c, REPORT);
    h.size = (uint32_t)size;
    h.part = 1;
    send_message(c, &h, report);
    _exit(exit_code);
}
