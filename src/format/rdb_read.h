/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads RDB: a file, a socket's stream, an AOF preamble; a DUMP payload: rdb_payload.h. Pull at
 * record level (the caller owns the loop), push inside a value (events to a sink).
 *
 *   struct rdb_reader r;
 *   struct rdb_record rec;
 *   rdb_open(&r, &in, &(struct rdb_options){.databases = 16});
 *   while (rdb_next(&r, &rec) && rdb_body(&r, &rec, sink))
 *       ;
 *   if (in_bad(&in)) ... in.fault: offset, doing, key, type ...
 *   rdb_close(&r);
 *
 * Everything is walked and checked before it is handed on: structure, pairs, scores, order, stream
 * bookkeeping, duplicates inside a value. Not checked: the same key twice (the consumer knows). No
 * memory is asked for by a stated size before that many bytes (or their compressed form) are there.
 *
 * Block checksums and the digest of the data set are verified where a file has them (rdb_block.h):
 * a block behind its last key, so values of a bad one may have gone to the sink before the fault. A
 * consumer keeps nothing of a stream that failed.
 *
 * Borrowed: in, the options' callback. A record's slices live until the next call with r. */
#ifndef FORMAT_RDB_READ_H
#define FORMAT_RDB_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "format/rdb_reader.h"

/* Reads the header. False on a fault; FAULT_FORMAT with this sentence: it is no RDB. */
#define RDB_WRONG_SIGNATURE "Wrong signature trying to load DB from file"
bool rdb_open(struct rdb_reader *r, struct in *in, const struct rdb_options *opt);
void rdb_close(struct rdb_reader *r);
/* For tools that read what lies behind damage: goes on with another stream, which begins with a
 * record, in this database, whatever has happened; with templates and version as they are. The
 * reader must be unguarded. The end's own checksum is of that stream's bytes. */
void rdb_resume(struct rdb_reader *r, struct in *in, unsigned db);
/* The hash templates it has read, as a number; and back to so many, when what came since was only a
 * guess at where a record begins. */
size_t rdb_templates_known(const struct rdb_reader *r);
void rdb_templates_forget(struct rdb_reader *r, size_t known);
/* False at the end (r->ended) and on a fault (in_bad). */
bool rdb_next(struct rdb_reader *r, struct rdb_record *rec);
/* Hands the record to the sink. False on a fault of the stream or of the sink. */
bool rdb_body(struct rdb_reader *r, const struct rdb_record *rec, struct sink *sink);
/* Reads past the record, checking it all the same. */
bool rdb_skip(struct rdb_reader *r, const struct rdb_record *rec);
/* Of a value that broke off: are the elements distinct that came? (A few are looked at as they
 * come; this is about those that opt.search has.) */
bool rdb_elements_distinct(struct rdb_reader *r);
/* All records to the sink. */
bool rdb_read_all(struct rdb_reader *r, struct sink *sink);

/* Behind the end: the block index that the file announced. Damage there is none to the data, so it
 * is no fault. The stream stands behind it in any case. */
enum rdb_trailer_state {
    RDB_TRAILER_NONE, /* not announced */
    RDB_TRAILER_OK,
    RDB_TRAILER_SHORT, /* cut off */
    RDB_TRAILER_BAD,
};
enum rdb_trailer_state rdb_trailer(struct rdb_reader *r);
/* Blocks that were as their records say. */
uint64_t rdb_blocks_verified(const struct rdb_reader *r);
/* The digits of the digest that the file has and that its data set was found to have, in room; NULL
 * when it has none. */
const char *rdb_digest_verified(const struct rdb_reader *r, char room[DIGEST_HEX]);

/* Nine letters of a module id. */
const char *rdb_module_name(uint64_t id, char out[10]);

#endif
