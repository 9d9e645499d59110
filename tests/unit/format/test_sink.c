/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/sink.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "containers/intset.h"
#include "containers/listpack.h"
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
    if (s->ops->key(s, &(struct key_event){.name = SLICE_LIT("k"), .expire_ms = 5})) {
        if (!s->ops->packed(s, PACK_LIST, lp_blob(lp)))
            sink_unpack(s, PACK_LIST, lp_blob(lp));
        s->ops->end_key(s);
    }
    mem_free(lp);
}

static void a_tee_serves_both(void)
{
    struct diary a = new_diary(true, true), b = new_diary(true, false), c = new_diary(false, true);
    struct sink_tee t, u;
    sink_tee_init(&t, &a.sink, &b.sink);
    sink_tee_init(&u, &t.sink, &c.sink);
    one_key(&u.sink);
    CHECK_SLICE(buf_slice(&a.text), SLICE_LIT("key k;packed 0;end;"));
    CHECK_SLICE(buf_slice(&b.text), SLICE_LIT("key k;item a;end;"));
    CHECK_SLICE(buf_slice(&c.text), SLICE_LIT("key k;"));
    fault_set(&b.sink.fault, FAULT_LIMIT, "full");
    one_key(&u.sink);
    CHECK(sink_bad(&u.sink));
    CHECK_STR(u.sink.fault.what, "full");
    buf_free(&a.text);
    buf_free(&b.text);
    buf_free(&c.text);
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
    return UNIT_RUN(UNIT(unpacks), UNIT(unpacks_intsets), UNIT(a_tee_serves_both), UNIT(counts));
}
