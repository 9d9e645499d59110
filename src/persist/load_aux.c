/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/load_aux.h"

#include "base/log.h"
#include "base/must.h"
#include "base/num.h"
#include "os/clock.h"
#include "persist/persist.h"
#include "server/hooks.h"
#include "server/server.h"

static struct load_aux *of(struct sink *sink)
{
    struct load_aux *a = (struct load_aux *)sink;
    must(!sink_bad(sink) && a->keys); /* faults are keys' */
    return a;
}

static struct hooks *hooks_of(const struct load_aux *a)
{
    return server_hooks(a->persist->server);
}

/* What it says of itself is for the log. */
static void tell(struct load_aux *a, struct slice name, struct slice value)
{
    int64_t made_s;
    if (slice_eq_nocase(name, "used-mem")) {
        if (num_parse_u64(value, &a->persist->load_rdb_used_mem))
            log_notice("RDB memory usage when created %.2f Mb",
                       (double)a->persist->load_rdb_used_mem / (1024 * 1024));
    } else if (slice_eq_nocase(name, "ctime")) {
        if (num_parse_i64(value, &made_s))
            log_notice("RDB age %lld seconds",
                       made_s < clock_wall_s() ? (long long)clock_wall_s() - made_s : 0);
    } else if (name.data[0] == '%')
        log_notice("RDB '%.*s': %.*s", SLICE_ARG(name), SLICE_ARG(value));
    else
        log_notice("Loading RDB produced by version %.*s", SLICE_ARG(value));
}

static bool is_told(struct slice name)
{
    return slice_eq_nocase(name, "used-mem") || slice_eq_nocase(name, "ctime") ||
           slice_eq_nocase(name, "redis-ver") || slice_eq_nocase(name, "valkey-ver") ||
           (name.len && name.data[0] == '%');
}

static void field(struct sink *sink, struct slice name, struct slice value)
{
    struct load_aux *a = of(sink);
    if (is_told(name)) {
        if (!a->trial)
            tell(a, name, value);
    } else if (!hooks_aux_field(hooks_of(a), name, value, &a->keys->fault)) {
        SINK_EVENT(a->keys, aux, name, value);
    }
}

static void function(struct sink *sink, struct slice source)
{
    struct load_aux *a = of(sink);
    if (!hooks_aux_function(hooks_of(a), source, &a->keys->fault))
        SINK_EVENT(a->keys, function, source);
}

static void module_aux(struct sink *sink, uint64_t module_id, struct slice bytes)
{
    struct load_aux *a = of(sink);
    if (!hooks_aux_module(hooks_of(a), module_id, bytes, &a->keys->fault))
        SINK_EVENT(a->keys, module_aux, module_id, bytes);
}

static const struct sink_ops ops = {
    .aux = field,
    .function = function,
    .module_aux = module_aux,
};

void load_aux_init(struct load_aux *a, struct persist *p, struct sink *keys)
{
    must(!sink_bad(keys));
    *a = (struct load_aux){.sink.ops = &ops, .persist = p, .keys = keys};
}
