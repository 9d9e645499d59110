/* SPDX-License-Identifier: BSD-3-Clause */
/* A forked child that works on a frozen copy of memory and reports through a pipe: now and then how
 * far it is, at the end one struct.
 *
 *   pid_t pid = child_fork(&c, loop, &spec, &f);
 *   if (pid == 0) {                              // in the child
 *       work...; child_progress(&c, keys, part); child_wrote(&c, bytes); child_phase(&c, SYNC);
 *       child_finish(&c, &report, sizeof report, ok ? 0 : 1);   // does not return
 *   }
 *
 * In the parent spec.ended comes from the loop, once, after the child was waited for: also when it
 * crashed, was killed or never reported. What the parent has open is closed in the child, but for
 * what spec.keep names. A child runs at a low priority (nice 10): where CPUs are
 * short, clients are served first. The struct child is the caller's and must stay until then. */
#ifndef OS_CHILD_H
#define OS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"
#include "os/loop.h"

enum { CHILD_REPORT_MAX = 2048 };

struct child;
struct child_end {
    pid_t pid;
    int exit_code;      /* or -1 */
    int signal;         /* that ended it, or 0 */
    bool killed;        /* by child_kill */
    const void *report; /* NULL when there was none; aligned */
    size_t report_size;
    size_t cow_bytes; /* memory copied because of it, as it told last */
};

struct child_spec {
    const char *name; /* shown as the process' title where that is possible; static */
    void (*ended)(void *arg, const struct child_end *end);
    void *arg;
    const int *keep; /* descriptors that stay open in the child, beside 0 to 2; until child_fork */
    size_t keep_count;
};

struct child { /* zero it before the first use; read only */
    pid_t pid;        /* 0: none lives */
    int64_t began_us; /* monotonic */
    int64_t fork_us;  /* how long fork itself took */
    /* as told by the child's last progress message */
    uint64_t keys, bytes;
    unsigned phase; /* the caller's numbers */
    double part; /* 0..1 */
    size_t cow_bytes, cow_peak_bytes;
    int64_t cow_read_us; /* when cow_bytes was true (monotonic) */
    /* private */
    struct child_spec spec;
    struct loop *loop;
    struct loop_io io;
    struct loop_timer reap;
    int pipe_write;
    int64_t last_told_us;
    bool killed, reported;
    size_t got, report_size;
    uint64_t message[(CHILD_REPORT_MAX + 64) / 8];
    uint64_t report[CHILD_REPORT_MAX / 8];
};

/* The pid in the parent, 0 in the child, -errno with f filled. In the child the signals are back at
 * their defaults (SIGINT ignored: a terminal's ^C is the parent's) and the log's role is C. */
pid_t child_fork(struct child *c, struct loop *loop, const struct child_spec *spec,
                 struct fault *f);
void child_kill(struct child *c, int signal);
/* Blocks until it has gone; spec.ended is called before this returns. */
void child_wait(struct child *c);

/* In the child. Progress is cheap to tell often: at most every 100 ms is sent, and the
 * copy-on-write size (slow to ask for) takes at most 1 % of the time. */
void child_progress(struct child *c, uint64_t keys, double part);
void child_wrote(struct child *c, uint64_t bytes); /* or read: in all, in this phase */
void child_phase(struct child *c, unsigned phase); /* always sent; bytes are 0 again */
_Noreturn void child_finish(struct child *c, const void *report, size_t size, int exit_code);

#endif
