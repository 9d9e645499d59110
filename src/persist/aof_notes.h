/* SPDX-License-Identifier: BSD-3-Clause */
/* Annotation lines in the append log that are another feature's: persist puts them where they
 * belong, and shows them again when the log is loaded; what they say it does not know. One such
 * feature at most; without it nobody is asked. Whatever lines say, readers that do not know them
 * skip them. Only among checksums: without those (aof-checksum no) the log is as older servers
 * write it. */
#ifndef PERSIST_AOF_NOTES_H
#define PERSIST_AOF_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "format/aof_read.h"

struct buf;
struct commit_batch;

/* A place where a reader can begin: between batches of checksums, with the chain as it is there
 * (aof_open_at). */
struct aof_place {
    int64_t seq; /* of the increment */
    uint64_t at; /* bytes from its beginning */
    struct aof_chain chain;
};

struct aof_notes { /* arg NULL: there is no such feature */
    bool wanted; /* the feature's: write is called */
    /* A batch is about to be logged, behind the lines that are appended here, if any: each begins
     * with '#', is plain, ends with CRLF, and is as long as none of those of aof_sum.h. fresh: it
     * is the first of a file, or of a session of checksums. */
    void (*write)(void *arg, const struct commit_batch *batch, bool fresh, struct buf *lines);
    /* There were some: they come first behind this place, but for a time, and may still be changed,
     * not in length: the chain tells the session. */
    void (*place)(void *arg, const struct aof_place *at, struct buf *lines);
    /* What is logged from here on does not go on where the log ended. */
    void (*broken)(void *arg);
    /* The server stops in order: the last lines of the log, as for write. */
    void (*end)(void *arg, bool fresh, struct buf *lines);
    /* At start: an increment is read, its items, and nothing is to come. whole: all that was read
     * is now the data set. */
    void (*part)(void *arg, int64_t seq);
    void (*read)(void *arg, const struct aof_reader *reader, enum aof_item item);
    void (*all_read)(void *arg, bool whole);
    void *arg;
};

#endif
