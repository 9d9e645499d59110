/* SPDX-License-Identifier: BSD-3-Clause */
/* A save is: walk -> rdb_write -> file. BGSAVE does it in a child, SAVE here; in both the file
 * gets its name by file_rename_durably. */
#include "persist/snapshot.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/version.h"
#include "format/rdb_write.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/dir_lock.h"
#include "persist/file_out.h"
#include "persist/missing_data.h"
#include "persist/reserve.h"
#include "persist/save_config.h"
#include "persist/verify.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/spikes.h"
#include "server/settings.h"
#include "server/supervisor.h"
#include "store/walk.h"

enum { RETRY_FIRST_S = 5, RETRY_MAX_S = 60, RETRY_DOUBLINGS_MAX = 4,
       PATIENCE_EVERY_US = 5000000 };

static void snapshot_must_hold(const struct snapshot *s)
{
    must(s->last_ok == (s->failures == 0));
    must(s->last_ok == (s->retry_mono_s == 0));
    must(s->last_ok == (s->error_story[0] == '\0'));
    must(s->last_ok == !(s->persist->may_refuse & MAY_REFUSE_SAVE));
}

/* For mem_free. dir NULL: where the process is. */
static char *temp_path(const char *dir, pid_t pid)
{
    char name[64];
    snprintf(name, sizeof name, "temp-%ld.rdb", (long)pid);
    return file_join(dir, name);
}

/* ---- the stream, and the file ---- */

static void aux_number(struct rdb_writer *w, const char *name, uint64_t n)
{
    char text[NUM_I64_TEXT];
    rdb_writer_aux(w, name, slice(text, num_format_u64(text, n)));
}

struct progress {
    struct snapshot *snapshot;
    struct child *child;
    uint64_t total;
    int64_t patience_us; /* when the supervisor was last asked for it */
};

static void report_progress(void *arg, uint64_t keys)
{
    struct progress *p = arg;
    if (p->snapshot->config->save_delay_us > 0)
        usleep((useconds_t)p->snapshot->config->save_delay_us);
    if (!p->child && clock_mono_us() - p->patience_us > PATIENCE_EVERY_US) {
        p->patience_us = clock_mono_us(); /* the save of a stop may be a long one */
        supervisor_tell(server_settings(p->snapshot->persist->server), SUPERVISOR_PATIENCE);
    }
    if (p->child)
        child_progress(p->child, keys, p->total ? (double)keys / (double)p->total : 0);
}

/* Passes on what a feature adds, but for function libraries. */
struct no_functions {
    struct sink sink;
    struct sink *to;
};

static void pass_aux(struct sink *sink, struct slice name, struct slice value)
{
    struct sink *to = ((struct no_functions *)(void *)sink)->to;
    to->ops->aux(to, name, value);
}

static void pass_module_aux(struct sink *sink, uint64_t module_id, struct slice bytes)
{
    struct sink *to = ((struct no_functions *)(void *)sink)->to;
    to->ops->module_aux(to, module_id, bytes);
}

static void write_aux(struct persist *p, const struct snapshot_stream *what, struct rdb_writer *w)
{
    static const struct sink_ops ops = {.aux = pass_aux, .module_aux = pass_module_aux};
    struct no_functions without = {.sink.ops = &ops, .to = &w->sink};
    must(w->sink.ops->aux && w->sink.ops->module_aux && w->sink.ops->function);
    rdb_writer_aux(w, "redis-ver", slice_str(REDIS_VERSION));
    aux_number(w, "redis-bits", sizeof(void *) * 8);
    aux_number(w, "ctime", (uint64_t)clock_wall_s());
    aux_number(w, "used-mem", mem_used());
    aux_number(w, "aof-base", what->purpose == AUX_LOG_BASE);
    if (what->origin.id) {
        char text[AOF_PART_AUX_MAX];
        rdb_writer_aux(w, AOF_PART_AUX, slice(text, aof_part_aux(text, &what->origin)));
    }
    hooks_aux_save(server_hooks(p->server), what->no_functions ? &without.sink : &w->sink,
                   what->purpose);
}

static void write_keys(struct snapshot *s, struct snapshot_stream *what, struct rdb_writer *w)
{
    struct keyspace *ks = server_keyspace(s->persist->server);
    struct progress progress = {s, what->child, keyspace_count(ks), clock_mono_us()};
    struct walk_progress walk = {.report = report_progress, .arg = &progress,
                                 .every = s->config->save_delay_us ? 1 : 0};
    walk_keyspace(ks, &w->sink, &walk);
    what->keys = walk.keys;
}

bool snapshot_stream(struct snapshot *s, struct snapshot_stream *what, struct out *out,
                     struct fault *f)
{
    const struct save_config *c = s->config;
    struct rdb_write_options opt = {.version = (int)c->target_version, .compress = c->compress,
                                    .no_checksum = !c->checksum, .blocks = c->blocks,
                                    .trailer = what->trailer};
    struct rdb_writer w;
    must(what->version == 0 || (what->version >= 9 && what->version <= 11));
    must(out_offset(out) == 0);
    opt.version = what->version ? what->version : opt.version;
    rdb_writer_init(&w, out, &opt);
    rdb_writer_begin(&w);
    write_aux(s->persist, what, &w);
    if (!what->no_keys)
        write_keys(s, what, &w);
    bool ok = rdb_writer_end(&w);
    if (!ok)
        *f = w.sink.fault;
    what->bytes = out_offset(out);
    rdb_writer_free(&w);
    must(ok || fault_is(f));
    return ok;
}

static void enter(struct snapshot_file *file, enum save_phase phase)
{
    must(phase <= SAVE_NAMING);
    if (file->child)
        child_phase(file->child, phase);
}

/* Who reads back beside the writer, from some size on. */
struct beside {
    const char *path;
    bool wanted, guarded;
    struct verify_beside *verify; /* NULL: nobody so far */
};

static void file_grew(void *arg, uint64_t written)
{
    enum { FROM_BYTES = 8 << 20 };
    struct beside *b = arg;
    must(b->path && (b->wanted || !b->verify));
    if (b->wanted && !b->verify && written >= FROM_BYTES) {
        b->verify = verify_beside(b->path, b->guarded);
        b->wanted = b->verify != NULL; /* no thread to be had: afterwards, then */
    }
    if (b->verify)
        verify_beside_grew(b->verify, written);
}

/* The data set into the open file. */
static bool write_file(struct snapshot *s, struct snapshot_file *file, int fd,
                       struct beside *beside, struct fault *f)
{
    struct file_out to = {.fd = fd, .child = file->child, .incremental = file->incremental,
                          .grew = file_grew, .arg = beside};
    struct snapshot_stream what = {.purpose = file->aof_base ? AUX_LOG_BASE : AUX_DUMP,
                                   .trailer = true, .origin = file->origin, .child = file->child};
    struct out out;
    to.max_rate = file->child ? s->config->max_rate : 0;
    out_init_callback(&out, file_out_write, &to, 0);
    bool ok = snapshot_stream(s, &what, &out, f);
    if (!ok && f->code == FAULT_IO) { /* a stream does not know its file */
        struct fault of_stream = *f;
        fault_clear(f);
        fault_io(f, of_stream.err, "write", "Failed writing the temp RDB file %s", file->path);
        f->offset = of_stream.offset;
    }
    must(ok ? what.bytes > 0 : fault_is(f));
    file->keys = what.keys;
    file->bytes = what.bytes;
    out_free(&out);
    return ok;
}

bool snapshot_write(struct snapshot *s, struct snapshot_file *file, struct fault *f)
{
    int fd = file_create(file->path, 0);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Failed opening the temp RDB file %s for saving", file->path);
        return false;
    }
    struct beside beside = {.path = file->path, .guarded = s->config->blocks,
                            .wanted = s->config->verify && sysconf(_SC_NPROCESSORS_ONLN) > 1};
    bool ok = write_file(s, file, fd, &beside, f);
    enter(file, SAVE_SYNCING);
    if (file->as_of.tv_sec) /* what was logged since is newer, and no start must think otherwise */
        file_set_time(fd, file->as_of);
    int err = ok ? file_fsync(fd) : 0;
    if (err < 0) {
        fault_io(f, -err, "fsync", "Failed syncing the temp RDB file %s", file->path);
        ok = false;
    }
    int closed = file_close(fd);
    if (ok && closed < 0) {
        fault_io(f, -closed, "close", "Failed closing the temp RDB file %s", file->path);
        ok = false;
    }
    enter(file, SAVE_VERIFYING);
    if (beside.verify && ok)
        ok = verify_beside_end(beside.verify, file->bytes, file->keys, beside.guarded, file->child,
                               f);
    else if (beside.verify)
        verify_beside_drop(beside.verify);
    else if (ok && s->config->verify)
        ok = verify_rdb(file->path, file->bytes, file->keys, beside.guarded, file->child, f);
    enter(file, SAVE_NAMING);
    must(ok || fault_is(f));
    if (!ok)
        file_unlink(file->path);
    return ok;
}

/* Gives the finished file its name, durably. */
static bool publish(const char *tmp, const char *path, struct fault *f)
{
    struct renamed r = file_rename_durably(&(struct renaming){tmp, path}, 1);
    if (r.end == RENAME_FAILED) {
        fault_io(f, -r.err, "rename", "Error moving temp DB file %s on the final destination %s",
                 tmp, path);
        file_unlink(tmp);
    } else if (r.end == RENAME_UNSURE) {
        fault_io(f, -r.err, "fsync", "Failed syncing the directory of %s", path);
    }
    must(r.end == RENAME_DONE || fault_is(f));
    return r.end == RENAME_DONE;
}

/* dir NULL: the working directory. */
static bool save_to(struct snapshot *s, const char *dir, struct snapshot_file *file,
                    struct fault *f)
{
    must(s->config->filename && *s->config->filename && !file->path);
    char *tmp = temp_path(dir, getpid()), *path = file_join(dir, s->config->filename);
    file->path = tmp;
    file->incremental = s->config->incremental_fsync;
    bool ok = snapshot_write(s, file, f) && publish(tmp, path, f);
    file->path = NULL;
    mem_free(tmp);
    mem_free(path);
    return ok;
}

void snapshot_note_save(struct snapshot *s)
{
    s->last_save_s = clock_wall_s();
    s->last_save_mono_s = clock_mono_s();
}

static void saved(struct snapshot *s, uint64_t dirty_saved)
{
    struct commit *commit = server_commit(s->persist->server);
    uint64_t dirty = commit_dirty(commit); /* a reload meanwhile may have set it back */
    commit_set_dirty(commit, dirty > dirty_saved ? dirty - dirty_saved : 0);
    snapshot_note_save(s);
    if (s->persist->unfilled) /* somebody asked for it: that is the data set now */
        s->persist->log_due = true;
    s->persist->unfilled = false;
    s->last_ok = true;
    persist_may_refuse(s->persist, MAY_REFUSE_SAVE, false);
    s->failures = 0;
    s->retry_mono_s = 0;
    s->last_error[0] = s->error_story[0] = 0;
    snapshot_must_hold(s);
}

/* Tried again by itself, soon at first and then once a minute. */
static void failed(struct snapshot *s, const struct fault *f)
{
    must(fault_is(f));
    unsigned doublings = s->failures < RETRY_DOUBLINGS_MAX ? s->failures : RETRY_DOUBLINGS_MAX;
    int64_t wait_s = (int64_t)RETRY_FIRST_S << doublings;
    s->failures++;
    s->last_ok = false;
    persist_may_refuse(s->persist, MAY_REFUSE_SAVE, true);
    s->retry_mono_s = clock_mono_s() + (wait_s < RETRY_MAX_S ? wait_s : RETRY_MAX_S);
    fault_text(f, s->last_error, sizeof s->last_error);
    for (char *at = s->last_error; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    char when[PERSIST_TIME_MAX];
    snprintf(s->error_story, sizeof s->error_story, "%s failed at %s: %s",
             f->doing ? f->doing : "save", persist_time(clock_wall_s(), when),
             s->last_error);
    snapshot_must_hold(s);
    reserve_give_up(s->persist->reserve, f->err);
}

const char *snapshot_refusal(struct snapshot *s)
{
    int64_t left_s = s->retry_mono_s - clock_mono_s();
    must(!s->last_ok && s->error_story[0]);
    snprintf(s->refusal, sizeof s->refusal,
             "MISCONF Redis is configured to save RDB snapshots, and the last one failed. Commands "
             "that write are refused while stop-writes-on-bgsave-error is yes; the server's log "
             "has details about the error. (%s; next try in %lld s)",
             s->error_story, (long long)(left_s > 0 ? left_s : 0));
    return s->refusal;
}

bool snapshot_save(struct snapshot *s, struct fault *f)
{
    struct snapshot_file file = {0};
    s->saves++;
    settings_find_dir(server_settings(s->persist->server));
    if (!dir_lock_hold(s->persist->lock, f))
        return false;
    bool ok = save_to(s, NULL, &file, f);
    if (!ok && reserve_give_up(s->persist->reserve, f->err)) {
        fault_clear(f);
        file = (struct snapshot_file){0};
        ok = save_to(s, NULL, &file, f);
    }
    must(ok || fault_is(f));
    if (!ok)
        return false;
    log_notice("DB saved on disk");
    saved(s, commit_dirty(server_commit(s->persist->server)));
    missing_data_saved(s->persist->missing, NULL);
    return true;
}

/* ---- BGSAVE ---- */

static void remove_temp(struct snapshot *s)
{
    must(s->child_dir && s->child_pid > 0);
    char *tmp = temp_path(s->child_dir, s->child_pid);
    struct spikes *spikes = server_spikes(s->persist->server);
    int64_t began_us = spikes_begin(spikes);
    file_unlink(tmp);
    spikes_end(spikes, SPIKE_RDB_UNLINK, began_us);
    mem_free(tmp);
}

static void child_ended(void *arg, const struct child_end *end)
{
    struct snapshot *s = arg;
    must(end->pid == s->child_pid);
    struct fault f = persist_child_fault(end, &child_save);
    s->last_duration_s = clock_mono_s() - s->began_mono_s;
    s->last_cow_bytes = end->cow_bytes;
    persist_child_gone(s->persist, end);
    if (end->killed || end->signal == SIGUSR1) { /* on purpose: no failure */
        log_warning("Background saving terminated by signal %d", end->signal);
    } else if (fault_is(&f)) {
        failed(s, &f);
        log_fault("Background saving error", &f);
    } else {
        log_notice("Background saving terminated with success");
        saved(s, s->dirty_at_start);
        missing_data_saved(s->persist->missing, s->child_dir);
        return;
    }
    remove_temp(s);
}

static _Noreturn void run_child(struct snapshot *s, struct timespec as_of)
{
    struct child_report report = {0};
    struct snapshot_file file = {.child = &s->persist->child, .as_of = as_of};
    bool ok = save_to(s, s->child_dir, &file, &report.fault);
    report.keys = file.keys;
    report.bytes = file.bytes;
    if (ok)
        log_notice("DB saved on disk: %llu keys, %llu bytes", (unsigned long long)report.keys,
                   (unsigned long long)report.bytes);
    child_finish(&s->persist->child, &report, sizeof report, ok ? 0 : 1);
}

static bool fork_child(struct snapshot *s, struct fault *f)
{
    settings_find_dir(server_settings(s->persist->server));
    char *here = dir_lock_hold(s->persist->lock, f) ? file_absolute("", f) : NULL;
    if (!here)
        return false;
    mem_free(s->child_dir);
    s->child_dir = here;
    struct timespec as_of = file_time_past();
    pid_t pid = persist_fork(s->persist, &child_save,
                             &(struct child_spec){.ended = child_ended, .arg = s}, f);
    if (pid == 0)
        run_child(s, as_of);
    s->child_pid = pid;
    return pid > 0;
}

bool snapshot_start(struct snapshot *s, struct fault *f)
{
    const char *busy = persist_busy(s->persist);
    if (busy) {
        fault_set(f, FAULT_INVALID, "%s", busy);
        return false;
    }
    s->dirty_at_start = commit_dirty(server_commit(s->persist->server));
    s->began_mono_s = clock_mono_s();
    s->saves++;
    if (!fork_child(s, f)) {
        failed(s, f);
        log_fault("Can't save in background", f);
        return false;
    }
    must(s->persist->child_kind == &child_save && s->child_pid > 0);
    log_notice("Background saving started by pid %ld", (long)s->child_pid);
    s->scheduled = false;
    return true;
}

void snapshot_tick(struct snapshot *s, int64_t mono_ms)
{
    struct fault f = {0};
    int64_t now_s = mono_ms / 1000;
    snapshot_must_hold(s);
    if (persist_busy(s->persist))
        return;
    bool may_retry = s->last_ok || now_s >= s->retry_mono_s;
    /* A failure refuses writes where there are save points: it is tried again whether or not one of
     * them is due, or the disk would be well for an hour and nobody could write. */
    bool again = !s->last_ok && s->retry_mono_s && save_config_has_points(s->config);
    if ((s->scheduled || again) && may_retry) {
        snapshot_start(s, &f);
        return;
    }
    int64_t changes = (int64_t)commit_dirty(server_commit(s->persist->server));
    for (int i = 0; i < s->config->point_count; i++) {
        const struct save_point *point = &s->config->points[i];
        if (changes < point->changes || now_s - s->last_save_mono_s <= point->seconds || !may_retry)
            continue;
        log_notice("%lld changes in %lld seconds. Saving...", (long long)point->changes,
                   (long long)point->seconds);
        snapshot_start(s, &f);
        return;
    }
}

struct snapshot *snapshot_new(struct persist *p)
{
    struct snapshot *s = mem_zalloc(sizeof *s);
    s->persist = p;
    s->config = p->save;
    s->last_ok = true;
    s->last_duration_s = -1;
    return s;
}

void snapshot_free(struct snapshot *s)
{
    mem_free(s->child_dir);
    mem_free(s);
}
