/* SPDX-License-Identifier: BSD-3-Clause */
/* A backup: a directory of its own in the directory of backups, named by the moment it was begun.
 *
 *   /backups/20261129T140300.250Z/
 *       backup                       what it is: lines below; written last, so without it there is
 *                                    no backup
 *       appendonlydir/x.manifest     the files, as a server would find them (unless compressed:
 *       appendonlydir/x.1.base.rdb   then each file but the manifest has .zst or .gz behind its
 *       appendonlydir/x.1.incr.aof   name), or
 *       dump.rdb
 *       verified                     it was read back whole: when, and how deep
 *   /backups/.unfinished-20261129T150300.000Z/    one being made; a dead one is told of and removed
 *
 * Files that did not change since the backup before are second names of its files (hard links):
 * closed files of the same log, and whatever has the same size and SHA-256.
 *
 * The file "backup" is lines of words, quoted as in a configuration where need be:
 *
 *   holdfast-backup 1
 *   kind log|dump      server TEXT      source TEXT     log-id HEX16|-    position SEQ:OFFSET|-
 *   begun MS           ended MS         times MS MS     (of the log's annotations; -1: none)
 *   keys N             (of the base or dump)            commands N        (behind the base)
 *   base-digest HEX40|-                 state-digest HEX40|-
 *   compression none|gzip|zstd
 *   file NAME kind base|incr|manifest|dump size N stored N sha256 HEX64    (size, sha256: unpacked)
 *   sum HEX64          SHA-256 of the lines before
 *
 * state-digest (create --deep): of the keys without expiry, after all commands. */
#ifndef TOOLS_BACKUP_H
#define TOOLS_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"
#include "format/digest.h"
#include "tools/out_file.h"
#include "tools/tool.h"
#include "tools/unpack.h"

enum backup_file_kind { BACKUP_BASE, BACKUP_INCR, BACKUP_MANIFEST, BACKUP_DUMP };
struct backup_file {
    char *name; /* in the backup's directory, unpacked: "appendonlydir/x.1.base.rdb" */
    enum backup_file_kind kind;
    uint64_t size, stored;
    char sha256[65];
};
struct backup {
    char *name;   /* of its directory */
    bool is_dump;
    char *server, *source;
    char log_id[17], position[48]; /* "": none */
    int64_t begun_ms, ended_ms, first_ms, last_ms;
    uint64_t keys, commands;
    char base_digest[DIGEST_HEX], state_digest[DIGEST_HEX]; /* "": not known */
    enum compression compression;
    struct backup_file *files;
    size_t count;
};

void backup_free(struct backup *b);
struct backup_file *backup_add_file(struct backup *b, const char *name, enum backup_file_kind kind);
const struct backup_file *backup_file_named(const struct backup *b, const char *name);
void backup_print(const struct backup *b, struct buf *out);
/* Into an empty *b. Strict: what is unclear is a fault with its line. Names stay below the backup's
 * directory. */
bool backup_parse(struct backup *b, struct slice text, struct fault *f);

/* ---- the directory of backups ---- */

/* Complete ones, oldest first; for mem_free each, and the list. */
size_t backup_names(const char *dir, char ***names, struct fault *f);
void backup_names_free(char **names, size_t count);
bool backup_load(struct backup *b, const char *dir, const char *name, struct fault *f);
/* The path of a file of the backup as it is stored; for mem_free. */
char *backup_path(const char *dir, const struct backup *b, const struct backup_file *file);
/* 0: never. *deep may be NULL. */
int64_t backup_verified_ms(const char *dir, const char *name, bool *deep);
bool backup_mark_verified(const char *dir, const char *name, bool deep, struct fault *f);
void backup_unmark(const char *dir, const char *name);
/* What a run before left that did not come to its end: said, and removed. */
void backup_clean(struct tool *t, const char *dir);
/* A directory of files and directories; gone for readers at once: it is renamed first. */
bool backup_remove(const char *dir, const char *name, struct fault *f);

/* ---- the words of the verb (the others: verb_backup.c) ---- */

struct backup_options {
    bool link, deep, dump;
    const char *data_dir, *compress, *backup, *to;
    enum compression compression; /* of compress */
    uint64_t level, hourly, daily, weekly, monthly, keep;
};
int backup_create(struct tool *t, const struct backup_options *o);

/* A file is not what was noted: true, it was brought afresh, and is to be read again. */
struct backup_mend {
    bool (*again)(void *arg, struct backup_file *file, const char *why);
    void *arg;
};
/* Reads one backup whole, each file once: sizes, SHA-256, structure, sums of blocks and batches,
 * and what the manifest says of it. deep: a server for a moment loads it, and the digest is
 * compared. False: said. fill_in: figures of what was read are noted; mend: NULL, nothing is
 * brought again. */
bool backup_check(struct tool *t, const char *dir, struct backup *b, bool deep, bool fill_in,
                  const struct backup_mend *mend);
/* SHA-256 of the first limit bytes (unpacked) of a file, and how many there are. */
bool backup_hash(const char *path, uint64_t limit, char sha256[65], uint64_t *bytes,
                 struct fault *f);
/* The first limit bytes (unpacked), packed or not, to a new file. size, stored and sha256 of *file
 * are filled in. */
bool backup_copy(const char *from, uint64_t limit, const char *to,
                 const struct out_file_options *how, struct backup_file *file, struct fault *f);

#endif
