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
    } else if (ceil(s * 1000) < 0) { /* less than a millisecond of it is none, as in Redis */
        reply_error(c, "ERR timeout is negative");
    } else if (ceil(s * 1000) >= 0x1p63) {
        reply_error(c, "ERR timeout is out of range");
    } else {
        *ms = (int64_t)ceil(s * 1000);
        must(*ms >= 0 && (*ms == 0) == (s <= 0));
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

void blocking_pop(struct ctx *c, const struct blocking_pop *p)
{
    int64_t timeout_ms;
    int last = c->argc - 1;
    must(last >= 2); /* by its arity */
    if (!blocking_timeout(c, last, &timeout_ms))
        return;
    for (int i = 1; i < last; i++) {
        struct entry *e;
        if (!ctx_lookup_write(c, c->argv[i], p->type, &e))
            return;
        if (!e)
            continue;
        must(entry_type(e) == p->type);
        struct slice effect[] = {slice_str(p->word), c->argv[i]};
        reply_array(c, 1 + p->parts);
        reply_bulk(c, c->argv[i]);
        p->take(c, c->argv[i], e, p->high);
        ctx_log_instead(c, 2, effect);
        return;
    }
    blocking_wait(c, timeout_ms, 1, last - 1, p->type);
}
