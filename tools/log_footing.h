/* SPDX-License-Identifier: BSD-3-Clause */
/* For log_read.c: where reading goes on behind damage, by the rules of log_read.h.
 *
 * What batches that verify one another are worth. In front of the first the chain's crc is not
 * known: 64 equations solve it, and of all others each holds by chance in one of two cases. A long
 * line gives 42 and a small one 24, that of the batch in front of them too.
 *   - One of them has a line that names the log: AOF_FOOTING_SURE of the others are enough, since
 *     its own check, of 24 bits, is wrong once in 16 million.
 *   - None has: LOG_UNNAMED_SURE, which is the line in front and six small batches. Wrong once in
 *     2^96 at one place, in 2^64 at any place of a file with 2^32 lines (28 GiB of nothing else).
 *     But a client can make such lines for a value, and they may come with a block of another log:
 *     so they count with keep_doubtful; or where they are longer than a block, LOG_UNNAMED_BYTES,
 *     and small_hit.h shows that no value lies around them, nor a row of blocks. Else they are
 *     counted as doubtful, and reading goes on behind them.
 * So what is lost between two faults, though it is whole, is six small batches, or a block. */
#ifndef TOOLS_LOG_FOOTING_H
#define TOOLS_LOG_FOOTING_H

#include <stdbool.h>
#include <stdint.h>

#include "format/aof_sum.h"
#include "tools/log_read.h"

/* A file of nothing but damage is read in time that is linear, too. */
enum { LOG_AHEAD = 1 << 20, LOG_AHEAD_LEAST = 8 << 10, LOG_AHEAD_ALL = 256 << 20 };
enum { LOG_UNNAMED_SURE = 96, LOG_UNNAMED_BYTES = 4 << 10 };

struct log_fault_place {
    uint64_t from;
    uint64_t header_at;       /* of an argument; 0 */
    bool header_last;         /* of its command's last */
    bool cut;                 /* the file ends before that argument does */
    const struct aof_batch *batch; /* its line is intact, and it begins at from; or NULL */
};
/* Behind a fault in from..limit; limit: nowhere. When it is a batch of the chain that was lost,
 * r->chain is put in front of it. */
uint64_t log_footing(struct log_reader *r, const struct log_fault_place *at, uint64_t limit);
/* The line of a batch, of this log as far as that is known. */
bool log_batch_line(const struct log_reader *r, struct slice text, uint64_t at,
                    struct aof_batch *b);
/* Is one byte of the batch at from all that is wrong with it? It is put right in r->bytes. before:
 * the chain in front of it; r->chain is behind it. */
bool log_mend(struct log_reader *r, const struct aof_chain *before, uint64_t from,
              const struct aof_batch *b);
/* A block of the disk stands in the file twice, and from lies in the first: the place like it in
 * the second, where all goes on; 0: that is not so. */
uint64_t log_doubled(struct log_bytes *b, uint64_t from);

#endif
