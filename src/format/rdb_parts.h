/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rdb_*.c readers share; nobody else includes it. Every function leaves a fault in r->in
 * and returns zeros or false; a body looks at in_bad at its end. */
#ifndef FORMAT_RDB_PARTS_H
#define FORMAT_RDB_PARTS_H

#include "format/rdb_reader.h"

/* ---- primitives (rdb_element.c) ---- */
uint64_t rdb_len(struct rdb_reader *r);
/* A count of things of at least min_bytes each, checked against what is left. */
uint64_t rdb_count(struct rdb_reader *r, unsigned min_bytes, const char *of_what);
/* Into the window or *hold; valid until the next read. */
struct slice rdb_str(struct rdb_reader *r, struct buf *hold);
/* In *hold in any case: it survives further reads. */
struct slice rdb_str_kept(struct rdb_reader *r, struct buf *hold);
/* True when packed decodes to exactly len bytes; out has room for RDB_LZF_SLACK more. */
enum { RDB_LZF_SLACK = 32 };
bool rdb_unlzf(struct slice packed, uint8_t *out, size_t len);
/* The next string is one of that kind; all others are RDB_STORED_TEXT. */
static inline void rdb_stored_as(struct rdb_reader *r, enum rdb_stored_kind kind)
{
    r->stored_kind = kind;
}
/* For opt.stored: the bytes that were just read; s has all but kind, at and type. */
void rdb_tell_stored(struct rdb_reader *r, struct rdb_stored *s);
void rdb_note(struct rdb_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- events (rdb_element.c): dropped when nobody wants them ---- */
void rdb_begin(struct rdb_reader *r, enum value_type type, uint64_t count, uint64_t blocks);
void rdb_item(struct rdb_reader *r, struct slice item);
void rdb_pair(struct rdb_reader *r, struct slice field, struct slice value, int64_t expire_ms);
void rdb_score(struct rdb_reader *r, struct slice member, double score);
void rdb_packed(struct rdb_reader *r, enum pack pack, struct slice bytes);
void rdb_unpacked(struct rdb_reader *r, enum pack pack, struct slice bytes);
static inline bool rdb_caller_hears(const struct rdb_reader *r)
{
    return r->out[RDB_OUT_CALLER] && !sink_bad(r->out[RDB_OUT_CALLER]);
}
/* To all whom events reach. The digest never fails. */
#define RDB_EVENT(r, op, ...) \
    do { \
        if ((r)->out[RDB_OUT_ALL]) \
            SINK_EVENT((r)->out[RDB_OUT_ALL], op, __VA_ARGS__); \
        if (rdb_caller_hears(r)) \
            SINK_EVENT((r)->out[RDB_OUT_CALLER], op, __VA_ARGS__); \
    } while (0)
/* Does the caller's sink get this value? */
static inline bool rdb_wanted(const struct rdb_reader *r)
{
    return r->out[RDB_OUT_CALLER] != NULL;
}
/* Behind the last event of a value that came whole. */
void rdb_end_value(struct rdb_reader *r);
/* An empty collection: a fault in a payload, else skipped. */
void rdb_empty(struct rdb_reader *r);
/* The holds and sets that the primitives use; templates have their own. */
void rdb_reader_free(struct rdb_reader *r);

/* ---- distinctness (rdb_distinct.c) ---- */
void distinct_start(struct rdb_distinct *d, uint64_t expected);
/* False when the hash is there already. Two of 2^64 keyed hashes meeting by chance is the only way
 * to be wrong: 3 in 10^8 for a million elements. */
bool distinct_add(struct rdb_distinct *d, uint64_t hash);
/* Behind a value: what a large one took is not kept for the next. */
void distinct_end(struct rdb_distinct *d);
void distinct_free(struct rdb_distinct *d);
/* Every stride-th element of the listpack differs from the others, by text. Exact. */
bool distinct_listpack(struct rdb_distinct *d, const uint8_t *lp, size_t count, unsigned stride);

/* A value's number, whatever version the file claims? Those of one family are not those of the
 * other. */
static inline bool rdb_type_known(const struct rdb_reader *r, uint8_t type)
{
    enum { NEVER_USED = 8 };
    if (type == RDB_MODULE_OLD || type == NEVER_USED)
        return false;
    return type <= (r->valkey ? RDB_VALKEY_HASH_PATH : RDB_HASH_TEMPLATED_REF);
}

/* ---- packed blocks (rdb_packed.c): validate, then hand on ---- */
void rdb_packed_value(struct rdb_reader *r, enum rdb_type type);
void rdb_quicklist(struct rdb_reader *r, bool second);
/* ---- the others ---- */
void rdb_value(struct rdb_reader *r, int type);  /* rdb_value.c */
/* A string that is next, if it is long and all whom it reaches take it in parts: read, or a fault.
 * False: nothing was read. */
bool rdb_long_string(struct rdb_reader *r); /* rdb_long.c */
void rdb_stream(struct rdb_reader *r, int type); /* rdb_stream.c */
void rdb_templated(struct rdb_reader *r, int type); /* rdb_template.c */
void rdb_template_record(struct rdb_reader *r);
void rdb_templates_free(struct rdb_reader *r);
void rdb_array(struct rdb_reader *r);            /* rdb_array.c */
void rdb_module_value(struct rdb_reader *r);     /* rdb_module.c */
void rdb_module_items(struct rdb_reader *r);
void rdb_module_aux(struct rdb_reader *r, struct rdb_record *rec);
/* ---- block checksums, digest (rdb_guard.c) ---- */
void rdb_guard_begin(struct rdb_reader *r);
void rdb_guard_mark(struct rdb_reader *r); /* the byte just read begins an AUX record */
void rdb_guard_aux(struct rdb_reader *r, const struct rdb_record *rec);
/* crc: of all bytes before the stored one. */
void rdb_guard_end(struct rdb_reader *r, uint64_t crc, uint64_t stored);
void rdb_guard_tell(struct rdb_reader *r); /* a fault: which bytes are known to be good */
/* ---- opcode 246, and the shell around a whole file (rdb_envelope.c) ---- */
void rdb_function_old(struct rdb_reader *r, struct rdb_record *rec);
/* When the stream begins with an envelope, it becomes the stream of what is inside. */
void rdb_envelope(struct in *in);
/* Behind the RDB's end: reads the envelope to its own end, where its checksums are. */
void rdb_envelope_end(struct in *in);

#endif
