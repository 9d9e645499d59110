/* SPDX-License-Identifier: BSD-3-Clause */
/* Block checksums of an RDB: AUX records between its keys, and an index of them behind its end:
 * what writer, reader and tools share.
 *
 * Older servers pass over all of it. Three kinds of AUX record:
 *
 *   hf-integrity "1 block digest trailer"   right behind the magic: what will come
 *   hf-block "start len keys db crc"        behind a key, about every MiB, and last before 255
 *   hf-digest "32 hex digits"               behind the last key: digest.h, over the whole data set
 *
 * A block record tells of the bytes before it: start and len in decimal, counted from the magic;
 * the keys in them; the database selected at their start; their CRC64 as 16 hex digits. The next
 * block begins with the record itself, so every byte up to the last record is covered.
 *
 * Behind the RDB's last byte the trailer: lines that begin with #, as an append log's annotations
 * do, of at most 1023 bytes with CRLF.
 *
 *   #HF:blocks 1
 *   #HF:block start len keys db crc         each block again; the last one, which no record tells
 *                                           of, reaches from the last record to the RDB's end
 *   #HF:end count bytes crc                 60 bytes in all: 12 and 20 digits, zeros in front, 16
 *                                           hex digits; bytes of the RDB, CRC of the lines before
 *
 * From the file's last 60 bytes a program finds the trailer and with it every block, checks them
 * side by side, and knows where damage is, whatever has become of the records. A reader that goes
 * from front to back checks each block as it passes its record; the block's values are with the
 * consumer by then, which must not keep them when the load fails. A stream to a replica has no
 * trailer and does not announce one. What is announced and missing is a fault; records without an
 * announcement are checked as well. Offsets are those of the RDB inside an envelope.
 *
 *   struct rdb_blocks b;                     // one pass over a file, writing or reading
 *   rdb_blocks_begin(&b, lines);
 *   ... rdb_blocks_close(&b, offset, crc_so_far, db) at each block's end ...
 *   rdb_blocks_end(&b, offset, last_line);   // the trailer is what stands in lines, and this
 *
 * The trailer needs no memory to check: a reader makes its checksum from the blocks it passes. */
#ifndef FORMAT_RDB_BLOCK_H
#define FORMAT_RDB_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define RDB_AUX_INTEGRITY "hf-integrity"
#define RDB_AUX_BLOCK "hf-block"
#define RDB_AUX_DIGEST "hf-digest"

enum {
    RDB_BLOCK_BYTES = 1 << 20, /* a block ends behind the key that makes it this long */
    RDB_BLOCK_TEXT = 120,      /* room for a block's text */
    RDB_TRAILER_END = 60,      /* bytes of the trailer's last line, always */
};

struct rdb_block {
    uint64_t start, len; /* bytes; start counts from the magic's first byte */
    uint64_t keys;
    unsigned db;         /* selected at its start */
    uint64_t crc;        /* of exactly these bytes */
};

/* "start len keys db crc". Returns the length. */
size_t rdb_block_format(const struct rdb_block *b, char out[RDB_BLOCK_TEXT]);
/* False when it is not exactly such a text. */
bool rdb_block_parse(struct slice text, struct rdb_block *b);

struct rdb_blocks {
    struct rdb_block now;  /* the open one: start, keys, db */
    uint64_t crc_at_start; /* of the file's bytes before it */
    uint64_t count;        /* closed */
    struct buf *lines;     /* the trailer so far; NULL: nobody wants the text */
    uint64_t lines_len, lines_crc;
};

void rdb_blocks_begin(struct rdb_blocks *b, struct buf *lines);
/* What the open block is when it ends at byte `at`, where the checksum of all bytes is crc. */
struct rdb_block rdb_blocks_open(const struct rdb_blocks *b, uint64_t at, uint64_t crc);
/* It ended there: the next one begins, in database db. */
void rdb_blocks_close(struct rdb_blocks *b, uint64_t at, uint64_t crc, unsigned db);
/* All are closed, the RDB has so many bytes: the last line. */
void rdb_blocks_end(struct rdb_blocks *b, uint64_t rdb_bytes, char out[RDB_TRAILER_END]);

/* The last RDB_TRAILER_END bytes of a file: true when they are a trailer's last line. */
bool rdb_trailer_end(struct slice line, uint64_t *blocks, uint64_t *rdb_bytes, uint64_t *crc);
/* A whole trailer: appends its struct rdb_blocks to *blocks. False when it is damaged. */
bool rdb_trailer_parse(struct slice trailer, struct buf *blocks);

#endif
