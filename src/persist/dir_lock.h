/* SPDX-License-Identifier: BSD-3-Clause */
/* One writer for one directory. Two servers on one, even for a moment, write over each other's
 * dumps and append to one log; the second is refused, or waits for the first to end.
 *
 *   dir-lock no            for a file system without locks, and for servers that share a directory
 *                          under names of their own
 *   dir-lock-wait SECONDS  at start: how long to wait for a server that is ending; 0: not at all
 *
 * The lock is the file .holdfast-lock (os/lock_file.h). It is taken by who may write: at start when
 * there are save points or the log is on, otherwise with the first save and with CONFIG SET; CONFIG
 * SET dir takes the new directory, and the old one is given back unless the log lies there. Where
 * nothing can be written the lock can't be made and is not needed. A lock file that somebody
 * removes is made again within a second. */
#ifndef PERSIST_DIR_LOCK_H
#define PERSIST_DIR_LOCK_H

#include <stdbool.h>

#include "base/fault.h"

struct dir_lock; /* opaque */
struct persist;

struct dir_lock *dir_lock_new(struct persist *p);
void dir_lock_free(struct dir_lock *d);
/* The working directory, at start: waits as configured, and serves -LOADING meanwhile. False with
 * f: somebody else has it, or the server was told to stop. */
bool dir_lock_start(struct dir_lock *d, struct fault *f);
/* The working directory, before something is written there; costs a stat when it is held. False
 * with f: somebody else has it. */
bool dir_lock_hold(struct dir_lock *d, struct fault *f);
/* The same for the log's directory, before a rewrite; it is held as long as that goes on. */
bool dir_lock_hold_log(struct dir_lock *d, struct fault *f);
/* From cron: gives back what is no longer written to. */
void dir_lock_tick(struct dir_lock *d);

#endif
