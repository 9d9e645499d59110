/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of options, CONFIG GET and CONFIG SET.
 *
 * CONFIG SET: look all up -> keep every old value as text -> store all -> apply each owner's
 * function once. Whatever fails puts the old texts back and applies them again. */
#include "server/config.h"

#include <string.h>

#include "base/glob.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/resp.h"
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
}

/* Owners may be gone by now: their texts are theirs. */
void config_free(struct config *cfg)
{
    mem_free(cfg->options);
    mem_free(cfg->file);
    mem_free(cfg);
}

struct option *config_find(const struct config *cfg, struct slice name)
{
    for (size_t i = 0; i < cfg->count; i++) {
        const struct config_option *row = cfg->options[i].row;
        if (slice_eq_nocase(name, row->name) || (row->alias && slice_eq_nocase(name, row->alias)))
            return &cfg->options[i];
    }
    return NULL;
}

bool config_known(const struct config *cfg, struct slice name)
{
    return config_find(cfg, name) != NULL;
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
}

const char *config_file(const struct config *cfg)
{
    return cfg->file;
}

void config_set_protected_allowed(struct config *cfg, bool allowed)
{
    cfg->protected_allowed = allowed;
}

bool config_split(struct slice line, struct buf *hold, struct slice *words, int max, int *count)
{
    buf_clear(hold);
    buf_add(hold, line);
    *count = hold->len ? resp_split_line(hold->data, hold->len, words, max) : 0;
    return *count >= 0;
}

/* ---- get ---- */
void config_get(const struct config *cfg, struct slice pattern, config_visit *visit, void *arg)
{
    struct buf value = {0};
    bool all = slice_eq_str(pattern, "*");
    for (size_t i = 0; i < cfg->count; i++) {
        const struct option *o = &cfg->options[i];
        if (option_is_directive(o) ||
            (o->row->flags & CONFIG_HIDDEN && (all || !slice_eq_nocase(pattern, o->row->name))))
            continue;
        buf_clear(&value);
        option_print(o, &value);
        if (glob_match(pattern, slice_str(o->row->name), true))
            visit(arg, o->row->name, buf_slice(&value));
        if (o->row->alias && glob_match(pattern, slice_str(o->row->alias), true))
            visit(arg, o->row->alias, buf_slice(&value));
    }
    buf_free(&value);
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
        fault_set(f, FAULT_INVALID, "Unknown option or number of arguments for CONFIG SET - '%.*s'",
                  SLICE_ARG(name));
        f->doing = CONFIG_UNKNOWN;
        return false;
    }
    if (o->row->flags & CONFIG_IMMUTABLE)
        fault_set(f, FAULT_INVALID, "can't set immutable config");
    else if (o->row->flags & CONFIG_PROTECTED && !cfg->protected_allowed)
        fault_set(f, FAULT_INVALID, "can't set protected config");
    return !fault_is(f);
}

static bool look_up_all(struct config *cfg, int n, const struct slice *pairs,
                        struct change *changes, struct slice *bad, struct fault *f)
{
    for (int i = 0; i < n; i++) {
        struct option *o = config_find(cfg, pairs[i * 2]);
        *bad = pairs[i * 2];
        if (!may_set(cfg, o, pairs[i * 2], f))
            return false;
        for (int k = 0; k < i; k++) {
            if (changes[k].option == o) {
                fault_set(f, FAULT_INVALID, "duplicate parameter");
                return false;
            }
        }
        changes[i].option = o;
        option_print(o, &changes[i].old);
    }
    return true;
}

static void put_back(struct change *changes, int n)
{
    struct fault ignored = {0};
    for (int i = n; i-- > 0;)
        option_restore(changes[i].option, buf_slice(&changes[i].old));
    for (int i = 0; i < n; i++)
        if (changes[i].applied)
            changes[i].option->row->apply(changes[i].option->owner, &ignored);
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

static void warn_later(struct option *o)
{
    if (!(o->row->flags & CONFIG_LATER) || o->warned)
        return;
    o->warned = true;
    log_warning("Option '%s' is accepted and kept, but does not act in this version", o->row->name);
}

static bool change_all(struct change *changes, int n, const struct slice *pairs, struct slice *bad,
                       struct fault *f)
{
    for (int i = 0; i < n; i++) {
        *bad = pairs[i * 2];
        if (!option_store_text(changes[i].option, pairs[i * 2 + 1], f)) {
            put_back(changes, i + 1);
            return false;
        }
    }
    for (int i = 0; i < n; i++) {
        struct option *o = changes[i].option;
        *bad = pairs[i * 2];
        if (!o->row->apply || applied_already(changes, i))
            continue;
        changes[i].applied = true;
        if (!o->row->apply(o->owner, f)) {
            put_back(changes, n);
            return false;
        }
    }
    for (int i = 0; i < n; i++) {
        changes[i].option->given = true;
        warn_later(changes[i].option);
    }
    return true;
}

bool config_set(struct config *cfg, int count, const struct slice *pairs, struct slice *bad,
                struct fault *f)
{
    int n = count / 2;
    must(count % 2 == 0);
    struct change *changes = mem_zalloc(((size_t)n + 1) * sizeof *changes);
    bool ok = look_up_all(cfg, n, pairs, changes, bad, f) && change_all(changes, n, pairs, bad, f);
    for (int i = 0; i < n; i++)
        buf_free(&changes[i].old);
    mem_free(changes);
    return ok;
}

bool config_apply_all(struct config *cfg, struct fault *f)
{
    for (size_t i = 0; i < cfg->count; i++) {
        struct option *o = &cfg->options[i];
        bool again = false;
        if (!o->given)
            continue;
        warn_later(o);
        for (size_t k = 0; k < i && !again; k++)
            again = cfg->options[k].given && cfg->options[k].owner == o->owner &&
                    cfg->options[k].row->apply == o->row->apply;
        if (o->row->apply && !again && !o->row->apply(o->owner, f))
            return false;
    }
    return true;
}
