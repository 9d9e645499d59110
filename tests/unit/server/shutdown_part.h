/* SPDX-License-Identifier: BSD-3-Clause */
/* Features that have a say in a shutdown, as a test wants them: hooks_on_shutdown's listeners. */
#ifndef TESTS_UNIT_SERVER_SHUTDOWN_PART_H
#define TESTS_UNIT_SERVER_SHUTDOWN_PART_H

#include <stdbool.h>

#include "server/hooks.h"

struct shutdown_part {
    enum shutdown_answer answer;
    bool cannot_finish;
    int finished;
    unsigned flags; /* as it was asked, or finished, last */
};

static inline enum shutdown_answer part_ready(void *arg, unsigned flags)
{
    struct shutdown_part *p = arg;
    p->flags = flags;
    return p->answer;
}

static inline bool part_finish(void *arg, unsigned flags)
{
    struct shutdown_part *p = arg;
    p->finished++;
    p->flags = flags;
    return !p->cannot_finish;
}

#endif
