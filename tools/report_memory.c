/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/report_memory.h"

#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/slab.h"
#include "containers/listpack.h"

enum { ENTRY = 4, EXPIRY = 12, TABLE_PLACE = 15, EXPIRY_PLACE = 8, STR_HEAD = 16, NODE = 64,
       NODE_BYTES = 8 << 10, LIST_HEAD = 64, TABLE_HEAD = 64, ZSET_HEAD = 160, RANKED_ITEM = 16,
       RANKED_LENGTH = 8, RANKED_PLACE = 19,
       STREAM_HEAD = 128, SET_MEMBER = 4, HASH_PAIR = 8, INTSET_HEAD = 8 };

void report_limits_init(struct report_limits *l)
{
    *l = (struct report_limits){.hash_entries = 512, .hash_value = 64, .intset_entries = 512,
                                .set_entries = 128, .set_value = 64, .zset_entries = 128,
                                .zset_value = 64};
}

bool report_limits_set(struct report_limits *l, const char *text)
{
    const struct {
        const char *name;
        uint64_t *to;
    } rows[] = {{"hash-max-listpack-entries", &l->hash_entries},
                {"hash-max-listpack-value", &l->hash_value},
                {"set-max-intset-entries", &l->intset_entries},
                {"set-max-listpack-entries", &l->set_entries},
                {"set-max-listpack-value", &l->set_value},
                {"zset-max-listpack-entries", &l->zset_entries},
                {"zset-max-listpack-value", &l->zset_value}};
    const char *equals = strchr(text, '=');
    for (size_t i = 0; equals && i < sizeof rows / sizeof *rows; i++)
        if (slice_eq_nocase(slice(text, (size_t)(equals - text)), rows[i].name))
            return num_parse_u64(slice_str(equals + 1), rows[i].to);
    return false;
}

void report_value_begin(struct report_value *v, const struct key_event *key)
{
    *v = (struct report_value){.type = key->type, .name_bytes = key->name.len,
                               .expires = key->expire_ms != KEY_NO_EXPIRE, .integers = true,
                               .bytes = key->name.len, .least = INT64_MAX, .most = INT64_MIN};
    v->packed = LP_EMPTY_BYTES;
}

static void widen(struct report_value *v, size_t bytes)
{
    v->widest = bytes > v->widest ? bytes : v->widest;
    v->bytes += bytes;
}

static void add_integer(struct report_value *v, struct slice text)
{
    int64_t n;
    if (v->integers && num_parse_i64(text, &n)) {
        v->least = n < v->least ? n : v->least;
        v->most = n > v->most ? n : v->most;
    } else {
        v->integers = false;
    }
}

void report_value_item(struct report_value *v, struct slice text)
{
    widen(v, text.len);
    v->elements++;
    if (v->type == VALUE_STRING || v->type == VALUE_SET)
        add_integer(v, text);
    if (v->type == VALUE_STRING)
        return;
    v->packed += lp_size_of(text);
    if (v->type == VALUE_SET)
        v->loose += TABLE_PLACE + mem_good_size(SET_MEMBER + text.len);
}

void report_value_part(struct report_value *v, size_t bytes)
{
    v->elements = 1;
    v->integers = false;
    v->bytes += bytes;
    v->widest += bytes;
}

void report_value_pair(struct report_value *v, struct slice field, struct slice value)
{
    v->elements++;
    widen(v, field.len);
    widen(v, value.len);
    v->packed += lp_size_of(field) + lp_size_of(value);
    v->loose += TABLE_PLACE + mem_good_size(HASH_PAIR + field.len + value.len);
}

void report_value_score(struct report_value *v, struct slice member, double score)
{
    char text[NUM_DOUBLE_TEXT];
    size_t n = num_format_double(text, score);
    v->elements++;
    widen(v, member.len);
    v->bytes += sizeof(double);
    v->packed += lp_size_of(member) + lp_size_of(slice(text, n));
    v->loose += TABLE_PLACE + RANKED_PLACE +
                mem_good_size(RANKED_ITEM + (member.len < UINT8_MAX ? 0 : RANKED_LENGTH) +
                              member.len);
}

enum encoding report_value_encoding(const struct report_value *v, const struct report_limits *l)
{
    switch (v->type) {
    case VALUE_STRING:
        return v->integers && v->elements ? ENC_INT : v->widest <= ENTRY_EMBED_MAX ? ENC_EMBSTR
                                                                                : ENC_RAW;
    case VALUE_LIST:
        return v->packed <= NODE_BYTES ? ENC_LISTPACK : ENC_QUICKLIST;
    case VALUE_SET:
        if (v->integers && v->elements <= l->intset_entries)
            return ENC_INTSET;
        return v->elements <= l->set_entries && v->widest <= l->set_value ? ENC_LISTPACK
                                                                        : ENC_TABLE;
    case VALUE_HASH:
        return v->elements <= l->hash_entries && v->widest <= l->hash_value ? ENC_LISTPACK
                                                                          : ENC_TABLE;
    case VALUE_ZSET:
        return v->elements <= l->zset_entries && v->widest <= l->zset_value ? ENC_LISTPACK
                                                                          : ENC_SKIPLIST;
    case VALUE_STREAM:
        return ENC_STREAM;
    default:
        return ENC_MODULE;
    }
}

static uint64_t entry_bytes(const struct report_value *v, uint64_t value)
{
    uint64_t bytes = ENTRY + (v->expires ? EXPIRY : 0) + (v->name_bytes < 0xff ? 1 : 5) +
                     v->name_bytes + value;
    return slab_good_size((size_t)bytes) + TABLE_PLACE + (v->expires ? EXPIRY_PLACE : 0);
}

static uint64_t intset_memory(const struct report_value *v)
{
    bool two = v->least >= INT16_MIN && v->most <= INT16_MAX;
    bool four = v->least >= INT32_MIN && v->most <= INT32_MAX;
    return mem_good_size((size_t)(INTSET_HEAD + v->elements * (two ? 2 : four ? 4 : 8)));
}

uint64_t report_value_packed(const struct report_value *v)
{
    return entry_bytes(v, sizeof(void *)) + mem_good_size((size_t)v->packed);
}

uint64_t report_value_memory(const struct report_value *v, const struct report_limits *l)
{
    switch (report_value_encoding(v, l)) {
    case ENC_INT:
        return entry_bytes(v, sizeof(int64_t));
    case ENC_EMBSTR:
        return entry_bytes(v, 1 + v->widest);
    case ENC_RAW:
        return entry_bytes(v, sizeof(void *)) + mem_good_size((size_t)(STR_HEAD + v->widest));
    case ENC_LISTPACK:
        return report_value_packed(v);
    case ENC_QUICKLIST:
        return entry_bytes(v, sizeof(void *)) + LIST_HEAD + v->packed +
               v->packed / NODE_BYTES * NODE;
    case ENC_INTSET:
        return entry_bytes(v, sizeof(void *)) + intset_memory(v);
    case ENC_TABLE:
        return entry_bytes(v, sizeof(void *)) + TABLE_HEAD + v->loose;
    case ENC_SKIPLIST:
        return entry_bytes(v, sizeof(void *)) + ZSET_HEAD + v->loose;
    default:
        return entry_bytes(v, sizeof(void *)) + STREAM_HEAD + v->loose;
    }
}

const char *report_encoding_name(enum encoding e)
{
    static const char *const names[] = {"int", "embstr", "raw", "listpack", "quicklist", "intset",
                                        "hashtable", "skiplist", "stream", "module"};
    return names[e];
}
