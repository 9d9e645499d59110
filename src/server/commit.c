/* SPDX-License-Identifier: BSD-3-Clause */
/* The open unit of a stream is a buffer of encoded commands. Room for a MULTI is kept free at its
 * front, so that when the unit turns out to be more than one command nothing has to move:
 *
 *   [15 bytes reserved for MULTI][SELECT][command][SELECT][command]...[EXEC]
 *
 * A SELECT counts as part of the command behind it. While all commands of a unit went to both
 * streams, and both are in the same database, the log's buffer is that of both. The first command
 * that does not go to both parts them, for the rest of the unit. */
#include "server/commit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "format/resp_write.h"
#include "server/hooks.h"

#define MULTI_TEXT "*1\r\n$5\r\nMULTI\r\n"
#define EXEC_TEXT "*1\r\n$4\r\nEXEC\r\n"
enum { FRONT = sizeof MULTI_TEXT - 1, KEEP_CAP_MAX = 1 << 20 };

struct stream {
    struct buf unit; /* empty, or FRONT bytes and commands */
    unsigned commands;
    int64_t db;      /* selected last; -1: the next command needs a SELECT */
};

struct commit {
    struct hooks *hooks;
    struct stream log, replicas;
    bool shared; /* the unit of replicas is that of log */
    bool apart;  /* a change of the unit went to one of them alone */
    enum commit_scope reselect; /* those whose next unit begins with a SELECT */
    uint64_t position, dirty;
};

/* Between commands. */
static void stream_must_hold(const struct stream *s)
{
    must((s->unit.len == 0) == (s->commands == 0));
    must(s->unit.len == 0 || s->unit.len > FRONT);
}

struct commit *commit_new(struct hooks *hooks)
{
    struct commit *cm = mem_zalloc(sizeof *cm);
    cm->hooks = hooks;
    cm->log.db = cm->replicas.db = -1;
    return cm;
}

void commit_free(struct commit *cm)
{
    buf_free(&cm->log.unit);
    buf_free(&cm->replicas.unit);
    mem_free(cm);
}

static void add_select(struct stream *s, unsigned db)
{
    char text[NUM_I64_TEXT];
    size_t len = num_format_u64(text, db);
    buf_append(&s->unit, "*2\r\n$6\r\nSELECT\r\n", 16);
    resp_put_bulk(&s->unit, slice(text, len));
    s->db = db;
}

static void add(struct stream *s, unsigned db, int argc, const struct slice *argv)
{
    must(argc > 0);
    if (s->unit.len == 0)
        buf_append(&s->unit, MULTI_TEXT, FRONT);
    if (s->db != (int64_t)db)
        add_select(s, db);
    resp_put_head(&s->unit, '*', (size_t)argc);
    for (int i = 0; i < argc; i++)
        resp_put_bulk(&s->unit, argv[i]);
    s->commands++;
}

/* The streams go ways of their own. */
static void part(struct commit *cm)
{
    must(cm->shared && cm->replicas.unit.len == 0);
    buf_add(&cm->replicas.unit, buf_slice(&cm->log.unit));
    cm->replicas.commands = cm->log.commands;
    cm->replicas.db = cm->log.db;
    cm->shared = false;
    stream_must_hold(&cm->replicas);
}

void commit_add(struct commit *cm, enum commit_scope scope, unsigned db, int argc,
                const struct slice *argv)
{
    bool alone = scope == TO_LOG || scope == TO_REPLICAS;
    scope &= hooks_commit_scope(cm->hooks);
    if (!scope)
        return;
    cm->apart |= alone;
    if (scope == TO_ALL && cm->log.unit.len == 0 && cm->replicas.unit.len == 0)
        cm->shared = cm->log.db == cm->replicas.db;
    else if (scope != TO_ALL && cm->shared)
        part(cm);
    if (scope & TO_LOG)
        add(&cm->log, db, argc, argv);
    if (scope & TO_REPLICAS && !cm->shared)
        add(&cm->replicas, db, argc, argv);
}

/* The bytes of the unit, which is over but stays where it is until they have been told of. */
static struct slice finished(struct stream *s, bool together)
{
    if (s->unit.len == 0)
        return slice("", 0);
    must(s->commands > 0 && s->unit.len > FRONT);
    if (s->commands == 1 || !together)
        return slice_from(buf_slice(&s->unit), FRONT);
    buf_append(&s->unit, EXEC_TEXT, sizeof EXEC_TEXT - 1);
    return buf_slice(&s->unit);
}

/* A unit is over. */
static void forget_selected(struct commit *cm, enum commit_scope scope)
{
    scope &= cm->reselect;
    if (scope & TO_LOG)
        cm->log.db = -1;
    if (scope & TO_REPLICAS)
        cm->replicas.db = -1;
    cm->reselect &= ~scope;
}

static void clear(struct stream *s)
{
    s->commands = 0;
    buf_clear(&s->unit);
    if (s->unit.cap > KEEP_CAP_MAX)
        buf_free(&s->unit);
}

static void __attribute__((noinline)) end_unit(struct commit *cm, int64_t now_ms, bool together)
{
    struct commit_batch batch = {.log = finished(&cm->log, together), .now_ms = now_ms};
    must(!cm->shared || cm->replicas.unit.len == 0);
    batch.log_commands = cm->log.commands;
    batch.replicas = cm->shared ? batch.log : finished(&cm->replicas, together);
    batch.replica_commands = cm->shared ? cm->log.commands : cm->replicas.commands;
    if (cm->shared)
        cm->replicas.db = cm->log.db;
    enum commit_scope heard = hooks_commit_scope(cm->hooks);
    cm->position += heard & TO_LOG ? batch.log.len : batch.replicas.len;
    batch.position = cm->position;
    batch.apart = cm->apart;
    hooks_commit(cm->hooks, &batch);
    if (heard == TO_ALL && cm->log.db != cm->replicas.db)
        cm->reselect = TO_ALL; /* what follows is the same bytes again */
    cm->apart = false;
    clear(&cm->log);
    clear(&cm->replicas);
    cm->shared = false;
    forget_selected(cm, TO_ALL);
}

void commit_end(struct commit *cm, int64_t now_ms, bool together)
{
    if (cm->log.unit.len | cm->replicas.unit.len)
        end_unit(cm, now_ms, together);
}

void commit_end_log(struct commit *cm, int64_t now_ms)
{
    if (cm->log.unit.len == 0)
        return;
    if (cm->shared)
        part(cm);
    stream_must_hold(&cm->log);
    stream_must_hold(&cm->replicas);
    struct commit_batch batch = {.log = finished(&cm->log, true), .now_ms = now_ms};
    batch.log_commands = cm->log.commands;
    cm->position += batch.log.len;
    batch.position = cm->position;
    batch.apart = true;
    hooks_commit(cm->hooks, &batch);
    clear(&cm->log);
    forget_selected(cm, TO_LOG);
}

bool commit_is_long(const struct commit *cm)
{
    return cm->log.unit.len >= COMMIT_LOOSE_MAX || cm->replicas.unit.len >= COMMIT_LOOSE_MAX;
}

void commit_reselect(struct commit *cm)
{
    cm->reselect = TO_ALL;
    if (cm->log.unit.len == 0)
        forget_selected(cm, TO_LOG);
    if (cm->replicas.unit.len == 0 && !cm->shared)
        forget_selected(cm, TO_REPLICAS);
}

uint64_t commit_position(const struct commit *cm)
{
    return cm->position;
}

uint64_t commit_dirty(const struct commit *cm)
{
    return cm->dirty;
}

void commit_add_dirty(struct commit *cm, uint64_t changes)
{
    cm->dirty += changes;
}

void commit_set_dirty(struct commit *cm, uint64_t changes)
{
    cm->dirty = changes;
}
