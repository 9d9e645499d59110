/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_sum.h"

#include "base/crc64.h"
#include "base/must.h"
#include "base/num.h"

/* Where the fields of the lines begin. */
enum {
    WORD = 5,
    LOG_ID = WORD, LOG_SEQ = LOG_ID + 17, LOG_OFFSET = LOG_SEQ + 9, LOG_CHECK = LOG_OFFSET + 11,
    SUM_N = WORD, SUM_LEN = SUM_N + 9, SUM_DURABLE = SUM_LEN + 11, SUM_CRC = SUM_DURABLE + 11,
    SUM_CHECK = SUM_CRC + 17,
};
_Static_assert(LOG_CHECK + 10 == AOF_LOG_LINE && SUM_CHECK + 10 == AOF_SUM_LINE, "lines");

static uint64_t check_of(uint64_t id, const char *line, size_t len)
{
    uint64_t crc = crc64(id, line, len);
    return (crc ^ crc >> 32) & UINT32_MAX;
}

static void put(char *line, size_t at, unsigned width, uint64_t n)
{
    line[at - 1] = ' ';
    num_put_hex(line + at, width, n);
}

static void put_end(char *line, size_t check_at, uint64_t id)
{
    put(line, check_at, 8, check_of(id, line, check_at - 1));
    memcpy(line + check_at + 8, "\r\n", 2);
}

static bool get(struct slice line, size_t at, unsigned width, uint64_t *n)
{
    return (at == WORD || line.data[at - 1] == ' ') &&
           num_parse_hex(slice(line.data + at, width), n);
}

static bool get_end(struct slice line, size_t check_at, uint64_t id)
{
    uint64_t check;
    return get(line, check_at, 8, &check) && check == check_of(id, line.data, check_at - 1) &&
           memcmp(line.data + check_at + 8, "\r\n", 2) == 0;
}

/* ---- sessions ---- */

static void begin(struct aof_chain *c, const struct aof_session *s, const char *line)
{
    *c = (struct aof_chain){.open = true, .id = s->id, .offset = s->offset};
    c->crc = c->line_crc = crc64(0, line, LOG_CHECK - 1);
}

void aof_chain_begin(struct aof_chain *c, const struct aof_session *s, struct buf *to)
{
    char line[AOF_LOG_LINE];
    must(s->offset < (uint64_t)1 << 40);
    put(line, LOG_ID, 16, s->id);
    put(line, LOG_SEQ, 8, s->seq);
    put(line, LOG_OFFSET, 10, s->offset);
    memcpy(line, "#LOG:", WORD);
    put_end(line, LOG_CHECK, s->id);
    buf_append(to, line, sizeof line);
    begin(c, s, line);
}

bool aof_session_parse(struct slice line, struct aof_session *s)
{
    uint64_t seq;
    if (line.len != AOF_LOG_LINE || memcmp(line.data, "#LOG:", WORD) != 0 ||
        !get(line, LOG_ID, 16, &s->id) || !get(line, LOG_SEQ, 8, &seq) ||
        !get(line, LOG_OFFSET, 10, &s->offset) || !get_end(line, LOG_CHECK, s->id))
        return false;
    s->seq = (uint32_t)seq;
    return true;
}

void aof_chain_open(struct aof_chain *c, const struct aof_session *s, struct slice line)
{
    must(line.len == AOF_LOG_LINE);
    begin(c, s, line.data);
}

/* ---- batches ---- */

static uint64_t crc_of(const struct aof_chain *c, const char *line, struct slice body)
{
    return crc64(crc64(c->crc, line, SUM_CRC - 1), body.data, body.len);
}

void aof_chain_seal(struct aof_chain *c, char line[AOF_SUM_LINE], struct slice body,
                    uint64_t durable)
{
    must(c->open && body.len < (uint64_t)1 << 40 && durable < (uint64_t)1 << 40);
    c->n++;
    put(line, SUM_N, 8, c->n);
    put(line, SUM_LEN, 10, body.len);
    put(line, SUM_DURABLE, 10, durable);
    memcpy(line, "#SUM:", WORD);
    c->crc = crc_of(c, line, body);
    put(line, SUM_CRC, 16, c->crc);
    put_end(line, SUM_CHECK, c->id);
}

bool aof_batch_parse(struct slice line, uint64_t id, struct aof_batch *b)
{
    uint64_t n;
    if (line.len != AOF_SUM_LINE || memcmp(line.data, "#SUM:", WORD) != 0 ||
        !get(line, SUM_N, 8, &n) || !get(line, SUM_LEN, 10, &b->len) ||
        !get(line, SUM_DURABLE, 10, &b->durable) || !get(line, SUM_CRC, 16, &b->crc) ||
        !get_end(line, SUM_CHECK, id))
        return false;
    b->n = (uint32_t)n;
    return true;
}

bool aof_chain_check(struct aof_chain *c, const struct aof_batch *b, struct slice line,
                     struct slice body)
{
    must(c->open && line.len == AOF_SUM_LINE);
    if (b->n != c->n + 1 || b->len != body.len || b->crc != crc_of(c, line.data, body))
        return false;
    c->n = b->n;
    c->crc = b->crc;
    if (c->n == 1)
        c->first_crc = c->crc;
    return true;
}
