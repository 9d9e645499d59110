/* SPDX-License-Identifier: BSD-3-Clause */
/* The wiring: which families and features there are, in the order in which their listeners run. */
#include "main/serve.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/version.h"
#include "commands/cmd_acl.h"
#include "commands/cmd_bitmap.h"
#include "commands/cmd_connection.h"
#include "commands/cmd_debug.h"
#include "commands/cmd_geo.h"
#include "commands/cmd_hash.h"
#include "commands/cmd_hll.h"
#include "commands/cmd_key.h"
#include "commands/cmd_list.h"
#include "commands/cmd_server.h"
#include "commands/cmd_observe.h"
#include "commands/cmd_pubsub.h"
#include "commands/cmd_set.h"
#include "commands/cmd_sort.h"
#include "commands/cmd_stream.h"
#include "commands/cmd_string.h"
#include "commands/cmd_tracking.h"
#include "commands/cmd_transaction.h"
#include "commands/cmd_zset.h"
#include "persist/persist_setup.h"
#include "replication/replication.h"
#include "scripting/scripting.h"
#include "server/command.h"
#include "server/config.h"
#include "server/logo.h"
#include "server/memory_limit.h"
#include "server/oom_score.h"
#include "server/process.h"
#include "server/server_frame.h"
#include "server/settings.h"
#include "server/supervisor.h"
#include "server/system_settings.h"
#include "server/turn_watch.h"
#include "store/db.h"

enum { FREE_KEYS_MAX = 100000, KEEP_LARGE_MS = 1000 };

static void add_families(struct server *s)
{
    static const struct command *const families[] = {
        cmd_connection_commands, cmd_server_commands, cmd_transaction_commands, cmd_key_commands,
        cmd_string_commands, cmd_list_commands, cmd_set_commands, cmd_hash_commands,
        cmd_zset_commands, cmd_bitmap_commands, cmd_sort_commands, cmd_pubsub_commands,
        cmd_hll_commands, cmd_geo_commands, cmd_stream_commands, cmd_observe_commands,
        cmd_acl_commands,
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        commands_add(server_commands(s), families[i], NULL);
    commands_add_subs(server_commands(s), "client", cmd_tracking_subcommands, NULL);
    debug_words_add(s);
    debug_value_words_add(s);
}

static int refuse_config(const struct fault *f)
{
    must(fault_is(f));
    fprintf(stderr, "\n*** FATAL CONFIG FILE ERROR (Redis " REDIS_VERSION ") ***\n%s\n", f->what);
    return 1;
}

static int refuse_start(const struct fault *f)
{
    must(fault_is(f));
    log_fault(NULL, f);
    return 1;
}

static void say_hello(struct server *s)
{
    log_notice("Redis is starting: it is Holdfast, which speaks and stores as that does");
    log_notice("Redis version=" REDIS_VERSION ", bits=%zu, commit=00000000, modified=0, pid=%d, "
               "just started", sizeof(void *) * 8, (int)getpid());
    if (config_file(server_config(s)))
        log_notice("Configuration loaded from %s", config_file(server_config(s)));
    else
        log_warning("Warning: no config file specified, using the default config and what the "
                    "command line says");
}

static int start_and_run(struct server *s, struct persist *p, struct oom_score *oom)
{
    struct settings *st = server_settings(s);
    struct fault f = {0};
    process_daemonize(st);
    if (!process_open_log(st, &f))
        return refuse_config(&f);
    say_hello(s);
    if (!server_configured(s, &f))
        return refuse_start(&f);
    oom_score_start(oom);
    process_set_title(st);
    logo_show(st);
    if (!server_listen(s, &f))
        return refuse_start(&f);
    process_write_pid_file(st);
    log_notice("Server initialized");
    if (!persist_start(p, &f)) {
        process_remove_pid_file(st);
        return server_is_stopping(s) ? 0 : refuse_start(&f);
    }
    must(!server_is_loading(s));
    if (st->port)
        log_notice("Ready to accept connections tcp");
    if (st->tls_port)
        log_notice("Ready to accept connections tls");
    if (st->unix_path)
        log_notice("Ready to accept connections unix");
    supervisor_tell(st, SUPERVISOR_READY "\nREADY=1");
    int code = server_run(s);
    process_remove_pid_file(st);
    return code;
}

int serve(int argc, char **argv)
{
    struct fault f = {0};
    hash_init(NULL);
    mem_keep_large(KEEP_LARGE_MS);
    struct server *s = server_new();
    add_families(s);
    struct memory_limit *limit = memory_limit_new(s);
    struct oom_score *oom = oom_score_new(s);
    struct persist *p = persist_new(s);
    struct repl *repl = replication_new(s, p, limit);
    struct scripting *scripts = scripting_new(s, limit);
    memory_exempt(limit, persist_waiting_bytes, p);
    struct system_settings *sys = system_settings_new(s);
    struct turn_watch *watch = turn_watch_new(s);
    int code = config_load_args(server_config(s), argc - 1, argv + 1, &f)
                   ? start_and_run(s, p, oom)
                   : refuse_config(&f);
    if (keyspace_count(server_keyspace(s)) > FREE_KEYS_MAX)
        return code; /* the system takes millions of keys back faster than we do */
    turn_watch_free(watch);
    system_settings_free(sys);
    scripting_free(scripts);
    replication_free(repl);
    persist_free(p);
    oom_score_free(oom);
    memory_limit_free(limit);
    server_free(s);
    return code;
}
