/* SPDX-License-Identifier: BSD-3-Clause */
/* end is the offset that a reader of the log has come to at its end: with the next batch it is
 * compared with the one the stream has, and the line says by how much that went on alone. */
#include "replication/log_notes.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "persist/aof_increments.h"
#include "persist/aof_state.h"
#include "persist/persist.h"
#include "replication/log_stream.h"
#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "replication/replica_notes.h"
#include "server/commit_batch.h"
#include "server/hooks.h"
#include "server/role.h"
#include "server/server.h"

struct log_notes {
    struct repl *repl;
    struct log_places places;
    bool on;         /* the log's last lines say that it is the stream, up to end */
    bool stale;      /* and are not to be gone on with */
    int64_t end;
    uint64_t apart;  /* repl_stream_apart, as it was there */
    int64_t told;    /* offset of the last line of a place */
    char id[LOG_STREAM_ID + 1]; /* that it says */
    size_t place_due; /* what is being written tells one: where it says in which session; or 0 */
    /* loading */
    struct log_stream loaded;
    int64_t seq;
    struct replica_notes replica; /* what is said while it is one */
};

void log_notes_forget(struct log_notes *n)
{
    log_places_free(&n->places);
    n->told = -LOG_NOTES_EVERY; /* the next batch tells of a place */
}

/* The log goes on as the stream does. */
static bool is_good(const struct log_notes *n)
{
    return n->on && !n->stale && n->apart == repl_stream_apart(n->repl);
}

bool log_notes_reach_back(const struct log_notes *n)
{
    return is_good(n) && n->places.count > 0;
}

int64_t log_notes_end(const struct log_notes *n)
{
    return is_good(n) ? n->end : -1;
}

/* Of a generation that is kept no more nothing is known either. */
bool log_notes_find(struct log_notes *n, int64_t offset, struct log_place *found)
{
    const struct aof *a = n->repl->persist->aof;
    if (!log_notes_reach_back(n) || aof_increment_newest(a) < 0 || offset > n->end)
        return false;
    while (n->places.count && !aof_increment_is_named(a, n->places.places[0].at.seq))
        log_places_forget(&n->places, n->places.places[0].at.seq);
    const struct log_place *place = log_places_find(&n->places, offset);
    if (place)
        *found = *place;
    return place != NULL;
}

/* ---- writing ---- */

static void stop(struct log_notes *n, struct buf *lines)
{
    if (n->on)
        log_stream_put_end(lines);
    n->on = n->stale = false;
    log_notes_forget(n);
}

static void put_place(struct log_notes *n, struct buf *lines, char kind, int64_t offset)
{
    const char *id = n->repl->role->id;
    must(!n->place_due && offset >= n->told);
    n->place_due = log_stream_put_place(lines, kind, id, offset);
    memcpy(n->id, id, sizeof n->id);
    n->told = offset;
}

static void begin_anew(struct log_notes *n, struct buf *lines, int64_t offset)
{
    log_notes_forget(n);
    put_place(n, lines, '!', offset);
    n->apart = repl_stream_apart(n->repl);
    n->on = true;
    n->stale = false;
}

/* Is the batch one that the stream can be made from? */
static bool tells_all(const struct commit_batch *b)
{
    uint64_t log = b->log.len, replicas = b->replicas.len;
    return !b->apart && (log == replicas ||
                         (log < replicas && replicas - log <= LOG_STREAM_ALONE_MAX &&
                          log_stream_can_fill_unit(b->log, replicas - log)));
}

static bool goes_on(const struct log_notes *n, int64_t before)
{
    return is_good(n) && before >= n->end && log_stream_can_fill((uint64_t)(before - n->end));
}

static void go_on_to(struct log_notes *n, int64_t offset, bool fresh, struct buf *lines)
{
    bool renamed = strcmp(n->id, n->repl->role->id) != 0;
    if (offset > n->end)
        log_stream_put_alone(lines, '+', (uint64_t)(offset - n->end));
    if (fresh || renamed || offset - n->told >= LOG_NOTES_EVERY)
        put_place(n, lines, ':', offset);
}

static void write(void *arg, const struct commit_batch *b, bool fresh, struct buf *lines)
{
    struct log_notes *n = arg;
    const struct repl *r = n->repl;
    if (r->role->is_replica) {
        stop(n, lines);
        replica_notes_write(&n->replica, b, fresh, lines);
        return;
    }
    replica_notes_stop(&n->replica, lines);
    if (!repl_stream_is_own(r) || !tells_all(b)) {
        stop(n, lines);
        r->persist->aof->notes.wanted = repl_stream_is_own(r);
        return;
    }
    int64_t before = repl_stream_before(r, b);
    if (!goes_on(n, before)) {
        begin_anew(n, lines, before);
    } else {
        go_on_to(n, before, fresh, lines);
    }
    if (b->replicas.len > b->log.len)
        log_stream_put_alone(lines, '*', b->replicas.len - b->log.len);
    n->end = before + (int64_t)b->replicas.len;
}

static void place(void *arg, const struct aof_place *at, struct buf *lines)
{
    struct log_notes *n = arg;
    must(n->place_due < lines->len);
    replica_notes_place(&n->replica, &at->chain, lines);
    if (!n->place_due)
        return;
    log_stream_put_session(lines->data + n->place_due, &at->chain);
    log_places_add(&n->places, at, n->told);
    n->place_due = 0;
}

static void broken(void *arg)
{
    struct log_notes *n = arg;
    n->stale |= n->on;
    replica_notes_broken(&n->replica);
    log_notes_forget(n);
}

/* What only replicas got since the last batch: they have it, and are to go on after a restart. */
static void end(void *arg, bool fresh, struct buf *lines)
{
    struct log_notes *n = arg;
    const struct repl *r = n->repl;
    if (r->role->is_replica)
        replica_notes_end(&n->replica, lines);
    if (!repl_stream_is_own(r) || !goes_on(n, r->role->offset) || r->role->offset == n->end)
        return;
    go_on_to(n, r->role->offset, fresh, lines);
    n->end = r->role->offset;
}

/* ---- loading ---- */

static void part(void *arg, int64_t seq)
{
    struct log_notes *n = arg;
    n->seq = seq;
    log_stream_next_file(&n->loaded);
    log_held_next_file(&n->replica.held);
}

static void read(void *arg, const struct aof_reader *reader, enum aof_item item)
{
    struct log_notes *n = arg;
    enum log_stream_got got = log_stream_read(&n->loaded, reader, item, NULL);
    log_held_read(&n->replica.held, reader, item);
    if (got == LOG_STREAM_ON)
        return;
    if (got != LOG_STREAM_PLACE)
        log_notes_forget(n);
    if (got == LOG_STREAM_BROKEN || !reader->in_batch)
        return;
    struct aof_place at = {.seq = n->seq, .at = reader->batch_at, .chain = reader->before};
    log_places_add(&n->places, &at, n->loaded.offset);
}

/* ---- what was before the base ---- */

struct head {
    struct in in;
    struct aof_reader reader;
    int fd;
};

static ssize_t read_head(void *arg, void *to, size_t n)
{
    return file_read(((struct head *)arg)->fd, to, n);
}

/* The place that the first lines of an increment tell. */
static bool find_head(struct head *h, uint64_t size, struct log_place *found)
{
    enum { BLOCK = 256 << 10, ITEMS_MAX = 8 }; /* it is in front of the first command */
    struct log_stream s;
    bool ok = false;
    in_init_callback(&h->in, read_head, h, size, BLOCK);
    aof_open(&h->reader, &h->in, &(struct aof_limits){0});
    log_stream_begin(&s);
    for (int i = 0; i < ITEMS_MAX && !ok && aof_next(&h->reader) == AOF_ANNOTATION; i++) {
        log_stream_read(&s, &h->reader, AOF_ANNOTATION, NULL);
        ok = s.known && h->reader.in_batch;
    }
    found->at.at = h->reader.batch_at;
    found->at.chain = h->reader.before;
    found->offset = s.offset;
    aof_close(&h->reader);
    in_free(&h->in);
    return ok;
}

/* Increments that are history now, newest first, as long as each begins in front of the one behind
 * it. That it also ends there is seen when it is read (log_send.h). */
static void find_older(struct log_notes *n)
{
    const struct aof *a = n->repl->persist->aof;
    size_t count;
    int64_t *seqs = aof_increments_from(a, 0, &count);
    bool ok = n->places.count > 0;
    while (ok && count > 0 && seqs[count - 1] >= n->places.places[0].at.seq)
        count--;
    while (ok && count-- > 0) {
        struct head h = {.fd = aof_increment_open(a, seqs[count])};
        struct log_place place = {.at.seq = seqs[count]};
        int64_t size = h.fd < 0 ? -1 : file_size(h.fd);
        ok = size > 0 && find_head(&h, (uint64_t)size, &place) &&
             place.offset <= n->places.places[0].offset;
        if (ok)
            log_places_add_older(&n->places, &place.at, place.offset);
        if (h.fd >= 0)
            file_close(h.fd);
    }
    mem_free(seqs);
}

/* Only what has checksums to its end is known to be what this server has written. */
static void all_read(void *arg, bool whole)
{
    struct log_notes *n = arg;
    struct repl *r = n->repl;
    const struct log_stream *s = &n->loaded;
    must(!n->on);
    replica_notes_loaded(&n->replica, whole);
    n->on = s->known;
    n->stale = true;
    r->persist->aof->notes.wanted = n->on || n->replica.on || r->role->is_replica;
    if (!whole || !s->known || !s->session || s->in_unit || r->role->is_replica ||
        repl_stream_is_kept(r)) {
        log_notes_forget(n);
        return;
    }
    repl_stream_restore(r, s->id, s->offset);
    log_notice("The append log is of the history %s, up to offset %lld: replicas that have no more "
               "go on from where they are", s->id, (long long)s->offset);
    n->stale = false;
    n->end = n->told = s->offset;
    memcpy(n->id, s->id, sizeof n->id);
    find_older(n);
}

/* ---- life ---- */

/* Until then batches are not asked about. */
static void history_begins(void *arg)
{
    ((struct log_notes *)arg)->repl->persist->aof->notes.wanted = true;
}

/* Of a replica what is logged is told of, too. */
static void role_changed(void *arg, bool is_replica)
{
    if (is_replica)
        ((struct log_notes *)arg)->repl->persist->aof->notes.wanted = true;
}

struct log_notes *log_notes_new(struct repl *r)
{
    struct log_notes *n = mem_zalloc(sizeof *n);
    n->repl = r;
    log_stream_begin(&n->loaded);
    replica_notes_init(&n->replica, r);
    r->persist->aof->notes = (struct aof_notes){
        .write = write, .place = place, .broken = broken, .end = end, .part = part,
        .read = read, .all_read = all_read, .arg = n};
    repl_stream_on_break(r, broken, n);
    repl_stream_on_begin(r, history_begins, n);
    hooks_on_role(server_hooks(r->server), role_changed, n);
    return n;
}

void log_notes_free(struct log_notes *n)
{
    n->repl->persist->aof->notes = (struct aof_notes){0};
    log_places_free(&n->places);
    mem_free(n);
}
