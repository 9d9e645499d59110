/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacking of packed blocks. */
#include "format/sink.h"

#include "base/must.h"
#include "base/num.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "format/score.h"

static void unpack_items(struct sink *s, const uint8_t *lp)
{
    char scratch[NUM_I64_TEXT];
    if (!s->ops->item)
        return;
    for (size_t at = lp_first(lp); at && !sink_bad(s); at = lp_next(lp, at))
        s->ops->item(s, lp_get(lp, at, scratch));
}

static void unpack_intset(struct sink *s, const uint8_t *is)
{
    char text[NUM_I64_TEXT];
    if (!s->ops->item)
        return;
    for (size_t i = 0, n = intset_count(is); i < n && !sink_bad(s); i++)
        s->ops->item(s, slice(text, num_format_i64(text, intset_get(is, i))));
}

static void unpack_pairs(struct sink *s, const uint8_t *lp, bool ttl)
{
    char scratch[2][NUM_I64_TEXT];
    if (!s->ops->pair)
        return;
    for (size_t at = lp_first(lp); at && !sink_bad(s); at = lp_next(lp, at)) {
        struct slice field = lp_get(lp, at, scratch[0]);
        at = lp_next(lp, at);
        struct slice value = lp_get(lp, at, scratch[1]);
        int64_t expire_ms = 0;
        if (ttl) {
            struct slice text;
            at = lp_next(lp, at);
            must(lp_get_int(lp, at, &expire_ms, &text));
        }
        s->ops->pair(s, field, value, expire_ms ? expire_ms : KEY_NO_EXPIRE);
    }
}

static void unpack_scores(struct sink *s, const uint8_t *lp)
{
    char scratch[NUM_I64_TEXT];
    if (!s->ops->score)
        return;
    for (size_t at = lp_first(lp); at && !sink_bad(s); at = lp_next(lp, at)) {
        struct slice member = lp_get(lp, at, scratch);
        double score;
        at = lp_next(lp, at);
        must(score_at(lp, at, &score));
        s->ops->score(s, member, score);
    }
}

void sink_unpack(struct sink *s, enum pack pack, struct slice bytes)
{
    const uint8_t *block = (const uint8_t *)bytes.data;
    must(pack <= PACK_ZSET);
    /* A block says how long it is, and so does who hands it on. */
    must(bytes.len == (pack == PACK_INTSET ? intset_bytes(block) : lp_bytes(block)));
    switch (pack) {
    case PACK_LIST:
    case PACK_SET:
        unpack_items(s, block);
        break;
    case PACK_INTSET:
        unpack_intset(s, block);
        break;
    case PACK_HASH:
        unpack_pairs(s, block, false);
        break;
    case PACK_HASH_TTL:
        unpack_pairs(s, block, true);
        break;
    case PACK_ZSET:
        unpack_scores(s, block);
        break;
    }
}
