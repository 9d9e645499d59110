/* SPDX-License-Identifier: BSD-3-Clause */
/* An entry: key, optional expiry and (small) value in ONE allocation. The only files that know its
 * layout are entry.c and this header; everybody else asks.
 *
 *   u32 meta         access clock or LFU word 24 | type 3 | encoding 4 | has expiry 1
 *   [i64 expire_ms, u32 place in the expiry index]      only with an expiry
 *   key length       u8, or ff + u32, or ff ffffffff + u64
 *   key bytes
 *   value            INT: i64 | EMBSTR: u8 length, bytes | everything else: a pointer
 *
 * All fields at any alignment. An entry has no reference count: whoever needs bytes beyond the
 * command copies them. Changing the size of an entry moves it, so only db.c does that
 * (entry_make.h). */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/num.h"
#include "base/slice.h"
#include "format/sink.h"

struct entry;

/* How a value is kept. Names as OBJECT ENCODING says them: entry_encoding_name. */
enum encoding {
    ENC_INT,        /* string: an int64 in the entry */
    ENC_EMBSTR,     /* string: up to ENTRY_EMBED_MAX bytes in the entry */
    ENC_RAW,        /* string: struct str */
    ENC_LISTPACK,   /* list, hash, set, zset: one listpack */
    ENC_QUICKLIST,  /* list */
    ENC_INTSET,     /* set */
    ENC_TABLE,      /* set, hash: hashtable */
    ENC_SKIPLIST,   /* zset: table and tree, called as Redis calls its own */
    ENC_STREAM,
    ENC_MODULE,
};
enum { ENTRY_EMBED_MAX = 128 };

/* A collection taken out of its entry by value: type and encoding may change while it is worked on,
 * so entry_put_val (or db_put_val) writes it back. ptr belongs to the entry. */
struct val {
    uint8_t type;     /* enum value_type */
    uint8_t encoding; /* enum encoding */
    void *ptr;
};

#define ENTRY_CLOCK_MASK 0xffffffu
#define ENTRY_TYPE_SHIFT 24
#define ENTRY_ENC_SHIFT 27
#define ENTRY_EXPIRES 0x80000000u

static inline uint32_t entry_meta(const struct entry *e)
{
    uint32_t meta;
    memcpy(&meta, e, sizeof meta);
    return meta;
}
static inline void entry_set_meta(struct entry *e, uint32_t meta)
{
    memcpy(e, &meta, sizeof meta);
}
static inline enum value_type entry_type(const struct entry *e)
{
    return (enum value_type)(entry_meta(e) >> ENTRY_TYPE_SHIFT & 7);
}
static inline enum encoding entry_encoding(const struct entry *e)
{
    return (enum encoding)(entry_meta(e) >> ENTRY_ENC_SHIFT & 15);
}
static inline uint32_t entry_clock(const struct entry *e)
{
    return entry_meta(e) & ENTRY_CLOCK_MASK;
}
static inline void entry_set_clock(struct entry *e, uint32_t clock)
{
    entry_set_meta(e, (entry_meta(e) & ~ENTRY_CLOCK_MASK) | (clock & ENTRY_CLOCK_MASK));
}
static inline bool entry_has_expire(const struct entry *e)
{
    return entry_meta(e) & ENTRY_EXPIRES;
}
static inline int64_t entry_expire(const struct entry *e) /* KEY_NO_EXPIRE when none */
{
    int64_t ms = KEY_NO_EXPIRE;
    if (entry_has_expire(e))
        memcpy(&ms, (const char *)e + 4, sizeof ms);
    return ms;
}
static inline struct slice entry_key(const struct entry *e)
{
    const uint8_t *at = (const uint8_t *)e + (entry_has_expire(e) ? 16 : 4);
    if (*at != 0xff)
        return slice(at + 1, *at);
    uint32_t len;
    memcpy(&len, at + 1, sizeof len);
    if (len != UINT32_MAX)
        return slice(at + 5, len);
    uint64_t huge;
    memcpy(&huge, at + 5, sizeof huge);
    return slice(at + 13, huge);
}

/* ---- values ---- */
/* A string's text: points into the entry or its block, or into scratch for ENC_INT. */
struct slice entry_string(const struct entry *e, char scratch[NUM_I64_TEXT]);
/* True when the string is an int64, however it is kept. */
bool entry_int(const struct entry *e, int64_t *n);
size_t entry_string_len(const struct entry *e);
struct val entry_val(const struct entry *e);           /* collections and ENC_RAW */
void entry_put_val(struct entry *e, struct val v);     /* same type; in place */

const char *entry_type_name(enum value_type type);     /* "string", "list", ... */
const char *entry_encoding_name(const struct entry *e); /* "int", "embstr", "hashtable", ... */

#endif
