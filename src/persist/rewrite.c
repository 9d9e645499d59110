/* SPDX-License-Identifier: BSD-3-Clause */
/* A rewrite replaces base and increments by a new base. At any moment the manifest names files that
 * together hold everything:
 *
 *   1  a new increment is created and added to the manifest; what is written from now on goes there
 *   2  a child writes the data set as of this moment to a temporary file, synced
 *   3  the file is renamed to the next base
 *   4  the manifest is replaced: new base, newest increment; the rest becomes history
 *   5  history is deleted, and the manifest written without it
 *
 * Switching the log on is the same with a temporary increment that no manifest names until step 4:
 * before there is a base, an increment means nothing. So is the rewrite after a lost sync: the
 * increment that could not be synced may be torn, and must stay the last one as long as it is
 * named. What is logged meanwhile goes aside, and the manifest names it together with the new base,
 * when it could be synced. A try that fails leaves the old set as it was; the next begins with a
 * fresh temporary increment. */
#include "persist/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_write.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof.h"
#include "persist/aof_batch.h"
#include "persist/aof_check.h"
#include "persist/aof_file.h"
#include "persist/aof_find.h"
#include "persist/aof_first.h"
#include "persist/aof_gone.h"
#include "persist/aof_history.h"
#include "persist/aof_names.h"
#include "persist/aof_roll.h"
#include "persist/aof_sync.h"
#include "persist/dir_lock.h"
#include "persist/file_out.h"
#include "persist/missing_data.h"
#include "persist/reserve.h"
#include "persist/save_config.h"
#include "persist/snapshot.h"
#include "persist/verify.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/spikes.h"
#include "store/walk.h"

enum { TMP_NAME = PATH_MAX + 64, FAILURES_BEFORE_WAIT = 3, WAIT_MAX_MIN = 60 };

static void child_name(const struct aof *a, char out[TMP_NAME], pid_t pid, bool finished)
{
    must(pid > 0);
    int len = snprintf(out, TMP_NAME, "%s/temp-rewriteaof-%s%ld.aof", a->home,
                       finished ? "bg-" : "", (long)pid);
    must(len > 0 && len < TMP_NAME);
}

/* ---- writing a base ---- */

static bool write_commands(struct aof *a, struct snapshot_file *file, struct fault *f)
{
    struct file_out to = {.incremental = a->incremental_fsync, .child = file->child};
    to.max_rate = file->child ? a->persist->save->max_rate : 0;
    to.fd = file_create(file->path, 0);
    if (to.fd < 0) {
        fault_io(f, -to.fd, "open", "Can't open %s", file->path);
        return false;
    }
    struct out out;
    struct aof_writer w;
    struct walk_progress walk = {0};
    out_init_callback(&out, file_out_write, &to, 0);
    aof_writer_init(&w, &out);
    int64_t seq = a->rewrite.next_base;
    bool sealed = a->checksum && seq <= UINT32_MAX;
    if (sealed)
        aof_writer_seal(&w, (struct aof_session){.id = a->log_id, .seq = (uint32_t)seq});
    if (a->timestamp)
        aof_writer_timestamp(&w, clock_wall_s());
    hooks_aux_save(server_hooks(a->persist->server), &w.sink, AUX_LOG_BASE);
    bool ok = walk_keyspace(server_keyspace(a->persist->server), &w.sink, &walk) &&
              aof_writer_end(&w);
    if (!ok)
        *f = w.sink.fault;
    else if (!(ok = out_flush(&out)))
        *f = out.fault;
    file->keys = walk.keys;
    file->bytes = out_offset(&out);
    aof_writer_free(&w);
    out_free(&out);
    int err = ok ? file_fsync(to.fd) : 0;
    if (err < 0)
        fault_io(f, -err, "fsync", "Can't sync %s", file->path);
    file_close(to.fd);
    ok = ok && err == 0 &&
         (!a->persist->save->verify ||
          verify_commands(file->path, file->bytes, sealed, file->child, f));
    must(ok || fault_is(f));
    return ok;
}

static bool write_base(struct aof *a, struct snapshot_file *file, struct fault *f)
{
    must(a->log_id != 0 && a->rewrite.next_base > 0);
    file->aof_base = true;
    file->incremental = a->incremental_fsync;
    file->origin.id = a->checksum ? a->log_id : 0;
    file->origin.seq = a->rewrite.next_base;
    return a->use_rdb_preamble ? snapshot_write(a->persist->snapshot, file, f)
                               : write_commands(a, file, f);
}

/* ---- installing it ---- */

struct install {
    struct manifest next;
    char *base_path,
        *incr_path; /* the names the temporary files get; incr only when the log is not on */
    char *temp_incr;
};

static void install_free(struct install *in)
{
    manifest_free(&in->next);
    mem_free(in->base_path);
    mem_free(in->incr_path);
    mem_free(in->temp_incr);
}

/* What the finished file says of itself, as the set is checked by it when it is loaded. */
static bool plan_base(struct aof *a, struct install *in, const char *tmp, struct fault *f)
{
    struct buf head = {0};
    uint64_t size;
    char *base = manifest_base_name(a->filename, a->rewrite.next_base, a->use_rdb_preamble);
    bool ok = aof_look_at_part(tmp, &size, &head, f);
    if (ok) {
        manifest_set_base(&in->next, base, a->rewrite.next_base);
        in->next.base.id = aof_part_origin(buf_slice(&head)).id;
        in->next.base.size = (int64_t)size;
        in->base_path = aof_path(a, base);
    }
    must(ok || fault_is(f));
    buf_free(&head);
    mem_free(base);
    return ok;
}

/* The increment that goes with the base: what is logged while the log is being switched on; when it
 * is off an empty one, for a manifest without any looks damaged beside one that nobody names. */
static bool plan_incr(struct aof *a, struct install *in, struct fault *f)
{
    struct aof_incr made = {.is = a->open.is};
    must(a->open.aside || a->state == AOF_OFF);
    in->temp_incr = aof_aside_path(a);
    if (!a->open.aside) {
        int64_t seq = aof_free_incr(a, f);
        if (seq == 0 || !aof_create_incr(a, in->temp_incr, seq, &made, f))
            return false;
        file_close(made.fd);
    }
    must(made.is.seq > 0);
    struct manifest_list *list = &in->next.incr;
    char *incr = manifest_incr_name(a->filename, made.is.seq);
    manifest_add_incr(&in->next, incr, made.is.seq);
    list->files[list->count - 1].id = made.is.id;
    in->incr_path = aof_path(a, incr);
    mem_free(incr);
    return true;
}

static bool plan_install(struct aof *a, struct install *in, const char *tmp, struct fault *f)
{
    *in = (struct install){0};
    manifest_copy(&in->next, &a->manifest);
    if (!plan_base(a, in, tmp, f) ||
        ((a->open.aside || a->state == AOF_OFF) && !plan_incr(a, in, f))) {
        install_free(in);
        return false;
    }
    must(in->next.base.seq == a->rewrite.next_base && in->next.incr.count > 0);
    manifest_retire_incr(&in->next, 1);
    must(in->next.incr.count == 1); /* a base, and the increment that was begun with it */
    in->next.base.from = in->next.incr.files[0].seq;
    if (a->names.gone)
        manifest_drop_history(&in->next); /* not there, or not ours to delete any more */
    return true;
}

/* Both files get their names, and the names are durable, before a manifest tells of them. */
static bool name_files(struct aof *a, const struct install *in, const char *tmp, struct fault *f)
{
    struct renaming list[] = {{tmp, in->base_path}, {in->temp_incr, in->incr_path}};
    must(in->base_path && (!in->incr_path || in->temp_incr));
    if (!aof_first_plan(a, &in->next, f))
        return false;
    struct spikes *spikes = server_spikes(a->persist->server);
    int64_t began_us = spikes_begin(spikes);
    struct renamed r = file_rename_durably(list, in->incr_path ? 2 : 1);
    spikes_end(spikes, SPIKE_AOF_RENAME, began_us);
    if (r.end == RENAME_FAILED)
        fault_io(f, -r.err, "rename", "Error moving %s to %s", list[r.at].from, list[r.at].to);
    else if (r.end == RENAME_UNSURE)
        fault_io(f, -r.err, "fsync", "Can't sync %s", a->dir);
    must(r.end == RENAME_DONE || fault_is(f));
    return r.end == RENAME_DONE;
}

/* Names that no manifest holds: the temporary increment keeps being one. */
static void take_names_back(struct aof *a, const struct install *in)
{
    file_unlink(in->base_path);
    if (in->incr_path && file_exists(in->incr_path))
        file_rename(in->incr_path, in->temp_incr);
    if (!file_exists(in->base_path) && (!in->incr_path || !file_exists(in->incr_path)) &&
        file_sync_dir(a->dir) == 0)
        aof_first_done(a);
    if (in->temp_incr && a->state == AOF_OFF)
        file_unlink(in->temp_incr);
}

/* After a lost sync the data set is safe again when all of it is in files that could be synced:
 * the new base and the increment that was begun with it. */
static bool prove_sync(struct aof *a, struct fault *f)
{
    must(a->sync.lost && a->open.aside);
    aof_drain(a);
    int result = a->open.failed ? -EIO : file_fdatasync(a->open.fd);
    if (result == 0)
        return true;
    aof_file_failed(a);
    fault_io(f, -result, "fsync", "The temporary increment can't be synced");
    return false;
}

static bool install_base(struct aof *a, const char *tmp, struct fault *f)
{
    struct install in;
    bool healing = a->sync.lost && a->open.aside;
    uint64_t position = a->write.written, size = a->open.size;
    must(a->rewrite.next_base > 0 && (!healing || a->state != AOF_OFF));
    aof_look_for_names(a);
    if (a->names.gone && !healing) /* it began before they went */
        fault_set(f, FAULT_IO, "The files of the append log are gone");
    if (fault_is(f) || (healing && !prove_sync(a, f)) || !plan_install(a, &in, tmp, f)) {
        must(fault_is(f));
        return false;
    }
    bool ok = name_files(a, &in, tmp, f) && aof_put_manifest(a, &in.next, f);
    must(ok ? a->manifest.base.seq == a->rewrite.next_base : fault_is(f));
    if (ok) {
        aof_file_is_named(a);
        if (a->state == AOF_WAIT_REWRITE && !a->manifest_unsure)
            aof_is_in_force(a);
        if (a->state == AOF_WAIT_REWRITE) /* a loss of power may leave no manifest: once more */
            a->rewrite.retry_mono_s = clock_mono_s() + 1;
        if (healing && !a->manifest_unsure) {
            aof_names_are_back(a);
            aof_sync_heal(a, position, size);
        }
        if (!a->manifest_unsure && a->state == AOF_ON)
            missing_data_logged(a->persist->missing);
        aof_history_collect(a);
        aof_measure_base(a);
    } else {
        take_names_back(a, &in);
    }
    install_free(&in);
    aof_must_hold(a);
    return ok;
}

/* ---- the child ---- */

static const char failed_words[] = "Background AOF rewrite failed";

static void failed(struct aof *a, const char *what, const struct fault *f)
{
    int64_t now_s = clock_mono_s();
    must(fault_is(f));
    log_fault(what, f);
    a->rewrite.last_ok = false;
    a->rewrite.failures++;
    reserve_give_up(a->persist->reserve, f->err);
    int64_t wait_min = 0;
    /* Writes that are refused wait for it: no longer than a second, however often it failed. */
    if (a->rewrite.failures >= FAILURES_BEFORE_WAIT && !a->sync.lost) {
        unsigned doublings = a->rewrite.failures - FAILURES_BEFORE_WAIT;
        wait_min = doublings > 6 ? WAIT_MAX_MIN : 1 << doublings;
        wait_min = wait_min > WAIT_MAX_MIN ? WAIT_MAX_MIN : wait_min;
        log_warning("Background AOF rewrite has repeatedly failed, the next try is in %lld minutes",
                    (long long)wait_min);
    }
    a->rewrite.retry_mono_s = now_s + (wait_min ? wait_min * 60 : 1);
}

static void child_ended(void *arg, const struct child_end *end)
{
    struct aof *a = arg;
    struct fault f = persist_child_fault(end, &child_rewrite);
    char tmp[TMP_NAME];
    must(end->pid == a->rewrite.pid);
    a->rewrite.last_s = clock_mono_s() - a->rewrite.began_mono_s;
    a->rewrite.cow_bytes = end->cow_bytes;
    persist_child_gone(a->persist, end);
    child_name(a, tmp, a->rewrite.pid, true);
    if (!end->killed && !fault_is(&f)) {
        log_notice("Background AOF rewrite terminated with success");
        if (install_base(a, tmp, &f)) {
            a->rewrite.failures = 0;
            /* Waiting still: the log is not in force before its manifest is durable. */
            a->rewrite.last_ok = a->state != AOF_WAIT_REWRITE;
            if (a->rewrite.last_ok)
                log_notice("Background AOF rewrite finished successfully");
            else
                log_warning("Background AOF rewrite is done again: its manifest is not durable");
            return;
        }
    }
    file_unlink(tmp);
    child_name(a, tmp, a->rewrite.pid, false);
    file_unlink(tmp);
    if (end->killed)
        log_warning("Background AOF rewrite terminated by signal %d", end->signal);
    else
        failed(a, failed_words, &f);
}

static _Noreturn void run_child(struct aof *a)
{
    struct child_report report = {0};
    char tmp[TMP_NAME], finished[TMP_NAME];
    child_name(a, tmp, getpid(), false);
    child_name(a, finished, getpid(), true);
    struct snapshot_file file = {.path = tmp, .child = &a->persist->child};
    bool ok = write_base(a, &file, &report.fault);
    int err = ok ? file_rename(tmp, finished) : 0; /* a name that says complete, no more */
    if (err < 0)
        fault_io(&report.fault, -err, "rename", "Error moving %s to %s", tmp, finished);
    report.keys = file.keys;
    report.bytes = file.bytes;
    child_finish(&a->persist->child, &report, sizeof report, ok && err == 0 ? 0 : 1);
}

bool rewrite_start(struct aof *a, struct fault *f)
{
    const char *busy = persist_busy(a->persist);
    if (busy) {
        fault_set(f, FAULT_INVALID, "%s", busy);
        return false;
    }
    bool found;
    aof_look_for_names(a); /* before there is a new, empty directory */
    if (!dir_lock_hold_log(a->persist->lock, f) ||
        (a->names.gone && !aof_dir_is_ours(a, f)) || !aof_make_dir(a, f) ||
        (a->state == AOF_OFF && !aof_find(a, a->persist->save->filename, &found, f)) ||
        !(a->rewrite.next_base = aof_free_base(a, f)) || !aof_roll(a, f)) {
        failed(a, failed_words, f);
        return false;
    }
    aof_id(a);
    a->rewrite.scheduled = false;
    a->rewrite.count++;
    a->rewrite.began_mono_s = clock_mono_s();
    pid_t pid = persist_fork(a->persist, &child_rewrite,
                             &(struct child_spec){.ended = child_ended, .arg = a}, f);
    if (pid == 0)
        run_child(a);
    if (pid < 0) {
        failed(a, "Can't rewrite append only file in background", f);
        return false;
    }
    must(a->persist->child_kind == &child_rewrite);
    a->rewrite.pid = pid;
    log_notice("Background append only file rewriting started by pid %ld", (long)pid);
    return true;
}

bool rewrite_now(struct aof *a, struct fault *f)
{
    char tmp[TMP_NAME];
    child_name(a, tmp, getpid(), true);
    struct snapshot_file file = {.path = tmp};
    must(a->state == AOF_OFF && !a->persist->child_kind);
    aof_id(a);
    if (!aof_make_dir(a, f) || !(a->rewrite.next_base = aof_free_base(a, f)) ||
        !write_base(a, &file, f) || !install_base(a, tmp, f)) {
        must(fault_is(f));
        file_unlink(tmp);
        return false;
    }
    /* Nothing is promised by a log whose first manifest may be gone after a loss of power. */
    if (!aof_sync_manifest(a, f) || !aof_open_log(a, f))
        return false;
    must(a->state == AOF_ON);
    missing_data_logged(a->persist->missing);
    return true;
}

void rewrite_ask(struct aof *a, bool by_hand)
{
    a->rewrite.scheduled = true;
    if (!by_hand)
        return;
    a->rewrite.failures = 0;
    a->rewrite.retry_mono_s = 0;
}

void rewrite_init(struct aof *a)
{
    a->rewrite.last_ok = true;
    a->rewrite.last_s = -1;
}

static bool grown(const struct aof *a)
{
    if (a->rewrite_percentage == 0 || a->total_size <= (uint64_t)a->rewrite_min_size)
        return false;
    uint64_t base = a->base_size ? a->base_size : 1;
    if (a->total_size < base)
        return false;
    return (a->total_size - base) * 100 / base >= (uint64_t)a->rewrite_percentage;
}

void rewrite_tick(struct aof *a, int64_t mono_ms)
{
    struct fault f = {0};
    if (persist_busy(a->persist))
        return;
    if (mono_ms / 1000 < a->rewrite.retry_mono_s)
        return;
    if (a->rewrite.scheduled || a->state == AOF_WAIT_REWRITE ||
        (a->sync.lost && a->state == AOF_ON && !a->sync.failed)) {
        rewrite_start(a, &f);
    } else if (a->state == AOF_ON && grown(a)) {
        log_notice("Starting automatic rewriting of AOF on %llu%% growth",
                   (unsigned long long)((a->total_size - a->base_size) * 100 /
                                        (a->base_size ? a->base_size : 1)));
        rewrite_start(a, &f);
    }
}

/* ---- on and off ---- */

bool aof_switch_on(struct aof *a, struct fault *f)
{
    bool found;
    must(a->state == AOF_OFF);
    if (!aof_make_dir(a, f) || !aof_find(a, a->persist->save->filename, &found, f))
        return false;
    persist_kill_child(a->persist, &child_rewrite);
    struct aof_incr incr;
    char *path = aof_aside_path(a);
    int64_t seq = aof_free_incr(a, f);
    bool made = seq > 0 && aof_create_incr(a, path, seq, &incr, f);
    mem_free(path);
    must(made || fault_is(f));
    if (!made)
        return false;
    aof_take_file(a, incr.fd, incr.size, &incr.is);
    aof_begin_log(a, AOF_WAIT_REWRITE, &incr.chain);
    if (a->persist->child_kind) {
        a->rewrite.scheduled = true;
        log_notice("The append log was switched on while another child works: its base is made "
                   "when that has ended");
        return true;
    }
    if (!rewrite_start(a, f)) {
        must(fault_is(f));
        aof_switch_off(a);
        return false;
    }
    return true;
}

void aof_switch_off(struct aof *a)
{
    bool aside = a->open.aside;
    persist_kill_child(a->persist, &child_rewrite);
    aof_close_log(a);
    a->persist->log_replaced = false; /* unless it is for that (replace.c) */
    a->rewrite.scheduled = false;
    if (aside) {
        char *path = aof_aside_path(a);
        file_unlink(path);
        mem_free(path);
    }
    aof_must_hold(a);
}
