/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/sift.h"

static struct sift *sift_of(struct sink *s)
{
    return (struct sift *)(void *)s;
}

static void aux(struct sink *s, struct slice name, struct slice value)
{
    if (!sift_of(s)->values_only)
        pass_aux(s, name, value);
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    if (!sift_of(s)->values_only)
        pass_module_aux(s, module_id, bytes);
}

static void function(struct sink *s, struct slice source)
{
    struct sift *f = sift_of(s);
    f->libraries_left_out += f->no_libraries;
    if (f->no_libraries)
        return;
    if (f->takes_library && !f->takes_library(f->arg, source))
        return;
    if (f->library)
        f->library(f->arg, source);
    else if (!f->values_only)
        pass_function(s, source);
    pass_took(&f->pass);
}

/* Counts of a database that is sifted are not those of what comes. */
static void db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    bool all = !sift_of(s)->filter && !sift_of(s)->change;
    if (!sift_of(s)->values_only)
        pass_db(s, id, all ? keys : 0, all ? expires : 0);
}

static bool key(struct sink *s, const struct key_event *e)
{
    struct sift *f = sift_of(s);
    struct key_event changed = *e;
    if ((f->filter && !key_filter_takes(f->filter, e)) ||
        (f->change && !f->change(f->arg, &changed))) {
        f->left_out++;
        return false;
    }
    f->taken++;
    return pass_key(s, &changed);
}

static void end_key(struct sink *s)
{
    struct sift *f = sift_of(s);
    pass_end_key(s);
    if (f->ended && !sink_bad(f->pass.to)) {
        f->ended(f->arg);
        pass_took(&f->pass); /* it may be what fails the sink behind */
    }
}

void sift_init(struct sift *s, const struct key_filter *filter, struct sink *to)
{
    *s = (struct sift){.filter = filter};
    pass_init(&s->pass, to);
    s->pass.ops.aux = aux;
    s->pass.ops.module_aux = module_aux;
    s->pass.ops.function = function;
    s->pass.ops.db = db;
    s->pass.ops.key = key;
    s->pass.ops.end_key = end_key;
}
