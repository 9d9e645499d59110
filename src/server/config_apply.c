/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources gave takes effect, when all of them are read. */
#include "server/config_parts.h"

/* Options of one owner often share a function: it is called for the first of them. */
static bool is_first_given(const struct config *cfg, size_t i)
{
    const struct option *o = &cfg->options[i];
    for (size_t k = 0; k < i; k++)
        if (cfg->options[k].given && cfg->options[k].owner == o->owner &&
            cfg->options[k].row->apply == o->row->apply)
            return false;
    return true;
}

/* owner NULL: all of them. */
static bool apply_given(struct config *cfg, const void *owner, struct fault *f)
{
    for (size_t i = 0; i < cfg->count; i++) {
        struct option *o = &cfg->options[i];
        if (!o->given || (owner && o->owner != owner))
            continue;
        option_warn_later(o);
        if (o->row->apply && is_first_given(cfg, i) && !o->row->apply(o->owner, f))
            return false;
    }
    return true;
}

bool config_apply_owner(struct config *cfg, const void *owner, struct fault *f)
{
    return apply_given(cfg, owner, f);
}

bool config_apply_all(struct config *cfg, struct fault *f)
{
    cfg->starting = true;
    bool ok = apply_given(cfg, NULL, f);
    cfg->starting = false;
    return ok;
}

bool config_is_starting(const struct config *cfg)
{
    return cfg->starting;
}

bool config_is_restoring(const struct config *cfg)
{
    return cfg->restoring;
}

uint64_t config_change_number(const struct config *cfg)
{
    return cfg->changes;
}
