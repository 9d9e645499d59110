/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink in front of another: lets pass the keys that a filter takes, maybe changed on the way.
 *
 *   sift_init(&s, &filter, &writer.sink);
 *   s.change = ...; s.arg = ...;           NULL: as they are. False: the key is left out
 *   dataset_read(&d, &s.pass.sink, &f);
 *
 * What change puts into the event must live until the key's end. */
#ifndef TOOLS_SIFT_H
#define TOOLS_SIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/sink.h"
#include "tools/key_filter.h"
#include "tools/pass.h"

struct sift {
    struct pass pass;
    const struct key_filter *filter; /* NULL: all */
    bool (*change)(void *arg, struct key_event *key);
    void (*ended)(void *arg); /* NULL; behind a key's end_key */
    void (*library)(void *arg, struct slice source); /* NULL: passes */
    bool (*takes_library)(void *arg, struct slice source); /* NULL: all */
    void *arg;
    bool no_libraries; /* counted in libraries_left_out */
    bool values_only; /* nothing passes that is no key: it may be no data set that is written */
    uint64_t taken, left_out; /* keys */
    uint64_t libraries_left_out;
};

void sift_init(struct sift *s, const struct key_filter *filter, struct sink *to);

#endif
