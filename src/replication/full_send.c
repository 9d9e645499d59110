/* SPDX-License-Identifier: BSD-3-Clause */
/* A child serves those who wait when it begins and want the same: it does not matter who asked
 * first. Without a file it begins repl-diskless-sync-delay after the first of them came, so that
 * others can come, or as soon as there are repl-diskless-sync-max-replicas. */
#include "replication/full_send.h"

#include <signal.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/out.h"
#include "os/clock.h"
#include "persist/file_out.h"
#include "persist/persist.h"
#include "persist/save_config.h"
#include "persist/snapshot.h"
#include "replication/backlog.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "replication/replicas.h"
#include "replication/transfer.h"
#include "server/client.h"
#include "server/commit.h"
#include "server/role.h"
#include "server/server.h"

enum { VERSION_OF_RDB_11 = 0x070200, RDB_OF_OTHERS = 10,
       PIPE_BLOCK = 64 * 1024 }; /* a replica begins to load while more is being made */

static const struct child_kind child_send = {
    .name = "redis-rdb-to-slaves",
    .title = "Replica transfer",
    .work = "Background transfer of the data set to replicas",
    .busy = "A copy of the data set is being made for replicas",
    .status = "sending the data set to replicas",
    .copies = true,
};

struct full_send {
    struct repl *repl;
    struct transfer *running; /* whose child works; NULL: none does */
};

/* ---- for whom ---- */
struct group {
    struct replica *first; /* who has waited longest; NULL: nobody waits */
    unsigned count;
    bool by_file;
    int version; /* of the RDB; 0: as rdb-target-version says */
};

static bool wants_file(const struct repl *r, const struct replica *rep)
{
    return !(rep->capa & REPLICA_CAPA_EOF) || (!r->config->diskless_sync && !rep->filter);
}

static bool is_of(const struct repl *r, const struct group *g, const struct replica *rep)
{
    return rep->state == REPLICA_WAITS && rep->filter == g->first->filter &&
           wants_file(r, rep) == g->by_file;
}

/* What it is known to read. */
static int version_for(const struct repl *r, const struct replica *rep)
{
    bool knows = rep->version >= VERSION_OF_RDB_11;
    return knows || r->persist->save->target_version <= RDB_OF_OTHERS ? 0 : RDB_OF_OTHERS;
}

static struct group who_waits(const struct repl *r)
{
    struct group g = {0};
    LINK_FOR(pos, &r->replicas->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        if (rep->state == REPLICA_WAITS && (!g.first || rep->since_ms < g.first->since_ms))
            g.first = rep;
    }
    if (!g.first)
        return g;
    g.by_file = wants_file(r, g.first);
    LINK_FOR(pos, &r->replicas->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        if (!is_of(r, &g, rep))
            continue;
        g.count++;
        g.version = g.version ? g.version : version_for(r, rep);
    }
    return g;
}

static bool is_due(const struct repl *r, const struct group *g)
{
    const struct repl_config *c = r->config;
    int64_t waited_ms = clock_now.mono_us / 1000 - g->first->since_ms;
    bool enough = c->diskless_max_replicas && (int64_t)g->count >= c->diskless_max_replicas;
    return g->by_file || enough || waited_ms >= c->diskless_delay_s * 1000;
}

/* ---- the child ---- */
static _Noreturn void run_child(struct full_send *fs, const struct group *g, struct transfer *t)
{
    struct persist *p = fs->repl->persist;
    struct child_report report = {0};
    struct file_out to = {.fd = transfer_fd(t), .child = &p->child,
                          .max_rate = g->by_file ? p->save->max_rate : 0};
    struct snapshot_stream what = {.purpose = AUX_SYNC, .version = g->version,
                                   .no_keys = g->first->filter & REPLICA_WITHOUT_KEYS,
                                   .no_functions = g->first->filter & REPLICA_WITHOUT_FUNCTIONS,
                                   .child = &p->child};
    struct out out;
    out_init_callback(&out, file_out_write, &to, g->by_file ? 0 : PIPE_BLOCK);
    bool ok = snapshot_stream(p->snapshot, &what, &out, &report.fault);
    report.keys = what.keys;
    report.bytes = what.bytes;
    child_finish(&p->child, &report, sizeof report, ok ? 0 : 1);
}

static void child_ended(void *arg, const struct child_end *end)
{
    struct full_send *fs = arg;
    struct transfer *t = fs->running;
    struct fault f = persist_child_fault(end, &child_send);
    must(t);
    fs->running = NULL;
    persist_child_gone(fs->repl->persist, end);
    bool ok = !end->killed && !fault_is(&f);
    if (end->killed)
        log_warning("Background transfer terminated by signal %d", end->signal);
    else if (fault_is(&f))
        log_fault("Background transfer error", &f);
    else
        log_notice("Background RDB transfer terminated with success");
    transfer_child_ended(t, ok);
    transfer_release(t);
}

static void nobody_is_left(void *arg)
{
    struct full_send *fs = arg;
    struct child *child = &fs->repl->persist->child;
    if (!fs->running || child->killed)
        return;
    log_notice("The last replica that waited for the data set has gone: killing the child %ld",
               (long)child->pid);
    child_kill(child, SIGKILL);
}

/* ---- beginning ---- */
static void answer(struct replica *rep)
{
    const struct role *role = rep->repl->role;
    struct buf line = {0};
    buf_printf(&line, "+FULLRESYNC %s %lld\r\n", role->id, (long long)role->offset);
    if (!rep->old)
        replica_tell(rep, buf_slice(&line));
    buf_free(&line);
}

static void take_along(struct full_send *fs, const struct group *g, struct transfer *t)
{
    struct repl *r = fs->repl;
    if (repl_stream_is_own(r))
        commit_reselect(server_commit(r->server));
    LINK_FOR(pos, &r->replicas->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        if (!is_of(r, g, rep))
            continue;
        answer(rep);
        backlog_seek(r->backlog, &rep->stream, r->role->offset + 1);
        transfer_join(t, rep);
        replica_enter(rep, REPLICA_RECEIVES);
        client_want_send(rep->client);
    }
}

static void refuse(struct full_send *fs, const struct group *g, const struct fault *f)
{
    must(fault_is(f));
    log_fault("Can't copy the data set for replicas", f);
    LINK_FOR_SAFE(pos, &fs->repl->replicas->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        if (rep == g->first || !is_of(fs->repl, g, rep))
            continue;
        replica_refuse(rep, "ERR BGSAVE failed, replication can't continue");
    }
    replica_refuse(g->first, "ERR BGSAVE failed, replication can't continue");
}

static void begin(struct full_send *fs, const struct group *g)
{
    struct repl *r = fs->repl;
    struct fault f = {0};
    struct transfer *t = transfer_new(r, g->by_file, nobody_is_left, fs, &f);
    if (!t) {
        refuse(fs, g, &f);
        return;
    }
    int keep = transfer_fd(t);
    fs->running = t;
    pid_t pid = persist_fork(r->persist, &child_send,
                             &(struct child_spec){.ended = child_ended, .arg = fs, .keep = &keep,
                                                  .keep_count = 1}, &f);
    if (pid == 0)
        run_child(fs, g, t);
    if (pid < 0) {
        fs->running = NULL;
        transfer_release(t);
        refuse(fs, g, &f);
        return;
    }
    log_notice("Starting BGSAVE for SYNC with target: %s, for %u of the replicas, by pid %ld",
               g->by_file ? "disk" : "replicas sockets", g->count, (long)pid);
    transfer_begun(t);
    take_along(fs, g, t);
}

void full_send_stage(struct full_send *fs)
{
    struct repl *r = fs->repl;
    if (link_empty(&r->replicas->all) || persist_busy(r->persist) ||
        server_is_loading(r->server) || r->persist->beside || /* it would be of no use soon */
        server_is_stopping(r->server))
        return;
    struct group g = who_waits(r);
    if (g.first && is_due(r, &g))
        begin(fs, &g);
}

/* ---- ending ---- */
void full_send_stop(struct full_send *fs)
{
    persist_kill_child(fs->repl->persist, &child_send);
    must(!fs->running);
}

static void stop(void *arg)
{
    full_send_stop(arg);
}

struct full_send *full_send_new(struct repl *r)
{
    struct full_send *fs = mem_zalloc(sizeof *fs);
    fs->repl = r;
    repl_stream_on_break(r, stop, fs);
    return fs;
}

void full_send_free(struct full_send *fs)
{
    full_send_stop(fs);
    mem_free(fs);
}
