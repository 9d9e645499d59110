/* SPDX-License-Identifier: BSD-3-Clause */
/* save: pairs of seconds and changes, of all lines together. No words, or an empty one, take back
 * what the lines before had. */
#include "persist/save_config.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "server/config.h"
#include "server/server.h"
#include "server/settings.h"
#include "store/db.h"

static bool bad_points(struct fault *f)
{
    fault_set(f, FAULT_INVALID, "Invalid save parameters");
    return false;
}

static bool add_points(struct save_config *c, int argc, const struct slice *argv, struct fault *f)
{
    if (argc % 2)
        return bad_points(f);
    for (int i = 0; i < argc; i += 2) {
        struct save_point point;
        if (!num_parse_i64(argv[i], &point.seconds) ||
            !num_parse_i64(argv[i + 1], &point.changes) || point.seconds < 1 || point.changes < 0)
            return bad_points(f);
        if (c->point_count == SAVE_POINTS_MAX) {
            fault_set(f, FAULT_LIMIT, "More than %d save points", SAVE_POINTS_MAX);
            return false;
        }
        c->points[c->point_count++] = point;
    }
    must(c->point_count <= SAVE_POINTS_MAX);
    return true;
}

static void clear_save(void *owner)
{
    struct save_config *c = owner;
    c->point_count = 0;
}

static bool parse_save(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct save_config *c = owner;
    int before = c->point_count;
    if (argc == 0 || (argc == 1 && argv[0].len == 0)) {
        clear_save(c);
        return true;
    }
    if (add_points(c, argc, argv, f))
        return true;
    must(before <= c->point_count); /* those in front are as they were */
    c->point_count = before;
    return false;
}

static void print_save(const void *owner, struct buf *out)
{
    const struct save_config *c = owner;
    for (int i = 0; i < c->point_count; i++)
        buf_printf(out, "%s%lld %lld", i ? " " : "", (long long)c->points[i].seconds,
                   (long long)c->points[i].changes);
}

static void save_lines(const void *owner, struct buf *out)
{
    const struct save_config *c = owner;
    if (c->point_count == 0)
        buf_printf(out, "save \"\"\n");
    for (int i = 0; i < c->point_count; i++)
        buf_printf(out, "save %lld %lld\n", (long long)c->points[i].seconds,
                   (long long)c->points[i].changes);
}

/* File names are bare: the directory is dir's business. */
static bool bare_name(void *owner, struct slice text, struct fault *f)
{
    (void)owner;
    if (text.len && !memchr(text.data, '/', text.len))
        return true;
    fault_set(f, FAULT_INVALID, "dbfilename can't be a path, just a filename");
    return false;
}

static bool apply_version(void *owner, struct fault *f)
{
    struct save_config *c = owner;
    (void)f;
    must(c->target_version >= 9 && c->target_version <= 11);
    server_keyspace(c->server)->dump_version = (int)c->target_version;
    return true;
}

static const struct config_word sanitize_words[] = {
    {"no", 0}, {"yes", 1}, {"clients", 2}, {NULL, 0}};

static const struct config_word load_ahead_words[] = {
    {"auto", LOAD_AHEAD_AUTO}, {"yes", LOAD_AHEAD_YES}, {"no", LOAD_AHEAD_NO}, {NULL, 0}};

static const struct config_option options[] = {
    {.name = "save", .kind = CONFIG_CUSTOM, .flags = CONFIG_MULTI | CONFIG_BARE,
     .initial = "3600 1 300 100 60 10000", .parse = parse_save, .clear = clear_save,
     .print = print_save, .lines = save_lines},
    {.name = "dbfilename", .flags = CONFIG_PROTECTED,
     CONFIG_STRING_AT(struct save_config, filename), .initial = "dump.rdb", .check = bare_name},
    {.name = "rdbcompression", CONFIG_BOOL_AT(struct save_config, compress), .initial = "yes"},
    {.name = "rdbchecksum", .flags = CONFIG_IMMUTABLE, CONFIG_BOOL_AT(struct save_config, checksum),
     .initial = "yes"},
    {.name = "rdb-save-incremental-fsync", CONFIG_BOOL_AT(struct save_config, incremental_fsync),
     .initial = "yes"},
    {.name = "stop-writes-on-bgsave-error",
     CONFIG_BOOL_AT(struct save_config, stop_writes_on_error), .initial = "yes"},
    {.name = "sanitize-dump-payload", CONFIG_ENUM_AT(struct save_config, sanitize), .initial = "no",
     .words = sanitize_words},
    {.name = "rdb-target-version", CONFIG_INT_AT(struct save_config, target_version),
     .initial = "11", .min = 9, .max = 11, .apply = apply_version},
    {.name = "rdb-block-checksum", CONFIG_BOOL_AT(struct save_config, blocks), .initial = "yes"},
    {.name = "rdb-save-max-rate", CONFIG_SIZE_AT(struct save_config, max_rate), .initial = "0",
     .max = INT64_MAX},
    {.name = "bgsave_cpulist", .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct save_config, save_cpus), .check = settings_check_cpus},
    {.name = "aof_rewrite_cpulist", .flags = CONFIG_IMMUTABLE,
     CONFIG_STRING_AT(struct save_config, rewrite_cpus), .check = settings_check_cpus},
    {.name = "rdb-verify-after-save", CONFIG_BOOL_AT(struct save_config, verify), .initial = "yes"},
    {.name = "rdb-load-ahead", .flags = CONFIG_HIDDEN,
     CONFIG_ENUM_AT(struct save_config, load_ahead), .initial = "auto",
     .words = load_ahead_words},
    {.name = "rdb-key-save-delay", .flags = CONFIG_HIDDEN,
     CONFIG_INT_AT(struct save_config, save_delay_us), .initial = "0", .min = INT32_MIN,
     .max = INT32_MAX},
    {.name = NULL}};

bool save_config_has_points(const struct save_config *c)
{
    return c->point_count > 0;
}

struct save_config *save_config_new(struct server *server)
{
    struct save_config *c = mem_zalloc(sizeof *c);
    c->server = server;
    config_add(server_config(server), options, c);
    return c;
}

void save_config_free(struct save_config *c)
{
    mem_free(c->filename);
    mem_free(c->save_cpus);
    mem_free(c->rewrite_cpus);
    mem_free(c);
}
