/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads RDB: a file, a socket's stream, an AOF preamble, a DUMP payload. Pull at record level (the
 * caller owns the loop), push inside a value (events to a sink).
 *
 *   struct rdb_reader r;
 *   struct rdb_record rec;
 *   rdb_open(&r, &in, &(struct rdb_options){.databases = 16});
 *   while (rdb_next(&r, &rec) && rdb_body(&r, &rec, sink))
 *       ;
 *   if (in_bad(&in)) ... in.fault: offset, doing, key, type ...
 *   rdb_close(&r);
 *
 * Everything is walked and checked before it is handed on: structure, pairs, scores, order, stream
 * bookkeeping, duplicates inside a value. Not checked: the same key twice (the consumer knows). No
 * memory is asked for by a stated size before that many bytes (or their compressed form) are there.
 *
 * Block checksums and the digest of the data set are verified where a file has them (rdb.h): a
 * block behind its last key, so values of a bad one may have gone to the sink before the fault. A
 * consumer keeps nothing of a stream that failed.
 *
 * Borrowed: in, the options' callback. A record's slices live until the next call with r. */
#ifndef FORMAT_RDB_READ_H
#define FORMAT_RDB_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/digest.h"
#include "format/in.h"
#include "format/rdb.h"
#include "format/rdb_block.h"
#include "format/sink.h"

struct rdb_options {
    unsigned databases;   /* a db number at or above it is a fault; 0: any number goes */
    bool keep_modules;    /* hand module values and aux on as opaque; else FAULT_CANNOT_HOLD */
    bool trust_distinct;  /* skip the search for duplicates inside values of types 2-5 and 22, 24,
                           * for a consumer that finds them itself while it inserts */
    bool unguarded;       /* pass over block checksums, digest and trailer, as older servers do: for
                           * a file that another program changed without knowing of them */
    void (*note)(void *arg, const char *text); /* worth a line in a log; may be NULL */
    void *note_arg;
};

enum rdb_record_kind {
    RDB_REC_KEY,        /* key; its value is still unread: rdb_body or rdb_skip */
    RDB_REC_AUX,        /* name, value */
    RDB_REC_DB,         /* db */
    RDB_REC_RESIZE,     /* db, keys, expires */
    RDB_REC_FUNCTION,   /* value */
    RDB_REC_MODULE_AUX, /* module_id, value: from behind the id to the end mark */
    RDB_REC_OTHER,      /* slot markers and the like: nothing to do */
    RDB_REC_END,        /* only inside: rdb_next returns false */
};

struct rdb_record {
    enum rdb_record_kind kind;
    uint8_t opcode;
    struct key_event key; /* count and blocks are known in rdb_body only */
    struct slice name, value;
    unsigned db;
    uint64_t keys, expires, module_id;
    uint64_t offset; /* where it ends; a key: its name; module aux: its head */
};

enum rdb_crc_state { RDB_CRC_UNREAD, RDB_CRC_OK, RDB_CRC_NONE /* stored as 0 */, RDB_CRC_ABSENT };

/* A set of hashes, reused from value to value. */
struct rdb_distinct {
    uint64_t *slots;
    size_t cap, size, used; /* size: a power of two, up to cap */
};

/* Block checksums, digest, trailer; private to rdb_guard.c. */
struct rdb_guard {
    uint64_t begin;             /* the stream's offset of the magic */
    uint64_t mark_at, mark_crc; /* where the AUX record being read begins, and all bytes before */
    struct rdb_blocks blocks;
    struct digest digest;
    uint64_t verified;          /* blocks that had a record, at the end */
    bool blocks_due, digest_due, trailer_due; /* announced, not yet seen */
    bool digesting, digest_ok, digest_wrong;
    bool covered;               /* the last record was a block's */
    bool told;
};

struct rdb_reader {
    struct in *in;
    struct rdb_options opt;
    bool valkey, payload, ended, body_due;
    int version;
    unsigned db;
    enum rdb_crc_state crc;
    uint64_t keys;          /* key records so far */
    uint64_t empty_skipped; /* keys with empty collections */

    int64_t expire_ms, idle_s; /* attributes for the next key */
    int freq;

    /* the value being read */
    struct sink *sink;
    const struct rdb_record *rec;
    bool begun, wanted;

    struct buf key, first, second, packed, raw, rest; /* holds, reused */
    struct buf pending, templates;
    struct rdb_distinct distinct, names;
    struct rdb_guard guard;
};

/* Reads the header. False on a fault. */
bool rdb_open(struct rdb_reader *r, struct in *in, const struct rdb_options *opt);
void rdb_close(struct rdb_reader *r);
/* False at the end (r->ended) and on a fault (in_bad). */
bool rdb_next(struct rdb_reader *r, struct rdb_record *rec);
/* Hands the record to the sink. False on a fault of the stream or of the sink. */
bool rdb_body(struct rdb_reader *r, const struct rdb_record *rec, struct sink *sink);
/* Reads past the record, checking it all the same. */
bool rdb_skip(struct rdb_reader *r, const struct rdb_record *rec);
/* All records to the sink. */
bool rdb_read_all(struct rdb_reader *r, struct sink *sink);

/* Behind the end: the block index that the file announced. Damage there is none to the data, so it
 * is no fault. The stream stands behind it in any case. */
enum rdb_trailer_state {
    RDB_TRAILER_NONE, /* not announced */
    RDB_TRAILER_OK,
    RDB_TRAILER_SHORT, /* cut off */
    RDB_TRAILER_BAD,
};
enum rdb_trailer_state rdb_trailer(struct rdb_reader *r);
/* Blocks that were as their records say; r->guard.digest_ok tells that the digest was compared. */
uint64_t rdb_blocks_verified(const struct rdb_reader *r);

/* ---- DUMP payloads ---- */
/* Footer: size, version known, CRC (always). */
bool rdb_payload_check(struct slice payload, int *version, struct fault *f);
/* Footer, then the one value as the body of the given key (name, db, expiry and so on are the
 * caller's; type and rdb_type are filled in) up to the exact end. An empty collection is a
 * fault. */
bool rdb_payload_read(struct slice payload, const struct key_event *key, struct sink *sink,
                      const struct rdb_options *opt, struct fault *f);
/* The same of a string: its text lies in the payload, or in *hold. */
bool rdb_payload_is_string(struct slice payload);
bool rdb_payload_string(struct slice payload, struct buf *hold, struct slice *text,
                        struct fault *f);
/* FUNCTION DUMP: each library to sink->function. */
bool rdb_payload_functions(struct slice payload, struct sink *sink, struct fault *f);
/* Nine letters of a module id. */
const char *rdb_module_name(uint64_t id, char out[10]);

#endif
