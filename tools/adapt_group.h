/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream's group of Redis 8.8, whose pending list may have entries that no consumer owns: held
 * until its consumers have told what they own, then told without those others, which no target has
 * a place for. What is much of it lies in files without names. */
#ifndef TOOLS_ADAPT_GROUP_H
#define TOOLS_ADAPT_GROUP_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/out.h"
#include "format/sink.h"
#include "tools/pending_file.h"

struct adapt_group {
    bool ready, open;
    struct stream_group_event group;
    struct buf name;
    struct pending_list pending;
    struct pending_file file;  /* of a long list */
    bool sorted;               /* all of it has come */
    uint64_t owned, consumers; /* that have come */
    struct out told;           /* each consumer: its event, its name, the entries it owns */
    int fd;                    /* of what of them is not in memory; -1: nothing */
    struct fault fault;        /* of that file */
};

void adapt_group_begin(struct adapt_group *g, const struct stream_group_event *e);
void adapt_group_pending(struct adapt_group *g, const struct stream_pending_event *e);
void adapt_group_consumer(struct adapt_group *g, const struct stream_consumer_event *e);
void adapt_group_owned(struct adapt_group *g, const struct stream_pending_event *e);
/* To `to`; nothing when none is open. False with f: a file failed. */
bool adapt_group_end(struct adapt_group *g, struct sink *to, struct fault *f);
/* What is open is of a key that broke off. */
void adapt_group_drop(struct adapt_group *g);
void adapt_group_free(struct adapt_group *g);

#endif
