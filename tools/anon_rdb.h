/* SPDX-License-Identifier: BSD-3-Clause */
/* An RDB, whole or damaged, with other content in the same places.
 *
 *   struct anon_rdb x = {.a = &a, .in = &image, .work = &copy, .threads = 2};
 *   anon_rdb_run(&x);      copy has other content; x.end_at: where the RDB ends in it
 *   anon_rdb_free(&x);
 *
 * Records are found as salvage finds them, and each string of theirs is replaced where it lies.
 * Corrections that checksums allow are made before that and undone behind it: a bit that was
 * flipped is flipped in the result, and its checksum tells it there, too. Checksums and the digest
 * that were right are made right again. In holes, runs of text are replaced. */
#ifndef TOOLS_ANON_RDB_H
#define TOOLS_ANON_RDB_H

#include "tools/anon_file.h"
#include "tools/anon_pack.h"
#include "tools/rdb_rescue.h"

enum { ANON_AUX_NAME = 32 };
struct anon_rdb {
    struct anon *a;
    struct rdb_image *in;
    struct anon_file *work;
    uint64_t threads, keep_prefix;
    bool keep_names;
    struct progress_bar *progress; /* NULL: none */

    /* results */
    struct anon_counts counts;
    uint64_t keys, holes, hole_bytes, libraries, libraries_left;
    uint64_t end_at;    /* behind the RDB and its index; 0: no end was found */
    bool same;          /* the result was read again, and has as many keys and holes */

    /* its own */
    struct rdb_plan plan;
    struct rescue rescue;
    struct rdb_reader reader;
    struct pending_file pending;
    struct in head, source;
    struct image_stream stream;
    char magic[16], *memory; /* memory: of a payload; NULL: put goes to work */
    uint64_t run_from, run_to; /* records that follow one another, not yet replaced */
    uint64_t limit;            /* strings that end behind it are none; 0: all are */
    uint64_t wrong_at;
    uint64_t told_to;          /* place behind the last string that was told */
    uint64_t state;            /* of a long compressed string */
    char aux[ANON_AUX_NAME];
    struct buf bytes, hole_list;
    char digest_told[DIGEST_TEXT];
    uint64_t digest_at;        /* 0: none */
};

void anon_rdb_run(struct anon_rdb *x);
void anon_rdb_free(struct anon_rdb *x);
/* A payload of RESTORE, in place, its checksum too. False: it is none that can be read. */
bool anon_payload(struct anon *a, char *bytes, size_t n, struct anon_counts *c);
/* Runs of four or more printable bytes, or letters of UTF-8, from..to of the copy. */
void anon_text_runs(struct anon *a, struct anon_file *work, uint64_t from, uint64_t to);
/* anon_sums.c */
void anon_sums(struct anon_rdb *x, struct rdb_image *out);

#endif
