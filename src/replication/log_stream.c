/* SPDX-License-Identifier: BSD-3-Clause */
/* What fills a gap is PING, alone or with an argument, or EXISTS of a key that is none: each
 * leaves out lengths (where the argument's length gets a digit more), but not the same ones. */
#include "replication/log_stream.h"

#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "format/resp_write.h"
#include "server/role.h"

#define WORD "#REPL"
#define PING "*1\r\n$4\r\nPING\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
enum {
    WORD_LEN = sizeof WORD - 1, PING_LEN = sizeof PING - 1,
    MULTI_LEN = sizeof MULTI - 1, EXEC_LEN = sizeof EXEC - 1, OFFSET_DIGITS = 16,
    SESSION_DIGITS = 8,
    OFFSET_AT = WORD_LEN + 1 + LOG_STREAM_ID + 1, SESSION_AT = OFFSET_AT + OFFSET_DIGITS + 1,
    PLACE_LEN = SESSION_AT + SESSION_DIGITS,
};

/* ---- writing ---- */

uint64_t log_stream_session(const struct aof_chain *chain)
{
    uint64_t crc = chain->open ? chain->line_crc : 0;
    return (crc ^ crc >> 32) & UINT32_MAX;
}

void log_stream_put_session(char *at, const struct aof_chain *chain)
{
    num_put_hex(at, SESSION_DIGITS, log_stream_session(chain));
}

size_t log_stream_put_place(struct buf *to, char kind, const char *id, int64_t offset)
{
    static const struct aof_chain none = {0};
    char digits[OFFSET_DIGITS], session[SESSION_DIGITS];
    size_t at = to->len + SESSION_AT;
    must((kind == ':' || kind == '!') && strlen(id) == LOG_STREAM_ID && offset >= 0);
    num_put_hex(digits, OFFSET_DIGITS, (uint64_t)offset);
    log_stream_put_session(session, &none);
    buf_printf(to, WORD "%c%s %.*s %.*s\r\n", kind, id, OFFSET_DIGITS, digits, SESSION_DIGITS,
               session);
    must(to->len == at + SESSION_DIGITS + 2);
    return at;
}

void log_stream_put_alone(struct buf *to, char kind, uint64_t n)
{
    must((kind == '+' || kind == '*') && n > 0 && n <= LOG_STREAM_ALONE_MAX);
    buf_printf(to, WORD "%c%llx\r\n", kind, (unsigned long long)n);
}

void log_stream_put_end(struct buf *to)
{
    buf_printf(to, WORD "-\r\n");
}

/* How long the argument is of a command that has n bytes in all, and bare of them without that and
 * its length. 0 for none as well: then *fits tells. */
static uint64_t argument(uint64_t n, uint64_t bare, bool *fits)
{
    uint64_t power = 10;
    must(bare > 0);
    *fits = false;
    for (unsigned digits = 1; digits < 10; digits++, power *= 10) {
        uint64_t least = digits == 1 ? 0 : power / 10;
        if (n < bare + digits + least)
            return 0;
        uint64_t len = n - bare - digits;
        if (len < power) {
            *fits = true;
            return len;
        }
    }
    return 0;
}

static void put_filled(struct buf *to, const char *name, uint64_t len)
{
    must(len <= LOG_STREAM_ALONE_MAX);
    buf_printf(to, "*2\r\n%s$%llu\r\n", name, (unsigned long long)len);
    memset(buf_reserve(to, (size_t)len), '-', (size_t)len);
    to->len += (size_t)len;
    buf_printf(to, "\r\n");
}

bool log_stream_fill(struct buf *to, uint64_t n)
{
    enum { BARE_PING = 4 + 10 + 1 + 2 + 2, BARE_EXISTS = BARE_PING + 2 };
    bool fits = false;
    if (n == 0 || n > LOG_STREAM_ALONE_MAX)
        return n == 0;
    if (n == PING_LEN) {
        if (to)
            buf_append(to, PING, PING_LEN);
        return true;
    }
    uint64_t len = argument(n, BARE_PING, &fits);
    const char *name = "$4\r\nPING\r\n";
    if (!fits) {
        len = argument(n, BARE_EXISTS, &fits);
        name = "$6\r\nEXISTS\r\n";
    }
    if (fits && to)
        put_filled(to, name, len);
    return fits;
}

bool log_stream_can_fill(uint64_t n)
{
    return log_stream_fill(NULL, n);
}

static bool begins(struct slice text, const char *with)
{
    size_t n = strlen(with);
    return text.len >= n && memcmp(text.data, with, n) == 0;
}

bool log_stream_can_fill_unit(struct slice unit, uint64_t n)
{
    if (begins(unit, MULTI))
        return log_stream_can_fill(n);
    return n >= MULTI_LEN + EXEC_LEN && log_stream_can_fill(n - MULTI_LEN - EXEC_LEN);
}

/* ---- reading ---- */

void log_stream_begin(struct log_stream *s)
{
    *s = (struct log_stream){.fresh = true};
}

void log_stream_next_file(struct log_stream *s)
{
    s->fresh = true;
}

static enum log_stream_got broken(struct log_stream *s, const char *why)
{
    bool was = s->known;
    must(why);
    s->known = false;
    s->why = why;
    return was ? LOG_STREAM_BROKEN : LOG_STREAM_ON;
}

static void put(struct log_stream *s, struct buf *out, struct slice bytes)
{
    must(s->known);
    if (out)
        buf_add(out, bytes);
    s->offset += (int64_t)bytes.len;
}

static bool put_alone(struct log_stream *s, struct buf *out, uint64_t n)
{
    if (out ? !log_stream_fill(out, n) : !log_stream_can_fill(n))
        return false;
    s->offset += (int64_t)n;
    return true;
}

/* ---- its lines ---- */

static bool parse_place(struct slice line, char id[LOG_STREAM_ID + 1], int64_t *offset,
                        uint64_t *session)
{
    uint64_t n;
    if (line.len != PLACE_LEN || line.data[OFFSET_AT - 1] != ' ' ||
        line.data[SESSION_AT - 1] != ' ')
        return false;
    for (int i = 0; i < LOG_STREAM_ID; i++)
        if (num_hex_digit(line.data[WORD_LEN + 1 + i]) < 0)
            return false;
    memcpy(id, line.data + WORD_LEN + 1, LOG_STREAM_ID);
    id[LOG_STREAM_ID] = '\0';
    if (!num_parse_hex(slice(line.data + OFFSET_AT, OFFSET_DIGITS), &n) || n > INT64_MAX ||
        !role_offset_can_be((int64_t)n))
        return false;
    *offset = (int64_t)n;
    return num_parse_hex(slice(line.data + SESSION_AT, SESSION_DIGITS), session);
}

static enum log_stream_got read_place(struct log_stream *s, const struct aof_reader *r)
{
    char id[LOG_STREAM_ID + 1];
    int64_t offset;
    uint64_t session;
    bool was = s->known, begins_here = r->note.data[WORD_LEN] == '!';
    if (!parse_place(r->note, id, &offset, &session))
        return broken(s, "a line that tells of the stream of replicas makes no sense");
    if (session != log_stream_session(&r->chain))
        return broken(s, "a line that tells of the stream of replicas was written elsewhere");
    bool goes_on = was && !begins_here && offset == s->offset && !s->in_unit;
    s->known = true;
    s->offset = offset;
    memcpy(s->id, id, sizeof s->id);
    s->session = session;
    s->longer = 0;
    s->fresh = s->in_unit = s->wrapped = false;
    return goes_on ? LOG_STREAM_PLACE : LOG_STREAM_BEGINS;
}

static enum log_stream_got read_alone(struct log_stream *s, struct slice line, struct buf *out)
{
    uint64_t n;
    bool in_unit = line.data[WORD_LEN] == '*';
    if (!s->known)
        return LOG_STREAM_ON;
    if (s->in_unit || s->longer || !num_parse_hex(slice_from(line, WORD_LEN + 1), &n) || !n ||
        n > LOG_STREAM_ALONE_MAX)
        return broken(s, "a line that tells of the stream of replicas makes no sense");
    if (in_unit)
        s->longer = n;
    else if (!put_alone(s, out, n))
        return broken(s, "nothing is as long as what only replicas got");
    return LOG_STREAM_ON;
}

static enum log_stream_got read_line(struct log_stream *s, const struct aof_reader *r,
                                     struct buf *out)
{
    struct slice line = r->note;
    if (!begins(line, WORD) || line.len == WORD_LEN)
        return LOG_STREAM_ON;
    switch (line.data[WORD_LEN]) {
        case ':':
        case '!': return read_place(s, r);
        case '+':
        case '*': return read_alone(s, line, out);
        case '-': return broken(s, "what replicas got and what was logged differ from here on");
        case '=': return broken(s, "this server was a replica from here on");
        default: return LOG_STREAM_ON; /* of a later version: it means nothing here */
    }
}

/* ---- commands ---- */

/* The command that was read, as the stream has it, is as long as it is here. */
static bool put_command(struct log_stream *s, const struct aof_reader *r, struct buf *out)
{
    uint64_t bytes = in_offset(r->in) - r->at;
    size_t before = out ? out->len : 0;
    s->offset += (int64_t)bytes;
    if (!out)
        return true;
    resp_put_head(out, '*', r->argc);
    for (size_t i = 0; i < r->argc; i++)
        resp_put_bulk(out, r->argv[i]);
    return out->len - before == bytes;
}

/* Room in the unit for what only replicas got: in front of its EXEC, or around it. */
static enum log_stream_got put_longer(struct log_stream *s, const struct aof_reader *r,
                                      struct buf *out)
{
    bool multi = slice_eq_nocase(r->argv[0], "multi"), exec = slice_eq_nocase(r->argv[0], "exec");
    bool select = slice_eq_nocase(r->argv[0], "select"), ok = true;
    if (!s->in_unit && !multi) {
        s->wrapped = true;
        put(s, out, slice(MULTI, MULTI_LEN));
    }
    s->in_unit = true;
    if (exec) {
        ok = put_alone(s, out, s->longer);
        s->in_unit = false;
    }
    ok = ok && put_command(s, r, out);
    if (s->wrapped && !select) {
        ok = ok && s->longer >= MULTI_LEN + EXEC_LEN &&
             put_alone(s, out, s->longer - MULTI_LEN - EXEC_LEN);
        put(s, out, slice(EXEC, EXEC_LEN));
        s->in_unit = s->wrapped = false;
    }
    if (!s->in_unit)
        s->longer = 0;
    return ok ? LOG_STREAM_ON : broken(s, "nothing is as long as what only replicas got");
}

static enum log_stream_got read_command(struct log_stream *s, const struct aof_reader *r,
                                        struct buf *out)
{
    if (!s->known)
        return LOG_STREAM_ON;
    if (s->fresh || log_stream_session(&r->chain) != s->session)
        return broken(s, "commands stand there of which no line says what they are");
    if (s->longer)
        return put_longer(s, r, out);
    s->in_unit = r->in_multi;
    return put_command(s, r, out) ? LOG_STREAM_ON
                                  : broken(s, "a command is not written as replicas got it");
}

enum log_stream_got log_stream_read(struct log_stream *s, const struct aof_reader *r,
                                    enum aof_item item, struct buf *out)
{
    must(item == AOF_COMMAND || item == AOF_ANNOTATION);
    return item == AOF_COMMAND ? read_command(s, r, out) : read_line(s, r, out);
}
