/* SPDX-License-Identifier: BSD-3-Clause */
/* The arguments and the reply that SCAN, SSCAN, HSCAN and ZSCAN share.
 *
 *   struct scan_args a;
 *   if (!scan_parse(c, 2, false, &a)) return;              // cursor at 2, options behind it
 *   struct scan_found f = {0};
 *   ... if (scan_wants(&a, member)) scan_found_add(&f, member);
 *   scan_args_free(&a);
 *   scan_reply(c, &f, next_cursor); */
#ifndef COMMANDS_SCAN_H
#define COMMANDS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/glob.h"
#include "base/slice.h"

struct ctx;

struct scan_args {
    uint64_t cursor;
    int64_t count;          /* wanted elements; >= 1 */
    struct glob pattern;
    struct slice type;      /* SCAN only */
    bool has_pattern, has_type, keys;
};

/* keys: TYPE is allowed. False after an error was replied; otherwise *a, which stays where it is,
 * is for scan_args_free. */
bool scan_parse(struct ctx *c, int cursor_at, bool keys, struct scan_args *a);
void scan_args_free(struct scan_args *a);
bool scan_wants(const struct scan_args *a, struct slice element);

/* Elements collected before the reply is made: their number must be known, and they may be looked
 * at again. */
struct scan_found {
    struct buf bytes;   /* u64 length, bytes */
    size_t count;
};
void scan_found_add(struct scan_found *f, struct slice element);
/* Replies [cursor, [elements]] and frees. */
void scan_reply(struct ctx *c, struct scan_found *f, uint64_t cursor);
/* The next element, or false; start with *at 0. */
bool scan_found_next(const struct scan_found *f, size_t *at, struct slice *element);
void scan_found_free(struct scan_found *f);

#endif
