/* SPDX-License-Identifier: BSD-3-Clause */
/* What a unit changed, as its listeners get it (commit.h). */
#ifndef SERVER_COMMIT_BATCH_H
#define SERVER_COMMIT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* TO_REPLICAS_NEWS: it changes nothing (PUBLISH). */
enum commit_scope {
    TO_LOG = 1, TO_REPLICAS = 2, TO_ALL = TO_LOG | TO_REPLICAS, TO_REPLICAS_NEWS = 4 | TO_REPLICAS
};

struct commit_batch {
    struct slice log, replicas; /* RESP, SELECT and MULTI/EXEC included; the same bytes when all of
                                 * the unit went to both; one of them may be empty */
    uint64_t position;          /* behind it */
    bool apart;                 /* what they tell of differs: some change went to one alone */
    unsigned log_commands, replica_commands; /* writes */
    int64_t now_ms;
};

#endif
