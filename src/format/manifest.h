/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest of a multi-part AOF: which files hold the data, in which order.
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b     at most one base
 *   file appendonly.aof.1.incr.aof seq 1 type h     history: to be deleted
 *   file appendonly.aof.2.incr.aof seq 2 type i     increments, seq ascending
 *
 * Behind the type may stand pairs that older servers ignore and do not write:
 *
 *   id 0123456789abcdef    the log the file is a part of; the file itself says so too (aof_parts.h)
 *   size 4711              bytes of a file that is closed for good; of the newest increment: the
 *                          bytes it had when the server was stopped in order, so at least that many
 *   from 5                 of a base, also when it is history: the number of the increment that
 *                          begins where it ends, so that both mean something together
 *
 * The last line of a manifest that tells ids, a comment to older servers, is its checksum:
 *
 *   #HF:sum 0123456789abcdef
 *
 * Reading is strict: what is unclear is a fault with its line, as is a file that is named twice
 * (history is deleted). Names are bare: no path separators.
 * The struct owns its names; start from {0}, end with manifest_free. Lists are in file order. */
#ifndef FORMAT_MANIFEST_H
#define FORMAT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

enum { MANIFEST_LINE_MAX = 1024 };

struct manifest_file {
    char *name; /* NULL: no such file */
    int64_t seq;
    uint64_t id;  /* 0: not told */
    int64_t size; /* -1: not told */
    int64_t from; /* of a base; 0: not told */
};

struct manifest_list {
    struct manifest_file *files;
    size_t count;
};

struct manifest {
    struct manifest_file base;
    struct manifest_list incr, history; /* incr oldest first, history newest first */
};

/* Into an empty *m. An empty text is a fault; one of comments only is a manifest without files. */
bool manifest_parse(struct manifest *m, struct slice text, struct fault *f);
/* Behind what is in *out, which must be nothing when ids are told. One without files is a comment:
 * it can be read again. */
void manifest_print(const struct manifest *m, struct buf *out);
void manifest_free(struct manifest *m);
void manifest_copy(struct manifest *to, const struct manifest *from);

/* The number a new file takes: one above the newest, whatever list that is in; 0: none is left. */
int64_t manifest_next_base(const struct manifest *m);
int64_t manifest_next_incr(const struct manifest *m);
/* appendonly.aof + 2 -> appendonly.aof.2.base.rdb, .base.aof, .incr.aof; for mem_free. */
char *manifest_base_name(const char *stem, int64_t seq, bool rdb);
char *manifest_incr_name(const char *stem, int64_t seq);

/* Names are copied; id and size of a file that is added are not told. */
void manifest_add_incr(struct manifest *m, const char *name, int64_t seq);
/* The old base, if any, becomes history. */
void manifest_set_base(struct manifest *m, const char *name, int64_t seq);
/* All increments but the newest keep become history. */
void manifest_retire_incr(struct manifest *m, size_t keep);
void manifest_drop_history(struct manifest *m);
void manifest_forget_history(struct manifest *m, const char *name); /* one of it, if it is there */
void manifest_forget_part(struct manifest *m, const char *name); /* the base, or an increment */
/* Ids and sizes are told no more: what is printed then is as older servers write it. */
void manifest_make_plain(struct manifest *m);
bool manifest_is_plain(const struct manifest *m);
bool manifest_names(const struct manifest *m, const char *name); /* in any list */

#endif
