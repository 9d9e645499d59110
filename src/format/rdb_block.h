/* SPDX-License-Identifier: BSD-3-Clause */
/* Block checksums of an RDB: AUX records between its keys, and an index of them behind its end. The
 * format is drawn in rdb.h. Here is what writer, reader and tools share.
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
