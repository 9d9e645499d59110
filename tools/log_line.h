/* SPDX-License-Identifier: BSD-3-Clause */
/* The increments of a log in the order of time, those that are history by now in front, and the
 * bases that one can begin with.
 *
 *   base 1 -> incr 1, 2        base 2 -> incr 3, 4        base 3 -> incr 5      begins with 5
 *   [history................................]             [now...........]
 *
 * A state is a base and the increments from the one it begins with up to some place in one: with an
 * older base, more of them. The manifest tells of a base with which increment it begins ("from"),
 * or the order of its history does: a base, then those written behind it. */
#ifndef TOOLS_LOG_LINE_H
#define TOOLS_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/log_part.h"
#include "tools/source.h"

struct log_base {
    size_t part;   /* of the source; SIZE_MAX: none, the log begins with nothing */
    int64_t from;  /* the number of the increment it begins with */
    bool tried;    /* by log_line_try */
    enum tool_exit is; /* what that found */
    bool refused;      /* for it: none can begin with it */
};
struct log_line {
    const struct source *source;
    size_t *incrs; /* parts, by number */
    size_t count;
    struct log_base *bases; /* oldest first */
    size_t bases_count;
};

void log_line_begin(struct log_line *l, const struct source *s);
void log_line_free(struct log_line *l);
/* The newest base from which the increment (an index into incrs) can be reached; NULL: a file that
 * it takes is not there. */
const struct log_base *log_line_base(const struct log_line *l, size_t incr);
/* Reads a base (an index into bases) if that was not done yet and it is there, says what is wrong
 * with it, and gives what it is (log_base.h). From then on log_line_base gives no damaged one. */
enum tool_exit log_line_try(struct log_line *l, struct tool *t, size_t base);
const struct source_part *log_line_incr(const struct log_line *l, size_t i);

/* Says which files that a start would load are not there; good: none is missing. */
enum tool_exit log_line_missing(struct tool *t, const struct source *s);

/* A place: in front of a unit of an increment. */
struct log_place {
    size_t incr; /* into incrs */
    uint64_t at;
};
/* Reads all increments that are there, in order. False ends it. item as of log_read.h; p and r are
 * those of the part that is read. */
typedef bool log_line_visit(void *arg, size_t incr, struct log_part *p, struct log_reader *r,
                            enum log_item what);
/* from: where to begin (whole parts). False: f. */
bool log_line_walk(const struct log_line *l, size_t from, log_line_visit *visit, void *arg,
                   struct fault *f);

#endif
