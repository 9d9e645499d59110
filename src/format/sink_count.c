/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/sink_count.h"

#include "base/must.h"

static struct sink_count *count_of(struct sink *s)
{
    return (struct sink_count *)s;
}

static void count_function(struct sink *s, struct slice source)
{
    (void)source;
    count_of(s)->functions++;
}

static bool count_key(struct sink *s, const struct key_event *k)
{
    struct sink_count *c = count_of(s);
    c->keys++;
    c->key_has_subexpire = false;
    if (k->expire_ms != KEY_NO_EXPIRE) {
        c->expires++;
        c->already_expired += k->expire_ms < c->now_ms;
    }
    return true;
}

static void count_part(struct sink *s, struct slice bytes, uint64_t left)
{
    (void)s, (void)bytes, (void)left;
}

/* Only a field's expiry is of interest inside a value. */
static bool count_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    (void)s, (void)bytes;
    return pack != PACK_HASH_TTL;
}

static void count_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    (void)field, (void)value;
    if (expire_ms != KEY_NO_EXPIRE)
        count_of(s)->key_has_subexpire = true;
}

static void count_end_key(struct sink *s)
{
    struct sink_count *c = count_of(s);
    c->subexpires += c->key_has_subexpire;
    must(c->subexpires <= c->keys);
    must(c->expires <= c->keys);
    must(c->already_expired <= c->expires);
}

static const struct sink_ops count_ops = {
    .function = count_function,
    .key = count_key,
    .packed = count_packed,
    .part = count_part,
    .pair = count_pair,
    .end_key = count_end_key,
};

void sink_count_init(struct sink_count *c, int64_t now_ms)
{
    *c = (struct sink_count){.sink = {.ops = &count_ops}, .now_ms = now_ms};
}
