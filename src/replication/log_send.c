/* SPDX-License-Identifier: BSD-3-Clause */
/* chunk holds what was made, up to told.offset. It is joined with the backlog where a unit ends
 * that the backlog goes on behind; or, so that one that is hardly faster than the writes comes to
 * an end, at the end that the log had when little was left: from then on the backlog is held. */
#include "replication/log_send.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/loop.h"
#include "persist/aof_increments.h"
#include "persist/aof_notes.h"
#include "persist/persist.h"
#include "replication/backlog.h"
#include "replication/log_notes.h"
#include "replication/log_stream.h"
#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "replication/replicas.h"
#include "server/client.h"
#include "server/role.h"
#include "server/server.h"
#include "server/stats.h"

enum {
    BLOCK = 256 << 10, READ_AT_ONCE = 256 << 10, /* bytes of the log, before others' turn */
    HOLD_MAX = 1 << 20, /* behind so much the backlog is held */
};
static const uint64_t BULK_MAX = (uint64_t)1 << 40; /* it was logged, so it was taken */

struct part {
    int64_t seq;
    int fd;
};
struct log_send {
    struct replica *rep;
    void (*tell)(struct replica *rep); /* NULL: it was told */
    struct part *parts; /* oldest first */
    size_t count, current;
    int64_t from;       /* the offset that the replica has */
    struct log_stream told;
    bool held;          /* the replica's cursor stands in the backlog, */
    bool joined;        /* and that is where told ends */
    uint64_t sent;
    int64_t began_ms;
    struct loop_timer again;
    /* reading */
    struct aof_place at; /* where it begins, or goes on */
    bool open;
    struct in in;
    struct aof_reader reader;
    off_t read_at;
};

static struct log_send *of(const struct replica *rep)
{
    must(rep->log_send && rep->log_send->rep == rep);
    return rep->log_send;
}

static const struct aof *log_of(const struct log_send *s)
{
    return s->rep->repl->persist->aof;
}

/* ---- the files ---- */

static bool add_part(struct log_send *s, int64_t seq)
{
    int fd = aof_increment_open(log_of(s), seq);
    if (fd < 0)
        return false;
    s->parts = mem_realloc(s->parts, (s->count + 1) * sizeof *s->parts);
    s->parts[s->count++] = (struct part){seq, fd};
    return true;
}

/* Those that came since it looked last. */
static bool add_parts(struct log_send *s)
{
    size_t count;
    int64_t last = s->count ? s->parts[s->count - 1].seq : -1;
    int64_t *seqs = aof_increments_from(log_of(s), s->count ? last : s->at.seq, &count);
    bool ok = count > 0 && (s->count || seqs[0] == s->at.seq);
    for (size_t i = 0; ok && i < count; i++)
        ok = seqs[i] == last || add_part(s, seqs[i]);
    mem_free(seqs);
    return ok;
}

static bool has_newest(const struct log_send *s)
{
    return s->count && s->parts[s->count - 1].seq == aof_increment_newest(log_of(s));
}

static uint64_t readable(const struct log_send *s)
{
    const struct part *p = &s->parts[s->current];
    must(s->current < s->count);
    return aof_increment_readable(log_of(s), p->seq, p->fd);
}

static ssize_t read_part(void *arg, void *to, size_t n)
{
    struct log_send *s = arg;
    ssize_t got = file_pread(s->parts[s->current].fd, to, n, s->read_at);
    s->read_at += got > 0 ? got : 0;
    return got;
}

static void open_reader(struct log_send *s, uint64_t end)
{
    static const struct aof_limits limits = {.bulk_max = BULK_MAX};
    must(!s->open && s->at.at < end);
    s->read_at = (off_t)s->at.at;
    in_init_callback(&s->in, read_part, s, end, BLOCK);
    in_begin_at(&s->in, s->at.at);
    aof_open_at(&s->reader, &s->in, &limits, &s->at.chain);
    s->open = true;
}

static void close_reader(struct log_send *s)
{
    if (!s->open)
        return;
    aof_close(&s->reader);
    in_free(&s->in);
    s->open = false;
}

/* ---- the end ---- */

static void let_go(struct log_send *s)
{
    close_reader(s);
    loop_timer_stop(server_loop(s->rep->repl->server), &s->again);
    for (size_t i = 0; i < s->count; i++)
        file_close(s->parts[i].fd);
    mem_free(s->parts);
    mem_free(s);
}

static void leave(struct replica *rep)
{
    let_go(of(rep));
    buf_free(&rep->chunk);
    rep->chunk_sent = 0;
    rep->log_send = NULL;
    rep->source = NULL;
}

static void give_up(struct log_send *s, const char *why)
{
    struct replica *rep = s->rep;
    char name[REPLICA_NAME_MAX];
    log_warning("Replica %s can't go on from the append log behind offset %lld: increment %" PRId64
                ": %s. It is disconnected; when it asks again it is to get a copy of the data set",
                replica_name(rep, name), (long long)(s->told.known ? s->told.offset : s->from),
                s->parts[s->current].seq, why);
    log_notes_forget(rep->repl->log_notes);
    replica_drop(rep);
}

static void finish(struct log_send *s)
{
    struct replica *rep = s->rep;
    char name[REPLICA_NAME_MAX];
    must(s->joined && rep->chunk_sent == rep->chunk.len);
    log_notice("Replica %s has got %" PRIu64 " bytes made from the append log in %.3f seconds; the "
               "backlog has the rest", replica_name(rep, name), s->sent,
               (double)(clock_mono_us() / 1000 - s->began_ms) / 1e3);
    leave(rep);
    replica_go_online(rep, false);
}

/* ---- joining the backlog ---- */

static bool backlog_has(const struct repl *r, int64_t offset)
{
    return offset + 1 >= backlog_first(r->backlog) && offset + 1 <= backlog_next(r->backlog);
}

/* Between units: does the backlog go on from here? */
static void try_join(struct log_send *s)
{
    struct replica *rep = s->rep;
    struct repl *r = rep->repl;
    int64_t end = log_notes_end(r->log_notes);
    if (s->told.offset < s->from)
        return;
    if (!s->held && !backlog_has(r, s->told.offset)) {
        if (end <= s->told.offset || end - s->told.offset > HOLD_MAX || !backlog_has(r, end))
            return;
    } else {
        end = s->told.offset;
    }
    if (!s->held)
        backlog_seek(r->backlog, &rep->stream, end + 1);
    s->held = true;
    s->joined = s->told.offset + 1 == rep->stream.offset;
}

/* At the log's end, and only replicas got something since, more than the backlog has. */
static bool fill_rest(struct log_send *s)
{
    struct replica *rep = s->rep;
    int64_t end = rep->repl->role->offset;
    must(end > s->told.offset);
    if (!log_stream_fill(&rep->chunk, (uint64_t)(end - s->told.offset)))
        return false;
    s->told.offset = end;
    try_join(s);
    return true;
}

/* ---- making a chunk ---- */

/* What the replica has already does not go out. False: it stands where no unit ends. */
static bool leave_out(struct log_send *s, int64_t before, enum aof_item item, size_t len)
{
    struct buf *chunk = &s->rep->chunk;
    if (!s->told.known || before >= s->from)
        return true;
    chunk->len = len;
    return s->told.offset <= s->from ||
           (item == AOF_ANNOTATION &&
            log_stream_fill(chunk, (uint64_t)(s->told.offset - s->from)));
}

/* The offset of the byte that the backlog is held from. */
static int64_t held_from(const struct log_send *s)
{
    return s->rep->stream.offset;
}

/* One item. False: it gave up. */
static bool take(struct log_send *s, enum aof_item item)
{
    struct buf *chunk = &s->rep->chunk;
    size_t len = chunk->len;
    int64_t before = s->told.offset;
    bool was = s->told.known;
    enum log_stream_got got = log_stream_read(&s->told, &s->reader, item, chunk);
    const char *why = NULL;
    if (got == LOG_STREAM_BROKEN)
        why = s->told.why;
    else if ((was && got == LOG_STREAM_BEGINS) || (!s->told.known && item == AOF_COMMAND))
        why = "it does not go on there with what replicas got before";
    else if (s->held && s->told.offset >= held_from(s))
        why = "it does not come to where it was to end";
    else if (was && !leave_out(s, before, item, len))
        why = "no unit ends where the replica is";
    if (why) {
        give_up(s, why);
        return false;
    }
    if (s->told.known && !s->told.in_unit)
        try_join(s);
    return true;
}

/* The reader has come to the end of what can be read now. False: nothing more can be. */
static bool next_part(struct log_send *s)
{
    if (s->open) {
        s->at.at = in_offset(&s->in);
        s->at.chain = s->reader.chain;
        close_reader(s);
    }
    uint64_t end = readable(s);
    if (s->at.at >= end && s->current + 1 < s->count) {
        s->current++;
        s->at = (struct aof_place){.seq = s->parts[s->current].seq};
        log_stream_next_file(&s->told);
        end = readable(s);
    }
    if (s->at.at >= end)
        return false;
    open_reader(s, end);
    return true;
}

/* False: it gave up. *more: there is more to read at once. */
static bool read_some(struct log_send *s, bool *more)
{
    char text[FAULT_TEXT_MAX];
    struct replica *rep = s->rep;
    uint64_t from = s->open ? in_offset(&s->in) : s->at.at, read = 0;
    while (rep->chunk.len < LOG_SEND_CHUNK && read < READ_AT_ONCE && !s->joined) {
        enum aof_item item = s->open ? aof_next(&s->reader) : AOF_END;
        if (item == AOF_FAULT) {
            give_up(s, fault_text(&s->in.fault, text, sizeof text));
            return false;
        }
        if (item != AOF_END && !take(s, item))
            return false;
        if (item == AOF_END) {
            *more = next_part(s);
            if (!*more)
                return true;
            from = s->at.at;
        }
        read = in_offset(&s->in) - from;
    }
    *more = true;
    return true;
}

/* False: it gave up. */
static bool fill(struct log_send *s, bool *more)
{
    struct replica *rep = s->rep;
    const struct repl *r = rep->repl;
    must(!s->joined && rep->chunk_sent == rep->chunk.len);
    buf_clear(&rep->chunk);
    rep->chunk_sent = 0;
    if (aof_increment_newest(log_of(s)) < 0 || (!has_newest(s) && !add_parts(s))) {
        give_up(s, "the log does not go on from it");
        return false;
    }
    if (!read_some(s, more))
        return false;
    bool at_end = !*more && s->told.known && s->told.offset == log_notes_end(r->log_notes) &&
                  s->told.offset < r->role->offset;
    if (at_end && !s->joined && !fill_rest(s)) {
        give_up(s, "nothing is as long as what only replicas got");
        return false;
    }
    return true;
}

/* ---- to the replica ---- */

/* Of what was made, as much as may leave. */
static size_t chunk_left(const struct log_send *s)
{
    const struct replica *rep = s->rep;
    size_t left = rep->chunk.len - rep->chunk_sent;
    int64_t beyond = s->told.offset - repl_stream_sendable(rep->repl);
    if (beyond <= 0)
        return left;
    return (uint64_t)beyond < left ? left - (size_t)beyond : 0;
}

static void read_on_soon(struct log_send *s)
{
    s->rep->moved_ms = clock_now.mono_us / 1000;
    loop_timer_start(server_loop(s->rep->repl->server), &s->again, 0);
}

/* What the replica is to hear before the first byte, which there is. False: it was told. */
static bool tell_first(struct log_send *s)
{
    void (*tell)(struct replica *rep) = s->tell;
    if (!tell || !(s->joined || s->rep->chunk.len))
        return false;
    s->tell = NULL;
    tell(s->rep);
    read_on_soon(s);
    return true;
}

static int parts(struct replica *rep, size_t most, struct iovec *to, int max)
{
    struct log_send *s = of(rep);
    bool more = false;
    must(max > 0);
    if (rep->chunk_sent == rep->chunk.len && !s->joined && !fill(s, &more))
        return 0;
    if (tell_first(s))
        return 0;
    if (rep->chunk_sent == rep->chunk.len) {
        if (s->joined)
            finish(s);
        else if (more) /* what it has already was read over */
            read_on_soon(s);
        return 0;
    }
    size_t left = chunk_left(s);
    to[0].iov_base = rep->chunk.data + rep->chunk_sent;
    to[0].iov_len = left < most ? left : most;
    return left > 0;
}

static void sent(struct replica *rep, size_t n)
{
    struct log_send *s = of(rep);
    must(n <= rep->chunk.len - rep->chunk_sent);
    rep->chunk_sent += n;
    s->sent += n;
    server_stats(rep->repl->server)->sync_log_bytes += n;
    if (n)
        rep->moved_ms = clock_now.mono_us / 1000;
    if (s->joined && rep->chunk_sent == rep->chunk.len)
        finish(s);
}

static bool has_some(const struct replica *rep)
{
    const struct log_send *s = of(rep);
    if (rep->chunk_sent < rep->chunk.len)
        return chunk_left(s) > 0;
    return s->joined || s->open || !has_newest(s) || s->current + 1 < s->count ||
           readable(s) > s->at.at || s->told.offset == log_notes_end(rep->repl->log_notes);
}

static bool begun(const struct replica *rep)
{
    return !of(rep)->tell; /* nothing may come in between */
}

static const struct replica_source source = {
    .parts = parts, .sent = sent, .has_some = has_some, .begun = begun, .leave = leave};

static void go_on(void *arg)
{
    client_want_send(((struct log_send *)arg)->rep->client);
}

bool log_send_begin(struct replica *rep, int64_t offset, void (*tell)(struct replica *rep))
{
    struct repl *r = rep->repl;
    struct log_place place;
    char name[REPLICA_NAME_MAX];
    if (!repl_stream_is_own(r) || !log_notes_find(r->log_notes, offset, &place))
        return false;
    struct log_send *s = mem_zalloc(sizeof *s);
    *s = (struct log_send){.rep = rep, .tell = tell, .from = offset, .at = place.at,
                           .began_ms = clock_mono_us() / 1000};
    s->again = (struct loop_timer){.due = go_on, .arg = s};
    log_stream_begin(&s->told);
    if (!add_parts(s)) {
        log_warning("Replica %s can't go on from the append log: its files can't be opened",
                    replica_name(rep, name));
        let_go(s);
        return false;
    }
    must(s->parts[0].seq == place.at.seq);
    rep->log_send = s;
    rep->source = &source;
    rep->moved_ms = clock_now.mono_us / 1000;
    replica_enter(rep, REPLICA_RECEIVES);
    log_notice("Replica %s goes on from the append log: behind offset %lld, of %lld; it is read "
               "from offset %lld on, %zu files", replica_name(rep, name), (long long)offset,
               (long long)r->role->offset, (long long)place.offset, s->count);
    return true;
}
