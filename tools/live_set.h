/* SPDX-License-Identifier: BSD-3-Clause */
/* A running server as events: its libraries of functions, then its keys by SCAN and DUMP. SCAN
 * gives a key more than once while the server's table changes its size: names are sorted first
 * (diff_sort.h), in bounded memory, and each is asked for once. A value is in memory whole.
 *
 *   struct live_set s = {.tool = t, .filter = filter, .live = live_open(address, &f)};
 *   live_set_read(&s, &sink, &f)          what was deleted meanwhile does not come
 * or, for who reads more than once, and the same each time:
 *   live_set_copy(&s, &f)                 to a file without a name; the connection ends
 *   live_set_read(&s, &sink, &f) ...      from there
 *   live_set_close(&s);
 *
 * Libraries that it does not show are told of once (list "unread"), and progress while reading. */
#ifndef TOOLS_LIVE_SET_H
#define TOOLS_LIVE_SET_H

#include <stdbool.h>

#include "base/fault.h"
#include "format/sink.h"
#include "tools/key_filter.h"
#include "tools/live.h"
#include "tools/tool.h"

struct live_set {
    struct tool *tool;
    struct live *live; /* owned; NULL behind a copy */
    const struct key_filter *filter; /* of a copy: no other keys are in it; NULL: all are */
    uint64_t left_out;               /* keys that it does not take */
    bool unread_told;
    bool libraries_hidden; /* after read or copy: there may be some that were not shown */
    bool has_copy;
    int copy;
};

bool live_set_read(struct live_set *s, struct sink *sink, struct fault *f);
bool live_set_copy(struct live_set *s, struct fault *f);
void live_set_close(struct live_set *s); /* zeros: fine */

#endif
