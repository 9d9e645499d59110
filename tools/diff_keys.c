/* SPDX-License-Identifier: BSD-3-Clause */
/* A record's key: hash of name and database (16 bytes), side (1), ordinal (8, big endian). */
#include "tools/diff_keys.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/digest.h"
#include "tools/library_text.h"
#include "tools/sift.h"

enum { KEYS_MEMORY = 6 << 20, WANTED_MEMORY = 1 << 20 };
enum { NAME = 16, SIDE = NAME, ORDINAL = SIDE + 1, KEY = ORDINAL + 8 };
#define MIX_LOW 0x9e3779b97f4a7c15u
#define MIX_HIGH 0xc2b2ae3d27d4eb4fu
#define NO_DB UINT64_MAX /* libraries of functions */

struct facts {
    struct hash128 value;
    int64_t expire_ms;
    uint64_t type;
};
struct diff_keys {
    const struct key_filter *filter;
    bool functions;
    struct diff_sort *all;
    struct sift sift;
    struct digest digest;
    int side;
    uint64_t ordinal;
    struct hash128 name; /* of the key being read */
    struct facts facts;
};

struct diff_keys *diff_keys_new(const struct key_filter *filter, bool functions)
{
    struct diff_keys *k = mem_zalloc(sizeof *k);
    k->filter = filter;
    k->functions = functions;
    k->all = diff_sort_new(KEYS_MEMORY);
    return k;
}

void diff_keys_free(struct diff_keys *k)
{
    diff_sort_free(k->all);
    mem_free(k);
}

/* ---- reading ---- */

static void add(struct diff_keys *k)
{
    char key[KEY];
    memcpy(key, &k->name, NAME);
    key[SIDE] = (char)k->side;
    store_be64(key + ORDINAL, k->ordinal++);
    diff_sort_add(k->all, slice(key, sizeof key), slice(&k->facts, sizeof k->facts));
    if (fault_is(diff_sort_fault(k->all)))
        k->sift.pass.sink.fault = *diff_sort_fault(k->all);
}

/* The database is no seed: of short names a seed and bytes that differ alike are one. */
static struct hash128 name_hash(struct slice name, uint64_t db)
{
    struct hash128 h = hash_fixed128(name.data, name.len, 0);
    h.low += db * MIX_LOW;
    h.high += db * MIX_HIGH;
    return h;
}

/* The value's digest is without the expiry, which is compared apart from it. A stream of an old
 * type means what its reader makes of it. */
static bool begin_key(void *arg, struct key_event *e)
{
    struct diff_keys *k = arg;
    must(e->type <= VALUE_MODULE);
    k->name = name_hash(e->name, e->db);
    k->facts = (struct facts){.expire_ms = e->expire_ms, .type = (uint64_t)e->type};
    k->digest.total = (struct hash128){0};
    e->expire_ms = KEY_NO_EXPIRE;
    if (e->type == VALUE_STREAM)
        e->rdb_type = 0;
    return true;
}

static void end_key(void *arg)
{
    struct diff_keys *k = arg;
    k->facts.value = k->digest.total;
    add(k);
}

static void library(void *arg, struct slice source)
{
    struct diff_keys *k = arg;
    struct slice name = library_name(source);
    if (!k->functions)
        return;
    k->name = name_hash(name, NO_DB);
    k->facts = (struct facts){.value = hash_fixed128(source.data, source.len, 0),
                              .expire_ms = KEY_NO_EXPIRE, .type = DIFF_FUNCTION};
    add(k);
}

bool diff_keys_read(struct diff_keys *k, int side, diff_read *read, void *arg,
                    struct fault *f)
{
    must(side == DIFF_A || side == DIFF_B);
    digest_init(&k->digest);
    k->digest.nameless = k->digest.by_entries = true;
    k->side = side;
    k->ordinal = 0;
    sift_init(&k->sift, k->filter, &k->digest.sink);
    k->sift.change = begin_key;
    k->sift.ended = end_key;
    k->sift.library = library;
    k->sift.arg = k;
    bool ok = read(arg, &k->sift.pass.sink, f);
    digest_free(&k->digest);
    return ok;
}

/* ---- matching ---- */

struct found {
    bool is;
    uint64_t ordinal;
    struct facts facts;
};
struct match {
    struct diff_counts *counts;
    struct diff_sort **wanted;
    bool ignore_expiry;
    uint64_t id;
    struct found of[DIFF_SIDES];
};

static void want(struct match *m, int side, enum diff_kind kind)
{
    char key[8];
    must(m->of[side].is);
    struct found *this = &m->of[side], *other = &m->of[!side];
    struct diff_wanted w = {.ordinal = this->ordinal, .id = m->id, .kind = kind,
                            .type = (uint32_t)this->facts.type,
                            .expire_other = other->is ? other->facts.expire_ms : KEY_NO_EXPIRE};
    store_be64(key, this->ordinal);
    diff_sort_add(m->wanted[side], slice(key, sizeof key), slice(&w, sizeof w));
}

static bool compare(const struct match *m, enum diff_kind *kind)
{
    const struct found *a = &m->of[DIFF_A], *b = &m->of[DIFF_B];
    must(a->is || b->is);
    if (!a->is || !b->is)
        *kind = a->is ? DIFF_REMOVED : DIFF_ADDED;
    else if (a->facts.type != b->facts.type)
        *kind = DIFF_RETYPED;
    else if (memcmp(&a->facts.value, &b->facts.value, sizeof a->facts.value) != 0)
        *kind = DIFF_CHANGED;
    else if (a->facts.expire_ms != b->facts.expire_ms && !m->ignore_expiry)
        *kind = DIFF_EXPIRY;
    else
        return false;
    return true;
}

static void count(struct diff_counts *c, const struct match *m, bool differs, enum diff_kind kind)
{
    const struct found *a = &m->of[DIFF_A], *b = &m->of[DIFF_B];
    bool function = (a->is ? a : b)->facts.type == DIFF_FUNCTION;
    if (function) {
        c->functions += differs;
        return;
    }
    c->keys[DIFF_A] += a->is;
    c->keys[DIFF_B] += b->is;
    uint64_t *of = !differs ? &c->same : kind == DIFF_ADDED ? &c->added
                   : kind == DIFF_REMOVED ? &c->removed : kind == DIFF_EXPIRY ? &c->expiry
                   : &c->changed;
    (*of)++;
}

/* All records of one name have come. */
static void settle(struct match *m)
{
    enum diff_kind kind = DIFF_CHANGED;
    if (!m->of[DIFF_A].is && !m->of[DIFF_B].is)
        return;
    bool differs = compare(m, &kind);
    count(m->counts, m, differs, kind);
    for (int side = 0; differs && side < DIFF_SIDES; side++)
        if (m->of[side].is)
            want(m, side, kind);
    m->id += differs;
    m->of[DIFF_A].is = m->of[DIFF_B].is = false;
}

bool diff_keys_match(struct diff_keys *k, bool ignore_expiry, struct diff_counts *c,
                     struct diff_sort *wanted[DIFF_SIDES], struct fault *f)
{
    struct match m = {.counts = c, .wanted = wanted, .ignore_expiry = ignore_expiry};
    struct diff_record r;
    char name[NAME] = {0};
    *c = (struct diff_counts){0};
    for (int side = 0; side < DIFF_SIDES; side++)
        wanted[side] = diff_sort_new(WANTED_MEMORY);
    diff_sort_end(k->all);
    while (diff_sort_next(k->all, &r)) {
        must(r.key.len == KEY && r.payload.len == sizeof(struct facts));
        if (memcmp(name, r.key.data, NAME) != 0)
            settle(&m);
        memcpy(name, r.key.data, NAME);
        struct found *of = &m.of[r.key.data[SIDE] != 0];
        of->is = true;
        of->ordinal = load_be64(r.key.data + ORDINAL);
        memcpy(&of->facts, r.payload.data, sizeof of->facts);
    }
    settle(&m);
    *f = *diff_sort_fault(k->all);
    for (int side = 0; side < DIFF_SIDES; side++) {
        diff_sort_end(wanted[side]);
        if (!fault_is(f))
            *f = *diff_sort_fault(wanted[side]);
    }
    return !fault_is(f);
}

bool diff_wanted_next(struct diff_sort *wanted, struct diff_wanted *w)
{
    struct diff_record r;
    if (!diff_sort_next(wanted, &r))
        return false;
    must(r.payload.len == sizeof *w);
    memcpy(w, r.payload.data, sizeof *w);
    return true;
}
