/* SPDX-License-Identifier: BSD-3-Clause */
/* The open unit is a buffer of encoded commands. Room for a MULTI is kept free at its front, so
 * that when the unit turns out to be more than one command nothing has to move:
 *
 *   [15 bytes reserved for MULTI][SELECT][command][SELECT][command]...[EXEC]
 *
 * A SELECT counts as part of the command behind it. */
#include "server/commit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "server/hooks.h"

#define MULTI_TEXT "*1\r\n$5\r\nMULTI\r\n"
#define EXEC_TEXT "*1\r\n$4\r\nEXEC\r\n"
enum { FRONT = sizeof MULTI_TEXT - 1, KEEP_CAP_MAX = 1 << 20 };

struct commit {
    struct hooks *hooks;
    struct buf unit; /* empty, or FRONT bytes and commands */
    unsigned commands;
    int64_t logged_db; /* -1: the next command needs a SELECT */
    uint64_t position, dirty;
};

struct commit *commit_new(struct hooks *hooks)
{
    struct commit *cm = mem_zalloc(sizeof *cm);
    cm->hooks = hooks;
    cm->logged_db = -1;
    return cm;
}

void commit_free(struct commit *cm)
{
    buf_free(&cm->unit);
    mem_free(cm);
}

static void add_header(struct buf *b, char mark, size_t n)
{
    char *to = buf_reserve(b, NUM_I64_TEXT + 3);
    size_t len = num_format_u64(to + 1, n);
    to[0] = mark;
    to[len + 1] = '\r';
    to[len + 2] = '\n';
    b->len += len + 3;
}

static void add_bulk(struct buf *b, struct slice s)
{
    add_header(b, '$', s.len);
    buf_add(b, s);
    buf_append(b, "\r\n", 2);
}

static void add_select(struct commit *cm, unsigned db)
{
    char text[NUM_I64_TEXT];
    size_t len = num_format_u64(text, db);
    buf_append(&cm->unit, "*2\r\n$6\r\nSELECT\r\n", 16);
    add_bulk(&cm->unit, slice(text, len));
    cm->logged_db = db;
}

void commit_add(struct commit *cm, unsigned db, int argc, const struct slice *argv)
{
    if (!hooks_has_commit(cm->hooks))
        return;
    if (cm->unit.len == 0)
        buf_append(&cm->unit, MULTI_TEXT, FRONT);
    if (cm->logged_db != (int64_t)db)
        add_select(cm, db);
    add_header(&cm->unit, '*', (size_t)argc);
    for (int i = 0; i < argc; i++)
        add_bulk(&cm->unit, argv[i]);
    cm->commands++;
}

static void end_unit(struct commit *cm, int64_t now_ms, bool together)
{
    if (cm->unit.len == 0)
        return;
    struct slice bytes = slice_from(buf_slice(&cm->unit), FRONT);
    must(cm->commands > 0);
    if (cm->commands > 1 && together) {
        buf_append(&cm->unit, EXEC_TEXT, sizeof EXEC_TEXT - 1);
        bytes = buf_slice(&cm->unit);
    }
    cm->position += bytes.len;
    struct commit_batch batch = {
        .bytes = bytes, .position = cm->position, .commands = cm->commands, .now_ms = now_ms};
    cm->commands = 0;
    hooks_commit(cm->hooks, &batch);
    buf_clear(&cm->unit);
    if (cm->unit.cap > KEEP_CAP_MAX)
        buf_free(&cm->unit);
}

void commit_end(struct commit *cm, int64_t now_ms)
{
    end_unit(cm, now_ms, true);
}

void commit_end_loose(struct commit *cm, int64_t now_ms)
{
    end_unit(cm, now_ms, false);
}

bool commit_is_long(const struct commit *cm)
{
    return cm->unit.len >= COMMIT_LOOSE_MAX;
}

void commit_reselect(struct commit *cm)
{
    cm->logged_db = -1;
}

uint64_t commit_position(const struct commit *cm)
{
    return cm->position;
}

void commit_set_position(struct commit *cm, uint64_t position)
{
    cm->position = position;
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
