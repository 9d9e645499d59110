/* SPDX-License-Identifier: BSD-3-Clause */
/* The recording and failing table of disk calls. One shared map holds the trace, the plan of faults
 * and one lock, so that a server, its threads and its children write one history.
 *
 *   struct trace *t = trace_new(64 << 20);
 *   trace_begin(t, root);                 ... in the server's process: file_use(trace_calls(t))
 *   trace_mark(t, TRACE_ACKED, n);        ... by the client
 *   for (const struct trace_rec *r = trace_first(t); r; r = trace_next(t, r)) ...
 *
 * Only calls on names below root are recorded, counted and failed. */
#ifndef TESTS_CRASH_TRACE_H
#define TESTS_CRASH_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/file.h"

enum trace_op {
    TRACE_OPEN,       /* a: flags; text: name below root */
    TRACE_CLOSE,
    TRACE_READ,       /* a: bytes (the position moves) */
    TRACE_WRITE,      /* text: the bytes the kernel took */
    TRACE_SYNC_BEGIN, /* a: id */
    TRACE_SYNC_END,   /* a: id, b: result */
    TRACE_TRUNCATE,   /* a: size */
    TRACE_RENAME,     /* text, text2: names */
    TRACE_UNLINK,
    TRACE_MKDIR,
    TRACE_MARKS, /* from here on: what the client knows; a: a number */
    TRACE_SENT = TRACE_MARKS,
    TRACE_ACKED,
    TRACE_FLOOR, /* units below a are durable, whatever else is known */
    TRACE_MODE,  /* a: enum trace_mode */
};
/* What makes a unit count as durable: nothing but TRACE_FLOOR, its acknowledgement, a sync of the
 * log behind its bytes. */
enum trace_mode { MODE_FLOOR, MODE_ACKED, MODE_SYNCED };

struct trace_rec {
    uint32_t size, op; /* size of the whole record */
    int32_t pid, fd;
    int64_t a, b, at_us; /* at_us: when, on a steady clock */
    uint32_t text_len, text2_len;
    char text[]; /* each with a NUL behind */
};

/* The kinds of calls, for the plan of faults. */
enum trace_call {
    CALL_OPEN, CALL_CLOSE, CALL_READ, CALL_PREAD, CALL_WRITE, CALL_FSYNC, CALL_FDATASYNC,
    CALL_TRUNCATE, CALL_RENAME, CALL_UNLINK, CALL_MKDIR, CALL_FSTAT, CALL_STAT, CALL_EACH,
    CALL_KINDS
};

/* A write takes half of its bytes; a write does nothing and says that it did. */
enum { FAIL_SHORT = -100000, FAIL_LIE = -100001 };

struct trace_plan {
    uint64_t at;          /* the number of the call that fails, from 1; 0: none */
    int error;            /* -errno or FAIL_... */
    bool permanent;       /* and all behind it */
    unsigned kinds;       /* only calls of these kinds (bits) count and fail; 0: all */
    bool skip_sync;       /* fsync and fdatasync of files do nothing and say that they did */
    bool skip_sync_dir;   /* the same for directories */
};

struct trace; /* opaque; shared between processes */

struct trace *trace_new(size_t size);
void trace_free(struct trace *t);
/* Forgets everything; calls below root (absolute, real) count from now on. */
void trace_begin(struct trace *t, const char *root, bool record);
void trace_set_plan(struct trace *t, const struct trace_plan *plan);
const struct file_calls *trace_calls(struct trace *t); /* one trace a process */
void trace_mark(struct trace *t, enum trace_op mark, int64_t n);
/* Between the two no recorded call is made by anybody: a process that is killed then has recorded
 * all it did, not all but the last call. */
void trace_hold(struct trace *t);
void trace_release(struct trace *t);
uint64_t trace_call_count(const struct trace *t, unsigned kinds); /* calls so far */
uint64_t trace_failed_count(const struct trace *t);
enum trace_call trace_failed_kind(const struct trace *t); /* of the first that failed */
const char *trace_failed_name(const struct trace *t);
bool trace_full(const struct trace *t);

const struct trace_rec *trace_first(const struct trace *t);
const struct trace_rec *trace_next(const struct trace *t, const struct trace_rec *r);
const char *trace_text2(const struct trace_rec *r);
const char *trace_op_name(const struct trace_rec *r);

#endif
