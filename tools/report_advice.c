/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules, so that nobody is told of what hardly matters:
 *
 *   limit           at least 10 keys and a hundredth of the memory would be saved; of the limits
 *                   that save, the lowest that saves four fifths of what could be
 *   no-expiry       a prefix of 100 keys or more, nine tenths of which expire, and not all
 *   large           keys of 64 MiB or a million elements and more
 *   small-strings   a prefix of 1,000 keys or more, nine tenths of them strings of up to 64 bytes
 *                   that do not expire, a hundredth of the memory to be saved
 *   expired         keys whose time is over: they are in the file, and not in memory after a load
 */
#include "tools/report_advice.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "tools/say.h"

enum { NEAR_KEYS = 10, EXPIRY_KEYS = 100, SMALL_KEYS = 1000, PREFIXES_MAX = 10, HUNDREDTH = 100,
       HASH_FIELDS = 100, HASH_OVERHEAD = 100, FIELD_OVERHEAD = 5 };

struct advising {
    const struct report *r;
    report_advise *give;
    void *arg;
    struct buf text, prefix;
    unsigned given;
};

void report_put_number(struct buf *to, uint64_t n)
{
    char digits[NUM_I64_TEXT];
    size_t len = num_format_u64(digits, n);
    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_byte(to, ',');
        buf_byte(to, (unsigned char)digits[i]);
    }
}

void report_put_size(struct buf *to, uint64_t bytes)
{
    char text[NUM_DOUBLE_TEXT];
    buf_append(to, text, num_format_bytes(text, bytes));
}

static void put(struct advising *a, const char *text)
{
    buf_add(&a->text, slice_str(text));
}

static void give(struct advising *a, struct report_advice *advice)
{
    advice->text = buf_cstr(&a->text);
    a->give(a->arg, advice);
    buf_clear(&a->text);
}

static void put_prefix(struct advising *a)
{
    struct buf shown = {0};
    put(a, say_text(&shown, buf_slice(&a->prefix), 80));
    buf_free(&shown);
}

/* ---- limits ---- */

static const struct {
    const char *setting, *many, *of;
} near_words[NEAR_KINDS] = {
    {"hash-max-listpack-entries", "hashes", "fields"},
    {"hash-max-listpack-value", "hashes", "bytes an element"},
    {"set-max-listpack-entries", "sets", "members"},
    {"set-max-listpack-value", "sets", "bytes a member"},
    {"zset-max-listpack-entries", "sorted sets", "members"},
    {"zset-max-listpack-value", "sorted sets", "bytes a member"},
};

static void advise_limit(struct advising *a, enum near_kind kind)
{
    const struct report *r = a->r;
    const struct report_near *n = &r->near[kind];
    uint64_t all = 0, keys = 0, saving = 0;
    unsigned step = 0;
    for (unsigned i = 0; i < NEAR_STEPS; i++)
        all += n->saving[i];
    for (;; step++) {
        keys += n->keys[step];
        saving += n->saving[step];
        if (step == NEAR_STEPS - 1 || saving * 5 >= all * 4)
            break;
    }
    must(step < NEAR_STEPS && saving <= all);
    if (keys < NEAR_KEYS || saving < r->all.memory / HUNDREDTH)
        return;
    uint64_t now = report_near_limit(&r->limits, kind, 0) * 4 / 5;
    uint64_t wanted = report_near_limit(&r->limits, kind, step);
    report_put_number(&a->text, keys);
    buf_printf(&a->text, " %s%s miss the listpack limit of ", near_words[kind].many,
               step < 2 ? " just" : "");
    report_put_number(&a->text, now);
    buf_printf(&a->text, " %s: %s %" PRIu64 " would save about ", near_words[kind].of,
               near_words[kind].setting, wanted);
    report_put_size(&a->text, saving);
    give(a, &(struct report_advice){.what = "limit", .setting = near_words[kind].setting,
                                    .value = wanted, .keys = keys, .saves = saving});
}

/* ---- prefixes ---- */

static bool some_never_expire(const struct report_sums *s)
{
    return s->keys >= EXPIRY_KEYS && s->expiring < s->keys && s->expiring * 10 >= s->keys * 9;
}

static void advise_expiry(struct advising *a, const struct report_sums *s)
{
    report_put_number(&a->text, s->keys - s->expiring);
    put(a, " of ");
    report_put_number(&a->text, s->keys);
    put(a, " keys under ");
    put_prefix(a);
    put(a, " never expire, all others do: were they forgotten?");
    give(a, &(struct report_advice){.what = "no-expiry", .prefix = buf_slice(&a->prefix),
                                    .keys = s->keys - s->expiring});
}

/* In hashes of a hundred fields, named by what stands behind the prefix. */
static uint64_t small_saving(const struct report_sums *s, size_t prefix)
{
    uint64_t fields = s->small_bytes - s->small_strings * prefix +
                      s->small_strings * FIELD_OVERHEAD +
                      (s->small_strings / HASH_FIELDS + 1) * (HASH_OVERHEAD + prefix);
    return fields < s->small_memory ? s->small_memory - fields : 0;
}

static void advise_small(struct advising *a, const struct report_sums *s, uint64_t saving)
{
    report_put_number(&a->text, s->small_strings);
    put(a, " small strings under ");
    put_prefix(a);
    put(a, " take ");
    report_put_size(&a->text, s->small_memory);
    put(a, ": as fields of hashes with 100 each about ");
    report_put_size(&a->text, saving);
    put(a, " less");
    give(a, &(struct report_advice){.what = "small-strings", .prefix = buf_slice(&a->prefix),
                                    .keys = s->small_strings, .saves = saving});
}

/* The outermost prefix for which it holds. */
static void advise_below(struct advising *a, uint32_t node, bool small)
{
    const struct report_tree *t = &a->r->tree;
    for (uint32_t i = t->nodes[node].first; i && a->given < PREFIXES_MAX; i = t->nodes[i].next) {
        const struct report_sums *s = &t->nodes[i].sums;
        struct slice prefix = report_tree_prefix(t, i, &a->prefix);
        uint64_t saving = small_saving(s, prefix.len);
        bool holds = small ? s->keys >= SMALL_KEYS && s->small_strings * 10 >= s->keys * 9 &&
                             saving >= a->r->all.memory / HUNDREDTH
                           : some_never_expire(s);
        a->given += holds;
        if (holds && small)
            advise_small(a, s, saving);
        else if (holds)
            advise_expiry(a, s);
        else
            advise_below(a, i, small);
    }
}

/* ---- all ---- */

static void advise_large(struct advising *a)
{
    const struct report *r = a->r;
    if (!r->huge_keys)
        return;
    report_put_number(&a->text, r->huge_keys);
    put(a, r->huge_keys == 1 ? " key takes 64M or holds a million elements: it is "
                             : " keys take 64M or hold a million elements each: they are ");
    report_put_size(&a->text, r->huge_memory);
    put(a, " of ");
    report_put_size(&a->text, r->all.memory);
    put(a, ", and what is done to one as a whole keeps all clients waiting");
    give(a, &(struct report_advice){.what = "large", .keys = r->huge_keys});
}

static void advise_expired(struct advising *a)
{
    const struct report_totals *t = &a->r->ttls[1];
    if (!t->keys)
        return;
    report_put_number(&a->text, t->keys);
    put(a, t->keys == 1 ? " key has" : " keys have");
    put(a, " expired: a load leaves out ");
    report_put_size(&a->text, t->memory);
    give(a, &(struct report_advice){.what = "expired", .keys = t->keys, .saves = t->memory});
}

void report_advice_each(const struct report *r, report_advise *to, void *arg)
{
    struct advising a = {.r = r, .give = to, .arg = arg};
    advise_large(&a);
    for (int kind = 0; kind < NEAR_KINDS; kind++)
        advise_limit(&a, (enum near_kind)kind);
    advise_below(&a, 0, true);
    a.given = 0;
    advise_below(&a, 0, false);
    advise_expired(&a);
    buf_free(&a.text);
    buf_free(&a.prefix);
}
