/* SPDX-License-Identifier: BSD-3-Clause */
/* BACKUP: a consistent copy of the append log while the server goes on.
 *
 *   BACKUP START    the log goes on in a new increment; what stands before it is one moment's data
 *                   set, in files that do not change any more. No rewrite removes them until
 *   BACKUP END      or the end of the connection that asked, so that a backup program that was
 *                   killed holds nothing
 *   BACKUP SEAL     the line is drawn again, later: the files up to now, and those held before
 *   BACKUP LIST     who holds what, since when
 *
 * START and SEAL answer with a map: id (of the hold), dir (absolute), manifest (its name there),
 * log-id (16 hex digits), position ("SEQ:OFFSET": the end of the newest file of the list), time-ms,
 * server (version), and files: for each name, type ("b" or "i"), seq, size, from (of a base: the
 * increment it begins with), in the order of loading. A line drawn where nothing was written since
 * the last one makes no new file. */
#ifndef PERSIST_BACKUP_HOLD_H
#define PERSIST_BACKUP_HOLD_H

#include <stdbool.h>

struct backup_holds; /* opaque */
struct persist;

struct backup_holds *backup_holds_new(struct persist *p); /* with its command */
void backup_holds_free(struct backup_holds *h);

#endif
