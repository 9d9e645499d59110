/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables of the core's own options. What a change does lives with the part it concerns: the
 * network, the process, cron. */
#include "server/settings.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "os/cpus.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/config.h"
#include "server/cron.h"
#include "server/hooks.h"
#include "server/net.h"
#include "server/process.h"
#include "server/server.h"
#include "store/db.h"

static void remember_dir(struct settings *st)
{
    char path[PATH_MAX];
    mem_free(st->dir);
    st->dir = getcwd(path, sizeof path) ? mem_strdup(path) : NULL;
}

void settings_find_dir(struct settings *st)
{
    char path[PATH_MAX];
    if (!getcwd(path, sizeof path) && errno == ENOENT && st->dir && chdir(st->dir) == 0)
        log_warning("The working directory %s was removed and made anew", st->dir);
}

struct settings *settings_new(struct server *s)
{
    struct settings *st = mem_zalloc(sizeof *st);
    st->server = s;
    remember_dir(st);
    return st;
}

static void free_binds(struct settings *st)
{
    for (int i = 0; i < st->bind_count; i++)
        mem_free(st->binds[i]);
    mem_free(st->binds);
    st->binds = NULL;
    st->bind_count = 0;
}

void settings_free(struct settings *st)
{
    free_binds(st);
    mem_free(st->dir);
    mem_free(st);
}

/* ---- customs ---- */
static bool bind_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct settings *st = owner;
    if (argc > SOCKET_LISTEN_MAX) {
        fault_set(f, FAULT_INVALID, "Too many bind addresses specified.");
        return false;
    }
    free_binds(st);
    if (argc == 0 || (argc == 1 && argv[0].len == 0))
        return true;
    st->binds = mem_alloc((size_t)argc * sizeof *st->binds);
    for (int i = 0; i < argc; i++)
        st->binds[st->bind_count++] = mem_dup(argv[i].data, argv[i].len);
    return true;
}

static void bind_print(const void *owner, struct buf *out)
{
    const struct settings *st = owner;
    for (int i = 0; i < st->bind_count; i++)
        buf_printf(out, "%s%s", i ? " " : "", st->binds[i]);
}

static bool dir_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    char path[PATH_MAX];
    if (argc != 1) {
        fault_set(f, FAULT_INVALID, "wrong number of arguments");
        return false;
    }
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(argv[0]));
    errno = ENAMETOOLONG;
    if (argv[0].len < sizeof path && chdir(path) == 0) {
        remember_dir(owner);
        return true;
    }
    fault_set(f, FAULT_INVALID, "%s", strerror(errno));
    return false;
}

void settings_on_dir(struct settings *st, bool (*may_use)(void *arg, struct fault *f), void *arg)
{
    st->may_use_dir = may_use;
    st->may_use_dir_arg = arg;
}

static bool dir_apply(void *owner, struct fault *f)
{
    struct settings *st = owner;
    return !st->may_use_dir || st->may_use_dir(st->may_use_dir_arg, f);
}

static void dir_print(const void *owner, struct buf *out)
{
    char path[PATH_MAX];
    (void)owner;
    buf_add(out, slice_str(getcwd(path, sizeof path) ? path : ""));
}

static bool percentiles_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct settings *st = owner;
    double values[PERCENTILES_MAX];
    if (argc == 1 && argv[0].len == 0)
        argc = 0;
    if (argc > PERCENTILES_MAX) {
        fault_set(f, FAULT_INVALID, "At most %d latency-tracking-info-percentiles",
                  PERCENTILES_MAX);
        return false;
    }
    for (int i = 0; i < argc; i++) {
        if (!num_parse_double(argv[i], &values[i])) {
            fault_set(f, FAULT_INVALID, "Invalid latency-tracking-info-percentiles parameters");
            return false;
        }
        if (values[i] < 0 || values[i] > 100) {
            fault_set(f, FAULT_INVALID,
                      "latency-tracking-info-percentiles parameters should sit between "
                      "[0.0,100.0]");
            return false;
        }
    }
    memcpy(st->percentiles, values, (size_t)argc * sizeof *values);
    st->percentile_count = argc;
    return true;
}

static void percentiles_print(const void *owner, struct buf *out)
{
    const struct settings *st = owner;
    char text[NUM_DOUBLE_TEXT];
    for (int i = 0; i < st->percentile_count; i++) {
        num_format_double(text, st->percentiles[i]);
        buf_printf(out, "%s%s", i ? " " : "", text);
    }
}

static const struct {
    const char *word;
    unsigned flag;
} shutdown_words[] = {{"default", 0}, {"save", SHUTDOWN_SAVE}, {"nosave", SHUTDOWN_NOSAVE},
                      {"now", SHUTDOWN_NOW}, {"force", SHUTDOWN_FORCE}};
enum { SHUTDOWN_WORDS = sizeof shutdown_words / sizeof *shutdown_words };

static bool shutdown_parse(int *to, int argc, const struct slice *argv, struct fault *f)
{
    unsigned flags = 0;
    bool known = argc > 0;
    for (int i = 0; i < argc && known; i++) {
        int k = 0;
        while (k < SHUTDOWN_WORDS && !slice_eq_nocase(argv[i], shutdown_words[k].word))
            k++;
        known = k < SHUTDOWN_WORDS;
        flags |= known ? shutdown_words[k].flag : 0;
    }
    if (!known) {
        fault_set(f, FAULT_INVALID, "argument(s) must be one of the following: default, save, "
                                    "nosave, now, force");
        return false;
    }
    if ((flags & SHUTDOWN_SAVE && flags & SHUTDOWN_NOSAVE)) {
        fault_set(f, FAULT_INVALID,
                  "shutdown options SAVE and NOSAVE can't be used simultaneously");
        return false;
    }
    *to = (int)flags;
    return true;
}

static void shutdown_print(int flags, struct buf *out)
{
    size_t start = out->len;
    for (int k = 1; k < SHUTDOWN_WORDS; k++)
        if ((unsigned)flags & shutdown_words[k].flag)
            buf_printf(out, "%s%s", out->len > start ? " " : "", shutdown_words[k].word);
    if (out->len == start)
        buf_add(out, SLICE_LIT("default"));
}

static bool sigint_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    return shutdown_parse(&((struct settings *)owner)->shutdown_on_sigint, argc, argv, f);
}

static void sigint_print(const void *owner, struct buf *out)
{
    shutdown_print(((const struct settings *)owner)->shutdown_on_sigint, out);
}

static bool sigterm_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    return shutdown_parse(&((struct settings *)owner)->shutdown_on_sigterm, argc, argv, f);
}

static void sigterm_print(const void *owner, struct buf *out)
{
    shutdown_print(((const struct settings *)owner)->shutdown_on_sigterm, out);
}

static bool rename_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct settings *st = owner;
    if (argc != 2) {
        fault_set(f, FAULT_INVALID, "Bad directive or wrong number of arguments");
        return false;
    }
    struct commands *cs = server_commands(st->server);
    if (!commands_find(cs, argv[0])) {
        fault_set(f, FAULT_INVALID, "No such command in rename-command");
        return false;
    }
    if (commands_rename(cs, argv[0], argv[1]))
        return true;
    fault_set(f, FAULT_INVALID, "Target command name already exists");
    return false;
}

static void rename_print(const void *owner, struct buf *out)
{
    (void)owner;
    (void)out;
}

static bool limits_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct clients *cs = owner;
    struct client_limit limits[3];
    memcpy(limits, cs->limits, sizeof limits);
    if (argc % 4) { /* none change nothing */
        fault_set(f, FAULT_INVALID, "Wrong number of arguments in buffer limit configuration.");
        return false;
    }
    for (int i = 0; i < argc; i += 4) {
        uint64_t hard, soft;
        int64_t seconds;
        int k = slice_eq_nocase(argv[i], "normal")                                       ? 0
                : slice_eq_nocase(argv[i], "slave") || slice_eq_nocase(argv[i], "replica") ? 1
                : slice_eq_nocase(argv[i], "pubsub")                                      ? 2
                                                                                          : -1;
        if (k < 0) {
            fault_set(f, FAULT_INVALID,
                      "Invalid client class specified in buffer limit configuration.");
            return false;
        }
        if (!num_parse_size(argv[i + 1], &hard) || !num_parse_size(argv[i + 2], &soft) ||
            !num_parse_i64(argv[i + 3], &seconds) || seconds < 0 || hard > INT64_MAX ||
            soft > INT64_MAX) {
            fault_set(f, FAULT_INVALID,
                      "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
            return false;
        }
        limits[k] = (struct client_limit){(int64_t)hard, (int64_t)soft, seconds};
    }
    memcpy(cs->limits, limits, sizeof limits);
    return true;
}

static const char *const limit_classes[] = {"normal", "slave", "pubsub"};

static void limits_print(const void *owner, struct buf *out)
{
    const struct clients *cs = owner;
    for (int k = 0; k < 3; k++)
        buf_printf(out, "%s%s %lld %lld %lld", k ? " " : "", limit_classes[k],
                   (long long)cs->limits[k].hard, (long long)cs->limits[k].soft,
                   (long long)cs->limits[k].soft_s);
}

static void limits_lines(const void *owner, struct buf *out)
{
    const struct clients *cs = owner;
    for (int k = 0; k < 3; k++)
        buf_printf(out, "client-output-buffer-limit %s %lld %lld %lld\n", limit_classes[k],
                   (long long)cs->limits[k].hard, (long long)cs->limits[k].soft,
                   (long long)cs->limits[k].soft_s);
}

/* A string cannot grow beyond what a client could send. */
static bool bulk_apply(void *owner, struct fault *f)
{
    struct clients *cs = owner;
    (void)f;
    server_keyspace(cs->server)->limits.string_max = (uint64_t)cs->bulk_max;
    return true;
}

bool settings_check_cpus(void *owner, struct slice text, struct fault *f)
{
    char list[512];
    bool set[1];
    (void)owner;
    snprintf(list, sizeof list, "%.*s", SLICE_ARG(text));
    if (text.len < sizeof list && cpus_parse(list, set, 1))
        return true;
    fault_set(f, FAULT_INVALID, "not a list of CPUs");
    return false;
}

/* ---- tables ---- */
static const struct config_word levels[] = {
    {"debug", LOG_DEBUG_LEVEL}, {"verbose", LOG_VERBOSE_LEVEL}, {"notice", LOG_NOTICE_LEVEL},
    {"warning", LOG_WARNING_LEVEL}, {"nothing", LOG_NOTHING_LEVEL}, {NULL, 0}};
static const struct config_word supervisors[] = {
    {"upstart", SUPERVISED_UPSTART}, {"systemd", SUPERVISED_SYSTEMD},
    {"auto", SUPERVISED_AUTO}, {"no", SUPERVISED_NO}, {NULL, 0}};
static const struct config_word facilities[] = {
    {"user", LOG_USER}, {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}, {NULL, 0}};
static const struct config_word allowances[] = {
    {"no", ALLOWED_NO}, {"yes", ALLOWED_YES}, {"local", ALLOWED_LOCAL}, {NULL, 0}};

static const struct config_option settings_options[] = {
    {.name = "bind",
     .kind = CONFIG_CUSTOM,
     .initial = "* -::*",
     .parse = bind_parse,
     .print = bind_print,
     .apply = net_apply_bind},
    {.name = "port",
     CONFIG_INT_AT(struct settings, port),
     .initial = "6379",
     .max = 65535,
     .apply = net_apply_port},
    {.name = "tls-port",
     CONFIG_INT_AT(struct settings, tls_port),
     .initial = "0",
     .max = 65535,
     .apply = net_apply_tls_port},
    {.name = "tcp-backlog",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_INT_AT(struct settings, backlog),
     .initial = "511",
     .max = INT_MAX},
    {.name = "tcp-keepalive",
     CONFIG_INT_AT(struct settings, keepalive_s),
     .initial = "300",
     .max = INT_MAX},
    {.name = "unixsocket", .flags = CONFIG_IMMUTABLE, CONFIG_STRING_AT(struct settings, unix_path)},
    {.name = "unixsocketperm",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_OCTAL_AT(struct settings, unix_perm),
     .initial = "0",
     .max = 0777},
    {.name = "socket-mark-id",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_INT_AT(struct settings, mark),
     .initial = "0",
     .max = UINT_MAX},
    {.name = "protected-mode", CONFIG_BOOL_AT(struct settings, protected_mode), .initial = "yes"},
    {.name = "databases",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_INT_AT(struct settings, databases),
     .initial = "16",
     .min = 1,
     .max = INT_MAX},
    {.name = "dir",
     .kind = CONFIG_CUSTOM,
     .flags = CONFIG_PROTECTED | CONFIG_WHOLE,
     .parse = dir_parse,
     .print = dir_print,
     .apply = dir_apply},
    {.name = "daemonize",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_BOOL_AT(struct settings, daemonize),
     .initial = "no"},
    {.name = "pidfile", .flags = CONFIG_IMMUTABLE, CONFIG_STRING_AT(struct settings, pid_file)},
    {.name = "logfile",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct settings, log_file),
     .check = process_check_log_file},
    {.name = "loglevel",
     CONFIG_ENUM_AT(struct settings, log_level),
     .initial = "notice",
     .words = levels,
     .apply = process_apply_log_level},
    {.name = "syslog-enabled",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_BOOL_AT(struct settings, syslog_on),
     .initial = "no"},
    {.name = "syslog-ident",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct settings, syslog_ident),
     .initial = "redis"},
    {.name = "syslog-facility",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_ENUM_AT(struct settings, syslog_facility),
     .initial = "local0",
     .words = facilities},
    {.name = "supervised",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_ENUM_AT(struct settings, supervised),
     .initial = "no",
     .words = supervisors},
    {.name = "set-proc-title",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_BOOL_AT(struct settings, set_title),
     .initial = "yes"},
    {.name = "proc-title-template",
     CONFIG_STRING_AT(struct settings, title_template),
     .initial = "{title} {listen-addr} {server-mode}",
     .check = process_check_title,
     .apply = process_apply_title},
    {.name = "always-show-logo",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_BOOL_AT(struct settings, always_logo),
     .initial = "no"},
    {.name = "crash-log-enabled",
     CONFIG_BOOL_AT(struct settings, crash_log),
     .initial = "yes",
     .apply = process_apply_crash_log},
    {.name = "crash-memcheck-enabled", CONFIG_BOOL_AT(struct settings, crash_memcheck),
     .initial = "yes"},
    {.name = "shutdown-timeout",
     CONFIG_INT_AT(struct settings, shutdown_timeout_s),
     .initial = "10",
     .max = INT_MAX},
    {.name = "shutdown-on-sigint",
     .kind = CONFIG_CUSTOM,
     .initial = "default",
     .parse = sigint_parse,
     .print = sigint_print},
    {.name = "shutdown-on-sigterm",
     .kind = CONFIG_CUSTOM,
     .initial = "default",
     .parse = sigterm_parse,
     .print = sigterm_print},
    {.name = "server_cpulist",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct settings, cpus),
     .check = settings_check_cpus},
    {.name = "bio_cpulist",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct settings, worker_cpus),
     .check = settings_check_cpus},
    {.name = "hz",
     CONFIG_INT_AT(struct settings, hz),
     .initial = "10",
     .max = INT_MAX,
     .apply = cron_apply_hz},
    {.name = "dynamic-hz", CONFIG_BOOL_AT(struct settings, dynamic_hz), .initial = "yes"},
    {.name = "active-expire-effort",
     CONFIG_INT_AT(struct settings, active_expire_effort),
     .initial = "1",
     .min = 1,
     .max = 10},
    {.name = "latency-tracking", CONFIG_BOOL_AT(struct settings, latency_tracking),
     .initial = "yes"},
    {.name = "latency-tracking-info-percentiles",
     .kind = CONFIG_CUSTOM,
     .initial = "50 99 99.9",
     .parse = percentiles_parse,
     .print = percentiles_print},
    {.name = "enable-debug-command",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_ENUM_AT(struct settings, enable_debug),
     .initial = "no",
     .words = allowances},
    {.name = "enable-module-command",
     .flags = CONFIG_IMMUTABLE | CONFIG_LATER,
     CONFIG_ENUM_AT(struct settings, enable_module),
     .initial = "no",
     .words = allowances},
    {.name = "enable-protected-configs",
     .flags = CONFIG_IMMUTABLE,
     CONFIG_ENUM_AT(struct settings, enable_protected),
     .initial = "no",
     .words = allowances},
    {.name = "lazyfree-lazy-user-del", CONFIG_BOOL_AT(struct settings, lazy_user_del),
     .initial = "no"},
    {.name = "lazyfree-lazy-user-flush", CONFIG_BOOL_AT(struct settings, lazy_user_flush),
     .initial = "no"},
    {.name = "rename-command",
     .kind = CONFIG_CUSTOM,
     .flags = CONFIG_HIDDEN | CONFIG_IMMUTABLE | CONFIG_MULTI,
     .parse = rename_parse,
     .print = rename_print},
    {.name = NULL}};

static const struct config_option client_options[] = {
    {.name = "maxclients", CONFIG_INT_AT(struct clients, max_clients), .initial = "10000", .min = 1,
     .max = UINT_MAX, .apply = net_apply_max_clients},
    {.name = "timeout", CONFIG_INT_AT(struct clients, timeout_s), .initial = "0", .max = INT_MAX},
    {.name = "client-query-buffer-limit", CONFIG_SIZE_AT(struct clients, query_buffer_limit),
     .initial = "1gb", .min = 1 << 20, .max = INT64_MAX},
    {.name = "proto-max-bulk-len", CONFIG_SIZE_AT(struct clients, bulk_max), .initial = "512mb",
     .min = 1 << 20, .max = INT64_MAX / 2, .apply = bulk_apply},
    {.name = "client-output-buffer-limit", .kind = CONFIG_CUSTOM,
     .initial = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
     .parse = limits_parse, .print = limits_print, .lines = limits_lines},
    {.name = NULL}};

static const struct config_option keyspace_options[] = {
    {.name = "hash-max-listpack-entries", .alias = "hash-max-ziplist-entries",
     CONFIG_INT_AT(struct keyspace, limits.hash_listpack_entries), .max = INT64_MAX,
     .initial = "512"},
    {.name = "hash-max-listpack-value", .alias = "hash-max-ziplist-value",
     CONFIG_SIZE_AT(struct keyspace, limits.hash_listpack_value), .max = INT64_MAX,
     .initial = "64"},
    {.name = "set-max-intset-entries", CONFIG_INT_AT(struct keyspace, limits.set_intset_entries),
     .max = INT64_MAX, .initial = "512"},
    {.name = "set-max-listpack-entries",
     CONFIG_INT_AT(struct keyspace, limits.set_listpack_entries), .max = INT64_MAX,
     .initial = "128"},
    {.name = "set-max-listpack-value", CONFIG_SIZE_AT(struct keyspace, limits.set_listpack_value),
     .max = INT64_MAX, .initial = "64"},
    {.name = "stream-node-max-bytes",
     CONFIG_SIZE_AT(struct keyspace, limits.stream_node_bytes), .max = INT64_MAX,
     .initial = "4096"},
    {.name = "stream-node-max-entries",
     CONFIG_INT_AT(struct keyspace, limits.stream_node_entries), .max = INT64_MAX,
     .initial = "100"},
    {.name = "zset-max-listpack-entries", .alias = "zset-max-ziplist-entries",
     CONFIG_INT_AT(struct keyspace, limits.zset_listpack_entries), .max = INT64_MAX,
     .initial = "128"},
    {.name = "zset-max-listpack-value", .alias = "zset-max-ziplist-value",
     CONFIG_SIZE_AT(struct keyspace, limits.zset_listpack_value), .max = INT64_MAX,
     .initial = "64"},
    {.name = "list-max-listpack-size", .alias = "list-max-ziplist-size",
     CONFIG_INT_AT(struct keyspace, limits.list_listpack_size), .min = INT_MIN, .max = INT_MAX,
     .initial = "-2"},
    {.name = "list-compress-depth", CONFIG_INT_AT(struct keyspace, limits.list_compress_depth),
     .max = INT_MAX, .initial = "0"},
    {.name = "hll-sparse-max-bytes", CONFIG_SIZE_AT(struct keyspace, limits.hll_sparse_max),
     .max = INT64_MAX, .initial = "3000"},
    {.name = "lfu-decay-time", CONFIG_INT_AT(struct keyspace, lfu_decay_minutes), .max = INT_MAX,
     .initial = "1"},
    {.name = "lfu-log-factor", CONFIG_INT_AT(struct keyspace, lfu_log_factor), .max = INT_MAX,
     .initial = "10"},
    {.name = "lazyfree-lazy-eviction", CONFIG_BOOL_AT(struct keyspace, lazyfree_eviction),
     .initial = "no"},
    {.name = "lazyfree-lazy-expire", CONFIG_BOOL_AT(struct keyspace, lazyfree_expire),
     .initial = "no"},
    {.name = "lazyfree-lazy-server-del", CONFIG_BOOL_AT(struct keyspace, lazyfree_del),
     .initial = "no"},
    {.name = NULL}};

void settings_register(struct settings *st, struct config *cfg)
{
    config_add(cfg, settings_options, st);
    config_add(cfg, client_options, server_clients(st->server));
    config_add(cfg, keyspace_options, server_keyspace(st->server));
}
