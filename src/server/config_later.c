/* SPDX-License-Identifier: BSD-3-Clause */
/* Options of Redis 7.2 whose feature is not here yet: known by name and kind, kept, shown,
 * rewritten, warned about once when set; those that ask for a protection are refused instead
 * (docs/options.md lists both). The owner that comes later registers its own, which takes the
 * place. */
#include "server/config_later.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

union later_value {
    bool flag;
    int word;
    int64_t number;
    char *text;
};
/* Options of several words are kept as text, each in a struct of its own. */
struct later_words {
    bool adds; /* line to line */
    struct buf text;
};
enum { LATER_WORDS = 2, HOST_NAME_LIMIT = 256 };

static const struct config_word words_cluster_preferred_endpoint_type[] = {{"ip", 0},
    {"hostname", 1}, {"unknown-endpoint", 2}, {NULL, 0}};

static const char NO_CLUSTER[] = "this version has no cluster, and would take keys of every slot";

static bool host_name(void *owner, struct slice text, struct fault *f)
{
    (void)owner;
    for (size_t i = 0; i < text.len; i++) {
        if (!isalnum((unsigned char)text.data[i]) && !strchr("-.", text.data[i])) {
            fault_set(f, FAULT_INVALID, "Hostnames may only contain alphanumeric characters, "
                                        "hyphens or dots");
            return false;
        }
    }
    if (text.len < HOST_NAME_LIMIT)
        return true;
    fault_set(f, FAULT_INVALID, "Hostnames must be less than %d characters", HOST_NAME_LIMIT);
    return false;
}

static const struct config_option later_options[] = {
    {.name = "active-defrag-cycle-max", .kind = CONFIG_INT, .initial = "25", .min = 1, .max = 99},
    {.name = "active-defrag-cycle-min", .kind = CONFIG_INT, .initial = "1", .min = 1, .max = 99},
    {.name = "active-defrag-ignore-bytes", .kind = CONFIG_SIZE, .initial = "104857600", .min = 1,
     .max = INT64_MAX},
    {.name = "active-defrag-max-scan-fields", .kind = CONFIG_INT, .initial = "1000", .min = 1,
     .max = INT64_MAX},
    {.name = "active-defrag-threshold-lower", .kind = CONFIG_INT, .initial = "10", .min = 0,
     .max = 1000},
    {.name = "active-defrag-threshold-upper", .kind = CONFIG_INT, .initial = "100", .min = 0,
     .max = 1000},
    {.name = "cluster-allow-pubsubshard-when-down", .kind = CONFIG_BOOL, .initial = "yes"},
    {.name = "cluster-allow-reads-when-down", .kind = CONFIG_BOOL, .initial = "no"},
    {.name = "cluster-allow-replica-migration", .kind = CONFIG_BOOL, .initial = "yes"},
    {.name = "cluster-announce-bus-port", .kind = CONFIG_INT, .initial = "0", .min = 0,
     .max = 65535},
    {.name = "cluster-announce-hostname", .kind = CONFIG_STRING, .check = host_name},
    {.name = "cluster-announce-human-nodename", .kind = CONFIG_STRING},
    {.name = "cluster-announce-ip", .kind = CONFIG_STRING},
    {.name = "cluster-announce-port", .kind = CONFIG_INT, .initial = "0", .min = 0, .max = 65535},
    {.name = "cluster-announce-tls-port", .kind = CONFIG_INT, .initial = "0", .min = 0,
     .max = 65535},
    {.name = "cluster-config-file", .kind = CONFIG_STRING, .flags = CONFIG_IMMUTABLE,
     .initial = "nodes.conf"},
    {.name = "cluster-enabled", .kind = CONFIG_BOOL, .flags = CONFIG_IMMUTABLE, .initial = "no",
     .refusal = NO_CLUSTER},
    {.name = "cluster-link-sendbuf-limit", .kind = CONFIG_SIZE, .initial = "0"},
    {.name = "cluster-migration-barrier", .kind = CONFIG_INT, .initial = "1", .min = 0,
     .max = INT_MAX},
    {.name = "cluster-node-timeout", .kind = CONFIG_INT, .initial = "15000", .min = 0,
     .max = INT64_MAX},
    {.name = "cluster-port", .kind = CONFIG_INT, .flags = CONFIG_IMMUTABLE, .initial = "0",
     .min = 0, .max = 65535},
    {.name = "cluster-preferred-endpoint-type", .kind = CONFIG_ENUM,
     .words = words_cluster_preferred_endpoint_type, .initial = "ip"},
    {.name = "cluster-replica-no-failover", .alias = "cluster-slave-no-failover",
     .kind = CONFIG_BOOL, .initial = "no"},
    {.name = "cluster-replica-validity-factor", .alias = "cluster-slave-validity-factor",
     .kind = CONFIG_INT, .initial = "10", .min = 0, .max = INT_MAX},
    {.name = "cluster-require-full-coverage", .kind = CONFIG_BOOL, .initial = "yes"},
    {.name = "io-threads", .kind = CONFIG_INT, .flags = CONFIG_IMMUTABLE, .initial = "1", .min = 1,
     .max = 128},
    {.name = "io-threads-do-reads", .kind = CONFIG_BOOL, .flags = CONFIG_IMMUTABLE,
     .initial = "no"},
    {.name = NULL}};

static bool refuse(struct fault *f, const char *why)
{
    fault_set(f, FAULT_INVALID, "%s", why);
    return false;
}

static bool module_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    (void)owner;
    (void)argc;
    fault_set(f, FAULT_INVALID, "Can't load module from %.*s: modules are not supported by this "
              "version", SLICE_ARG(argv[0]));
    return false;
}

static bool sentinel_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    (void)owner;
    (void)argc;
    (void)argv;
    return refuse(f, "sentinel directive while not in sentinel mode");
}

static void words_print(const void *owner, struct buf *out)
{
    const struct later_words *w = owner;
    buf_add(out, buf_slice(&w->text));
}

#define WORDS(word, more, parser, ...) \
    {{.name = word, .kind = CONFIG_CUSTOM, .flags = CONFIG_LATER | (more), \
      .parse = parser, .print = words_print, __VA_ARGS__}, \
     {.name = NULL}}
enum { DIRECTIVE = CONFIG_MULTI | CONFIG_HIDDEN | CONFIG_IMMUTABLE };
static const struct config_option words_options[LATER_WORDS][2] = {
    WORDS("loadmodule", DIRECTIVE, module_parse, .initial = NULL),
    WORDS("sentinel", DIRECTIVE | CONFIG_BARE, sentinel_parse, .initial = NULL),
};

enum { LATER_ROWS = sizeof later_options / sizeof *later_options };
struct config_later {
    union later_value values[LATER_ROWS]; /* row by row */
    struct config_option rows[LATER_ROWS];
    struct later_words words[LATER_WORDS];
};

struct config_later *config_later_new(struct config *cfg)
{
    struct config_later *l = mem_zalloc(sizeof *l);
    memcpy(l->rows, later_options, sizeof later_options);
    for (size_t i = 0; i < LATER_ROWS; i++) {
        l->rows[i].offset = i * sizeof *l->values;
        l->rows[i].flags |= CONFIG_LATER;
    }
    config_add(cfg, l->rows, l);
    for (int i = 0; i < LATER_WORDS; i++) {
        config_add(cfg, words_options[i], &l->words[i]);
        l->words[i].adds = words_options[i][0].flags & CONFIG_HIDDEN;
    }
    return l;
}

void config_later_free(struct config_later *l, struct config *cfg)
{
    config_release(cfg, l);
    for (int i = 0; i < LATER_WORDS; i++) {
        buf_free(&l->words[i].text);
    }
    mem_free(l);
}
