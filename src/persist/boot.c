/* SPDX-License-Identifier: BSD-3-Clause */
/* One reader for each format: the faults printed here are those the check tools print. Clients are
 * served now and then while a file is read (they get -LOADING). Nothing on disk changes before a
 * file was read to its end, and then only the torn tail of the last one goes, if configuration says
 * so: into a file beside it. What the disk once had and has no more is rot; it always refuses. */
#include "persist/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_damage.h"
#include "format/aof_read.h"
#include "format/event_batch.h"
#include "format/rdb_read.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/file_cut.h"
#include "persist/aof_check.h"
#include "persist/aof_file.h"
#include "persist/aof_names.h"
#include "persist/aof_replay.h"
#include "persist/aof_state.h"
#include "persist/file_out.h"
#include "persist/load_aux.h"
#include "persist/load_words.h"
#include "persist/read_ahead.h"
#include "persist/save_config.h"
#include "server/clients.h"
#include "server/hooks.h"
#include "server/server_frame.h"
#include "server/settings.h"
#include "server/supervisor.h"
#include "store/load.h"

/* One file being read, or a stream. */
struct reading {
    struct persist *persist;
    const char *path;
    int fd;
    struct in *in, file; /* file: in, where it is one */
    bool turns_loop;     /* whoever reads it */
    const struct aof_notes *notes; /* NULL: nobody wants those of this file */
    uint64_t done_before; /* bytes of the files before it */
    uint64_t told_at;
    int64_t turned_us, logged_us;
};

enum { TELL_EVERY = 2 << 20, TURN_EVERY_US = 20000, LOG_EVERY_US = 2000000, BULK_MAX = 512 << 20 };
/* While clients are served: what a turn costs is little beside what they would wait. */
enum { TELL_EVERY_SERVED = 64 << 10, TURN_EVERY_SERVED_US = 1000 };

/* src: NULL, or a stream. */
static void begin_loading(struct persist *p, uint64_t total_bytes, const struct boot_source *src)
{
    struct keyspace *ks = server_keyspace(p->server);
    must(!p->loading && !p->beside);
    p->beside = src && src->into;
    p->loading = !p->beside;
    p->load_began_s = clock_wall_s();
    p->load_began_mono_s = clock_mono_s();
    p->load_total_bytes = total_bytes;
    p->load_done_bytes = p->load_rdb_used_mem = 0;
    p->load_keys_loaded = p->load_keys_expired = 0;
    ks->now_ms = clock_wall_ms();
    server_set_loading(p->server, p->beside && src->serve ? LOADING_BESIDE : LOADING_ALONE);
    if (!p->no_turns)
        supervisor_tell(server_settings(p->server), "STATUS=Loading\n" SUPERVISOR_PATIENCE);
    hooks_aux_begin(server_hooks(p->server), p->beside);
}

static void end_loading(struct persist *p, bool ok)
{
    must(p->loading != p->beside);
    hooks_aux_end(server_hooks(p->server), ok);
    p->loading = p->beside = false;
    server_set_loading(p->server, LOADING_NOTHING);
}

static bool open_file(struct reading *r, struct fault *f)
{
    struct stat st;
    if (file_stat(r->path, &st) == 0 && S_ISFIFO(st.st_mode)) { /* opening it could wait for ever */
        fault_set(f, FAULT_INVALID, "%s is a pipe, not a file", r->path);
        return false;
    }
    r->fd = file_open(r->path, O_RDONLY, 0);
    if (r->fd < 0) {
        fault_io(f, -r->fd, "open", "Can't open %s", r->path);
        return false;
    }
    int64_t size = file_size(r->fd);
    r->in = &r->file;
    in_init_callback(r->in, file_in_read, &r->fd, size < 0 ? IN_SIZE_UNKNOWN : (uint64_t)size, 0);
    r->turned_us = r->logged_us = clock_mono_us();
    return true;
}

static void close_file(struct reading *r)
{
    must(r->in == &r->file && r->fd >= 0);
    r->persist->load_done_bytes = r->done_before + in_file_offset(r->in);
    in_free(r->in);
    file_close(r->fd);
}

static void tell_part(const struct persist *p)
{
    must(p->loading != p->beside);
    struct settings *st = server_settings(p->server);
    double done = (double)p->load_done_bytes / 1e6, total = (double)p->load_total_bytes / 1e6;
    if (!p->load_total_bytes) {
        log_notice("Loading: %.1f MB read", done);
        supervisor_tell(st, "STATUS=Loading: %.1f MB read\n" SUPERVISOR_PATIENCE, done);
        return;
    }
    log_notice("Loading: %.1f%% of %.1f MB read", 100 * done / total, total);
    supervisor_tell(st, "STATUS=Loading: %.1f%% of %.1f MB read\n" SUPERVISOR_PATIENCE,
                    100 * done / total, total);
}

/* Cheap enough for every record: looks at the clock once in TELL_EVERY bytes. False when a client
 * or a signal has stopped the server meanwhile. */
static bool tell_progress(struct reading *r, uint64_t at)
{
    bool served = server_loads_beside(r->persist->server);
    if (at - r->told_at < (served ? TELL_EVERY_SERVED : TELL_EVERY))
        return true;
    r->told_at = at;
    r->persist->load_done_bytes = r->done_before + at;
    int64_t now = clock_mono_us();
    if (now - r->logged_us >= LOG_EVERY_US) {
        r->logged_us = now;
        tell_part(r->persist);
    }
    int64_t every_us = served ? TURN_EVERY_SERVED_US : TURN_EVERY_US;
    if (r->persist->no_turns || now - r->turned_us < every_us)
        return true;
    server_turn(r->persist->server);
    r->turned_us = clock_mono_us();
    return !server_is_stopping(r->persist->server);
}

/* No fault of the bytes: nothing is cut off for it. */
static bool stopped(struct fault *f)
{
    fault_set(f, FAULT_INVALID, "stopped while loading");
    return false;
}

/* ---- RDB ---- */

static void log_note(void *arg, const char *text)
{
    (void)arg;
    log_warning("%s", text);
}

/* A record of the RDB that was taken last: where, what. */
struct place {
    uint64_t offset;
    const char *doing;
    bool is_key;
    uint8_t rdb_type;
};

/* What the keyspace could not take, with the place where that was read. */
static struct fault sink_fault_at(const struct sink *sink, const struct place *at)
{
    must(sink_bad(sink));
    struct fault f = sink->fault;
    f.doing = "read-object-value";
    if (f.offset) /* it knows better: found some keys later */
        return f;
    f.offset = at->offset;
    f.doing = at->doing;
    f.has_type = at->is_key;
    f.type = at->rdb_type;
    return f;
}

/* Where a record goes: AUX fields and the like to the features they belong to. */
static struct sink *taker(struct reading *r, bool aux, struct load *load, struct load_aux *to)
{
    must(!sink_bad(&load->sink));
    if (!aux)
        return &load->sink;
    load_aux_init(to, r->persist, &load->sink);
    return &to->sink;
}

/* Reads and takes in turns. False: in, or load, has a fault; or *go_on is false. */
static bool read_records(struct reading *r, const struct rdb_options *options, struct load *load,
                         struct place *at, enum rdb_trailer_state *trailer, bool *go_on)
{
    struct rdb_reader reader;
    struct rdb_record rec = {.kind = RDB_REC_END};
    struct load_aux to;
    bool ok = rdb_open(&reader, r->in, options);
    while (ok && *go_on && rdb_next(&reader, &rec)) {
        bool aux = rec.kind == RDB_REC_AUX || rec.kind == RDB_REC_FUNCTION ||
                   rec.kind == RDB_REC_MODULE_AUX;
        ok = rdb_body(&reader, &rec, taker(r, aux, load, &to)) && !sink_bad(&load->sink);
        *go_on = tell_progress(r, in_file_offset(r->in));
    }
    *at = (struct place){in_offset(r->in), r->in->doing, rec.kind == RDB_REC_KEY,
                         rec.key.rdb_type};
    if (ok && *go_on && !in_bad(r->in))
        *trailer = rdb_trailer(&reader);
    rdb_close(&reader);
    return ok && !in_bad(r->in);
}

/* The same of what another thread reads. */
static bool take_ahead(struct reading *r, struct read_ahead *ahead, struct load *load,
                       struct place *at, bool *go_on)
{
    struct event_player player;
    struct load_aux to;
    struct slice batch;
    while (*go_on && !sink_bad(&load->sink) && read_ahead_next(ahead, &batch)) {
        event_player_init(&player, batch);
        while (event_peek(&player) != EVENT_NONE && !sink_bad(&load->sink)) {
            event_play(&player, taker(r, event_peek(&player) == EVENT_AUX, load, &to));
            if (player.what == EVENT_NOTE)
                log_note(NULL, player.note);
        }
        *at = (struct place){player.offset, player.doing, player.what == EVENT_KEY,
                             player.rdb_type};
        *go_on = tell_progress(r, player.offset);
    }
    return !sink_bad(&load->sink);
}

/* The RDB that begins where the stream stands. Its keys are counted in p, or in src. */
static bool read_rdb(struct reading *r, unsigned load_flags, struct boot_source *src,
                     struct fault *f)
{
    struct persist *p = r->persist;
    struct keyspace *ks = src && src->into ? src->into : server_keyspace(p->server);
    struct rdb_options options = {.databases = ks->count, .trust_distinct = true,
                                  .keep_modules = true, .unguarded = !p->save->blocks,
                                  .note = log_note};
    struct load load;
    struct place at = {0};
    enum rdb_trailer_state trailer = RDB_TRAILER_NONE;
    bool go_on = true, ok;
    load_init(&load, ks, load_flags, server_keyspace(p->server)->now_ms);
    int way = p->save->load_ahead;
    bool pays = way == LOAD_AHEAD_YES || (way == LOAD_AHEAD_AUTO && read_ahead_pays(r->in));
    struct read_ahead *ahead = pays && !r->turns_loop ? read_ahead_start(r->in, &options) : NULL;
    if (ahead) {
        ok = take_ahead(r, ahead, &load, &at, &go_on);
        read_ahead_end(ahead, &trailer);
    } else {
        ok = read_records(r, &options, &load, &at, &trailer, &go_on);
    }
    ok = load_finish(&load) && !in_bad(r->in) && ok;
    if (ok && !go_on)
        ok = stopped(f);
    else if (ok && trailer > RDB_TRAILER_OK) /* the data is covered by the blocks */
        log_warning("%s: the block index behind the RDB is damaged, the data is not", r->path);
    else if (!ok)
        /* Who reads ahead may have met a fault behind that of what is taken in. */
        *f = sink_bad(&load.sink) && (ahead || !in_bad(r->in)) ? sink_fault_at(&load.sink, &at)
                                                               : r->in->fault;
    p->load_keys_loaded += load.keys_loaded;
    p->load_keys_expired += load.keys_expired;
    if (ok)
        log_notice("Done loading RDB, keys loaded: %" PRIu64 ", keys expired: %" PRIu64 ".",
                   load.keys_loaded, load.keys_expired);
    if (src) {
        src->keys = load.keys_loaded;
        src->expired = load.keys_expired;
        src->trailer = trailer;
    }
    load_release(&load);
    must(ok || fault_is(f));
    return ok;
}

bool boot_read(struct persist *p, struct in *in, struct boot_source *src, struct fault *f)
{
    struct reading r = {.persist = p, .path = src->name, .fd = -1, .in = in,
                        .turns_loop = src->turns_loop};
    must(src->name && !in_bad(in) && src->into != server_keyspace(p->server));
    must(src->into || !src->serve);
    must(!src->into || src->into->count == server_keyspace(p->server)->count);
    r.turned_us = r.logged_us = clock_mono_us();
    begin_loading(p, src->total_bytes, src);
    bool ok = read_rdb(&r, src->drop_expired ? LOAD_DROP_EXPIRED : 0, src, f) &&
              (!src->judge || src->judge(src->arg, src, f));
    end_loading(p, ok);
    if (!ok)
        fault_prefix(f, src->name);
    must(ok || fault_is(f));
    return ok;
}

bool boot_load_rdb(struct persist *p, bool *exists, struct fault *f)
{
    struct reading r = {.persist = p, .path = p->save->filename};
    bool there;
    if (!file_look_for(r.path, &there, f))
        return false;
    if (exists)
        *exists = there;
    if (!there)
        return true;
    if (!open_file(&r, f))
        return false;
    int64_t began = clock_mono_us();
    begin_loading(p, r.file.limit == IN_SIZE_UNKNOWN ? 0 : r.file.limit, NULL);
    /* What the log tells of stays until the log tells that it went: else its next reader sees a key
     * that the commands behind did not see. */
    bool ok = read_rdb(&r, p->aof->state == AOF_OFF ? LOAD_DROP_EXPIRED : 0, NULL, f);
    close_file(&r);
    end_loading(p, ok);
    if (!ok) {
        load_words_rdb(r.path, f);
        fault_prefix(f, r.path);
        fault_prefix(f, "Fatal error loading the DB");
    }
    if (ok)
        log_notice("DB loaded from disk: %.3f seconds", (double)(clock_mono_us() - began) / 1e6);
    return ok;
}

/* ---- the append log ---- */

/* *refused: the bytes are fine, the server would not do what they say. */
static bool run_commands(struct reading *r, struct aof_reader *reader, bool *refused,
                         struct fault *f)
{
    struct aof_replay replay;
    enum aof_item item;
    bool ok = true, go_on = true;
    aof_replay_begin(&replay, r->persist, r->path, reader);
    while (ok && go_on && ((item = aof_next(reader)) == AOF_COMMAND || item == AOF_ANNOTATION)) {
        if (item == AOF_COMMAND)
            ok = aof_replay_command(&replay);
        if (r->notes)
            r->notes->read(r->notes->arg, reader, item);
        go_on = tell_progress(r, in_file_offset(r->in));
    }
    if (ok && go_on && item == AOF_END)
        ok = aof_replay_end(&replay);
    r->persist->aof->load_errors_skipped += replay.skipped;
    aof_replay_free(&replay);
    *refused = !ok;
    if (!ok) {
        *f = replay.fault;
    } else if (in_bad(r->in)) {
        *f = r->in->fault;
        ok = false;
    } else if (!go_on) {
        ok = stopped(f);
    }
    must(ok || fault_is(f));
    return ok;
}

/* The tail of the last file, as found at a fault of its bytes. */
struct tail {
    int fd;
    off_t at;
    uint64_t size, good_end;
    struct aof_damage damage;
};

static ssize_t read_tail(void *arg, void *to, size_t n)
{
    struct tail *t = arg;
    ssize_t got = file_pread(t->fd, to, n, t->at);
    t->at += got > 0 ? got : 0;
    return got;
}

/* Torn or rotten? Without a session in sight and without a log that has an id nothing can tell. */
static bool look_behind(struct reading *r, const struct aof_reader *reader, struct tail *t,
                        struct fault *damage)
{
    uint64_t log_id = r->persist->aof->log_id;
    const uint64_t *id = reader->has_session ? &reader->chain.id : log_id ? &log_id : NULL;
    int64_t size = file_size(r->fd);
    *t = (struct tail){.fd = r->fd, .at = (off_t)reader->at, .good_end = reader->good_end};
    t->size = size < 0 ? 0 : (uint64_t)size;
    if (!id && damage->code == FAULT_EOF)
        return true;
    struct in in;
    in_init_callback(&in, read_tail, t, t->size - reader->at, 0);
    in.doing = "look-behind-damage";
    bool ok = aof_damage_look(&in, reader->at, id, &t->damage);
    if (!ok)
        *damage = in.fault;
    must(fault_is(damage));
    in_free(&in);
    if (ok && (reader->has_session || t->damage.rot)) {
        struct buf text = {0};
        aof_damage_tell(&t->damage, t->good_end, t->size, &text);
        log_warning("%s: %s", r->path, buf_cstr(&text));
        buf_free(&text);
    }
    return ok;
}

/* Does configuration give this tail up? */
static bool may_cut(const struct aof *a, const char *path, const struct tail *t,
                    const struct fault *damage)
{
    uint64_t bytes = t->size - t->good_end;
    if (t->damage.rot) {
        log_warning("%s is not touched: only redis-check-aof --fix removes what was acknowledged",
                    path);
        return false;
    }
    if (damage->code == FAULT_EOF) {
        if (!a->load_truncated)
            return false;
        log_warning("!!! Warning: short read while loading the AOF file %s !!!", path);
        log_warning("AOF %s loaded anyway because aof-load-truncated is enabled", path);
        return true;
    }
    if (bytes > (uint64_t)a->load_corrupt_tail_max)
        return false;
    log_warning("!!! Warning: the last %" PRIu64 " bytes of the AOF file %s are damaged !!!", bytes,
                path);
    log_warning("AOF %s loaded anyway because they are no more than aof-load-corrupt-tail-max-size",
                path);
    return true;
}

/* Cuts a torn tail off: what was read is complete up to good_end, and nothing behind it was run. */
static bool cut_tail(struct reading *r, const struct aof_reader *reader, struct fault *f)
{
    struct fault damage = *f;
    must(fault_is(f));
    struct tail t;
    bool of_bytes = f->code == FAULT_EOF || f->code == FAULT_FORMAT || f->code == FAULT_CRC;
    if (!of_bytes || reader->in_batch || r->in->decoder || !look_behind(r, reader, &t, f) ||
        !may_cut(r->persist->aof, r->path, &t, f))
        return false;
    fault_clear(f);
    struct buf kept = {0};
    bool ok = file_cut(r->path, t.good_end, clock_wall_s(), &kept, f);
    if (ok)
        log_warning("!!! Truncating the AOF %s at offset %" PRIu64 " !!! It had %" PRIu64 " bytes: "
                    "%s. What was cut off is kept in %s", r->path, t.good_end, t.size, damage.what,
                    kept.len ? buf_cstr(&kept) : "no file: it was nothing");
    else
        log_warning("The AOF file %s has a damaged end that could not be cut off: %s", r->path,
                    damage.what);
    buf_free(&kept);
    return ok;
}

static void tell_coverage(const struct reading *r, const struct aof_reader *reader)
{
    if (reader->has_session)
        log_verbose("%s: %" PRIu64 " of %" PRIu64 " bytes have checksums, in %" PRIu64 " batches%s",
                    r->path, reader->bytes_checked, in_offset(r->in), reader->batches,
                    reader->chain.open ? "" : "; its end has none");
    else
        log_verbose("%s: no checksums", r->path);
}

static bool read_log_file(struct reading *r, bool last, struct fault *f)
{
    int64_t bulk_max = server_clients(r->persist->server)->bulk_max;
    struct aof_limits limits = {.bulk_max = bulk_max > BULK_MAX ? (uint64_t)bulk_max : BULK_MAX,
                                .loose = true, .open_end = !last};
    struct aof_reader reader;
    bool rdb = aof_has_preamble(r->in);
    if (rdb) {
        log_notice("Reading RDB base file on AOF loading...");
        if (!read_rdb(r, 0, NULL, f)) {
            load_words_rdb(r->path, f);
            return false;
        }
    }
    bool refused;
    aof_open(&reader, r->in, &limits);
    bool ok = run_commands(r, &reader, &refused, f);
    if (!ok && !refused && last)
        ok = cut_tail(r, &reader, f);
    must(ok || fault_is(f));
    if (ok)
        tell_coverage(r, &reader);
    else if (!refused)
        load_words_log(r->path, f);
    aof_close(&reader);
    return ok;
}

/* Loaded again later, the log tells nothing new. */
static const struct aof_notes *notes_of(const struct persist *p)
{
    return p->aof->notes.arg && !p->aof->started ? &p->aof->notes : NULL;
}

/* kind: base or incr. seq: of an increment. */
static bool load_part(struct persist *p, const char *kind, const struct manifest_file *part,
                      int64_t seq, bool last, struct fault *f)
{
    const char *name = part->name;
    char *path = aof_path(p->aof, name);
    struct reading r = {.persist = p, .path = path, .done_before = p->load_done_bytes};
    int64_t began = clock_mono_us();
    bool ok = open_file(&r, f);
    r.notes = seq ? notes_of(p) : NULL;
    if (ok && r.notes)
        r.notes->part(r.notes->arg, seq);
    if (ok) {
        ok = read_log_file(&r, last, f);
        close_file(&r);
        if (ok)
            log_notice("DB loaded from %s file %s: %.3f seconds", kind, name,
                       (double)(clock_mono_us() - began) / 1e6);
        else
            fault_prefix(f, path);
    }
    mem_free(path);
    return ok;
}

bool boot_load_aof(struct persist *p, struct fault *f)
{
    const struct manifest *m = &p->aof->manifest;
    int64_t began = clock_mono_us();
    bool ok = true;
    if (!aof_check_parts(p->aof, f))
        return false;
    aof_measure(p->aof);
    p->aof->load_errors_skipped = 0;
    begin_loading(p, p->aof->total_size, NULL);
    if (m->base.name)
        ok = load_part(p, "base", &m->base, 0, m->incr.count == 0, f);
    for (size_t i = 0; ok && i < m->incr.count; i++)
        ok = load_part(p, "incr", &m->incr.files[i], m->incr.files[i].seq,
                       i + 1 == m->incr.count, f);
    end_loading(p, ok);
    must(ok || fault_is(f));
    if (notes_of(p))
        p->aof->notes.all_read(p->aof->notes.arg, ok && !p->aof->load_errors_skipped);
    if (ok)
        log_notice("DB loaded from append only file: %.3f seconds",
                   (double)(clock_mono_us() - began) / 1e6);
    return ok;
}
