/* SPDX-License-Identifier: BSD-3-Clause */
/* The libraries of functions of a running server, as events. They come in one reply, so all of one
 * moment, and go on one by one: in memory is one at a time, whatever they are together.
 *
 *   struct live_unshown u = {0};
 *   if (!live_functions(l, &sink, &u, &f)) ...             connection, timeout, no such reply
 *   if (u.why.len) ...                                     none came, and this is why
 *   buf_free(&u.why);
 *
 * Servers before Redis 7.0 have none; others may not let this user see them. */
#ifndef TOOLS_LIVE_FUNCTIONS_H
#define TOOLS_LIVE_FUNCTIONS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "format/sink.h"
#include "tools/live.h"

struct live_unshown {
    struct buf why;
    bool hidden; /* there may be some */
};
bool live_functions(struct live *l, struct sink *to, struct live_unshown *u, struct fault *f);

#endif
