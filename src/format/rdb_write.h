/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes RDB: a sink that makes a file of version 9, 10 or 11, or one DUMP payload, of what comes.
 *
 *   struct rdb_writer w;
 *   rdb_writer_init(&w, &out, &(struct rdb_write_options){.version = 11, .compress = true});
 *   rdb_writer_begin(&w);
 *   rdb_writer_aux(&w, "redis-ver", slice_str(REDIS_VERSION));
 *   ... events to &w.sink ...
 *   if (!rdb_writer_end(&w)) ... w.sink.fault ...
 *   rdb_writer_free(&w);
 *
 * Packed blocks are written as they are where the version has the type, else element by element.
 * Values whose number of elements the producer does not know (key_event.count, .blocks) are
 * collected in memory until they end. What a version has no place for (functions at 9, fields with
 * expiry) is FAULT_CANNOT_HOLD naming the key. Borrowed: out. */
#ifndef FORMAT_RDB_WRITE_H
#define FORMAT_RDB_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/digest.h"
#include "format/out.h"
#include "format/rdb.h"
#include "format/rdb_block.h"
#include "format/sink.h"

struct rdb_write_options {
    int version;      /* 9, 10, 11; 0: RDB_VERSION_OURS */
    bool compress;    /* LZF for strings over 20 bytes */
    bool no_checksum; /* eight zero bytes in place of the CRC */
    bool blocks;      /* block checksums and the digest of the data set: see rdb_block.h */
    bool trailer;     /* with blocks: their index behind the end; not for a socket */
    bool copies;      /* the file is made of another's records: any version a reader takes; blocks
                       * from RDB_VERSION_AUX on only */
    bool valkey;      /* copies: of Valkey's numbering */
};

struct rdb_writer {
    struct sink sink;
    struct out *out; /* the stream */
    struct out *to;  /* where elements go: out, or body */
    struct out body;
    struct rdb_write_options opt;
    bool payload; /* a bare value: no name, no attributes */

    unsigned db;
    bool db_written;
    struct key_event key;
    struct buf name, packed;
    bool started, counted; /* header written; the count too */
    bool in_parts;         /* a string, of which more is to come */
    uint8_t type;
    uint64_t expected, written;
    uint64_t pending_left, consumers; /* of the group being written */

    bool guarded; /* opt.blocks, and begun */
    uint64_t begin; /* the stream's offset of the magic */
    struct rdb_blocks blocks;
    struct digest digest;
    struct buf trailer;
};

void rdb_writer_init(struct rdb_writer *w, struct out *out, const struct rdb_write_options *opt);
void rdb_writer_free(struct rdb_writer *w);
void rdb_writer_begin(struct rdb_writer *w); /* magic; starts the stream's checksum */
void rdb_writer_aux(struct rdb_writer *w, const char *name, struct slice value);
/* EOF and checksum, and flushes. False when anything failed: see sink.fault. */
bool rdb_writer_end(struct rdb_writer *w);
bool rdb_writer_bad(struct rdb_writer *w); /* takes over a fault of the stream */

/* A record of another file of the same version, as it stands there: a key with its attributes, type
 * and value, or what stands between keys. before: attributes that the other file has in front of
 * another record; NULL: none. digest: what the record adds to that of the data set (digest.h). */
void rdb_writer_copy_key(struct rdb_writer *w, unsigned db, const struct key_event *before);
void rdb_writer_copy(struct rdb_writer *w, struct slice bytes); /* any number of times */
void rdb_writer_copied(struct rdb_writer *w, bool key, struct hash128 digest);

/* One value (key event, body, end_key), or functions, into a memory stream (version as above)... */
void rdb_payload_writer_init(struct rdb_writer *w, struct out *out, int version);
/* ...and the footer behind what stands in b from byte start on. */
void rdb_payload_seal(struct buf *b, size_t start, int version);

/* A building block, for tests. */
void rdb_put_str(struct rdb_writer *w, struct out *out, struct slice s);

#endif
