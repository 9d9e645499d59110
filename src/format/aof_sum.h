/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums of the append log: annotation lines, which Redis 7.0 and Valkey skip.
 *
 *   #LOG:<id 16> <seq 8> <offset 10> <check 8>\r\n               a session begins
 *   #SUM:<n 8> <len 10> <durable 10> <crc 16> <check 8>\r\n      a batch follows: len bytes
 *   *2\r\n$6\r\nSELECT ...                                       the batch: whole units of commands
 *   #SUM:...
 *
 * All numbers are hexadecimal, of fixed width. A session is what one writer appended: id says of
 * which log the file is a part, seq which part, offset where this line stands, so that a line that
 * lies anywhere else means nothing. Batches of a session count from 1. crc is the CRC64 of the
 * batch's line up to crc and of its bytes, going on from that of the batch before (of the LOG line,
 * up to check, for the first): a batch cannot be lost, moved or repeated. durable is how much of
 * the file was known to be on the disk when the batch was written: damage in front of it is rot,
 * not a write that was cut off. check is a CRC of the line itself and of id: a line tells what it
 * says also where the batch before it is damaged.
 *
 * Bytes outside of batches come from writers that know no checksums. */
#ifndef FORMAT_AOF_SUM_H
#define FORMAT_AOF_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
    AOF_LOG_LINE = 52, /* bytes of the lines, CRLF included */
    AOF_SUM_LINE = 63,
    AOF_BATCH_BYTES = 64 << 10, /* a batch ends behind the unit that makes it this long */
};

/* What both sides carry from batch to batch. {0}: no session is open. */
struct aof_chain {
    bool open;
    uint64_t id;
    uint32_t n; /* of the last batch */
    uint64_t crc; /* of the last batch, or the session's line */
    uint64_t offset, line_crc, first_crc; /* of the session's line, of the first batch */
};

struct aof_session {
    uint64_t id, offset;
    uint32_t seq;
};

struct aof_batch {
    uint32_t n;
    uint64_t len, durable, crc;
};

/* ---- writing ---- */
/* Begins a session: appends its line. s->offset: where in the file the line will stand. */
void aof_chain_begin(struct aof_chain *c, const struct aof_session *s, struct buf *to);
/* The next batch: fills line, which stands in front of body. */
void aof_chain_seal(struct aof_chain *c, char line[AOF_SUM_LINE], struct slice body,
                    uint64_t durable);

/* ---- reading ---- */
/* Lines with their CRLF. False: it is none, or it is damaged. */
bool aof_session_parse(struct slice line, struct aof_session *s);
bool aof_batch_parse(struct slice line, uint64_t id, struct aof_batch *b);
/* The session of a line that was parsed. */
void aof_chain_open(struct aof_chain *c, const struct aof_session *s, struct slice line);
/* Is this the next batch of the chain, and body what was written? Goes on to it if so. */
bool aof_chain_check(struct aof_chain *c, const struct aof_batch *b, struct slice line,
                     struct slice body);

#endif
