/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/ctx.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "server/client.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/reply.h"
#include "server/server.h"

bool ctx_type_is(struct ctx *c, const struct entry *e, enum value_type type)
{
    if (!e || entry_type(e) == type)
        return true;
    reply_wrongtype(c);
    return false;
}

bool ctx_lookup(struct ctx *c, struct slice key, enum value_type type, struct entry **e)
{
    *e = db_find(c->db, key);
    return ctx_type_is(c, *e, type);
}

bool ctx_lookup_write(struct ctx *c, struct slice key, enum value_type type, struct entry **e)
{
    *e = db_find_write(c->db, key);
    return ctx_type_is(c, *e, type);
}

bool ctx_string_fits(const struct ctx *c, uint64_t len)
{
    if (len <= c->keyspace->limits.string_max)
        return true;
    if (!(c->flags & CTX_LOADING))
        return false;
    void *probe = len <= PTRDIFF_MAX ? mem_try_alloc(len) : NULL;
    mem_free(probe);
    return probe;
}

/* ---- what is logged ---- */
void ctx_log_instead(struct ctx *c, int argc, const struct slice *argv)
{
    if (c->flags & CTX_LOADING)
        return;
    commit_add(server_commit(c->server), c->scope, c->db->id, argc, argv);
    c->flags |= CTX_LOG_REPLACED;
}

void ctx_log_as_given(struct ctx *c)
{
    struct commit *cm = server_commit(c->server);
    if (!c->command->renamed) {
        commit_add(cm, c->scope, c->db->id, c->argc, c->argv);
        return;
    }
    struct buf words = {0};
    buf_append(&words, c->argv, (size_t)c->argc * sizeof *c->argv);
    struct slice *argv = (struct slice *)(void *)words.data;
    argv[0] = command_given_name(c->command);
    commit_add(cm, c->scope, c->db->id, c->argc, argv);
    buf_free(&words);
}

/* The order of effects is the order of the log: the command itself comes first. */
void ctx_log_also(struct ctx *c, struct db *db, int argc, const struct slice *argv)
{
    if (c->flags & CTX_LOADING)
        return;
    if (!(c->flags & CTX_LOG_REPLACED))
        ctx_log_as_given(c);
    c->flags |= CTX_LOG_REPLACED;
    commit_add(server_commit(c->server), c->scope, db->id, argc, argv);
}

void ctx_tell_replicas(struct ctx *c)
{
    enum commit_scope scope = c->scope, heard = hooks_commit_scope(server_hooks(c->server));
    must(!c->dirty && !(c->flags & CTX_LOG_REPLACED));
    if (!(scope & heard & TO_REPLICAS) || c->flags & CTX_LOADING)
        return;
    c->scope = TO_REPLICAS_NEWS;
    ctx_log_as_given(c);
    c->scope = scope;
}

struct slice ctx_shown(const struct ctx *c, int i)
{
    int bit = i < CTX_REDACT_LAST ? i : CTX_REDACT_LAST;
    must(i >= 0 && i < c->argc);
    return c->redacted >> bit & 1 ? SLICE_LIT("(redacted)") : c->argv[i];
}

/* ---- arguments ---- */
bool ctx_arg_i64(struct ctx *c, int i, int64_t *out)
{
    must(i >= 0 && i < c->argc);
    if (num_parse_i64(c->argv[i], out))
        return true;
    reply_error(c, "ERR value is not an integer or out of range");
    return false;
}

bool ctx_arg_range(struct ctx *c, int i, int64_t min, int64_t max, int64_t *out, const char *error)
{
    must(i >= 0 && i < c->argc && min <= max);
    bool number = num_parse_i64(c->argv[i], out);
    if (number && *out >= min && *out <= max)
        return true;
    if (error)
        reply_error(c, error);
    else if (!number)
        reply_error(c, "ERR value is not an integer or out of range");
    else
        reply_errorf(c, "ERR value is out of range, value must between %lld and %lld",
                     (long long)min, (long long)max);
    return false;
}

bool ctx_arg_double(struct ctx *c, int i, double *out)
{
    must(i >= 0 && i < c->argc);
    if (num_parse_double(c->argv[i], out))
        return true;
    reply_error(c, "ERR value is not a valid float");
    return false;
}

/* What lies behind a zero byte is not looked at, as in the field's servers. */
bool ctx_arg_is(const struct ctx *c, int i, const char *word)
{
    if (i >= c->argc)
        return false;
    struct slice text = c->argv[i];
    size_t len = strlen(word);
    if (text.len > len && text.data[len] == '\0')
        text.len = len;
    return slice_eq_nocase(text, word);
}

/* As strtoul reads it, but for leading blanks: with a sign; what lies behind a zero byte is not
 * looked at; no text at all is 0. */
bool ctx_arg_cursor(struct ctx *c, int i, uint64_t *out)
{
    must(i >= 0 && i < c->argc);
    struct slice s = c->argv[i];
    if (num_parse_u64(s, out))
        return true;
    const char *zero = s.len ? memchr(s.data, '\0', s.len) : NULL;
    if (zero)
        s.len = (size_t)(zero - s.data);
    bool sign = s.len > 1 && (s.data[0] == '-' || s.data[0] == '+'), ok = true;
    bool minus = sign && s.data[0] == '-';
    uint64_t n = 0;
    for (size_t k = sign; k < s.len && ok; k++) {
        unsigned digit = (unsigned)(s.data[k] - '0');
        ok = digit < 10 && n <= (UINT64_MAX - digit) / 10;
        n = ok ? n * 10 + digit : 0;
    }
    *out = minus ? -n : n;
    if (!ok)
        reply_error(c, "ERR invalid cursor");
    return ok;
}
