/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums of the append log: annotation lines, which Redis 7.0 and Valkey skip.
 *
 *   #LOG:<id 16> <seq 8> <offset 10> <check 8>\r\n     a session begins
 *   #=<len 6><back 3><crc 7><check 4>\r\n              a batch follows: len bytes, maybe none
 *   *2\r\n$6\r\nSELECT ...                            the batch: whole units of commands
 *   *3\r\n$3\r\nSET ...                               a small batch
 *   #<crc 4>\r\n                                     its line
 *
 * Numbers are of fixed width: in #LOG lines hexadecimal, in the others of base 64 (A-Z a-z 0-9 + /,
 * the highest digit first). A session is what one writer appended: id says of which log the file is
 * a part, seq which part, offset where this line stands, so that a line that lies anywhere else
 * means nothing. crc is 42 bits of the CRC64 of the batch's bytes and then of its line up to crc,
 * going on from that of the batch before (of the LOG line, up to check, for the first): a batch
 * cannot be lost, moved or repeated. check, 24 bits, is a CRC of the line itself and of id: a line
 * tells what it says also where the batch before it is damaged. back tells how much of the file was
 * known to be on the disk when the line was written: all but so many bytes in front of it (rounded
 * up to 13 bits of precision). Damage in front of that is rot, not a write that was cut off.
 *
 * Small batches save bytes where writers send one small command at a time and not each write is
 * synced. crc is 24 bits of the CRC64 of the bytes, which goes on as that of other batches does:
 * the next long line covers them with its 42 bits, and tells what is durable. The writer puts one,
 * of an empty batch, in front of each sync, or after about a second. A small batch is no longer
 * than AOF_SMALL_BYTES; no line in it begins with '#', so the first one that does is its own; and
 * it does not begin with SELECT, as other writers do.
 *
 * Older versions wrote, and we read, batches with longer lines: they have a number n (from 1), crc
 * is whole, of the line up to crc and then of the bytes, durable is the offset itself.
 *
 *   #SUM:<n 8> <len 10> <durable 10> <crc 16> <check 8>\r\n
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
    AOF_SUM_LINE = 24,
    AOF_SMALL_LINE = 7,
    AOF_OLD_LINE = 63,
    AOF_BATCH_BYTES = 64 << 10, /* a batch ends behind the unit that makes it this long */
    AOF_SMALL_BYTES = 1 << 10,
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
    size_t line; /* its length, which tells which kind it is */
    uint32_t n;  /* 0: it does not say */
    uint64_t len, durable, crc;
};

/* ---- writing ---- */
/* Begins a session: appends its line. s->offset: where in the file the line will stand. */
void aof_chain_begin(struct aof_chain *c, const struct aof_session *s, struct buf *to);
/* The next batch: fills line, which stands in front of body; at: where in the file. durable: how
 * much of the file is. body is shorter than 64 GiB. */
void aof_chain_seal(struct aof_chain *c, char line[AOF_SUM_LINE], struct slice body, uint64_t at,
                    uint64_t durable);
/* The same for who has not the body at hand, but its length and crc64(0, body). */
void aof_chain_seal_sum(struct aof_chain *c, char line[AOF_SUM_LINE], uint64_t len,
                        uint64_t body_crc, uint64_t at, uint64_t durable);
/* For tools that change bodies in place: line, of any kind, gets the checksums that it has behind
 * this body; all else that it says stays. */
void aof_chain_renew(struct aof_chain *c, const struct aof_batch *b, char *line, uint64_t body_crc);
/* May body, units of commands, be a small batch? Only its first unit is looked at for SELECT. */
bool aof_small_takes(struct slice body);
/* The next batch, a small one: fills line, which stands behind body. */
void aof_small_seal(struct aof_chain *c, char line[AOF_SMALL_LINE], struct slice body);

/* ---- reading ---- */
/* A line with its CRLF. False: it is none, or it is damaged. */
bool aof_session_parse(struct slice line, struct aof_session *s);
/* The line that text begins with, which stands at this offset of its file. */
bool aof_batch_parse(struct slice text, uint64_t id, uint64_t at, struct aof_batch *b);
/* Has text the form of such a line, whatever its check says? */
bool aof_batch_form(struct slice text, uint64_t at, struct aof_batch *b);
/* The session of a line that was parsed. */
void aof_chain_open(struct aof_chain *c, const struct aof_session *s, struct slice line);
/* The small batch that text begins with. False: no line of its kind follows in time. */
bool aof_small_find(struct slice text, struct aof_batch *b);
/* Is this the next batch of the chain, and body what was written? Goes on to it if so. */
bool aof_chain_check(struct aof_chain *c, const struct aof_batch *b, struct slice line,
                     struct slice body);
bool aof_chain_check_sum(struct aof_chain *c, const struct aof_batch *b, struct slice line,
                         uint64_t body_crc);
/* What a batch makes of the chain's crc: a state of the CRC goes through so many bytes, of which
 * crc64(0, them) is sum; bits of the state are told by its line. */
struct aof_step {
    uint64_t len, sum;
    unsigned bits; /* 64, 42 or 24 */
};
struct aof_step aof_chain_step(const struct aof_batch *b, struct slice line, uint64_t body_crc);
/* What a line with so many bits says of a state; linear in crc. */
uint64_t aof_chain_bits(uint64_t crc, unsigned bits);
/* Where in text the first line begins that begins with '#'; text.len: none does. */
size_t aof_hash_line(struct slice text);
/* Do commands begin as those of other writers do: with SELECT, maybe in a transaction? */
bool aof_begins_with_select(struct slice text);

#endif
