/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reader of RDB is asked for, what it gives and what it holds. It is embedded by value and
 * used through rdb_read.h; below the records, fields that no comment there or here offers are the
 * readers' own (rdb_parts.h). */
#ifndef FORMAT_RDB_READER_H
#define FORMAT_RDB_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/digest.h"
#include "format/in.h"
#include "format/pending_list.h"
#include "format/rdb.h"
#include "format/rdb_block.h"
#include "format/rdb_search.h"
#include "format/rdb_stored.h"
#include "format/sink.h"

struct rdb_options {
    unsigned databases;   /* a db number at or above it is a fault; 0: any number goes */
    bool keep_modules;    /* hand module values and aux on as opaque; else FAULT_CANNOT_HOLD */
    bool trust_distinct;  /* skip the search for duplicates inside values of types 2-5 and 22, 24,
                           * for a consumer that finds them itself while it inserts */
    uint64_t distinct_max; /* search so many elements of a value for duplicates; 0: all, at 16
                            * bytes or more an element. _MAX takes 32 MiB, _FEW 8 */
    const struct rdb_search *search; /* who searches values that have more; NULL: they are noted */
    const struct pending_outside *pending; /* who holds long pending lists; NULL: they are held */
    bool unguarded;       /* pass over block checksums, digest and trailer, as older servers do: for
                           * a file that another program changed without knowing of them */
    struct sink *also;    /* with unguarded: hears of each value besides whom rdb_body is called
                           * for, and of those nobody is asked about; NULL: nobody */
    void (*note)(void *arg, const char *text); /* worth a line in a log; may be NULL */
    void *note_arg;
    void (*stored)(void *arg, const struct rdb_stored *s); /* each string; may be NULL */
    void *stored_arg;
};

enum { RDB_DISTINCT_MAX = (2 << 20) - 1, RDB_DISTINCT_FEW = (512 << 10) - 1 };
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

/* Who takes all there is: the digest, once the file has announced one. And the caller's sink,
 * during a value that it wants. */
enum { RDB_OUT_ALL, RDB_OUT_CALLER, RDB_OUTS };

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
    bool digest_ok, digest_wrong;
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

    struct sink *out[RDB_OUTS]; /* whom events reach; NULL: nobody */

    /* the value being read */
    struct sink *sink; /* the caller's; NULL: nobody is there to ask */
    const struct rdb_record *rec;
    bool begun;
    enum rdb_stored_kind stored_kind; /* of the string that is read next */

    struct buf key, first, second, packed, raw, rest; /* holds, reused */
    struct pending_list pending;
    struct buf templates;
    struct rdb_distinct distinct, names;
    enum rdb_searched searched; /* of the value, by opt.search */
    uint64_t seed; /* of hashes of elements: nobody outside knows it, or learns of it */
    struct rdb_guard guard;
};

#endif
