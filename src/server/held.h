/* SPDX-License-Identifier: BSD-3-Clause */
/* A command kept beyond its place in the query buffer: queued by MULTI, held by a pause,
 * or of a client that waits for keys. */
#ifndef SERVER_HELD_H
#define SERVER_HELD_H

#include <stddef.h>

#include "base/slice.h"
#include "store/offer.h"

struct command_entry;

struct held_command {
    struct command_entry *entry;
    int argc;
    size_t bytes;
    struct offer big;    /* the blocks of its large words */
    struct slice argv[]; /* and the bytes of the others behind them */
};
/* Takes all of big over, which belongs to words of argv; NULL: there is nothing of that kind. */
struct held_command *held_command_new(struct command_entry *e, int argc, const struct slice *argv,
                                      struct offer *big);
/* For keyspace.offered, while the command runs. */
static inline struct offer *offer_of(struct offer *big)
{
    return big->count ? big : NULL;
}
void held_command_free(struct held_command *h);

#endif
