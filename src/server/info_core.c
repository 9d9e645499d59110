/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of features that are not here yet are shown with the value they have when the feature is
 * idle: monitoring tools read them by name and must find them. */
#include "server/info_core.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/version.h"
#include "os/clock.h"
#include "os/loop.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/config.h"
#include "server/conn.h"
#include "server/cron.h"
#include "server/info.h"
#include "server/lazy_free.h"
#include "server/memory_sums.h"
#include "server/net.h"
#include "server/pause.h"
#include "server/process.h"
#include "server/pubsub.h"
#include "server/role.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/stats.h"
#include "server/wait_keys.h"
#include "store/db_iter.h"

static void section_server(void *arg, struct info_out *o)
{
    static const char *const supervisors[] = {"no", "auto", "systemd", "upstart"};
    struct server *s = arg;
    struct settings *st = server_settings(s);
    struct utsname os = {0};
    char exe[512];
    must((size_t)st->supervised < sizeof supervisors / sizeof *supervisors);
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    uname(&os);
    int64_t uptime = cron_uptime_s(server_cron(s));
    info_str(o, "redis_version", REDIS_VERSION);
    info_str(o, "redis_git_sha1", "00000000");
    info_str(o, "redis_git_dirty", "0");
    info_str(o, "redis_build_id", SERVER_BUILD_ID);
    info_str(o, "redis_mode", server_role(s)->mode);
    info_f(o, "os", "%s %s %s", os.sysname, os.release, os.machine);
    info_u64(o, "arch_bits", sizeof(void *) * 8);
    info_str(o, "monotonic_clock", "POSIX clock_gettime");
    info_str(o, "multiplexing_api", loop_backend(server_loop(s)));
    info_str(o, "atomicvar_api", "c11-builtin");
    info_f(o, "gcc_version", "%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
    info_i64(o, "process_id", getpid());
    info_str(o, "process_supervised", supervisors[st->supervised]);
    info_str(o, "run_id", server_run_id(s));
    info_i64(o, "tcp_port", st->port ? st->port : st->tls_port);
    info_i64(o, "server_time_usec", clock_wall_us());
    info_i64(o, "uptime_in_seconds", uptime);
    info_i64(o, "uptime_in_days", uptime / 86400);
    info_i64(o, "hz", cron_hz(server_cron(s)));
    info_i64(o, "configured_hz", st->hz);
    info_u64(o, "lru_clock", (uint64_t)(clock_now.wall_ms / 1000) & 0xffffff);
    info_str(o, "executable", exe);
    info_str(o, "config_file", config_file(server_config(s)));
    info_i64(o, "io_threads_active", 0);
    for (int i = 0; i < net_listeners(server_net(s)); i++) {
        buf_printf(o->text, "listener%d:", i);
        net_describe(server_net(s), i, o->text);
        buf_append(o->text, "\r\n", 2);
    }
}

static void section_clients(void *arg, struct info_out *o)
{
    struct server *s = arg;
    struct clients *cs = server_clients(s);
    struct stats *st = server_stats(s);
    info_u64(o, "connected_clients", cs->count - info_asked(o, "connected_slaves"));
    info_u64(o, "cluster_connections", 0);
    info_i64(o, "maxclients", cs->max_clients);
    info_u64(o, "client_recent_max_input_buffer", st->recent_input_max);
    info_u64(o, "client_recent_max_output_buffer", st->recent_output_max);
    info_u64(o, "blocked_clients", cs->blocked_count + pause_held_count(server_pauses(s)));
    info_provided(o, "tracking_clients");
    info_u64(o, "clients_in_timeout_table", cs->timed_count);
    info_u64(o, "total_blocking_keys", waits_keys(server_waits(s)));
    info_u64(o, "total_blocking_keys_on_nokey", waits_keys_gone(server_waits(s)));
}

static double ratio(size_t a, size_t b)
{
    return b ? (double)a / (double)b : 0;
}

static void memory_use(struct info_out *o, const struct memory_sums *m)
{
    size_t net = memory_sums_net(m);
    info_bytes(o, "used_memory", m->total);
    info_bytes(o, "used_memory_rss", m->allocator.rss);
    info_bytes(o, "used_memory_peak", m->peak);
    info_f(o, "used_memory_peak_perc", "%.2f%%", 100 * ratio(m->total, m->peak));
    info_u64(o, "used_memory_overhead", m->overhead);
    info_u64(o, "used_memory_startup", m->startup);
    info_u64(o, "used_memory_dataset", m->dataset);
    info_f(o, "used_memory_dataset_perc", "%.2f%%", 100 * ratio(m->dataset, net));
    info_u64(o, "allocator_allocated", m->allocator.allocated);
    info_u64(o, "allocator_active", m->allocator.active);
    info_u64(o, "allocator_resident", m->allocator.resident);
    info_bytes(o, "total_system_memory",
               (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
}

static void memory_scripts(struct info_out *o)
{
    uint64_t eval = info_asked(o, "used_memory_vm_eval");
    info_u64(o, "used_memory_lua", eval); /* as it was called before 7.0 */
    info_u64(o, "used_memory_vm_eval", eval);
    info_human(o, "used_memory_lua", eval);
    info_provided(o, "used_memory_scripts_eval");
    info_provided(o, "number_of_cached_scripts");
    info_provided(o, "number_of_functions");
    info_provided(o, "number_of_libraries");
    info_provided(o, "used_memory_vm_functions");
    info_bytes(o, "used_memory_vm_total", eval + info_asked(o, "used_memory_vm_functions"));
    info_provided(o, "used_memory_functions");
    info_bytes(o, "used_memory_scripts", info_asked(o, "used_memory_scripts_eval") +
                                             info_asked(o, "used_memory_functions"));
}

static void section_memory(void *arg, struct info_out *o)
{
    struct server *s = arg;
    struct memory_sums sums;
    memory_sums_take(s, &sums);
    struct mem_stats m = sums.allocator;
    size_t used = sums.total;
    memory_use(o, &sums);
    memory_scripts(o);
    info_f(o, "allocator_frag_ratio", "%.2f", ratio(m.active, m.allocated));
    info_i64(o, "allocator_frag_bytes", (int64_t)m.active - (int64_t)m.allocated);
    info_f(o, "allocator_rss_ratio", "%.2f", ratio(m.resident, m.active));
    info_i64(o, "allocator_rss_bytes", (int64_t)m.resident - (int64_t)m.active);
    info_f(o, "rss_overhead_ratio", "%.2f", ratio(m.rss, m.resident));
    info_i64(o, "rss_overhead_bytes", (int64_t)m.rss - (int64_t)m.resident);
    info_f(o, "mem_fragmentation_ratio", "%.2f", ratio(m.rss, used));
    info_i64(o, "mem_fragmentation_bytes", (int64_t)m.rss - (int64_t)used);
    info_provided(o, "mem_replication_backlog");
    info_provided(o, "mem_total_replication_buffers");
    info_u64(o, "mem_clients_slaves", sums.replicas);
    info_u64(o, "mem_clients_normal", sums.clients);
    info_u64(o, "mem_cluster_links", 0);
    info_provided(o, "mem_aof_buffer");
    info_str(o, "mem_allocator", mem_allocator());
    info_u64(o, "active_defrag_running", 0);
    info_u64(o, "lazyfree_pending_objects", lazy_free_pending(server_lazy_free(s)));
    info_u64(o, "lazyfreed_objects", lazy_free_done(server_lazy_free(s)));
}

static void kbps(struct info_out *o, const char *name, const struct stats_rate *r)
{
    info_f(o, name, "%.2f", (double)stats_rate(r) / 1024);
}

static void stats_traffic(struct stats *st, struct info_out *o)
{
    info_u64(o, "total_connections_received", st->connections);
    info_u64(o, "total_commands_processed", st->commands);
    info_u64(o, "instantaneous_ops_per_sec", stats_rate(&st->ops));
    info_u64(o, "total_net_input_bytes", st->input_bytes);
    info_u64(o, "total_net_output_bytes", st->output_bytes);
    info_u64(o, "total_net_repl_input_bytes", st->replication_input_bytes);
    info_u64(o, "total_net_repl_output_bytes", st->replication_output_bytes);
    kbps(o, "instantaneous_input_kbps", &st->input);
    kbps(o, "instantaneous_output_kbps", &st->output);
    kbps(o, "instantaneous_input_repl_kbps", &st->replication_input);
    kbps(o, "instantaneous_output_repl_kbps", &st->replication_output);
    info_u64(o, "rejected_connections", st->rejected_connections);
    info_u64(o, "sync_full", st->sync_full);
    info_u64(o, "sync_partial_ok", st->sync_partial_ok);
    info_u64(o, "sync_partial_err", st->sync_partial_err);
    info_u64(o, "sync_partial_log", st->sync_log);
    info_u64(o, "sync_partial_log_bytes", st->sync_log_bytes);
}

static void provided(struct info_out *o, const char *const *names)
{
    for (; *names; names++)
        info_provided(o, *names);
}

static void stats_keys(struct server *s, struct info_out *o)
{
    struct keyspace *ks = server_keyspace(s);
    struct stats *st = server_stats(s);
    info_u64(o, "expired_keys", ks->expired);
    info_str(o, "expired_stale_perc", "0.00");
    info_u64(o, "expired_time_cap_reached_count", ks->expired_time_cap);
    info_u64(o, "expire_cycle_cpu_milliseconds", st->expire_us / 1000);
    info_u64(o, "evicted_keys", ks->evicted);
    info_u64(o, "evicted_clients", st->evicted_clients);
    info_u64(o, "total_eviction_exceeded_time", 0);
    info_u64(o, "current_eviction_exceeded_time", 0);
    info_u64(o, "keyspace_hits", ks->hits);
    info_u64(o, "keyspace_misses", ks->misses);
    info_u64(o, "pubsub_channels", pubsub_names(server_pubsub(s), PUBSUB_CHANNEL));
    info_u64(o, "pubsub_patterns", pubsub_names(server_pubsub(s), PUBSUB_PATTERN));
    info_u64(o, "pubsubshard_channels", pubsub_names(server_pubsub(s), PUBSUB_SHARD));
    info_i64(o, "latest_fork_usec", st->last_fork_us);
    info_u64(o, "total_forks", st->forks);
}

static void section_stats(void *arg, struct info_out *o)
{
    static const char *const later[] = {
        "migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits",
        "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
        "total_active_defrag_time", "current_active_defrag_time", "tracking_total_keys",
        "tracking_total_items", "tracking_total_prefixes", "unexpected_error_replies", NULL};
    static const char *const threads[] = {"io_threaded_reads_processed",
                                          "io_threaded_writes_processed", "reply_buffer_shrinks",
                                          "reply_buffer_expands", NULL};
    struct server *s = arg;
    struct stats *st = server_stats(s);
    struct loop_stats loop;
    loop_get_stats(server_loop(s), &loop);
    stats_traffic(st, o);
    stats_keys(s, o);
    provided(o, later);
    info_u64(o, "total_error_replies", st->error_replies);
    info_provided(o, "dump_payload_sanitizations");
    info_u64(o, "total_reads_processed", st->reads);
    info_u64(o, "total_writes_processed", st->writes);
    provided(o, threads);
    info_u64(o, "client_query_buffer_limit_disconnections", st->query_buffer_limit);
    info_u64(o, "client_output_buffer_limit_disconnections", st->output_buffer_limit);
    info_u64(o, "eventloop_cycles", loop.turns - st->cycles_base);
    info_u64(o, "eventloop_duration_sum", loop.busy_us - st->busy_base_us);
    info_u64(o, "eventloop_duration_cmd_sum", st->command_us);
    info_u64(o, "instantaneous_eventloop_cycles_per_sec", stats_rate(&st->cycles));
    uint64_t cycles = stats_rate(&st->cycles);
    info_u64(o, "instantaneous_eventloop_duration_usec",
             cycles ? stats_rate(&st->cycle_us) / cycles : 0);
    info_u64(o, "acl_access_denied_auth", st->denied_auth);
    info_u64(o, "acl_access_denied_cmd", st->denied_command);
    info_u64(o, "acl_access_denied_key", st->denied_key);
    info_u64(o, "acl_access_denied_channel", st->denied_channel);
}

/* As a primary without replicas has it; replication takes the section over. */
static void section_replication(void *arg, struct info_out *o)
{
    const struct role *r = server_role(arg);
    info_str(o, "role", r->is_replica ? "slave" : "master");
    info_u64(o, "connected_slaves", 0);
    info_str(o, "master_failover_state", "no-failover");
    info_str(o, "master_replid", r->id);
    info_str(o, "master_replid2", r->old_id);
    info_i64(o, "master_repl_offset", role_offset(r));
    info_i64(o, "second_repl_offset", r->old_id_until < 0 ? -1 : r->old_id_until + 1);
    info_u64(o, "repl_backlog_active", 0);
    info_u64(o, "repl_backlog_size", 1048576);
    info_u64(o, "repl_backlog_first_byte_offset", 0);
    info_u64(o, "repl_backlog_histlen", 0);
}

static void cpu_pair(struct info_out *o, const char *system, const char *user, struct clock_cpu c)
{
    info_f(o, system, "%lld.%06lld", (long long)(c.system_us / 1000000),
           (long long)(c.system_us % 1000000));
    info_f(o, user, "%lld.%06lld", (long long)(c.user_us / 1000000),
           (long long)(c.user_us % 1000000));
}

static void section_cpu(void *arg, struct info_out *o)
{
    (void)arg;
    cpu_pair(o, "used_cpu_sys", "used_cpu_user", clock_cpu_used(CLOCK_OF_PROCESS));
    cpu_pair(o, "used_cpu_sys_children", "used_cpu_user_children",
             clock_cpu_used(CLOCK_OF_CHILDREN));
    cpu_pair(o, "used_cpu_sys_main_thread", "used_cpu_user_main_thread",
             clock_cpu_used(CLOCK_OF_THREAD));
}

static void section_modules(void *arg, struct info_out *o)
{
    (void)arg;
    (void)o;
}

/* ---- numbers of each command ---- */
struct each {
    struct info_out *o;
    struct settings *settings;
};

static void put_command(struct info_out *o, const struct command_entry *e)
{
    const struct command_stats *n = &e->stats;
    if (!n->calls && !n->rejected && !n->failed)
        return;
    buf_printf(o->text, "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,", e->name,
               (unsigned long long)n->calls, (unsigned long long)n->usec,
               n->calls ? (double)n->usec / (double)n->calls : 0);
    buf_printf(o->text, "rejected_calls=%llu,failed_calls=%llu\r\n",
               (unsigned long long)n->rejected, (unsigned long long)n->failed);
}

static void each_command(void *arg, struct command_entry *e)
{
    struct each *x = arg;
    put_command(x->o, e);
    for (unsigned i = 0; i < e->sub_count; i++)
        put_command(x->o, &e->subs[i]);
}

static void section_commandstats(void *arg, struct info_out *o)
{
    struct each x = {o, server_settings(arg)};
    commands_each(server_commands(arg), each_command, &x);
}

static void section_errorstats(void *arg, struct info_out *o)
{
    struct stats *st = server_stats(arg);
    for (unsigned i = 0; i < st->error_kinds; i++)
        buf_printf(o->text, "errorstat_%s:count=%llu\r\n", st->errors[i].code,
                   (unsigned long long)st->errors[i].count);
}

static void put_latency(struct each *x, const struct command_entry *e)
{
    char text[NUM_DOUBLE_TEXT];
    if (!e->stats.latency)
        return;
    buf_printf(x->o->text, "latency_percentiles_usec_%s:", e->name);
    for (int i = 0; i < x->settings->percentile_count; i++) {
        double p = x->settings->percentiles[i];
        num_format_double(text, p);
        buf_printf(x->o->text, "%sp%s=%llu.000", i ? "," : "", text,
                   (unsigned long long)latency_percentile(e->stats.latency, p));
    }
    buf_append(x->o->text, "\r\n", 2);
}

static void each_latency(void *arg, struct command_entry *e)
{
    put_latency(arg, e);
    for (unsigned i = 0; i < e->sub_count; i++)
        put_latency(arg, &e->subs[i]);
}

static void section_latencystats(void *arg, struct info_out *o)
{
    struct each x = {o, server_settings(arg)};
    if (x.settings->latency_tracking)
        commands_each(server_commands(arg), each_latency, &x);
}

static void section_cluster(void *arg, struct info_out *o)
{
    (void)arg;
    info_u64(o, "cluster_enabled", 0);
}

static void section_keyspace(void *arg, struct info_out *o)
{
    struct keyspace *ks = server_keyspace(arg);
    for (unsigned i = 0; i < ks->open_count; i++) {
        struct db *db = ks->open[i];
        int64_t left_ms = expire_average_ms(&db->expires) - ks->now_ms;
        if (db_count(db))
            buf_printf(o->text, "db%u:keys=%llu,expires=%zu,avg_ttl=%lld\r\n", db->id,
                       (unsigned long long)db_count(db), db->expires.count,
                       (long long)(left_ms > 0 ? left_ms : 0));
    }
}

void info_core_register(struct server *s)
{
    struct info *info = server_info(s);
    info_add(info, "Server", INFO_DEFAULT, section_server, s);
    info_add(info, "Clients", INFO_DEFAULT, section_clients, s);
    info_add(info, "Memory", INFO_DEFAULT, section_memory, s);
    info_add(info, "Persistence", INFO_DEFAULT, section_modules, s); /* persist fills it */
    info_add(info, "Stats", INFO_DEFAULT, section_stats, s);
    info_add(info, "Replication", INFO_DEFAULT, section_replication, s);
    info_add(info, "CPU", INFO_DEFAULT, section_cpu, s);
    info_add(info, "Modules", INFO_DEFAULT, section_modules, s);
    info_add(info, "Commandstats", INFO_ALL, section_commandstats, s);
    info_add(info, "Errorstats", INFO_DEFAULT, section_errorstats, s);
    info_add(info, "Latencystats", INFO_ALL, section_latencystats, s);
    info_add(info, "Cluster", INFO_DEFAULT, section_cluster, s);
    info_add(info, "Keyspace", INFO_DEFAULT, section_keyspace, s);
}
