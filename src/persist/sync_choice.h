/* SPDX-License-Identifier: BSD-3-Clause */
/* Which way syncs go under appendfsync always, found by trying.
 *
 *   inline   the loop syncs and then replies: shortest for few clients
 *   worker   a thread syncs while the loop runs the next commands: more of them a second, when
 *            there are enough clients to have next commands
 *
 * Time is cut into windows, and a window's figure is commands per second of wall time. The way in
 * use runs for a while; then both are tried by turns, a few windows each, and the other is taken
 * when it was clearly better. A trial that changes nothing makes the next one come later. With
 * fewer than SYNC_CHOICE_GROUP commands a sync nothing is tried: one client waits for its own
 * reply, a thread can only add to that. Pure: no clock, no files. */
#ifndef PERSIST_SYNC_CHOICE_H
#define PERSIST_SYNC_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SYNC_CHOICE_GROUP = 4,         /* commands a sync */
    SYNC_WINDOW_US = 40000,
    SYNC_TRIAL_WINDOWS = 8,        /* both ways together */
    SYNC_REST_FIRST = 25, SYNC_REST_MAX = 400, /* windows between trials */
    SYNC_BETTER_PERCENT = 8,
};

struct sync_choice {
    bool worker;  /* the way to use now; in a trial this is not always the chosen one */
    bool chosen;  /* worker? */
    bool group;   /* the last window had enough commands a sync for group commit to pay */
    unsigned rest, rest_length; /* windows until the next trial */
    unsigned trial;             /* windows of it that are over; 0 with resting */
    bool trying;
    double chosen_sum, other_sum;
    int64_t window_us;          /* began; 0: none has */
    uint64_t window_commands, window_syncs;
};

/* After each sync. commands: run since the server began, or since they were counted anew. */
void sync_choice_note(struct sync_choice *c, int64_t now_us, uint64_t commands);

#endif
