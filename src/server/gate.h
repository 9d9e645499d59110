/* SPDX-License-Identifier: BSD-3-Clause */
/* What may refuse or hold the commands of clients is a gate, shut by its owner for as long as it
 * may. Behind a shut one each command is asked all that can be asked (admit.c); with all of them
 * open, and no ADMIT listener that named a flag of the command, it runs at once. */
#ifndef SERVER_GATE_H
#define SERVER_GATE_H

#include <stdbool.h>

enum gate {
    GATE_LOADING = 1,
    GATE_BUSY = 2,
    GATE_PAUSE = 4,
    GATE_ROUTE = 8,
    GATE_LOADING_BESIDE = 16, /* another data set is loaded, and this one served */
};
struct gates {
    unsigned shut; /* GATE_* */
};

static inline void gate_set(struct gates *g, enum gate gate, bool shut)
{
    g->shut = shut ? g->shut | gate : g->shut & ~(unsigned)gate;
}

#endif
