/* SPDX-License-Identifier: BSD-3-Clause */
/* Events (sink.h) put down in memory, and played to a sink later: so that one thread reads a data
 * set and another takes it in.
 *
 *   event_recorder_init(&r, &batch);            a sink: what comes is appended to the batch
 *   rdb_body(&reader, &rec, &r.sink); event_batch_mark(&batch, offset, doing);
 *   ...
 *   event_player_init(&p, buf_slice(&batch));
 *   while (event_play(&p, sink)) ...            one record: a key whole, or an AUX field ...
 *
 * Packed blocks are kept whole. A key that the sink does not want (or that makes it fail) is passed
 * over. Cost: a copy of the bytes, about 20 bytes an event. A batch must have come from a recorder:
 * what it says is believed. Commands and producers of several kinds of values for one sink are not
 * for it: it is for what rdb_read gives. */
#ifndef FORMAT_EVENT_BATCH_H
#define FORMAT_EVENT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "format/sink.h"

struct event_recorder {
    struct sink sink;
    struct buf *to;
};
void event_recorder_init(struct event_recorder *r, struct buf *to);
/* Behind a record of which something came: where in its file it ends, and what was being done (a
 * static word); and words for a log, in the order of the records. */
void event_batch_mark(struct buf *to, uint64_t offset, const char *doing);
void event_batch_note(struct buf *to, const char *text);

enum event_played { EVENT_NONE, EVENT_KEY, EVENT_AUX /* function, module_aux too */, EVENT_DB,
                    EVENT_NOTE };
struct event_player {
    struct slice left;
    enum event_played what;   /* of the last record */
    uint8_t rdb_type;         /* of the last key */
    uint64_t offset;          /* of the last mark */
    const char *doing;
    const char *note;
};
void event_player_init(struct event_player *p, struct slice batch);
/* What comes next? Plays nothing. EVENT_NONE: the batch is over. */
enum event_played event_peek(const struct event_player *p);
/* Plays the next record to sink. */
void event_play(struct event_player *p, struct sink *sink);

#endif
