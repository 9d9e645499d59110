/* SPDX-License-Identifier: BSD-3-Clause */
/* What a backup is taken of, held still while it is copied.
 *
 *   a server of ours          BACKUP START: closed files, which no rewrite removes meanwhile
 *   Redis from 7.0, Valkey    with a log: no rewrite begins meanwhile (auto-aof-rewrite-percentage
 *                             0, and put back), one that runs is waited for; the newest increment
 *                             is copied up to its last whole command
 *   one without a log         BGSAVE, waited for; then its dump
 *   a directory               as it lies there, of a server that has ended: with one that runs, the
 *                             manifest is read again at the end, and must be the same
 *
 * The files must be readable here, whoever serves them: --data-dir names the server's directory as
 * it is seen from here. */
#ifndef TOOLS_BACKUP_SOURCE_H
#define TOOLS_BACKUP_SOURCE_H

#include <stdbool.h>

#include "tools/backup.h"
#include "tools/live.h"

struct backup_origin {
    char *path;  /* of the file now; NULL: text is all of it */
    char *text;  /* a manifest that is made for the backup */
    uint64_t limit; /* so many bytes of it; IN_SIZE_UNKNOWN: all */
    bool closed; /* it does not change any more: the same name of the same log is the same file */
};
struct backup_source {
    struct tool *tool;
    struct live *live;       /* NULL: a directory */
    bool held;               /* BACKUP START */
    char *percentage;        /* of the foreign server, to be put back; NULL: not changed */
    char *manifest_path;     /* of a log that may change: looked at again; NULL */
    struct buf manifest_was;
    struct backup_origin *origins; /* one for each file of the backup */
    size_t count;
};

/* Fills in what the backup is of: kind, server, source, log_id, position, files (names, kinds). */
bool backup_source_open(struct backup_source *s, struct tool *t, const char *word,
                        const struct backup_options *o, struct backup *b, struct fault *f);
/* Was it still held? False with f: the copy may not be of one moment. */
bool backup_source_settle(struct backup_source *s, struct fault *f);
void backup_source_close(struct backup_source *s);

#endif
