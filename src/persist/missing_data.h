/* SPDX-License-Identifier: BSD-3-Clause */
/* A data directory that has lost its data must not be taken for a new one, and what was written
 * last must not be passed over for something older: a start that would load less than the directory
 * is known to hold is refused, unless on-missing-data tells otherwise.
 *
 *   refuse       the default
 *   load-rdb     the dump file is there: start from it, the log is gone or not what is wanted
 *   start-empty  and with nothing, when nothing is there
 *
 * What it held says the mark, the file .holdfast-data in it; other servers do not know it. It is
 * written when data first becomes durable there, and again when that is of another kind:
 *
 *   # ...
 *   time 2026-11-21T07:00:00Z
 *   dump dump.rdb                                  a dump file was saved here
 *   log appendonlydir/appendonly.aof.manifest      and the log that was on then
 *   off 3 appendonlydir/appendonly.aof.manifest    or, when it was off: the one that was there, and
 *                                                  its generation (number of base + increment)
 *
 * Whoever removes data on purpose removes the mark with it. Without a mark, where other servers
 * worked, two things are plain: a log that is off and all there is, where dumps would be saved, and
 * one that holds nothing beside a dump file. */
#ifndef PERSIST_MISSING_DATA_H
#define PERSIST_MISSING_DATA_H

#include <stdbool.h>

#include "base/fault.h"

#define MISSING_DATA_MARK ".holdfast-data"

struct missing_data; /* opaque */
struct persist;

struct missing_data *missing_data_new(struct persist *p);
void missing_data_free(struct missing_data *m);
/* What a start is about to load: the log it found, or the dump file, or nothing when there is none,
 * with the log on or off. */
enum start_from { START_LOG_FOUND, START_LOG_NEW, START_LOG_OFF };
/* Before it loads. False: it must not, and f tells both sources, their times and the way out.
 * dump_instead: not the log that was found, which ended before the dump was saved. */
bool missing_data_allows(struct missing_data *m, enum start_from from, bool *dump_instead,
                         struct fault *f);
/* A dump file was saved, durably. dir NULL: the working directory. */
void missing_data_saved(struct missing_data *m, const char *dir);
/* The dump file is about to be removed on purpose, as a replica may that has its data from
 * elsewhere: no start looks for it any more. dir as above. */
void missing_data_removing(struct missing_data *m, const char *dir);
/* There is a log, durably. */
void missing_data_logged(struct missing_data *m);

#endif
