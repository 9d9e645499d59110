/* SPDX-License-Identifier: BSD-3-Clause */
/* A model of a disk under a page cache: what is durable, and what is pending. Fed with the trace of
 * a run it can tell at every moment which contents a loss of power may leave.
 *
 *   inode      durable bytes + writes and truncations since its last sync
 *   names      durable entries + link, unlink, rename since the last sync of their directory
 *
 * After a loss of power any pending operation may be there or not, a write also in part (up to a
 * sector or page, or with a page missing), or as zeros or garbage (the size reached the disk, the
 * bytes did not). Renames are atomic; operations on one name keep their order. A failed sync of a
 * file leaves its bytes pending for ever: a later success says nothing about them. */
#ifndef TESTS_CRASH_DISK_H
#define TESTS_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/crash/crash_trace.h"

struct disk; /* opaque */

struct disk *disk_new(void);
void disk_free(struct disk *d);
/* All that lies in dir, and one level below it, as durable. */
void disk_load(struct disk *d, const char *dir);
/* True when the record changed what may be found. Text of records is kept by reference. */
bool disk_apply(struct disk *d, const struct trace_rec *r);

/* One possible outcome. Chosen by a recipe; made with disk_choose. */
enum {
    DATA_NONE,   /* nothing pending reached the disk */
    DATA_ALL,
    DATA_PREFIX, /* the first x operations */
    DATA_TORN,   /* all, but of the last write only the first y bytes */
    DATA_TORN_ZERO, /* the same, and zeros for the rest */
    DATA_DROP,   /* all but operation x */
    DATA_HOLE,   /* all, but of operation x a piece of y bytes at z is zeros */
    DATA_ZERO,   /* the size of all, zeros for bytes */
    DATA_RANDOM,
};
enum { NAMES_NONE, NAMES_ALL, NAMES_PREFIX, NAMES_DROP, NAMES_RANDOM };
struct disk_recipe {
    int data, names;    /* for all inodes but one, for the names */
    int one_data;       /* for the inode written last */
    size_t x, y, z, nx; /* nx: names' x */
    bool garbage;       /* what is missing is not zeros but whatever lay there before */
    uint64_t seed;      /* of what is random */
};

/* Bounds for recipes. */
size_t disk_pending_names(const struct disk *d);
size_t disk_pending_last(const struct disk *d); /* operations of the inode written last */
/* Size of its operation i, 0 for truncations. at: where in the file. */
size_t disk_pending_size(const struct disk *d, size_t i, uint64_t *at);

/* The contents after a loss of power. */
struct disk_state; /* opaque */
struct disk_state *disk_choose(const struct disk *d, const struct disk_recipe *recipe);
void disk_state_free(struct disk_state *s);
uint64_t disk_state_hash(const struct disk_state *s);
bool disk_state_write(const struct disk_state *s, const char *dir); /* into an empty directory */
void disk_state_print(const struct disk_state *s);

#endif
