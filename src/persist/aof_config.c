/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_config.h"

#include <stddef.h>
#include <string.h>

#include "base/must.h"
#include "persist/aof.h"
#include "persist/aof_history.h"
#include "persist/rewrite.h"
#include "persist/dir_lock.h"
#include "server/config.h"

static bool bare_name(struct slice text, const char *option, const char *kind, struct fault *f)
{
    bool path = text.len && (memchr(text.data, '/', text.len) || memchr(text.data, '\\', text.len));
    if (text.len == 0)
        fault_set(f, FAULT_INVALID, "%s can't be empty", option);
    else if (path)
        fault_set(f, FAULT_INVALID, "%s can't be a path, just a %s", option, kind);
    return text.len && !path;
}

static bool check_dirname(void *owner, struct slice text, struct fault *f)
{
    (void)owner;
    return bare_name(text, "appenddirname", "dirname", f);
}

static bool check_filename(void *owner, struct slice text, struct fault *f)
{
    (void)owner;
    return bare_name(text, "appendfilename", "filename", f);
}

static bool apply_enabled(void *owner, struct fault *f)
{
    struct aof *a = owner;
    if (!a->started || a->persist->unfilled)
        return true; /* persist_start looks at it, or whoever replaces the data set */
    if (a->enabled && a->state == AOF_OFF) {
        bool on = dir_lock_hold(a->persist->lock, f) && aof_switch_on(a, f);
        must(on ? a->state != AOF_OFF : fault_is(f));
        return on;
    }
    if (!a->enabled && a->state != AOF_OFF)
        aof_switch_off(a);
    return true;
}

static bool apply_policy(void *owner, struct fault *f)
{
    return aof_policy_changed(owner, f);
}

static bool check_keep_history(void *owner, struct slice text, struct fault *f)
{
    uint64_t generations;
    int64_t seconds;
    (void)owner;
    if (aof_history_parse(text, &generations, &seconds))
        return true;
    fault_set(f, FAULT_INVALID, "aof-keep-history is a number of generations, or of days (7d) or "
              "hours (12h)");
    return false;
}

static bool apply_keep_history(void *owner, struct fault *f)
{
    struct aof *a = owner;
    (void)f;
    if (a->started && a->state == AOF_ON)
        aof_history_collect(a);
    return true;
}

static const struct config_word ways[] = {
    {"auto", SYNC_WAY_AUTO}, {"inline", SYNC_WAY_INLINE}, {"worker", SYNC_WAY_WORKER}, {NULL, 0}};

static const struct config_word policies[] = {
    {"everysec", AOF_EVERYSEC}, {"always", AOF_ALWAYS}, {"no", AOF_NO}, {NULL, 0}};

static const struct config_word load_errors[] = {
    {"refuse", AOF_ERRORS_REFUSE}, {"skip", AOF_ERRORS_SKIP}, {NULL, 0}};

static const struct config_word on_errors[] = {
    {"ignore", AOF_ON_ERROR_IGNORE}, {"panic", AOF_ON_ERROR_PANIC},
    {"panic-on-replicas", AOF_ON_ERROR_PANIC_ON_REPLICAS}, {NULL, 0}};

static const struct config_option options[] = {
    {.name = "appendonly", .flags = CONFIG_DENY_LOADING, CONFIG_BOOL_AT(struct aof, enabled),
     .initial = "no", .apply = apply_enabled},
    {.name = "appendfilename", .flags = CONFIG_IMMUTABLE, CONFIG_STRING_AT(struct aof, filename),
     .initial = "appendonly.aof", .check = check_filename},
    {.name = "appenddirname", .flags = CONFIG_IMMUTABLE, CONFIG_STRING_AT(struct aof, dirname),
     .initial = "appendonlydir", .check = check_dirname},
    {.name = "appendfsync", CONFIG_ENUM_AT(struct aof, policy), .initial = "everysec",
     .words = policies, .apply = apply_policy},
    {.name = "no-appendfsync-on-rewrite", CONFIG_BOOL_AT(struct aof, no_fsync_on_rewrite),
     .initial = "no"},
    {.name = "auto-aof-rewrite-percentage", CONFIG_INT_AT(struct aof, rewrite_percentage),
     .initial = "100", .min = 0, .max = INT32_MAX},
    {.name = "auto-aof-rewrite-min-size", CONFIG_SIZE_AT(struct aof, rewrite_min_size),
     .initial = "64mb", .min = 0, .max = INT64_MAX},
    {.name = "aof-load-truncated", CONFIG_BOOL_AT(struct aof, load_truncated), .initial = "yes"},
    {.name = "aof-load-corrupt-tail-max-size", CONFIG_SIZE_AT(struct aof, load_corrupt_tail_max),
     .initial = "0", .min = 0, .max = INT64_MAX},
    {.name = "aof-load-errors", CONFIG_ENUM_AT(struct aof, load_errors), .initial = "refuse",
     .words = load_errors},
    {.name = "propagation-error-behavior", CONFIG_ENUM_AT(struct aof, on_error),
     .initial = "ignore", .words = on_errors},
    {.name = "aof-use-rdb-preamble", CONFIG_BOOL_AT(struct aof, use_rdb_preamble),
     .initial = "yes"},
    {.name = "aof-timestamp-enabled", CONFIG_BOOL_AT(struct aof, timestamp), .initial = "no"},
    {.name = "aof-rewrite-incremental-fsync", CONFIG_BOOL_AT(struct aof, incremental_fsync),
     .initial = "yes"},
    {.name = "aof-keep-history", CONFIG_STRING_AT(struct aof, keep_history), .initial = "0",
     .check = check_keep_history, .apply = apply_keep_history},
    {.name = "aof-checksum", CONFIG_BOOL_AT(struct aof, checksum), .initial = "yes"},
    {.name = "aof-max-pending", CONFIG_SIZE_AT(struct aof, max_pending), .initial = "256mb",
     .min = 64 << 10, .max = INT64_MAX / 4},
    {.name = "aof-always-sync-way", .flags = CONFIG_HIDDEN, CONFIG_ENUM_AT(struct aof, way),
     .initial = "auto", .words = ways},
    {.name = "aof-disable-auto-gc", .flags = CONFIG_HIDDEN,
     CONFIG_BOOL_AT(struct aof, disable_auto_gc), .initial = "no"},
    {.name = NULL}};

void aof_config_register(struct aof *a, struct config *cfg)
{
    config_add(cfg, options, a);
}
