/* SPDX-License-Identifier: BSD-3-Clause */
/* A batch is told of when it is a unit of the stream that is being run (repl->unit), the only one.
 * Anything else that is logged is this server's own, and makes the data set stray. */
#include "replication/replica_notes.h"

#include <string.h>

#include "base/log.h"
#include "base/must.h"
#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "server/client.h"
#include "server/commit_batch.h"
#include "server/role.h"
#include "store/db.h"

void replica_notes_init(struct replica_notes *n, struct repl *r)
{
    *n = (struct replica_notes){.repl = r};
    log_held_begin(&n->held);
}

void replica_notes_stop(struct replica_notes *n, struct buf *lines)
{
    if (n->on)
        log_stream_put_end(lines);
    n->on = n->stale = false;
}

static void put_place(struct replica_notes *n, int64_t offset, unsigned db, struct buf *lines)
{
    const char *id = repl_stream_primary_id(n->repl);
    must(!n->session_at);
    n->session_at = log_held_put_place(lines, id, offset, db);
    memcpy(n->id, id, sizeof n->id);
    n->offset = offset;
    n->db = db;
    n->on = true;
    n->stale = false;
}

static bool goes_on(const struct replica_notes *n)
{
    return n->on && !n->stale && strcmp(n->id, repl_stream_primary_id(n->repl)) == 0;
}

void replica_notes_write(struct replica_notes *n, const struct commit_batch *b, bool fresh,
                         struct buf *lines)
{
    struct repl *r = n->repl;
    const struct repl_unit *u = r->unit;
    must(r->role->is_replica && b->log.len > 0);
    r->strayed |= !u;
    r->unit = NULL;
    if (r->strayed || b->apart || !log_held_is_unit(b->log, b->log_commands)) {
        replica_notes_stop(n, lines);
        return;
    }
    if (fresh || !goes_on(n))
        put_place(n, u->from, u->db, lines);
    must(n->offset <= u->from && u->from < u->to);
    int64_t further = u->to - n->offset - (int64_t)b->log.len;
    if (further || u->client->db->id != n->db)
        log_held_put_further(lines, further, u->client->db->id);
    n->offset = u->to;
    n->db = u->client->db->id;
}

void replica_notes_place(struct replica_notes *n, const struct aof_chain *chain, struct buf *lines)
{
    if (n->session_at)
        log_stream_put_session(lines->data + n->session_at, chain);
    n->session_at = 0;
}

void replica_notes_broken(struct replica_notes *n)
{
    n->stale |= n->on;
}

/* What changed nothing since is not to come again. */
void replica_notes_end(struct replica_notes *n, struct buf *lines)
{
    const struct repl *r = n->repl;
    must(r->role->is_replica);
    if (r->strayed || r->unit || !repl_stream_is_kept(r))
        return;
    if (n->on && n->offset == r->role->offset &&
        strcmp(n->id, repl_stream_primary_id(r)) == 0)
        return;
    put_place(n, r->role->offset, r->stream_db, lines);
}

/* Only what has checksums to its end is known to be what this server has written. */
void replica_notes_loaded(struct replica_notes *n, bool whole)
{
    struct repl *r = n->repl;
    const struct log_held *h = &n->held;
    must(!n->on);
    n->on = n->stale = h->known;
    if (!h->known)
        return;
    memcpy(n->id, h->id, sizeof n->id);
    n->offset = h->offset;
    n->db = h->db;
    if (!whole || !h->session || h->in_unit || !r->role->is_replica || repl_stream_is_kept(r))
        return;
    repl_stream_restore(r, h->id, h->offset);
    r->stream_db = h->db;
    log_notice("The append log holds the history %s up to offset %lld: the primary is asked for "
               "what is behind it", h->id, (long long)h->offset);
}
