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
#include "server/acl_line.h"

enum { LATER_MAX = 120 };
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
    /* user: */
    const struct config *cfg;
    bool password;    /* of the default user: wants requirepass */
};
enum { LATER_WORDS = 4, HOST_NAME_LIMIT = 256 };
struct config_later {
    union later_value values[LATER_MAX];
    struct later_words words[LATER_WORDS];
};
#define AT(n) (sizeof(union later_value) * (n))

static const struct config_word words_acl_pubsub_default[] = {{"allchannels", 0},
    {"resetchannels", 1}, {NULL, 0}};
static const struct config_word words_cluster_preferred_endpoint_type[] = {{"ip", 0},
    {"hostname", 1}, {"unknown-endpoint", 2}, {NULL, 0}};
static const struct config_word words_propagation_error_behavior[] = {{"ignore", 0}, {"panic", 1},
    {"panic-on-replicas", 2}, {NULL, 0}};
static const struct config_word words_repl_diskless_load[] = {{"disabled", 0}, {"on-empty-db", 1},
    {"swapdb", 2}, {NULL, 0}};
static const struct config_word words_tls_auth_clients[] = {{"no", 0}, {"yes", 1},
    {"optional", 2}, {NULL, 0}};

static const char NO_CLUSTER[] = "this version has no cluster, and would take keys of every slot";
static const char NO_ACL[] = "this version knows no users, and would let everybody in with all "
                             "rights (requirepass acts)";
static const char NO_REPLICAS[] = "this version has no replicas, and would not wait for any";
static const char NO_TLS[] = "this version has no TLS, and would talk in the clear or not at all";

static bool event_classes(void *owner, struct slice text, struct fault *f)
{
    (void)owner;
    for (size_t i = 0; i < text.len; i++) {
        if (!text.data[i] || !strchr("Ag$lshzxeKEtmdn", text.data[i])) {
            fault_set(f, FAULT_INVALID, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
            return false;
        }
    }
    return true;
}

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
    {.name = "acl-pubsub-default", .kind = CONFIG_ENUM, .flags = CONFIG_LATER, .offset = AT(0),
     .words = words_acl_pubsub_default, .initial = "resetchannels"},
    {.name = "aclfile", .kind = CONFIG_STRING, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(1),
     .refusal = NO_ACL},
    {.name = "acllog-max-len", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(2),
     .initial = "128", .min = 0, .max = INT64_MAX},
    {.name = "active-defrag-cycle-max", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(3), .initial = "25", .min = 1, .max = 99},
    {.name = "active-defrag-cycle-min", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(4), .initial = "1", .min = 1, .max = 99},
    {.name = "active-defrag-ignore-bytes", .kind = CONFIG_SIZE, .flags = CONFIG_LATER,
     .offset = AT(5), .initial = "104857600", .min = 1, .max = INT64_MAX},
    {.name = "active-defrag-max-scan-fields", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(6), .initial = "1000", .min = 1, .max = INT64_MAX},
    {.name = "active-defrag-threshold-lower", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(7), .initial = "10", .min = 0, .max = 1000},
    {.name = "active-defrag-threshold-upper", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(8), .initial = "100", .min = 0, .max = 1000},
    {.name = "activedefrag", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(9),
     .initial = "no"},
    {.name = "activerehashing", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(10),
     .initial = "yes"},
    {.name = "aof_rewrite_cpulist", .kind = CONFIG_STRING,
     .flags = CONFIG_LATER | CONFIG_IMMUTABLE, .offset = AT(15)},
    {.name = "bgsave_cpulist", .kind = CONFIG_STRING, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(22)},
    {.name = "bind-source-addr", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(23)},
    {.name = "busy-reply-threshold", .alias = "lua-time-limit", .kind = CONFIG_INT,
     .flags = CONFIG_LATER, .offset = AT(24), .initial = "5000", .min = 0, .max = INT64_MAX},
    {.name = "cluster-allow-pubsubshard-when-down", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(25), .initial = "yes"},
    {.name = "cluster-allow-reads-when-down", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(26), .initial = "no"},
    {.name = "cluster-allow-replica-migration", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(27), .initial = "yes"},
    {.name = "cluster-announce-bus-port", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(28), .initial = "0", .min = 0, .max = 65535},
    {.name = "cluster-announce-hostname", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(29), .check = host_name},
    {.name = "cluster-announce-human-nodename", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(30)},
    {.name = "cluster-announce-ip", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(31)},
    {.name = "cluster-announce-port", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(32),
     .initial = "0", .min = 0, .max = 65535},
    {.name = "cluster-announce-tls-port", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(33), .initial = "0", .min = 0, .max = 65535},
    {.name = "cluster-config-file", .kind = CONFIG_STRING,
     .flags = CONFIG_LATER | CONFIG_IMMUTABLE, .offset = AT(34), .initial = "nodes.conf"},
    {.name = "cluster-enabled", .kind = CONFIG_BOOL, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(35), .initial = "no",
     .refusal = NO_CLUSTER},
    {.name = "cluster-link-sendbuf-limit", .kind = CONFIG_SIZE, .flags = CONFIG_LATER,
     .offset = AT(36), .initial = "0"},
    {.name = "cluster-migration-barrier", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(37), .initial = "1", .min = 0, .max = INT_MAX},
    {.name = "cluster-node-timeout", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(38),
     .initial = "15000", .min = 0, .max = INT64_MAX},
    {.name = "cluster-port", .kind = CONFIG_INT, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(39), .initial = "0", .min = 0, .max = 65535},
    {.name = "cluster-preferred-endpoint-type", .kind = CONFIG_ENUM, .flags = CONFIG_LATER,
     .offset = AT(40), .words = words_cluster_preferred_endpoint_type, .initial = "ip"},
    {.name = "cluster-replica-no-failover", .alias = "cluster-slave-no-failover",
     .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(41), .initial = "no"},
    {.name = "cluster-replica-validity-factor", .alias = "cluster-slave-validity-factor",
     .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(42), .initial = "10",
     .min = 0, .max = INT_MAX},
    {.name = "cluster-require-full-coverage", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(43), .initial = "yes"},
    {.name = "crash-memcheck-enabled", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(44), .initial = "yes"},
    {.name = "disable-thp", .kind = CONFIG_BOOL, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(46), .initial = "yes"},
    {.name = "hll-sparse-max-bytes", .kind = CONFIG_SIZE, .flags = CONFIG_LATER, .offset = AT(47),
     .initial = "3000"},
    {.name = "ignore-warnings", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(48)},
    {.name = "io-threads", .kind = CONFIG_INT, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(49), .initial = "1", .min = 1, .max = 128},
    {.name = "io-threads-do-reads", .kind = CONFIG_BOOL, .flags = CONFIG_LATER | CONFIG_IMMUTABLE,
     .offset = AT(50), .initial = "no"},
    {.name = "jemalloc-bg-thread", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(51),
     .initial = "yes"},
    {.name = "latency-monitor-threshold", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(52), .initial = "0", .min = 0, .max = INT64_MAX},
    {.name = "locale-collate", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(54)},
    {.name = "masterauth", .kind = CONFIG_STRING, .flags = CONFIG_LATER | CONFIG_SENSITIVE,
     .offset = AT(55)},
    {.name = "masteruser", .kind = CONFIG_STRING, .flags = CONFIG_LATER | CONFIG_SENSITIVE,
     .offset = AT(56)},
    {.name = "min-replicas-max-lag", .alias = "min-slaves-max-lag", .kind = CONFIG_INT,
     .flags = CONFIG_LATER, .offset = AT(62), .initial = "10", .min = 0, .max = INT_MAX},
    {.name = "min-replicas-to-write", .alias = "min-slaves-to-write", .kind = CONFIG_INT,
     .flags = CONFIG_LATER, .offset = AT(63), .initial = "0", .min = 0, .max = INT_MAX,
     .refusal = NO_REPLICAS},
    {.name = "notify-keyspace-events", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(65), .check = event_classes},
    {.name = "propagation-error-behavior", .kind = CONFIG_ENUM, .flags = CONFIG_LATER,
     .offset = AT(68), .words = words_propagation_error_behavior, .initial = "ignore"},
    {.name = "repl-backlog-size", .kind = CONFIG_SIZE, .flags = CONFIG_LATER, .offset = AT(73),
     .initial = "1048576", .min = 1, .max = INT64_MAX},
    {.name = "repl-backlog-ttl", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(74),
     .initial = "3600", .min = 0, .max = INT64_MAX},
    {.name = "repl-disable-tcp-nodelay", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(75), .initial = "no"},
    {.name = "repl-diskless-load", .kind = CONFIG_ENUM, .flags = CONFIG_LATER, .offset = AT(76),
     .words = words_repl_diskless_load, .initial = "disabled"},
    {.name = "repl-diskless-sync", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(77),
     .initial = "yes"},
    {.name = "repl-diskless-sync-delay", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(78), .initial = "5", .min = 0, .max = INT_MAX},
    {.name = "repl-diskless-sync-max-replicas", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(79), .initial = "0", .min = 0, .max = INT_MAX},
    {.name = "repl-ping-replica-period", .alias = "repl-ping-slave-period", .kind = CONFIG_INT,
     .flags = CONFIG_LATER, .offset = AT(80), .initial = "10", .min = 1, .max = INT_MAX},
    {.name = "repl-timeout", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(81),
     .initial = "60", .min = 1, .max = INT_MAX},
    {.name = "replica-announce-ip", .alias = "slave-announce-ip", .kind = CONFIG_STRING,
     .flags = CONFIG_LATER, .offset = AT(82)},
    {.name = "replica-announce-port", .alias = "slave-announce-port", .kind = CONFIG_INT,
     .flags = CONFIG_LATER, .offset = AT(83), .initial = "0", .min = 0, .max = 65535},
    {.name = "replica-announced", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(84),
     .initial = "yes"},
    {.name = "replica-ignore-disk-write-errors", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(85), .initial = "no"},
    {.name = "replica-ignore-maxmemory", .alias = "slave-ignore-maxmemory", .kind = CONFIG_BOOL,
     .flags = CONFIG_LATER, .offset = AT(86), .initial = "yes"},
    {.name = "replica-lazy-flush", .alias = "slave-lazy-flush", .kind = CONFIG_BOOL,
     .flags = CONFIG_LATER, .offset = AT(87), .initial = "no"},
    {.name = "replica-priority", .alias = "slave-priority", .kind = CONFIG_INT,
     .flags = CONFIG_LATER, .offset = AT(88), .initial = "100", .min = 0, .max = INT_MAX},
    {.name = "replica-read-only", .alias = "slave-read-only", .kind = CONFIG_BOOL,
     .flags = CONFIG_LATER, .offset = AT(89), .initial = "yes"},
    {.name = "replica-serve-stale-data", .alias = "slave-serve-stale-data", .kind = CONFIG_BOOL,
     .flags = CONFIG_LATER, .offset = AT(90), .initial = "yes"},
    {.name = "slowlog-log-slower-than", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(94), .initial = "10000", .min = -1, .max = INT64_MAX},
    {.name = "slowlog-max-len", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(95),
     .initial = "128", .min = 0, .max = INT64_MAX},
    {.name = "stream-node-max-bytes", .kind = CONFIG_SIZE, .flags = CONFIG_LATER,
     .offset = AT(97), .initial = "4096"},
    {.name = "stream-node-max-entries", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(98), .initial = "100", .min = 0, .max = INT64_MAX},
    {.name = "tls-auth-clients", .kind = CONFIG_ENUM, .flags = CONFIG_LATER, .offset = AT(99),
     .words = words_tls_auth_clients, .initial = "yes"},
    {.name = "tls-ca-cert-dir", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(100)},
    {.name = "tls-ca-cert-file", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(101)},
    {.name = "tls-cert-file", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(102)},
    {.name = "tls-ciphers", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(103)},
    {.name = "tls-ciphersuites", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(104)},
    {.name = "tls-client-cert-file", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(105)},
    {.name = "tls-client-key-file", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(106)},
    {.name = "tls-client-key-file-pass", .kind = CONFIG_STRING,
     .flags = CONFIG_LATER | CONFIG_SENSITIVE, .offset = AT(107)},
    {.name = "tls-cluster", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(108),
     .initial = "no",
     .refusal = NO_TLS},
    {.name = "tls-dh-params-file", .kind = CONFIG_STRING, .flags = CONFIG_LATER,
     .offset = AT(109)},
    {.name = "tls-key-file", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(110)},
    {.name = "tls-key-file-pass", .kind = CONFIG_STRING, .flags = CONFIG_LATER | CONFIG_SENSITIVE,
     .offset = AT(111)},
    {.name = "tls-port", .kind = CONFIG_INT, .flags = CONFIG_LATER, .offset = AT(112),
     .initial = "0", .min = 0, .max = 65535,
     .refusal = NO_TLS},
    {.name = "tls-prefer-server-ciphers", .kind = CONFIG_BOOL, .flags = CONFIG_LATER,
     .offset = AT(113), .initial = "no"},
    {.name = "tls-protocols", .kind = CONFIG_STRING, .flags = CONFIG_LATER, .offset = AT(114)},
    {.name = "tls-replication", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(115),
     .initial = "no",
     .refusal = NO_TLS},
    {.name = "tls-session-cache-size", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(116), .initial = "20480", .min = 0, .max = INT_MAX},
    {.name = "tls-session-cache-timeout", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(117), .initial = "300", .min = 0, .max = INT_MAX},
    {.name = "tls-session-caching", .kind = CONFIG_BOOL, .flags = CONFIG_LATER, .offset = AT(118),
     .initial = "yes"},
    {.name = "tracking-table-max-keys", .kind = CONFIG_INT, .flags = CONFIG_LATER,
     .offset = AT(119), .initial = "1000000", .min = 0, .max = INT64_MAX},
    {.name = NULL}};

static bool words_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct later_words *w = owner;
    (void)f;
    if (!w->adds)
        buf_clear(&w->text);
    else if (w->text.len)
        buf_byte(&w->text, ' ');
    for (int i = 0; i < argc; i++)
        buf_printf(&w->text, "%s%.*s", i ? " " : "", SLICE_ARG(argv[i]));
    return true;
}

static bool refuse(struct fault *f, const char *why)
{
    fault_set(f, FAULT_INVALID, "%s", why);
    return false;
}

static bool master_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    int64_t port;
    if (argc != 2)
        return refuse(f, "wrong number of arguments");
    bool none = slice_eq_nocase(argv[0], "no") && slice_eq_nocase(argv[1], "one");
    if (!none && (!num_parse_i64(argv[1], &port) || port < 0 || port > 65535))
        return refuse(f, "Invalid master port");
    return words_parse(owner, none ? 0 : argc, argv, f);
}

static void master_lines(const void *owner, struct buf *out)
{
    const struct later_words *w = owner;
    if (w->text.len)
        buf_printf(out, "replicaof %.*s\n", SLICE_ARG(buf_slice(&w->text)));
}

/* A user that can do less than all who connect here can, or that should be able to log in, must not
 * seem to be in force. */
static bool user_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct later_words *w = owner;
    unsigned rights, all = ACL_ON | ACL_KEYS | ACL_COMMANDS;
    if (!acl_line_read(argc, argv, &rights, f))
        return false;
    if (slice_eq_str(argv[0], "default") && w->text.len) {
        fault_set(f, FAULT_INVALID, "Error in user declaration '%.*s': Duplicate user found. A "
                  "user can only be defined once in config files", SLICE_ARG(argv[0]));
        return false;
    }
    if (!slice_eq_str(argv[0], "default"))
        return refuse(f, "ACL users are not supported by this version: nobody could log in as this "
                         "one");
    if ((rights & all) != all || !(rights & (ACL_NOPASS | ACL_PASSWORD)))
        return refuse(f, "ACL users are not supported by this version: the default user keeps all "
                         "its rights");
    w->password = rights & ACL_PASSWORD;
    return words_parse(owner, argc, argv, f);
}

static void note_presence(void *arg, struct slice name, struct slice value)
{
    (void)name;
    *(bool *)arg = value.len > 0;
}

static bool user_apply(void *owner, struct fault *f)
{
    struct later_words *w = owner;
    bool asked = false;
    config_get(w->cfg, 1, &SLICE_LIT("requirepass"), note_presence, &asked);
    if (!w->password || asked)
        return true;
    return refuse(f, "ACL users are not supported by this version: the password of the default "
                     "user must be given with requirepass");
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
    WORDS("replicaof", CONFIG_IMMUTABLE, master_parse, .alias = "slaveof", .lines = master_lines,
          .refusal = "this version does not replicate, and would be a primary that takes writes"),
    WORDS("user", DIRECTIVE, user_parse, .apply = user_apply),
    WORDS("loadmodule", DIRECTIVE, module_parse, .initial = NULL),
    WORDS("sentinel", DIRECTIVE, sentinel_parse, .initial = NULL),
};

struct config_later *config_later_new(struct config *cfg)
{
    struct config_later *l = mem_zalloc(sizeof *l);
    config_add(cfg, later_options, l);
    for (int i = 0; i < LATER_WORDS; i++) {
        config_add(cfg, words_options[i], &l->words[i]);
        l->words[i].adds = words_options[i][0].flags & CONFIG_HIDDEN;
        l->words[i].cfg = cfg;
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
