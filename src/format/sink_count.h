/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest consumer of a data set: counts keys, functions, expiry times. now_ms tells which of
 * these are past; 0: none. Owns nothing. */
#ifndef FORMAT_SINK_COUNT_H
#define FORMAT_SINK_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/sink.h"

struct sink_count {
    struct sink sink;
    uint64_t keys, functions;
    uint64_t expires, already_expired; /* of keys */
    uint64_t subexpires;               /* keys with a field that expires */
    int64_t now_ms;
    bool key_has_subexpire;
};
void sink_count_init(struct sink_count *c, int64_t now_ms);

#endif
