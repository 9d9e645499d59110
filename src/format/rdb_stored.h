/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reader tells of each string that it passes (rdb_options.stored), besides its meaning:
 * where and how it lies in the stream. */
#ifndef FORMAT_RDB_STORED_H
#define FORMAT_RDB_STORED_H

#include <stdint.h>

#include "base/slice.h"

/* A string as it lies in the stream, for who changes files in place. */
enum rdb_stored_kind {
    RDB_STORED_TEXT,     /* a value, an element, a name inside a value */
    RDB_STORED_NAME,     /* of a key */
    RDB_STORED_AUX_NAME,
    RDB_STORED_AUX,      /* the value of the AUX field named last */
    RDB_STORED_LIBRARY,
    RDB_STORED_BLOCK,    /* packed, as the value's type says */
    RDB_STORED_ID,       /* of a stream's node; an engine of functions */
    RDB_STORED_FIELDS,   /* a listpack of the names of a template */
    RDB_STORED_VALUES,   /* of the values that belong to one, behind its id */
};
enum rdb_stored_form {
    RDB_FORM_RAW, /* bytes are those from..from + bytes.len of len */
    RDB_FORM_INT, /* number, in bytes.len bytes (1, 2, 4); bytes.data is NULL */
    RDB_FORM_LZF, /* bytes are the compressed ones, all of them */
    RDB_FORM_RUN, /* bytes are literals out of compressed ones; they become those from... of len */
};
struct rdb_stored {
    enum rdb_stored_kind kind;
    enum rdb_stored_form form;
    uint64_t at;        /* the stream's offset of bytes */
    struct slice bytes; /* valid during the call */
    uint64_t from, len; /* len: of the string */
    int64_t number;
    int type;           /* of the value it is a part of; -1: of none */
};

#endif
