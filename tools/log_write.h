/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes one file of a log from pieces of others: what is to stay as it is byte for byte, and units
 * behind it, in batches with new checksums where the log has them.
 *
 *   struct log_writer w;
 *   if (!log_write_open(&w, path, &f)) ...              path must not exist
 *   log_write_copy(&w, &bytes, 0, r.batch_at);
 *   log_write_seal(&w, id, seq);                        id 0: the log has no checksums
 *   log_write_unit(&w, &bytes, r.from, r.to); ...
 *   if (!log_write_end(&w, &f)) ...                     durable under that name; else it is gone
 *   log_write_drop(&w);                                 instead
 *
 * A unit of any size is copied in pieces. */
#ifndef TOOLS_LOG_WRITE_H
#define TOOLS_LOG_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/aof_sum.h"
#include "format/out.h"
#include "tools/log_bytes.h"

struct log_writer {
    struct out out;
    int fd;
    char *path;
    bool sealing;
    struct aof_session session;
    struct aof_chain chain;
    struct buf batch; /* sealing: what the next batch holds */
    struct fault fault; /* of what is read */
};

bool log_write_open(struct log_writer *w, const char *path, struct fault *f);
void log_write_copy(struct log_writer *w, struct log_bytes *b, uint64_t from, uint64_t to);
void log_write_seal(struct log_writer *w, uint64_t id, uint32_t seq);
void log_write_unit(struct log_writer *w, struct log_bytes *b, uint64_t from, uint64_t to);
bool log_write_end(struct log_writer *w, uint64_t *size, struct fault *f);
void log_write_drop(struct log_writer *w);
/* Of a file that is complete and durable: its name, durably. */
bool log_write_place(const char *from, const char *to, struct fault *f);
/* A copy of a whole file, durable; path must not exist. like: a file whose owner and mode it gets,
 * if that is there; NULL. */
bool log_write_file(const char *path, const char *from, const char *like, uint64_t *size,
                    struct fault *f);

#endif
