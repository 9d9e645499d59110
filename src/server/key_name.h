/* SPDX-License-Identifier: BSD-3-Clause */
/* A key of a database as one string, for tables over all databases (WATCH, waiting): four bytes of
 * the database's number, then the key. */
#ifndef SERVER_KEY_NAME_H
#define SERVER_KEY_NAME_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/slice.h"

enum { KEY_NAME_DB = 4 };

/* Made in b, which must be empty; valid until b is changed or freed. */
static inline struct slice key_name(struct buf *b, unsigned db, struct slice key)
{
    char number[KEY_NAME_DB];
    store_le32(number, db);
    buf_append(b, number, sizeof number);
    buf_add(b, key);
    return buf_slice(b);
}

static inline struct slice key_name_key(const char *name, size_t len)
{
    return slice(name + KEY_NAME_DB, len - KEY_NAME_DB);
}

#endif
