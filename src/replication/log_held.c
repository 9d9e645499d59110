/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/log_held.h"

#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "server/role.h"

#define WORD "#REPL"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
enum {
    WORD_LEN = sizeof WORD - 1, OFFSET_DIGITS = 16, SESSION_DIGITS = 8, DB_DIGITS = 8,
    OFFSET_AT = WORD_LEN + 1 + LOG_STREAM_ID + 1, SESSION_AT = OFFSET_AT + OFFSET_DIGITS + 1,
    DB_AT = SESSION_AT + SESSION_DIGITS + 1, PLACE_LEN = DB_AT + DB_DIGITS,
    FURTHER_AT = WORD_LEN + 1, FURTHER_DB_AT = FURTHER_AT + OFFSET_DIGITS + 1,
    FURTHER_LEN = FURTHER_DB_AT + DB_DIGITS,
};
static const int64_t FURTHER_MAX = INT64_MAX / 4;

/* ---- writing ---- */

size_t log_held_put_place(struct buf *to, const char *id, int64_t offset, unsigned db)
{
    static const struct aof_chain none = {0};
    char digits[OFFSET_DIGITS], session[SESSION_DIGITS], last[DB_DIGITS];
    size_t at = to->len + SESSION_AT;
    must(strlen(id) == LOG_STREAM_ID && offset >= 0);
    num_put_hex(digits, OFFSET_DIGITS, (uint64_t)offset);
    num_put_hex(last, DB_DIGITS, db);
    log_stream_put_session(session, &none);
    buf_printf(to, WORD "=%s %.*s %.*s %.*s\r\n", id, OFFSET_DIGITS, digits, SESSION_DIGITS,
               session, DB_DIGITS, last);
    must(to->len == at + SESSION_DIGITS + 1 + DB_DIGITS + 2);
    return at;
}

void log_held_put_further(struct buf *to, int64_t n, unsigned db)
{
    char digits[OFFSET_DIGITS], last[DB_DIGITS];
    must(n >= -FURTHER_MAX && n <= FURTHER_MAX);
    num_put_hex(digits, OFFSET_DIGITS, (uint64_t)n);
    num_put_hex(last, DB_DIGITS, db);
    buf_printf(to, WORD "~%.*s %.*s\r\n", OFFSET_DIGITS, digits, DB_DIGITS, last);
}

bool log_held_is_unit(struct slice log, unsigned commands)
{
    must(commands > 0);
    return commands == 1 || (log.len > sizeof MULTI - 1 &&
                             memcmp(log.data, MULTI, sizeof MULTI - 1) == 0);
}

/* ---- reading ---- */

void log_held_begin(struct log_held *h)
{
    *h = (struct log_held){.fresh = true};
}

void log_held_next_file(struct log_held *h)
{
    h->fresh = true;
    h->known &= !h->in_unit;
}

static bool parse_db(struct slice line, size_t at, unsigned *db)
{
    uint64_t n;
    if (line.data[at - 1] != ' ' || !num_parse_hex(slice(line.data + at, DB_DIGITS), &n) ||
        n > INT32_MAX)
        return false;
    *db = (unsigned)n;
    return true;
}

static bool parse_place(struct log_held *h, const struct aof_reader *r)
{
    struct slice line = r->note;
    uint64_t offset;
    if (line.len != PLACE_LEN || line.data[OFFSET_AT - 1] != ' ' ||
        line.data[SESSION_AT - 1] != ' ' || r->in_multi)
        return false;
    for (int i = 0; i < LOG_STREAM_ID; i++)
        if (num_hex_digit(line.data[WORD_LEN + 1 + i]) < 0)
            return false;
    if (!num_parse_hex(slice(line.data + OFFSET_AT, OFFSET_DIGITS), &offset) ||
        !num_parse_hex(slice(line.data + SESSION_AT, SESSION_DIGITS), &h->session) ||
        !parse_db(line, DB_AT, &h->db))
        return false;
    memcpy(h->id, line.data + WORD_LEN + 1, LOG_STREAM_ID);
    h->id[LOG_STREAM_ID] = '\0';
    h->offset = (int64_t)offset;
    return role_offset_can_be(h->offset) && h->session == log_stream_session(&r->chain);
}

static void read_place(struct log_held *h, const struct aof_reader *r)
{
    h->known = parse_place(h, r);
    h->next_db = h->db;
    h->fresh = h->in_unit = false;
    h->further = 0;
}

static bool parse_further(struct log_held *h, struct slice line)
{
    uint64_t n;
    if (line.len != FURTHER_LEN || h->in_unit || h->fresh ||
        !num_parse_hex(slice(line.data + FURTHER_AT, OFFSET_DIGITS), &n))
        return false;
    h->further = (int64_t)n;
    return h->further >= -FURTHER_MAX && h->further <= FURTHER_MAX &&
           parse_db(line, FURTHER_DB_AT, &h->next_db);
}

static void read_line(struct log_held *h, const struct aof_reader *r)
{
    struct slice line = r->note;
    if (line.len <= WORD_LEN || memcmp(line.data, WORD, WORD_LEN) != 0)
        return;
    switch (line.data[WORD_LEN]) {
        case '=': read_place(h, r); return;
        case '~': h->known = h->known && parse_further(h, line); return;
        case ':': case '!': case '+': case '*': case '-': h->known = false; return;
        default: return; /* of a later version: it means nothing here */
    }
}

/* A SELECT by itself belongs to the command behind it. */
static void read_command(struct log_held *h, const struct aof_reader *r)
{
    uint64_t bytes = in_offset(r->in) - r->at;
    if (!h->known)
        return;
    if (h->fresh || h->session != log_stream_session(&r->chain)) {
        h->known = false;
        return;
    }
    h->offset += h->further + (int64_t)bytes;
    h->further = 0;
    h->in_unit = r->in_multi || (r->argc && slice_eq_nocase(r->argv[0], "select"));
    if (!h->in_unit)
        h->db = h->next_db;
    h->known = h->in_unit || role_offset_can_be(h->offset);
}

void log_held_read(struct log_held *h, const struct aof_reader *r, enum aof_item item)
{
    must(item == AOF_COMMAND || item == AOF_ANNOTATION);
    if (item == AOF_COMMAND)
        read_command(h, r);
    else
        read_line(h, r);
}
