/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a file at any place, through one window; and the commands of a log in them. Nothing is
 * held whole: a value of any size is passed over, and its first bytes are kept.
 *
 *   struct log_bytes b;
 *   log_bytes_open(&b, fd, size);
 *   if (log_command_read(&b, at, size, &c, &f) == LOG_COMMAND) ... c.argc, c.argv[0], c.end ...
 *   log_bytes_close(&b);
 *
 * A read that fails is a fault of b, and nothing is there from then on. Memory: one window. */
#ifndef TOOLS_LOG_BYTES_H
#define TOOLS_LOG_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

enum { LOG_WINDOW = 256 << 10, LOG_LOOK_MAX = 64 << 10 };
struct log_bytes {
    int fd;             /* -1: memory */
    const char *memory;
    uint64_t size;
    char *window;
    uint64_t window_at;
    size_t window_len;
    struct buf patches; /* struct log_patch */
    struct fault fault;
};
struct log_patch {
    uint64_t at;
    uint8_t flip;
};

void log_bytes_open(struct log_bytes *b, int fd, uint64_t size);
void log_bytes_memory(struct log_bytes *b, struct slice bytes);
void log_bytes_close(struct log_bytes *b);
/* n bytes from at on, fewer at the end; n <= LOG_LOOK_MAX. Valid until the next call. */
struct slice log_bytes_at(struct log_bytes *b, uint64_t at, size_t n);
/* From now on the byte at at is another: its bits in flip are turned round. */
void log_bytes_patch(struct log_bytes *b, uint64_t at, uint8_t flip);
void log_bytes_unpatch(struct log_bytes *b); /* the last one */
/* crc64 of from..to, going on from crc. */
uint64_t log_bytes_crc(struct log_bytes *b, uint64_t from, uint64_t to, uint64_t crc);
/* The first place from..to that holds c; to: none. */
uint64_t log_bytes_find(struct log_bytes *b, uint64_t from, uint64_t to, char c);

/* ---- commands ---- */

enum { LOG_HEAD = 16, LOG_ARG_TEXT = 256 };
struct log_arg {
    uint64_t at, len; /* of its bytes */
};
struct log_command {
    uint64_t at, end, argc;
    uint64_t header_at; /* of the line that tells the length of the argument read last */
    bool header_last;   /* it is the last one */
    size_t heads; /* of its first arguments: */
    struct log_arg args[LOG_HEAD];
    struct slice argv[LOG_HEAD]; /* the first LOG_ARG_TEXT bytes of each, into text */
    char text[LOG_HEAD * LOG_ARG_TEXT];
};
/* CUT: end comes too early; BAD: these are no bytes of a command. f tells which and where. */
enum log_parse { LOG_COMMAND, LOG_CUT, LOG_BAD };
enum log_parse log_command_read(struct log_bytes *b, uint64_t at, uint64_t end,
                                struct log_command *c, struct fault *f);
/* The bytes are those of args[i] whatever its length? */
bool log_arg_is(struct log_bytes *b, const struct log_arg *arg, struct slice text);
/* Appends at most max bytes of it. */
void log_arg_text(struct log_bytes *b, const struct log_arg *arg, size_t max, struct buf *to);
/* hash_slice(its bytes), when it is not longer than LOG_LOOK_MAX; else a CRC of them. */
uint64_t log_arg_hash(struct log_bytes *b, const struct log_arg *arg);

/* All arguments one after the other, of a command that was read. */
struct log_args {
    struct log_bytes *bytes;
    const struct log_command *of;
    uint64_t next, i; /* i: of the one that comes next */
};
void log_args_begin(struct log_args *a, struct log_bytes *b, const struct log_command *c);
bool log_args_next(struct log_args *a, struct log_arg *arg);

#endif
