/* SPDX-License-Identifier: BSD-3-Clause */
/* The stream of replicas as the append log tells of it. The two are the same bytes but for what
 * only replicas get (PING, GETACK, what is published), so lines of annotation in the log say where
 * the stream stands:
 *
 *   #REPL:<id> <offset> <session>   here the stream of the history id has this offset
 *   #REPL!<id> <offset> <session>   the same; what is in front of it is no part of that stream
 *   #REPL+<n>             here the stream went on by n bytes (hex) alone
 *   #REPL*<n>             in the stream the unit that follows is longer by n bytes
 *   #REPL-                what follows is no part of the stream, nor what log_held.h tells of
 *
 * From the log the stream is made again, byte for byte, offsets and all; only where it went on
 * alone other commands that do nothing stand in it, of the same length. Each of these is a unit, or
 * part of the one it belongs to: a reader whose link is cut is at the end of a unit of the one as
 * of the other.
 *
 * A session of checksums and a file begin with one of the first two, or what they hold is no part:
 * another server may have written it. Each of these lines says in which session it was written
 * (40, 16 and 8 hex digits are their numbers): a tool that took something out of a log wrote the
 * rest as a session of its own, where none of them counts. */
#ifndef REPLICATION_LOG_STREAM_H
#define REPLICATION_LOG_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "format/aof_read.h"

enum { LOG_STREAM_ID = 40 };
/* What went on alone is no longer than that, or it is the end of what the log tells. */
#define LOG_STREAM_ALONE_MAX ((uint64_t)16 << 20)

/* ---- writing ---- */
/* : or !, in no session. Returns where in to it says which; for log_stream_put_session. */
size_t log_stream_put_place(struct buf *to, char kind, const char *id, int64_t offset);
void log_stream_put_session(char *at, const struct aof_chain *chain);
uint64_t log_stream_session(const struct aof_chain *chain); /* as the line says it; 0: none */
void log_stream_put_alone(struct buf *to, char kind, uint64_t n); /* + * */
void log_stream_put_end(struct buf *to);
/* Commands that do nothing, one unit of n bytes. False: there are none of that length. */
bool log_stream_fill(struct buf *to, uint64_t n);
bool log_stream_can_fill(uint64_t n);
/* The same for n bytes inside of the unit that these bytes of the log are. */
bool log_stream_can_fill_unit(struct slice unit, uint64_t n);

/* ---- reading ---- */
struct log_stream { /* begins with log_stream_begin */
    bool known;         /* the rest means something */
    char id[LOG_STREAM_ID + 1];
    int64_t offset;     /* of the stream, behind what was read */
    bool in_unit;       /* and that is inside of a unit */
    const char *why;    /* it is not known any more */
    /* private */
    bool fresh;         /* no line has said yet that this file goes on */
    uint64_t session;
    uint64_t longer;    /* of the unit that comes, or that is read */
    bool wrapped;
};
/* ON: it was read, and belongs to the stream or to nobody. PLACE: the same, a line told the offset
 * here; BEGINS: and all before is of no use. BROKEN: what is known ends in front of it, why. */
enum log_stream_got { LOG_STREAM_ON, LOG_STREAM_PLACE, LOG_STREAM_BEGINS, LOG_STREAM_BROKEN };

void log_stream_begin(struct log_stream *s);
void log_stream_next_file(struct log_stream *s);
/* The item that the reader has given out, a command or an annotation. out: gets the stream's bytes;
 * NULL: they are only counted. */
enum log_stream_got log_stream_read(struct log_stream *s, const struct aof_reader *r,
                                    enum aof_item item, struct buf *out);

#endif
