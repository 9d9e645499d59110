/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_part.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "format/aof_damage.h"
#include "format/rdb_read.h"
#include "tools/pending_file.h"
#include "tools/rdb_behind.h"

const struct manifest_file *log_part_line(const struct source *s, size_t i)
{
    const struct manifest *m = &s->manifest;
    const char *name = s->parts[i].name;
    if (s->kind != SOURCE_SET)
        return NULL;
    if (m->base.name && strcmp(m->base.name, name) == 0)
        return &m->base;
    for (size_t n = 0; n < m->incr.count; n++)
        if (strcmp(m->incr.files[n].name, name) == 0)
            return &m->incr.files[n];
    for (size_t n = 0; n < m->history.count; n++)
        if (strcmp(m->history.files[n].name, name) == 0)
            return &m->history.files[n];
    return NULL;
}

uint64_t log_part_lost(const struct source *s, size_t i)
{
    const struct manifest_file *line = log_part_line(s, i);
    const struct source_part *p = &s->parts[i];
    must(i < s->count + s->history);
    if (!line || line->size < 0 || p->compression != COMPRESSION_NONE)
        return 0;
    return (uint64_t)line->size > p->size ? (uint64_t)line->size - p->size : 0;
}

/* The RDB in front is read past, and checked on the way. */
static bool pass_rdb(struct log_part *p, struct fault *f)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct in *in = &p->input.in;
    struct pending_file pending;
    if (!p->part->begins_with_rdb)
        return true;
    pending_file_begin(&pending, PENDING_FILE_HELD);
    bool ok = rdb_open(&r, in, &(struct rdb_options){.keep_modules = true,
                                                      .pending = &pending.ops});
    while (ok && rdb_next(&r, &rec))
        ok = rdb_skip(&r, &rec);
    ok = ok && !in_bad(in);
    if (ok)
        rdb_trailer(&r);
    else
        *f = *input_fault(&p->input);
    p->start = ok ? in_file_offset(in) : 0;
    p->checked = ok && r.crc == RDB_CRC_OK;
    rdb_close(&r);
    pending_file_end(&pending);
    return ok;
}

bool log_part_open(struct log_part *p, const struct source *s, size_t i, struct fault *f)
{
    const struct manifest_file *line = log_part_line(s, i);
    *p = (struct log_part){.part = &s->parts[i]};
    if (!source_part_open(&p->input, p->part, f))
        return false;
    bool ok = input_seekable_part(&p->input, f) && pass_rdb(p, f);
    if (!ok) {
        fault_prefix(f, p->part->name);
        input_close(&p->input);
        return false;
    }
    /* An RDB says of which log it is by itself; an increment that is empty says nothing. */
    if (line && !p->part->begins_with_rdb && p->input.size > 0)
        p->options.id = line->id;
    if (p->start > p->input.size)
        p->start = p->input.size;
    p->other = p->start > 0 &&
               rdb_behind_look(p->input.fd, p->start, p->input.size) == RDB_BEHIND_OTHER;
    log_bytes_open(&p->bytes, p->input.fd, p->input.size);
    return true;
}

void log_part_close(struct log_part *p)
{
    log_bytes_close(&p->bytes);
    input_close(&p->input);
}

bool log_part_base_ok(const char *path, struct aof_origin *says, struct fault *f)
{
    struct source_part file = {.begins_with_rdb = true};
    struct log_part p = {.part = &file};
    char head[AOF_PART_HEAD];
    if (!input_open(&p.input, path, f))
        return false;
    bool ok = input_seekable(&p.input, f) && pass_rdb(&p, f);
    ssize_t n = ok ? pread(p.input.fd, head, sizeof head, 0) : 0;
    if (n < 0)
        fault_io(f, errno, "read", "Can't read it");
    else if (ok && p.input.compression != COMPRESSION_NONE)
        fault_set(f, FAULT_INVALID, "It is compressed: a server loads a plain one");
    else if (ok && p.start != p.input.size)
        fault_set(f, FAULT_FORMAT, "%" PRIu64 " bytes follow the RDB", p.input.size - p.start);
    *says = aof_part_origin(slice(head, n > 0 ? (size_t)n : 0));
    if (fault_is(f))
        fault_prefix(f, path);
    input_close(&p.input);
    return !fault_is(f);
}

enum tool_exit log_part_cut(struct log_part *p, const char **what)
{
    const struct fault *cut = input_cut(&p->input);
    bool whole = p->checked && (p->start == p->bytes.size || p->other);
    must(p->input.seekable);
    *what = cut->code == FAULT_EOF ? "its compression is cut off at the end"
            : whole ? "its compression is damaged, and the RDB in it whole"
            : "its compression is damaged: all that came out is read, and nothing tells whether it "
              "is what was written";
    return !fault_is(cut) ? TOOL_GOOD : cut->code == FAULT_EOF ? TOOL_TRUNCATED
           : whole        ? TOOL_DAMAGED : TOOL_LOSS;
}

enum tool_exit log_part_tell_cut(struct tool *t, struct log_part *p)
{
    const char *what;
    enum tool_exit is = log_part_cut(p, &what);
    return is == TOOL_GOOD ? is : tool_tell(t, is, "%s: %s", p->part->name, what);
}

/* As far as its kind tells. last: no file follows. */
static enum tool_exit hole_cost(enum hole_kind kind, bool last)
{
    switch (kind) {
    case HOLE_TORN: return last ? TOOL_TRUNCATED : TOOL_LOSS;
    case HOLE_DAMAGE: return TOOL_LOSS;
    default: return TOOL_DAMAGED;
    }
}

bool log_hole_durable(const struct log_part *p, const struct log_reader *r, uint64_t *up_to)
{
    struct input_range range;
    struct in in;
    struct aof_damage d = {0};
    must(r->hole.kind == HOLE_TORN);
    if (!r->has_session)
        return false;
    input_range_open(&range, &in, &p->input, r->from, p->input.size, 0);
    bool ok = aof_damage_look(&in, r->from, &r->chain.id, &d);
    in_free(&in);
    *up_to = d.durable;
    return ok && d.rot;
}

enum tool_exit log_item_exit(const struct log_part *p, const struct log_reader *r,
                             enum log_item what, bool last)
{
    if (what != LOG_HOLE)
        return what == LOG_MENDED ? TOOL_DAMAGED : TOOL_GOOD;
    uint64_t durable;
    if (p->part->kind == PART_HISTORY || p->other)
        return TOOL_DAMAGED;
    bool rot = r->hole.kind == HOLE_TORN && log_hole_durable(p, r, &durable);
    return rot ? TOOL_LOSS : hole_cost(r->hole.kind, last);
}

const char *log_position(char out[LOG_POSITION_TEXT], const struct source_part *part, uint64_t at)
{
    snprintf(out, LOG_POSITION_TEXT, "%" PRId64 ":%" PRIu64, part->seq, at);
    return out;
}
