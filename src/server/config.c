/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of options, CONFIG GET and CONFIG SET.
 *
 * CONFIG SET: look all up -> keep every old value as text -> store all -> apply each owner's
 * function once. Whatever fails puts the old texts back and applies them again. */
#include "server/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/glob.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/config_parts.h"

struct config *config_new(void)
{
    return mem_zalloc(sizeof(struct config));
}

static void free_text(struct option *o)
{
    if (o->row->kind != CONFIG_STRING)
        return;
    char **text = (char **)(void *)((char *)o->owner + o->row->offset);
    mem_free(*text);
    *text = NULL;
}

static int compare_names(const void *a, const void *b)
{
    const struct config_name *x = a, *y = b;
    return strcasecmp(x->text, y->text);
}

static void sort_names(struct config *cfg)
{
    cfg->names = mem_realloc(cfg->names, (cfg->count * 2 + 1) * sizeof *cfg->names);
    cfg->name_count = 0;
    for (size_t i = 0; i < cfg->count; i++) {
        const struct config_option *row = cfg->options[i].row;
        cfg->names[cfg->name_count++] = (struct config_name){row->name, i};
        if (row->alias)
            cfg->names[cfg->name_count++] = (struct config_name){row->alias, i};
    }
    qsort(cfg->names, cfg->name_count, sizeof *cfg->names, compare_names);
}

void config_release(struct config *cfg, const void *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < cfg->count; i++) {
        if (cfg->options[i].owner == owner)
            free_text(&cfg->options[i]);
        else
            cfg->options[kept++] = cfg->options[i];
    }
    cfg->count = kept;
    sort_names(cfg);
}

/* Owners may be gone by now: their texts are theirs. */
void config_free(struct config *cfg)
{
    config_free_unclaimed(cfg);
    mem_free(cfg->options);
    mem_free(cfg->names);
    mem_free(cfg->file);
    mem_free(cfg);
}

static struct option *place_for(struct config *cfg, const struct config_option *row)
{
    struct option *o = config_find(cfg, slice_str(row->name));
    if (o) { /* only what does not act yet may be taken over */
        must(o->row->flags & CONFIG_LATER);
        free_text(o);
        return o;
    }
    if (cfg->count == cfg->cap) {
        cfg->cap = cfg->cap ? cfg->cap * 2 : 64;
        cfg->options = mem_realloc(cfg->options, cfg->cap * sizeof *cfg->options);
    }
    return &cfg->options[cfg->count++];
}

void config_add(struct config *cfg, const struct config_option *table, void *owner)
{
    for (const struct config_option *row = table; row->name; row++) {
        struct option *o = place_for(cfg, row);
        *o = (struct option){.row = row, .owner = owner};
        option_initialise(o);
    }
    sort_names(cfg);
}

const char *config_file(const struct config *cfg)
{
    return cfg->file;
}

void config_set_loading(struct config *cfg, bool loading)
{
    cfg->loading = loading;
}

void config_set_protected_allowed(struct config *cfg, bool allowed)
{
    cfg->protected_allowed = allowed;
}

/* ---- get ---- */
enum { BY_NAME = 1, BY_ALIAS = 2 }; /* what of an option was given already */

struct getting {
    const struct config *cfg;
    uint8_t *given; /* an option's bits */
    config_visit *visit;
    void *arg;
};

static void give(struct getting *g, size_t i, unsigned which, struct slice name)
{
    struct buf value = {0};
    if (g->given[i] & which)
        return;
    g->given[i] |= (uint8_t)which;
    option_print(&g->cfg->options[i], &value);
    g->visit(g->arg, name, buf_slice(&value));
    buf_free(&value);
}

static void get_matching(struct getting *g, struct slice asked)
{
    struct glob pattern;
    glob_init(&pattern, asked, true);
    for (size_t i = 0; i < g->cfg->count; i++) {
        const struct config_option *row = g->cfg->options[i].row;
        if (row->flags & CONFIG_HIDDEN)
            continue;
        if (glob_matches(&pattern, slice_str(row->name)))
            give(g, i, BY_NAME, slice_str(row->name));
        if (row->alias && glob_matches(&pattern, slice_str(row->alias)))
            give(g, i, BY_ALIAS, slice_str(row->alias));
    }
    glob_free(&pattern);
}

void config_get(const struct config *cfg, int count, const struct slice *patterns,
                config_visit *visit, void *arg)
{
    struct getting g = {cfg, mem_zalloc(cfg->count + 1), visit, arg};
    for (int i = 0; i < count; i++) {
        struct slice asked = patterns[i];
        struct option *o = glob_is_plain(asked) ? config_find(cfg, asked) : NULL;
        if (o && !option_is_directive(o))
            give(&g, (size_t)(o - cfg->options),
                 slice_eq_nocase(asked, o->row->name) ? BY_NAME : BY_ALIAS, asked);
        else if (!glob_is_plain(asked))
            get_matching(&g, asked);
    }
    mem_free(g.given);
}

/* ---- set ---- */
struct change {
    struct option *option;
    struct buf old;
    bool applied;
};

static bool may_set(struct config *cfg, struct option *o, struct slice name, struct fault *f)
{
    if (!o || option_is_directive(o)) {
        fault_set(f, FAULT_UNKNOWN_NAME,
                  "Unknown option or number of arguments for CONFIG SET - '%.*s'",
                  SLICE_ARG(name));
        return false;
    }
    if (o->row->flags & CONFIG_DENY_LOADING && cfg->loading) {
        fault_set(f, FAULT_NOT_NOW, "%s can't be set while loading", o->row->name);
        return false;
    }
    if (o->row->flags & CONFIG_IMMUTABLE)
        fault_set(f, FAULT_INVALID, "can't set immutable config");
    else if (o->row->flags & CONFIG_PROTECTED && !cfg->protected_allowed)
        fault_set(f, FAULT_INVALID, "can't set protected config");
    return !fault_is(f);
}

/* By each of its names an option may stand there once; the last one acts. */
static bool is_named_before(const struct slice *pairs, int i)
{
    for (int k = 0; k < i; k++)
        if (pairs[k * 2].len == pairs[i * 2].len &&
            strncasecmp(pairs[k * 2].data, pairs[i * 2].data, pairs[i * 2].len) == 0)
            return true;
    return false;
}

static bool look_up_all(struct config *cfg, int n, const struct slice *pairs,
                        struct change *changes, struct slice *bad, struct fault *f)
{
    for (int i = 0; i < n; i++) {
        struct option *o = config_find(cfg, pairs[i * 2]);
        *bad = pairs[i * 2];
        if (!may_set(cfg, o, pairs[i * 2], f))
            return false;
        if (is_named_before(pairs, i)) {
            fault_set(f, FAULT_INVALID, "duplicate parameter");
            return false;
        }
        changes[i].option = o;
        option_print(o, &changes[i].old);
    }
    return true;
}

static void put_back(struct config *cfg, struct change *changes, int n)
{
    struct fault ignored = {0};
    cfg->restoring = true;
    for (int i = n; i-- > 0;)
        option_restore(changes[i].option, buf_slice(&changes[i].old));
    for (int i = 0; i < n; i++)
        if (changes[i].applied)
            changes[i].option->row->apply(changes[i].option->owner, &ignored);
    cfg->restoring = false;
}

/* Options of one owner often share a function (all of the network's): once is enough. */
static bool applied_already(const struct change *changes, int i)
{
    for (int k = 0; k < i; k++)
        if (changes[k].option->row->apply == changes[i].option->row->apply &&
            changes[k].option->owner == changes[i].option->owner)
            return true;
    return false;
}

/* Those whose flag CONFIG_APPLY_LAST is `last`. */
static bool apply_those(struct change *changes, int n, unsigned last, const struct slice *pairs,
                        struct slice *bad, struct fault *f)
{
    for (int i = 0; i < n; i++) {
        const struct option *o = changes[i].option;
        if ((o->row->flags & CONFIG_APPLY_LAST) != last || !o->row->apply ||
            applied_already(changes, i))
            continue;
        *bad = pairs[i * 2];
        changes[i].applied = true;
        if (!o->row->apply(o->owner, f))
            return false;
    }
    return true;
}

static bool change_all(struct config *cfg, struct change *changes, int n,
                       const struct slice *pairs, struct slice *bad, struct fault *f)
{
    for (int i = 0; i < n; i++) {
        *bad = pairs[i * 2];
        if (!option_store_text(changes[i].option, pairs[i * 2 + 1], f) ||
            !option_can_be_had(changes[i].option, f)) {
            put_back(cfg, changes, i + 1);
            return false;
        }
    }
    if (!apply_those(changes, n, 0, pairs, bad, f) ||
        !apply_those(changes, n, CONFIG_APPLY_LAST, pairs, bad, f)) {
        put_back(cfg, changes, n);
        return false;
    }
    for (int i = 0; i < n; i++) {
        changes[i].option->given = changes[i].option->changed = true;
        option_warn_later(changes[i].option);
    }
    return true;
}

bool config_set(struct config *cfg, int count, const struct slice *pairs, struct slice *bad,
                struct fault *f)
{
    int n = count / 2;
    must(count % 2 == 0);
    cfg->changes++;
    struct change *changes = mem_zalloc(((size_t)n + 1) * sizeof *changes);
    bool ok = look_up_all(cfg, n, pairs, changes, bad, f) &&
              change_all(cfg, changes, n, pairs, bad, f);
    for (int i = 0; i < n; i++)
        buf_free(&changes[i].old);
    mem_free(changes);
    return ok;
}
