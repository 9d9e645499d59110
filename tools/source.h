/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a data set lies: what a word on the command line means, and which files it is made of.
 *
 *   dump.rdb  appendonly.aof         one file, by its content; gzip, zstd; "-"
 *   appendonlydir/x.manifest         the files it names
 *   appendonlydir                    the one manifest in it
 *   /var/lib/redis                   a data directory: its append log if there is one, else its
 *                                    dump. Which of them, and why, is said (source.why)
 *
 *   struct source s;
 *   if (!source_find(&s, word, &f)) ...
 *   for (size_t i = 0; i < s.count; i++) ... s.parts[i] ...     in the order of loading
 *   source_free(&s);
 *
 * Nothing is opened for longer than its first bytes are looked at, except what can be opened but
 * once, "-" and pipes: they stay open for who reads the part (source_part_open). Of those a log is
 * copied into a file without a name; an RDB is not, and can be read once unless source_keep says
 * otherwise. */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/manifest.h"
#include "tools/input.h"

enum source_kind {
    SOURCE_RDB, /* one RDB file */
    SOURCE_LOG, /* one append-only file: commands, maybe behind an RDB */
    SOURCE_SET, /* a manifest and its files */
};
enum part_kind { PART_FILE /* the only one */, PART_BASE, PART_INCR, PART_HISTORY };

struct source_part {
    char *name; /* without its directory */
    char *path;
    enum part_kind kind;
    int64_t seq;
    uint64_t size;   /* on disk; 0 when missing, or unknown */
    bool missing;    /* named by the manifest, and not there */
    bool begins_with_rdb;
    bool empty;      /* no byte comes out of it */
    bool damaged;    /* for its compression is damaged */
    enum compression compression;
    struct input *opened; /* what can be opened but once: it is; NULL */
};
struct source {
    enum source_kind kind;
    char *path;    /* the file, or the manifest */
    char *dir;     /* that the parts lie in */
    char why[256]; /* "the append log, as there is one: ..."; "" when the word was a file */
    char *other;   /* of a data directory: the dump that was not taken; NULL */
    struct manifest manifest; /* of a set */
    struct source_part *parts;
    size_t count;      /* to be loaded, in order */
    size_t history;    /* parts behind those, newest last: history files that are still there */
};

struct source_options {
    bool dump; /* of a data directory: the dump, not the log */
};
/* False with f: FAULT_IO with err when it can't be opened, FAULT_FORMAT for a broken manifest. */
bool source_find(struct source *s, const char *word, const struct source_options *opt,
                 struct fault *f);
/* A part, to be read from its front. */
bool source_part_open(struct input *i, const struct source_part *p, struct fault *f);
/* By its first bytes: false with f for what a primary sends to a replica, which no server loads. */
bool source_is_file(const char *name, struct slice head, struct fault *f);
/* Whatever it is, it will be read more than once. False with f: there is no room for it. */
bool source_keep(struct source *s, struct fault *f);
/* Is there anything to read? False with f, it is one file, and no byte comes out of it:
 * FAULT_EOF, or, when its compression is damaged, FAULT_FORMAT. */
bool source_some(const struct source *s, struct fault *f);
bool source_some_unnamed(const struct source *s, struct fault *f); /* for who names the file */
/* Does the word mean what is to be looked for, rather than a file of data? */
bool source_is_place(const char *word);
void source_free(struct source *s);
uint64_t source_bytes(const struct source *s); /* of the parts to be loaded, on disk */

#endif
