/* SPDX-License-Identifier: BSD-3-Clause */
/* Are the files of an append log those that its manifest means? A file copied from another log, one
 * that changed places with its neighbour, one that has lost its end and would pass for a shorter
 * one: each is found before anything of the set is loaded.
 *
 * Where a file says of which log it is a part, and which part:
 *
 *   commands   its first line:  #LOG:<id> <seq> ...     (aof_sum.h), with checksums
 *   an RDB     an AUX field:    hf-log = "<id 16 hex> <seq>"
 *
 * The manifest gives an id for those files that say one. Files and manifests of other servers say
 * nothing, and nothing is asked of them. */
#ifndef FORMAT_AOF_PARTS_H
#define FORMAT_AOF_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"
#include "format/manifest.h"

#define AOF_PART_AUX "hf-log"
enum { AOF_PART_HEAD = 1024, AOF_PART_AUX_MAX = 40 };

struct aof_origin {
    uint64_t id; /* 0: the file does not say */
    int64_t seq;
};

/* From the first AOF_PART_HEAD bytes of a file, or all when it is shorter. */
struct aof_origin aof_part_origin(struct slice head);
/* The value of the AUX field. Returns its length. */
size_t aof_part_aux(char out[AOF_PART_AUX_MAX], const struct aof_origin *o);

/* What a file holds, as far as its head tells: no command (the first line of an increment, or what
 * a loss of power left of that), commands or something longer than that line which can't be read
 * to its end, or only commands, or an RDB. */
enum aof_content { AOF_NOTHING, AOF_BROKEN, AOF_WHOLE };
enum aof_content aof_part_content(struct slice head);

/* The manifest that lies at path: one that names itself is none. False with f filled. */
bool aof_parts_manifest(struct manifest *m, const char *path, struct slice text, struct fault *f);

/* Size and head (appended) of a file the manifest names. False with f filled: it can't be read. */
typedef bool aof_part_look(void *arg, const char *name, uint64_t *size, struct buf *head,
                           struct fault *f);

/* STEM.<digits>.base.*: "base"; STEM.<digits>.incr.aof: "increment"; NULL: neither. */
const char *aof_part_kind(const char *stem, const char *name);
/* A part that lies beside a manifest which names none of its kind, and that somebody may miss: the
 * manifest is damaged, or is not theirs; f says so, or that it can't be read. stem: of the log's
 * names. */
bool aof_part_is_stray(const struct manifest *m, const char *stem, const char *name,
                       aof_part_look *look, void *arg, struct fault *f);

struct aof_parts {
    uint64_t id;   /* of the log; 0: nobody says */
    const char *told_by; /* the file that says so: its name in the manifest */
    uint64_t lost; /* bytes the newest increment had when the server was stopped, and has no more:
                    * the set is not whole, but nothing is out of place */
};
/* From its head: is a file the part that the manifest means, and of the log that those before it
 * (found) were of? False with f filled. */
bool aof_part_belongs(struct aof_parts *found, const struct manifest_file *file,
                      struct slice head, struct fault *f);
/* False with f filled: the set must not be loaded. */
bool aof_parts_check(const struct manifest *m, aof_part_look *look, void *arg,
                     struct aof_parts *found, struct fault *f);

#endif
