/* SPDX-License-Identifier: BSD-3-Clause */
/* The layout is drawn in entry.h. Nothing in an entry is aligned: every field is copied in and out,
 * which costs nothing on the machines this runs on. */
#include "store/entry.h"

#include "base/must.h"
#include "store/entry_make.h"
#include "store/str.h"

enum {
    META = 4,
    EXPIRE = 12, /* i64 time, u32 place */
    SHORT_KEY_MAX = 0xfe,
    OBJECT_EMBSTR_MAX = 44, /* up to here OBJECT ENCODING says embstr, as Redis does */
};

_Static_assert(VALUE_MODULE <= 7, "a type has three bits");
_Static_assert(ENC_MODULE <= 15, "an encoding has four");
_Static_assert(ENTRY_EMBED_MAX <= UINT8_MAX, "a short text's length has one byte");

static size_t key_bytes(size_t len)
{
    return len + (len <= SHORT_KEY_MAX ? 1 : len < UINT32_MAX ? 5 : 13);
}

/* Where the key's bytes belong. */
static char *put_key_len(char *to, size_t len)
{
    if (len <= SHORT_KEY_MAX) {
        *to = (char)len;
        return to + 1;
    }
    uint32_t word = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
    uint64_t huge = len;
    *to = (char)0xff;
    memcpy(to + 1, &word, 4);
    if (word != UINT32_MAX)
        return to + 5;
    memcpy(to + 5, &huge, 8);
    return to + 13;
}

static size_t value_bytes(uint8_t encoding, size_t text_len)
{
    return encoding == ENC_EMBSTR ? 1 + text_len : 8;
}

size_t entry_size_of(const struct entry_parts *p)
{
    size_t expire = p->expire_ms == KEY_NO_EXPIRE ? 0 : EXPIRE;
    return META + expire + key_bytes(p->key.len) + value_bytes(p->encoding, p->text.len);
}

static char *value_at(const struct entry *e)
{
    struct slice key = entry_key(e);
    return (char *)(uintptr_t)(key.data + key.len);
}

size_t entry_size(const struct entry *e)
{
    const char *value = value_at(e);
    size_t text_len = entry_encoding(e) == ENC_EMBSTR ? (uint8_t)*value : 0;
    return (size_t)(value - (const char *)e) + value_bytes((uint8_t)entry_encoding(e), text_len);
}

void entry_fill(struct entry *e, const struct entry_parts *p)
{
    must(p->encoding != ENC_EMBSTR || p->text.len <= ENTRY_EMBED_MAX);
    char *to = (char *)e;
    bool expires = p->expire_ms != KEY_NO_EXPIRE;
    entry_set_meta(e, (p->clock & ENTRY_CLOCK_MASK) | (uint32_t)p->type << ENTRY_TYPE_SHIFT |
                          (uint32_t)p->encoding << ENTRY_ENC_SHIFT | (expires ? ENTRY_EXPIRES : 0));
    to += META;
    if (expires) {
        memcpy(to, &p->expire_ms, 8);
        memset(to + 8, 0, 4);
        to += EXPIRE;
    }
    to = put_key_len(to, p->key.len);
    if (p->key.len)
        memcpy(to, p->key.data, p->key.len);
    to += p->key.len;
    if (p->encoding == ENC_EMBSTR) {
        *to = (char)p->text.len;
        if (p->text.len)
            memcpy(to + 1, p->text.data, p->text.len);
    } else if (p->encoding == ENC_INT) {
        memcpy(to, &p->num, 8);
    } else {
        memcpy(to, &p->ptr, 8);
    }
}

static void *value_ptr(const struct entry *e)
{
    void *ptr;
    memcpy(&ptr, value_at(e), sizeof ptr);
    return ptr;
}

static int64_t value_int(const struct entry *e)
{
    int64_t n;
    memcpy(&n, value_at(e), sizeof n);
    return n;
}

void entry_set_int(struct entry *e, int64_t n)
{
    must(entry_encoding(e) == ENC_INT);
    memcpy(value_at(e), &n, sizeof n);
}

struct entry_parts entry_take_apart(const struct entry *e)
{
    struct entry_parts p = {
        .key = entry_key(e),
        .expire_ms = entry_expire(e),
        .type = (uint8_t)entry_type(e),
        .encoding = (uint8_t)entry_encoding(e),
        .clock = entry_clock(e),
    };
    if (p.encoding == ENC_EMBSTR)
        p.text = slice(value_at(e) + 1, (uint8_t)*value_at(e));
    else if (p.encoding == ENC_INT)
        p.num = value_int(e);
    else
        p.ptr = value_ptr(e);
    must(entry_size_of(&p) == entry_size(e));
    return p;
}

uint32_t entry_place(const struct entry *e)
{
    must(entry_has_expire(e));
    uint32_t place;
    memcpy(&place, (const char *)e + META + 8, 4);
    return place;
}

void entry_set_place(struct entry *e, uint32_t place)
{
    must(entry_has_expire(e));
    memcpy((char *)e + META + 8, &place, 4);
}

void entry_set_expire_ms(struct entry *e, int64_t ms)
{
    must(entry_has_expire(e));
    memcpy((char *)e + META, &ms, 8);
}

/* ---- values ---- */

struct slice entry_string(const struct entry *e, char scratch[NUM_I64_TEXT])
{
    must(entry_type(e) == VALUE_STRING);
    const char *value = value_at(e);
    switch (entry_encoding(e)) {
    case ENC_EMBSTR:
        return slice(value + 1, (uint8_t)*value);
    case ENC_INT:
        return slice(scratch, num_format_i64(scratch, value_int(e)));
    default: {
        const struct str *s = value_ptr(e);
        must(entry_encoding(e) == ENC_RAW);
        return slice(s->bytes, s->len);
    }
    }
}

bool entry_int(const struct entry *e, int64_t *n)
{
    if (entry_encoding(e) == ENC_INT) {
        *n = value_int(e);
        return true;
    }
    char scratch[NUM_I64_TEXT];
    return num_parse_i64(entry_string(e, scratch), n);
}

size_t entry_string_len(const struct entry *e)
{
    char scratch[NUM_I64_TEXT];
    return entry_string(e, scratch).len;
}

struct val entry_val(const struct entry *e)
{
    must(entry_encoding(e) != ENC_INT && entry_encoding(e) != ENC_EMBSTR);
    return (struct val){(uint8_t)entry_type(e), (uint8_t)entry_encoding(e), value_ptr(e)};
}

void entry_put_val(struct entry *e, struct val v)
{
    must(entry_encoding(e) != ENC_INT && entry_encoding(e) != ENC_EMBSTR);
    must(v.type == entry_type(e));
    must(v.encoding != ENC_INT && v.encoding != ENC_EMBSTR);
    uint32_t others = entry_meta(e) & ~(15u << ENTRY_ENC_SHIFT);
    entry_set_meta(e, others | (uint32_t)v.encoding << ENTRY_ENC_SHIFT);
    memcpy(value_at(e), &v.ptr, sizeof v.ptr);
}

const char *entry_type_name(enum value_type type)
{
    static const char *const names[] = {"string", "list",   "set",   "zset",
                                        "hash",   "stream", "module"};
    must(type < sizeof names / sizeof *names);
    return names[type];
}

const char *entry_encoding_name(const struct entry *e)
{
    static const char *const names[] = {"int", "embstr", "raw", "listpack", "quicklist", "intset",
                                        "hashtable", "skiplist", "stream", "module"};
    enum encoding encoding = entry_encoding(e);
    if (encoding == ENC_EMBSTR && entry_string_len(e) > OBJECT_EMBSTR_MAX)
        encoding = ENC_RAW;
    must(encoding < sizeof names / sizeof *names);
    return names[encoding];
}
