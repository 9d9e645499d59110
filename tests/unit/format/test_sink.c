/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/sink.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "format/sink_count.h"
#include "tests/unit/unit.h"

/* Notes what it is told. */
struct diary {
    struct sink sink;
    struct buf text;
    bool wants, takes_packed;
};

static struct diary *diary(struct sink *s)
{
    return (struct diary *)s;
}

static bool note_key(struct sink *s, const struct key_event *k)
{
    buf_printf(&diary(s)->text, "key %.*s;", SLICE_ARG(k->name));
    return diary(s)->wants;
}

static bool note_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    (void)bytes;
    if (diary(s)->takes_packed)
        buf_printf(&diary(s)->text, "packed %d;", (int)pack);
    return diary(s)->takes_packed;
}

static void note_item(struct sink *s, struct slice item)
{
    buf_printf(&diary(s)->text, "item %.*s;", SLICE_ARG(item));
}

static void note_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    buf_printf(&diary(s)->text, "pair %.*s %.*s %lld;", SLICE_ARG(field), SLICE_ARG(value),
               (long long)expire_ms);
}

static void note_score(struct sink *s, struct slice member, double score)
{
    buf_printf(&diary(s)->text, "score %.*s %g;", SLICE_ARG(member), score);
}

static void note_end(struct sink *s)
{
    buf_printf(&diary(s)->text, "end;");
}

static const struct sink_ops diary_ops = {
    .key = note_key, .packed = note_packed, .item = note_item, .pair = note_pair,
    .score = note_score, .end_key = note_end,
};

static struct diary new_diary(bool wants, bool takes_packed)
{
    return (struct diary){
        .sink = {.ops = &diary_ops}, .wants = wants, .takes_packed = takes_packed};
}

static uint8_t *texts(const char *const *list)
{
    uint8_t *lp = lp_new();
    for (; *list; list++)
        lp = lp_append(lp, slice_str(*list));
    return lp;
}

static void check_unpack(enum pack pack, uint8_t *lp, const char *want)
{
    struct diary d = new_diary(true, false);
    sink_unpack(&d.sink, pack, lp_blob(lp));
    CHECK_SLICE(buf_slice(&d.text), slice_str(want));
    buf_free(&d.text);
    mem_free(lp);
}

static void unpacks(void)
{
    check_unpack(PACK_LIST, texts((const char *[]){"a", "1", NULL}), "item a;item 1;");
    check_unpack(PACK_SET, texts((const char *[]){"a", "1", NULL}), "item a;item 1;");
    check_unpack(PACK_HASH, texts((const char *[]){"f", "v", "g", "2", NULL}),
                 "pair f v -1;pair g 2 -1;");
    check_unpack(PACK_HASH_TTL, texts((const char *[]){"f", "v", "99", "g", "2", "0", NULL}),
                 "pair f v 99;pair g 2 -1;");
    check_unpack(PACK_ZSET, texts((const char *[]){"m", "-inf", "n", "7", "o", "7.5", NULL}),
                 "score m -inf;score n 7;score o 7.5;");
}

static void unpacks_intsets(void)
{
    struct diary d = new_diary(true, false);
    uint8_t *is = intset_add(intset_add(intset_new(), 70000, NULL), -3, NULL);
    sink_unpack(&d.sink, PACK_INTSET, slice(is, intset_bytes(is)));
    CHECK_SLICE(buf_slice(&d.text), SLICE_LIT("item -3;item 70000;"));
    buf_free(&d.text);
    mem_free(is);
}

static void one_key(struct sink *s)
{
    uint8_t *lp = texts((const char *[]){"a", NULL});
    if (sink_key(s, &(struct key_event){.name = SLICE_LIT("k"), .expire_ms = 5})) {
        sink_packed(s, PACK_LIST, lp_blob(lp));
        SINK_EVENT(s, item, SLICE_LIT("b"));
        sink_end_key(s);
    }
    mem_free(lp);
}

static void check_one_key(struct diary d, const struct sink_ops *ops, const char *want)
{
    d.sink.ops = ops;
    one_key(&d.sink);
    CHECK_STR(buf_cstr(&d.text), want);
    buf_free(&d.text);
}

/* An operation that is not there is one that does nothing: the rest comes all the same. */
static void without_an_operation(void)
{
    static const struct sink_ops no_key = {.packed = note_packed, .item = note_item,
                                           .end_key = note_end};
    static const struct sink_ops only_item = {.item = note_item}, only_key = {.key = note_key},
                                 none = {.key = NULL};
    check_one_key(new_diary(true, true), &diary_ops, "key k;packed 0;item b;end;");
    check_one_key(new_diary(true, false), &diary_ops, "key k;item a;item b;end;");
    check_one_key(new_diary(false, true), &diary_ops, "key k;");
    check_one_key(new_diary(false, true), &no_key, "packed 0;item b;end;");
    check_one_key(new_diary(true, true), &only_item, "item a;item b;");
    check_one_key(new_diary(true, true), &only_key, "key k;");
    check_one_key(new_diary(true, true), &none, "");
}

static void counts(void)
{
    struct sink_count c;
    sink_count_init(&c, 10);
    one_key(&c.sink);
    uint8_t *lp = texts((const char *[]){"f", "v", "99", NULL});
    struct key_event k = {.name = SLICE_LIT("h"), .type = VALUE_HASH, .expire_ms = KEY_NO_EXPIRE};
    CHECK(c.sink.ops->key(&c.sink, &k));
    CHECK(!c.sink.ops->packed(&c.sink, PACK_HASH_TTL, lp_blob(lp)));
    sink_unpack(&c.sink, PACK_HASH_TTL, lp_blob(lp));
    c.sink.ops->end_key(&c.sink);
    CHECK_INT((int64_t)c.keys, 2);
    CHECK_INT((int64_t)c.expires, 1);
    CHECK_INT((int64_t)c.already_expired, 1);
    CHECK_INT((int64_t)c.subexpires, 1);
    mem_free(lp);
}

int main(void)
{
    return UNIT_RUN(UNIT(unpacks), UNIT(unpacks_intsets), UNIT(without_an_operation), UNIT(counts));
}
