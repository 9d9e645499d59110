/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the commands of an append-only file: arrays of bulk strings, nothing else, and lines of
 * annotation that begin with '#'.
 *
 *   struct aof_reader r;
 *   aof_open(&r, &in, &(struct aof_limits){0});
 *   while ((what = aof_next(&r)) == AOF_COMMAND || what == AOF_ANNOTATION) ... r.argv, r.argc ...
 *   if (what == AOF_FAULT) ... in.fault; the file is good up to r.good_end ...
 *
 * good_end lies behind the last command that is complete and outside a transaction: before the
 * MULTI that is still open. A file that ends too early (inside a command, or with an open MULTI)
 * is FAULT_EOF; all else is FAULT_FORMAT. A fault's offset is that of the piece it lies in.
 *
 * Checksums (aof_sum.h) are verified where a file has them: a batch before its first command is
 * given out, and it is held whole until then. One that does not match is FAULT_CRC, one that the
 * file is too short for FAULT_EOF; good_end then lies in front of it and its line, and moves only
 * from batch to batch. Where two servers appended to one file for a while, each batch belongs to
 * one of their sessions. Their lines are no items. Behind a session's beginning other writers'
 * commands are taken when they begin as such a writer does: with SELECT, maybe inside a MULTI.
 * Borrowed: in. argv is valid until the next call. */
#ifndef FORMAT_AOF_READ_H
#define FORMAT_AOF_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "format/aof_sum.h"
#include "format/in.h"

struct aof_limits { /* 0: the default */
    uint64_t bulk_max; /* 512 MiB: a longer string is taken too, when the file holds it; when not,
                        * its length is damage rather than a write that was cut off */
    uint64_t args_max; /* 2^31 - 1 */
    bool loose;        /* a MULTI or EXEC out of place is no fault: misplaced tells of it */
    bool open_end;     /* nor is a transaction without EXEC at the end: in_multi tells of it */
};

/* So many sessions of others are kept, or half as many, of which any may go on: a file that holds
 * nothing but sessions is read in time that is linear, too. */
enum { AOF_OTHERS_MAX = 1024 };
enum aof_item { AOF_COMMAND, AOF_ANNOTATION, AOF_END, AOF_FAULT };

struct aof_reader {
    struct in *in;
    struct aof_limits limits;
    size_t argc;
    struct slice *argv;  /* into text */
    struct slice note;   /* AOF_ANNOTATION: the line from '#', without its end */
    uint64_t at;         /* where the item that was returned begins */
    uint64_t good_end;
    bool in_multi;
    const char *misplaced; /* loose: why this command has no place where it stands; else NULL */
    bool bad_prefix;     /* the fault: no '*' where a command was due */
    uint64_t lines;      /* of RESP, read so far; annotations do not count */

    bool has_session;           /* some part of the file has checksums */
    struct aof_session session; /* the first */
    struct aof_chain chain;     /* open: everything since the newest session lies in batches */
    struct buf others;          /* struct aof_chain: sessions before, whose writers may go on */
    bool line_twice;            /* that session's line stood in the file before: its batches must
                                 * tell that two servers began at the same place */
    bool in_batch;              /* whose bytes matched: a fault in it is no damage of the disk */
    uint64_t batch_at, batch_body, batch_end; /* its line (or body), its first byte, its end */
    struct aof_chain before;    /* the chain in front of the last one that has a line there */
    size_t line_behind;         /* a small batch's: behind its end */
    uint64_t batches, bytes_checked; /* lines included; the whole file: nothing was unchecked */

    uint64_t piece_at;   /* where the line or string being read begins */
    struct buf text, lengths, slices;
};

void aof_open(struct aof_reader *r, struct in *in, const struct aof_limits *limits);
/* The same from the middle of a file on: in stands at its offset there (in_begin_at), between
 * batches, and the chain is what a reader had who has come so far. */
void aof_open_at(struct aof_reader *r, struct in *in, const struct aof_limits *limits,
                 const struct aof_chain *chain);
void aof_close(struct aof_reader *r);
enum aof_item aof_next(struct aof_reader *r);
/* The first argument of the command that stands next, a key as a rule, so that who runs the one in
 * front can fetch what it needs; {0}: there is none, or it has not been read yet. A guess: nothing
 * of it is checked. Valid until the next call, as argv is. */
struct slice aof_peek_key(const struct aof_reader *r);
/* To the end, for who only wants to know that it is whole: AOF_END or AOF_FAULT. */
enum aof_item aof_read_all(struct aof_reader *r);
/* Does the stream begin with an RDB file? */
bool aof_has_preamble(struct in *in);

#endif
