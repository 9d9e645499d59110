/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/key_filter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/key_slot.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "format/rdb.h"
#include "os/clock.h"

static const char *const type_names[] = {"string", "list", "set", "zset", "hash", "stream",
                                         "module"};

const char *key_type_name(const struct key_event *key)
{
    must((size_t)key->type < sizeof type_names / sizeof *type_names);
    return key->type == VALUE_MODULE && key->rdb_type == RDB_ARRAY ? "array"
                                                                   : type_names[key->type];
}

static struct glob *globs_of(const struct tool_texts *texts)
{
    struct glob *g = texts->count ? mem_alloc(texts->count * sizeof *g) : NULL;
    for (size_t i = 0; i < texts->count; i++)
        glob_init(&g[i], slice_str(texts->texts[i]), false);
    return g;
}

static void free_globs(struct glob *g, size_t count)
{
    for (size_t i = 0; g && i < count; i++)
        glob_free(&g[i]);
    mem_free(g);
}

/* "3" or "0-16383". */
static bool in_range(const char *text, uint64_t *from, uint64_t *to)
{
    const char *dash = strchr(text, '-');
    struct slice first = dash ? slice(text, (size_t)(dash - text)) : slice_str(text);
    return num_parse_u64(first, from) && num_parse_u64(dash ? slice_str(dash + 1) : first, to) &&
           *from <= *to;
}

static bool any_holds(const struct tool_texts *texts, uint64_t n)
{
    uint64_t from, to;
    for (size_t i = 0; i < texts->count; i++)
        if (in_range(texts->texts[i], &from, &to) && n >= from && n <= to)
            return true;
    return false;
}

static bool ranges_fine(const struct tool_texts *texts, const char *option, uint64_t most,
                        struct tool *t)
{
    uint64_t from, to;
    for (size_t i = 0; i < texts->count; i++)
        if (!in_range(texts->texts[i], &from, &to)) {
            tool_usage(t, "%s %s: this is neither a number nor a range", option, texts->texts[i]);
            return false;
        } else if (to > most) {
            tool_usage(t, "%s %s: there is none above %" PRIu64, option, texts->texts[i], most);
            return false;
        }
    return true;
}

static bool take_types(struct key_filter *k, struct tool *t)
{
    enum { TYPES = sizeof type_names / sizeof *type_names };
    for (size_t i = 0; i < k->types.count; i++) {
        unsigned bit = 0;
        for (unsigned n = 0; n < TYPES; n++)
            if (strcmp(k->types.texts[i], type_names[n]) == 0)
                bit = 1u << n;
        if (!bit) {
            tool_usage(t, "--type %s: there is no such type", k->types.texts[i]);
            return false;
        }
        k->type_bits |= bit;
    }
    return true;
}

bool key_filter_begin(struct key_filter *k, struct tool *t)
{
    if (!take_types(k, t) || !ranges_fine(&k->dbs, "--db", DB_LAST, t) ||
        !ranges_fine(&k->slots, "--slot", KEY_SLOTS - 1, t))
        return false;
    if (k->with_expiry && k->without_expiry) {
        tool_usage(t, "--with-expiry and --without-expiry leave nothing");
        return false;
    }
    k->now_ms = clock_wall_ms();
    k->match_globs = globs_of(&k->match);
    k->except_globs = globs_of(&k->except);
    return true;
}

bool key_filter_picks(const struct key_filter *k)
{
    return k->match.count || k->keys.count || k->types.count || k->dbs.count || k->slots.count ||
           k->with_expiry || k->without_expiry || k->expired;
}

bool key_filter_takes_all(const struct key_filter *k)
{
    return !key_filter_picks(k) && !k->except.count;
}

void key_filter_end(struct key_filter *k)
{
    free_globs(k->match_globs, k->match.count);
    free_globs(k->except_globs, k->except.count);
}

static bool name_in(const struct tool_texts *names, struct slice name)
{
    for (size_t i = 0; i < names->count; i++)
        if (slice_eq_str(name, names->texts[i]))
            return true;
    return false;
}

/* As KEYS does: a star alone takes the empty name, too. */
static bool globs_match(const struct glob *g, const struct tool_texts *texts, struct slice name)
{
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->texts[i], "*") == 0 || glob_matches(&g[i], name))
            return true;
    return false;
}

static bool name_fits(const struct key_filter *k, struct slice name)
{
    if (k->keys.count && !name_in(&k->keys, name))
        return false;
    if (k->match.count && !globs_match(k->match_globs, &k->match, name))
        return false;
    return !globs_match(k->except_globs, &k->except, name);
}

bool key_filter_takes(const struct key_filter *k, const struct key_event *key)
{
    bool expires = key->expire_ms != KEY_NO_EXPIRE;
    if (k->type_bits && !(k->type_bits & 1u << key->type))
        return false;
    if (k->dbs.count && !any_holds(&k->dbs, key->db))
        return false;
    if ((k->with_expiry && !expires) || (k->without_expiry && expires) ||
        (k->expired && (!expires || key->expire_ms > k->now_ms)))
        return false;
    return name_fits(k, key->name) &&
           (!k->slots.count || any_holds(&k->slots, key_slot(key->name)));
}
