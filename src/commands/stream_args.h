/* SPDX-License-Identifier: BSD-3-Clause */
/* What the stream commands share: ids as words, looking up a stream or a group, saying that one
 * changed. Whatever returns false has replied its error. */
#ifndef COMMANDS_STREAM_ARGS_H
#define COMMANDS_STREAM_ARGS_H

#include "server/ctx.h"
#include "store/val_stream.h"

/* ---- ids ---- */
enum { STREAM_ID_TEXT = 2 * NUM_I64_TEXT };
struct slice stream_id_text(char out[STREAM_ID_TEXT], struct stream_id id);
void reply_stream_id(struct ctx *c, struct stream_id id);

/* "5-3", or "5" with that seq. *auto_seq (NULL: not allowed) is set for "5-*". */
bool stream_id_parse(struct slice text, uint64_t missing_seq, struct stream_id *id,
                     bool *auto_seq);
bool stream_arg_id(struct ctx *c, int i, struct stream_id *id);
/* The ends of a range: also "-", "+", and "(5-3" for what lies behind it. */
bool stream_arg_start(struct ctx *c, int i, struct stream_id *id);
bool stream_arg_end(struct ctx *c, int i, struct stream_id *id);
/* All words from i on; NULL after an error. The caller's. */
struct stream_id *stream_arg_ids(struct ctx *c, int i);

/* ---- other words ---- */
/* Word i + 1 is there, and word i is this one. */
bool stream_arg_option(const struct ctx *c, int i, const char *word);
/* A number; below 0 counts as 0. */
bool stream_arg_count(struct ctx *c, int i, int64_t *count);
/* The same with an error of its own. */
bool stream_arg_number(struct ctx *c, int i, const char *error, int64_t *n);

/* ---- streams ---- */
/* The stream at a key, to read or to write; *s NULL when there is none. */
bool stream_read(struct ctx *c, struct slice key, struct stream **s);
bool stream_write(struct ctx *c, struct slice key, struct stream **s);
/* The group argv[2] of the stream argv[1], looked up for reading. Absent: NOGROUP. */
bool stream_arg_group(struct ctx *c, struct stream **s, struct stream_group **g);
void reply_no_stream_group(struct ctx *c, struct slice key, struct slice group, const char *tail);

/* So many changes in place: told to who watches, waits or must know how fresh the key is; counted,
 * and logged as the handler says. event (NULL: none) is told, too. */
void stream_changed(struct ctx *c, struct slice key, uint64_t changes, const char *event);
/* Of what consumers hold only: as in Redis neither WATCH nor who waits for entries minds. */
void stream_group_changed(struct ctx *c, struct slice key, uint64_t changes, const char *event);
/* The unit's changes are logged as these words, besides what was logged in its place before. */
#define STREAM_LOG(c, ...) \
    ctx_log_instead(c, (int)(sizeof((struct slice[]){__VA_ARGS__}) / sizeof(struct slice)), \
                    (struct slice[]){__VA_ARGS__})
/* What others said before we were asked is taken as it is: the log, or our primary. */
static inline bool stream_obeys(const struct ctx *c)
{
    return c->from == FROM_LOG || c->from == FROM_PRIMARY;
}

/* ---- replies ---- */
/* [id, [name, value, ...]] */
void reply_stream_entry(struct ctx *c, struct block_entry *e);
/* The entry of that id; false: it is not there, and nothing was replied. */
bool reply_stream_entry_of(struct ctx *c, const struct stream *s, struct stream_id id);

#endif
