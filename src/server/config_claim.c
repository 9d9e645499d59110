/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines of options that nobody has registered when they are read. */
#include <string.h>

#include "base/mem.h"
#include "server/config_parts.h"

void config_keep_line(struct config *cfg, const char *name, int line, int count,
                      const struct slice *words)
{
    size_t bytes = 0, header = sizeof(struct unclaimed);
    for (int i = 0; i < count; i++)
        bytes += words[i].len;
    struct unclaimed *u = mem_zalloc(header + bytes), **end = &cfg->unclaimed;
    char *to = u->bytes;
    u->words = mem_alloc((size_t)count * sizeof *u->words);
    u->count = count;
    for (int i = 0; i < count; i++) {
        u->words[i] = slice(to, words[i].len);
        if (words[i].len)
            memcpy(to, words[i].data, words[i].len);
        to += words[i].len;
    }
    buf_printf(&u->where, "Reading %s, at line %d", name, line);
    u->included = cfg->depth > 1;
    u->changed = !cfg->in_file;
    while (*end)
        end = &(*end)->next;
    *end = u;
}

static void drop(struct unclaimed **at)
{
    struct unclaimed *u = *at;
    *at = u->next;
    buf_free(&u->where);
    mem_free(u->words);
    mem_free(u);
}

void config_free_unclaimed(struct config *cfg)
{
    while (cfg->unclaimed)
        drop(&cfg->unclaimed);
}

static bool store(struct option *o, const struct unclaimed *u, struct fault *f)
{
    struct fault why = {0};
    o->included = o->included || u->included;
    o->changed = u->changed;
    if (option_store_line(o, u->count - 1, u->words + 1, &why) && option_can_be_had(o, &why))
        return true;
    fault_set(f, FAULT_INVALID, "%s\n>>> '%.*s'\n%s", buf_cstr((struct buf *)&u->where),
              (int)(u->words[0].len < 100 ? u->words[0].len : 100), u->words[0].data, why.what);
    return false;
}

bool config_claim(struct config *cfg, const void *owner, struct fault *f)
{
    struct unclaimed **at = &cfg->unclaimed;
    while (*at) {
        struct option *o = config_find(cfg, (*at)->words[0]);
        if (!o || o->owner != owner) {
            at = &(*at)->next;
            continue;
        }
        if (!store(o, *at, f))
            return false;
        drop(at);
    }
    return config_apply_owner(cfg, owner, f);
}

bool config_all_claimed(const struct config *cfg, struct fault *f)
{
    const struct unclaimed *u = cfg->unclaimed;
    if (u)
        fault_set(f, FAULT_INVALID,
                  "%s\n>>> '%.*s'\nBad directive or wrong number of arguments (or the module whose "
                  "option it is was not loaded)", buf_cstr((struct buf *)&u->where),
                  (int)(u->words[0].len < 100 ? u->words[0].len : 100), u->words[0].data);
    return !u;
}
