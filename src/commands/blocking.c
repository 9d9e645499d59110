/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/blocking.h"

#include <math.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "server/reply.h"
#include "server/wait_keys.h"

bool blocking_timeout(struct ctx *c, int i, int64_t *ms)
{
    double s;
    if (!num_parse_double(c->argv[i], &s)) {
        reply_error(c, "ERR timeout is not a float or out of range");
    } else if (s < 0) {
        reply_error(c, "ERR timeout is negative");
    } else if (ceil(s * 1000) >= 0x1p63) {
        reply_error(c, "ERR timeout is out of range");
    } else {
        *ms = (int64_t)ceil(s * 1000);
        must(*ms >= 0 && (*ms == 0) == (s == 0));
        return true;
    }
    return false;
}

void blocking_wait(struct ctx *c, int64_t timeout_ms, int first, int count, enum value_type type)
{
    enum { FEW = 16 };
    int few[FEW], *at = count <= FEW ? few : mem_alloc((size_t)count * sizeof *at);
    must(count > 0 && first > 0 && first + count <= c->argc);
    for (int i = 0; i < count; i++)
        at[i] = first + i;
    wait_for_keys(c, timeout_ms, &(struct wait_keys){.at = at, .count = count, .type = type,
                                                     .too_late = reply_null_array});
    if (at != few)
        mem_free(at);
}
