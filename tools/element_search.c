/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/element_search.h"

#include "base/must.h"

enum { HELD = 4 << 20 };

static void forget(struct element_search *s)
{
    if (!s->hashes)
        return;
    key_feed_end(&s->feed);
    key_twice_free(s->hashes);
    s->hashes = NULL;
}

static void begin(void *arg)
{
    struct element_search *s = arg;
    forget(s);
    s->count = 0;
    s->hashes = key_twice_new(HELD);
    key_feed_begin(&s->feed, s->hashes);
}

static void add(void *arg, uint64_t hash)
{
    struct element_search *s = arg;
    must(s->hashes && hash != 0);
    key_feed_add(&s->feed, hash, s->count++);
}

/* Where a file fails nothing is known of the value, and who reads the fault does not go on. */
static bool distinct(void *arg)
{
    struct element_search *s = arg;
    struct twice_key any;
    struct fault f = {0};
    must(s->hashes);
    key_feed_end(&s->feed);
    bool twice = key_twice_find(s->hashes, &f) && key_twice_next(s->hashes, &any, &f);
    if (fault_is(&f) && !fault_is(&s->fault))
        s->fault = f;
    key_twice_free(s->hashes);
    s->hashes = NULL;
    return !twice;
}

void element_search_begin(struct element_search *s)
{
    *s = (struct element_search){
        .ops = {.begin = begin, .add = add, .distinct = distinct, .arg = s}};
}

void element_search_end(struct element_search *s)
{
    forget(s);
}
