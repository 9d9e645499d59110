/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids and offset are those of role.h, the bytes those of the backlog, and the map tells which
 * offset a position of the log is. While this server leads and keeps a history, what is committed
 * is heard (listens); a replica hears nothing of its own commits: what its primary sends is the
 * history. */
#include "replication/repl_stream.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "format/resp_write.h"
#include "replication/backlog.h"
#include "replication/offset_map.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "server/clients.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/role.h"
#include "server/server.h"

struct repl_stream {
    char primary_id[ROLE_ID_SIZE]; /* role.h's id, but for tests (repl_stream_change_id) */
    struct offset_map map; /* of a history that is kept */
    bool listens;          /* to what is committed here */
    uint64_t heard;        /* of what was logged, too, the last position */
    uint64_t apart;
    struct {
        void (*f)(void *arg);
        void *arg;
    } breaks[REPL_STREAM_BREAKS_MAX];
    int break_count;
    void (*begins)(void *arg);
    void *begins_arg;
};

static uint64_t position(const struct repl *r)
{
    return commit_position(server_commit(r->server));
}

static void note(struct repl *r)
{
    offset_map_note(&r->stream->map, position(r), r->role->offset);
}

static void hear(void *arg, const struct commit_batch *batch)
{
    struct repl *r = arg;
    repl_stream_add(r, batch->replicas);
    r->stream->apart += batch->apart;
    if (batch->log.len)
        r->stream->heard = batch->position;
}

uint64_t repl_stream_apart(const struct repl *r)
{
    return r->stream->apart;
}

int64_t repl_stream_before(const struct repl *r, const struct commit_batch *batch)
{
    must(r->stream->listens && batch->log.len);
    bool has = r->stream->heard == batch->position;
    return r->role->offset - (has ? (int64_t)batch->replicas.len : 0);
}

static void listen(struct repl *r, bool on)
{
    struct hooks *hooks = server_hooks(r->server);
    if (on == r->stream->listens)
        return;
    r->stream->listens = on;
    if (!on) {
        hooks_off_commit(hooks, r);
        return;
    }
    commit_reselect(server_commit(r->server));
    hooks_on_commit(hooks, TO_REPLICAS, hear, r);
    if (r->stream->begins)
        r->stream->begins(r->stream->begins_arg);
}

/* From the present offset on; the backlog has nothing before it. */
static void keep_from_here(struct repl *r)
{
    backlog_start(r->backlog, r->role->offset + 1);
    offset_map_start(&r->stream->map, position(r), r->role->offset);
}

static void set_id(struct repl *r, const char *id)
{
    must(strlen(id) == ROLE_ID_SIZE - 1);
    memcpy(r->role->id, id, ROLE_ID_SIZE);
    memcpy(r->stream->primary_id, id, ROLE_ID_SIZE);
}

static void new_id(struct repl *r)
{
    char id[ROLE_ID_SIZE] = {0};
    rand_hex(id, ROLE_ID_SIZE - 1);
    set_id(r, id);
}

static void forget_old_id(struct repl *r)
{
    memset(r->role->old_id, '0', ROLE_ID_SIZE - 1);
    r->role->old_id_until = -1;
}

/* The present id becomes the old one. */
static void retire_id(struct repl *r)
{
    memcpy(r->role->old_id, r->role->id, ROLE_ID_SIZE);
    r->role->old_id_until = r->role->offset;
}

void repl_stream_on_break(struct repl *r, void (*f)(void *arg), void *arg)
{
    struct repl_stream *s = r->stream;
    must(s->break_count < REPL_STREAM_BREAKS_MAX);
    s->breaks[s->break_count].f = f;
    s->breaks[s->break_count++].arg = arg;
}

void repl_stream_on_begin(struct repl *r, void (*f)(void *arg), void *arg)
{
    must(!r->stream->begins);
    r->stream->begins = f;
    r->stream->begins_arg = arg;
}

static void tell_break(const struct repl *r)
{
    for (int i = 0; i < r->stream->break_count; i++)
        r->stream->breaks[i].f(r->stream->breaks[i].arg);
}

bool repl_stream_is_own(const struct repl *r)
{
    return r->stream->listens;
}

bool repl_stream_is_kept(const struct repl *r)
{
    return backlog_is_on(r->backlog);
}

void repl_stream_begin(struct repl *r)
{
    must(!r->role->is_replica && !repl_stream_is_kept(r));
    new_id(r); /* what changed before was not counted */
    forget_old_id(r);
    keep_from_here(r);
    listen(r, true);
    log_notice("A history for replicas begins here: its id is %s", r->role->id);
}

void repl_stream_end(struct repl *r)
{
    must(!r->role->is_replica && repl_stream_is_kept(r));
    listen(r, false);
    backlog_stop(r->backlog);
    new_id(r);
    forget_old_id(r);
    log_notice("Replication backlog freed after %lld seconds without replicas; the next history "
               "has another id",
               (long long)r->config->backlog_ttl_s);
}

static void add(struct repl *r, struct slice bytes)
{
    r->role->offset += (int64_t)bytes.len;
    backlog_add(r->backlog, bytes);
    note(r);
}

void repl_stream_add(struct repl *r, struct slice bytes)
{
    must(repl_stream_is_kept(r));
    add(r, bytes);
}

void repl_stream_say(struct repl *r, int argc, const struct slice *argv)
{
    struct buf text = {0};
    must(r->stream->listens);
    note(r); /* what was logged so far does not wait for this */
    resp_put_head(&text, '*', (size_t)argc);
    for (int i = 0; i < argc; i++)
        resp_put_bulk(&text, argv[i]);
    add(r, buf_slice(&text));
    buf_free(&text);
}

void repl_stream_adopt(struct repl *r, const char *id, int64_t offset)
{
    tell_break(r);
    set_id(r, id);
    forget_old_id(r);
    r->role->offset = offset;
    r->strayed = false;
    keep_from_here(r);
}

void repl_stream_rename(struct repl *r, const char *id)
{
    if (strcmp(id, r->stream->primary_id) == 0)
        return;
    tell_break(r);
    retire_id(r);
    set_id(r, id);
    log_notice("The history of data goes on as %s; up to offset %lld it is that of %s, too", id,
               (long long)r->role->offset, r->role->old_id);
}

void repl_stream_lead(struct repl *r)
{
    tell_break(r);
    retire_id(r);
    new_id(r);
    r->strayed = false;
    listen(r, repl_stream_is_kept(r));
    log_notice("This server leads: the history goes on as %s; up to offset %lld it is that of %s, "
               "too", r->role->id, (long long)r->role->offset, r->role->old_id);
}

void repl_stream_change_id(struct repl *r)
{
    char followed[ROLE_ID_SIZE];
    memcpy(followed, r->stream->primary_id, ROLE_ID_SIZE);
    new_id(r);
    forget_old_id(r);
    if (r->role->is_replica)
        memcpy(r->stream->primary_id, followed, ROLE_ID_SIZE);
}

const char *repl_stream_primary_id(const struct repl *r)
{
    return r->stream->primary_id;
}

void repl_stream_restore(struct repl *r, const char *id, int64_t offset)
{
    must(!r->stream->listens);
    r->role->offset = offset;
    if (r->role->is_replica) {
        set_id(r, id);
        keep_from_here(r);
        return;
    }
    memcpy(r->role->old_id, id, ROLE_ID_SIZE);
    r->role->old_id_until = offset;
    keep_from_here(r);
    listen(r, true);
}

bool repl_stream_is_named(const struct repl *r, struct slice id, int64_t offset)
{
    const struct role *role = r->role;
    bool old = slice_eq_str(id, role->old_id) && offset <= role->old_id_until;
    return repl_stream_is_kept(r) && (old || slice_eq_str(id, role->id));
}

bool repl_stream_has(const struct repl *r, struct slice id, int64_t offset)
{
    return repl_stream_is_named(r, id, offset - 1) && offset >= backlog_first(r->backlog) &&
           offset <= backlog_next(r->backlog);
}

int64_t repl_stream_needed(const struct repl *r, uint64_t at)
{
    return repl_stream_is_kept(r) ? offset_map_needed(&r->stream->map, at) : INT64_MAX;
}

uint64_t repl_stream_held(const struct repl *r, int64_t offset)
{
    if (!repl_stream_is_kept(r))
        return 0;
    return offset >= r->role->offset ? commit_position(server_commit(r->server))
                                     : offset_map_held(&r->stream->map, offset);
}

int64_t repl_stream_sendable(struct repl *r)
{
    uint64_t released = hooks_released(server_hooks(r->server));
    return released == UINT64_MAX ? r->role->offset
                                  : offset_map_sendable(&r->stream->map, released);
}

/* ---- set-up ---- */
static void resize(void *arg)
{
    struct repl *r = arg;
    backlog_resize(r->backlog, (size_t)r->config->backlog_size);
    server_clients(r->server)->replica_limit_least = r->config->backlog_size;
}

/* Whoever followed a primary has to learn of another history. */
static void role_changed(void *arg, bool is_replica)
{
    struct repl *r = arg;
    if (!is_replica)
        return;
    tell_break(r);
    listen(r, false);
}

void repl_stream_init(struct repl *r)
{
    r->backlog = backlog_new((size_t)r->config->backlog_size);
    r->stream = mem_zalloc(sizeof *r->stream);
    memcpy(r->stream->primary_id, r->role->id, ROLE_ID_SIZE);
    resize(r);
    repl_config_on_change(r->config, resize, r);
    hooks_on_role(server_hooks(r->server), role_changed, r);
}

void repl_stream_free(struct repl *r)
{
    listen(r, false);
    backlog_free(r->backlog);
    mem_free(r->stream);
}
