/* SPDX-License-Identifier: BSD-3-Clause */
/* The data set becomes what a stream says: a replica's full synchronisation.
 *
 *   in_init_callback(&in, file_in_read, &fd, IN_SIZE_UNKNOWN, 0);
 *   struct boot_source src = {.name = "the primary"};
 *   if (!persist_replace(p, &in, &src, REPLACE_BESIDE, &f)) ... f says why ...
 *
 * Where one takes the place of the other, a save and a rewrite that run are killed, the log is
 * closed (all that was logged is durable), and begun again with a rewrite, as what it holds is
 * another data set. Until that rewrite is over a crash brings back what the log held before, whole.
 * Nothing of it is told to COMMIT listeners; who watches a key hears of it, who waits for one that
 * came is served.
 *
 * On a fault, or when src->judge (boot.h) does not take the whole, the data set is never a part of
 * the stream, nor mixed with what features had beside the other:
 *
 *   REPLACE_BESIDE   the stream is loaded beside what is there (memory for two). After a fault all
 *                    is as it was, the log has gone on. Clients get -LOADING meanwhile
 *   REPLACE_SERVED   the same, but clients go on with what is there, all but those commands that
 *                    must not run beside (CMD_NO_ASYNC_LOADING)
 *   REPLACE_EMPTIED  what was there goes before the load. After a fault the data set is empty, and
 *                    what the disk holds is more than that: no save point, no end in order and no
 *                    log writes over it, until a stream was loaded, or persist_keep_empty. For a
 *                    stream that was found good before (trial.h), where there is no memory for two
 *
 * Clients are served now and then, unless p->no_turns: so it is called from the loop, or with
 * no_turns from a command. */
#ifndef PERSIST_REPLACE_H
#define PERSIST_REPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "persist/boot.h"

struct in;
struct persist;

enum replace_how { REPLACE_EMPTIED, REPLACE_BESIDE, REPLACE_SERVED };
/* src->into is NULL. False with f filled, also when the log could not be closed: then all is as it
 * was, emptied too. A log that could not be begun again is no fault: it is tried again each second,
 * and writes are refused until then. */
bool persist_replace(struct persist *p, struct in *in, struct boot_source *src,
                     enum replace_how how, struct fault *f);
/* After a fault that has left the data set empty: it counts from now on, saves and the log too. */
void persist_keep_empty(struct persist *p);
/* Cron. */
void replace_tick(struct persist *p, int64_t mono_ms);

#endif
