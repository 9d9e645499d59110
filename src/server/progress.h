/* SPDX-License-Identifier: BSD-3-Clause */
/* How far what was written has got: to the disk here, to replicas, to their disks. Who keeps copies
 * in one of these places registers as its source; whoever waits (WAIT, WAITAOF) needs not know who
 * that is. Positions are those of commit.h. */
#ifndef SERVER_PROGRESS_H
#define SERVER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct ctx;
struct progress; /* opaque */
struct server;

enum progress_place { PROGRESS_DISK, PROGRESS_REPLICAS, PROGRESS_REPLICA_DISKS, PROGRESS_PLACES };

struct progress_source {
    /* How many copies hold all up to position, as far as is known. */
    int64_t (*copies)(void *arg, uint64_t position);
    /* No copy is kept there at all: NULL means never. */
    bool (*is_off)(void *arg);
    /* Somebody waits for copies that are not there yet: hurry; or nobody does any more. May be
     * NULL. */
    void (*hurry)(void *arg, bool wanted);
    void *arg;
};

struct progress *progress_new(void);
void progress_free(struct progress *p); /* those who wait have gone */
/* One source a place; it lives as long as the server. */
void progress_add(struct progress *p, enum progress_place place,
                  const struct progress_source *source);
/* 0 without a source. */
int64_t progress_copies(const struct progress *p, enum progress_place place, uint64_t position);
bool progress_is_off(const struct progress *p, enum progress_place place);
/* Copies got on, or a source was switched on or off: who has waited enough is woken. */
void progress_moved(struct progress *p);
/* One who is told of that, too, other than by waiting. */
void progress_on_moved(struct progress *p, void (*f)(void *arg), void *arg);

struct progress_goal {
    uint64_t position;
    int64_t copies[PROGRESS_PLACES]; /* 0: none are waited for */
    /* The reply, when the goal is reached, or a place of it is off, or time is over. */
    void (*reply)(struct ctx *c, const struct progress_goal *goal);
};
bool progress_reached(const struct progress *p, const struct progress_goal *goal);
/* block.h: the handler replies nothing. timeout_ms 0: for ever. */
void progress_wait(struct ctx *c, int64_t timeout_ms, const struct progress_goal *goal);

#endif
