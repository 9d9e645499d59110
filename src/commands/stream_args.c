/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/stream_args.h"

#include <ctype.h>

#include "base/mem.h"
#include "base/must.h"
#include "server/command_row.h"
#include "server/exec.h"
#include "server/notify.h"
#include "server/reply.h"
#include "server/server.h"

/* ---- ids ---- */

struct slice stream_id_text(char out[STREAM_ID_TEXT], struct stream_id id)
{
    size_t len = num_format_u64(out, id.ms);
    out[len++] = '-';
    len += num_format_u64(out + len, id.seq);
    must(len < STREAM_ID_TEXT);
    return slice(out, len);
}

void reply_stream_id(struct ctx *c, struct stream_id id)
{
    char text[STREAM_ID_TEXT];
    reply_bulk(c, stream_id_text(text, id));
}

/* Leading zeros, a plus and blanks in front are let pass, as in Redis. */
static bool parse_half(struct slice text, uint64_t *n)
{
    size_t at = 0;
    while (at < text.len && isspace((unsigned char)text.data[at]))
        at++;
    if (at < text.len && text.data[at] == '+')
        at++;
    while (at + 1 < text.len && text.data[at] == '0')
        at++;
    return num_parse_u64(slice_from(text, at), n);
}

bool stream_id_parse(struct slice text, uint64_t missing_seq, struct stream_id *id, bool *auto_seq)
{
    enum { LONGEST = 127 };
    if (text.len == 0 || text.len > LONGEST)
        return false;
    const char *dash = memchr(text.data, '-', text.len);
    struct slice ms = dash ? slice(text.data, (size_t)(dash - text.data)) : text;
    if (!parse_half(ms, &id->ms))
        return false;
    id->seq = missing_seq;
    if (!dash)
        return true;
    struct slice seq = slice_from(text, ms.len + 1);
    if (auto_seq && slice_eq_str(seq, "*")) {
        *auto_seq = true;
        id->seq = 0;
        return true;
    }
    return parse_half(seq, &id->seq);
}

static bool bad_id(struct ctx *c)
{
    reply_error(c, "ERR Invalid stream ID specified as stream command argument");
    return false;
}

bool stream_arg_id(struct ctx *c, int i, struct stream_id *id)
{
    return stream_id_parse(c->argv[i], 0, id, NULL) || bad_id(c);
}

static bool parse_end(struct ctx *c, int i, uint64_t missing_seq, struct stream_id *id, bool *open)
{
    struct slice text = c->argv[i];
    *open = text.len > 1 && text.data[0] == '(';
    if (*open)
        return stream_id_parse(slice_from(text, 1), missing_seq, id, NULL) || bad_id(c);
    if (slice_eq_str(text, "-"))
        *id = STREAM_ID_MIN;
    else if (slice_eq_str(text, "+"))
        *id = STREAM_ID_MAX;
    else
        return stream_id_parse(text, missing_seq, id, NULL) || bad_id(c);
    return true;
}

bool stream_arg_start(struct ctx *c, int i, struct stream_id *id)
{
    bool open;
    if (!parse_end(c, i, 0, id, &open))
        return false;
    if (!open || stream_id_increment(id))
        return true;
    reply_error(c, "ERR invalid start ID for the interval");
    return false;
}

bool stream_arg_end(struct ctx *c, int i, struct stream_id *id)
{
    bool open;
    if (!parse_end(c, i, UINT64_MAX, id, &open))
        return false;
    if (!open || stream_id_decrement(id))
        return true;
    reply_error(c, "ERR invalid end ID for the interval");
    return false;
}

struct stream_id *stream_arg_ids(struct ctx *c, int i)
{
    must(i < c->argc);
    struct stream_id *ids = mem_alloc((size_t)(c->argc - i) * sizeof *ids);
    for (int at = i; at < c->argc; at++) {
        if (!stream_arg_id(c, at, &ids[at - i])) {
            mem_free(ids);
            return NULL;
        }
    }
    return ids;
}

/* ---- other words ---- */

bool stream_arg_option(const struct ctx *c, int i, const char *word)
{
    return i + 1 < c->argc && ctx_arg_is(c, i, word);
}

bool stream_arg_count(struct ctx *c, int i, int64_t *count)
{
    if (!ctx_arg_i64(c, i, count))
        return false;
    if (*count < 0)
        *count = 0;
    must(i < c->argc);
    return true;
}

bool stream_arg_number(struct ctx *c, int i, const char *error, int64_t *n)
{
    if (num_parse_i64(c->argv[i], n))
        return true;
    reply_error(c, error);
    return false;
}

/* ---- streams ---- */

static struct stream *stream_at(struct entry *e)
{
    must(!e || entry_type(e) == VALUE_STREAM);
    return e ? entry_val(e).ptr : NULL;
}

bool stream_read(struct ctx *c, struct slice key, struct stream **s)
{
    struct entry *e;
    if (!ctx_lookup(c, key, VALUE_STREAM, &e))
        return false;
    *s = stream_at(e);
    return true;
}

bool stream_write(struct ctx *c, struct slice key, struct stream **s)
{
    struct entry *e;
    if (!ctx_lookup_write(c, key, VALUE_STREAM, &e))
        return false;
    *s = stream_at(e);
    return true;
}

void reply_no_stream_group(struct ctx *c, struct slice key, struct slice group, const char *tail)
{
    reply_errorf(c, "NOGROUP No such key '%.*s' or consumer group '%.*s'%s", SLICE_ARG(key),
                 SLICE_ARG(group), tail);
}

bool stream_arg_group(struct ctx *c, struct stream **s, struct stream_group **g)
{
    if (!stream_read(c, c->argv[1], s))
        return false;
    *g = *s ? stream_group(*s, c->argv[2]) : NULL;
    if (!*g)
        reply_no_stream_group(c, c->argv[1], c->argv[2], "");
    return *g;
}

void stream_changed(struct ctx *c, struct slice key, uint64_t changes, const char *event)
{
    must(changes > 0);
    db_changed(c->db, key);
    if (event)
        ctx_notify(c, NOTIFY_STREAM, event, key);
    ctx_changed(c, changes);
}

void stream_group_changed(struct ctx *c, struct slice key, uint64_t changes, const char *event)
{
    must(changes > 0);
    exec_key_changed(server_exec(c->server), c->db, key);
    if (event)
        ctx_notify(c, NOTIFY_STREAM, event, key);
    ctx_changed(c, changes);
}

/* ---- replies ---- */

void reply_stream_entry(struct ctx *c, struct block_entry *e)
{
    struct slice name, value;
    reply_array(c, 2);
    reply_stream_id(c, e->id);
    reply_array(c, 2 * (size_t)e->fields);
    must(e->left == e->fields); /* nobody has read them */
    while (stream_entry_next(e, &name, &value)) {
        reply_bulk(c, name);
        reply_bulk(c, value);
    }
}

bool reply_stream_entry_of(struct ctx *c, const struct stream *s, struct stream_id id)
{
    struct stream_iter it;
    struct block_entry e;
    stream_iter_init(&it, s, id, id, false);
    if (!stream_iter_next(&it, &e))
        return false;
    must(stream_id_cmp(e.id, id) == 0);
    reply_stream_entry(c, &e);
    return true;
}
