/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksums of a log whose content was replaced, line by line; those in holes stay. */
#include <string.h>

#include "base/hash.h"
#include "tools/anon_log.h"

struct sums {
    struct anon_log *x;
    struct log_bytes out; /* the copy, without the window that is written through */
    struct aof_chain chain;
    const struct anon_log_hole *holes;
    size_t count, next; /* holes that are ahead */
};

/* Where the next hole begins. */
static uint64_t hole_from(const struct sums *s)
{
    return s->next < s->count ? s->holes[s->next].from : UINT64_MAX;
}

/* The line of the batch that a hole ends with, which is as it was and tells some bits of the chain:
 * who reads the file goes on by them. False: there is none. */
static bool line_told(struct sums *s, const struct anon_log_hole *h, struct aof_batch *b)
{
    uint64_t at = h->from;
    for (; at < h->to && s->chain.open; at++) {
        at = log_bytes_find(&s->out, at, h->to, '#');
        struct slice text = log_bytes_at(&s->out, at, AOF_OLD_LINE);
        if (at < h->to && aof_batch_parse(text, s->chain.id, at, b) &&
            b->len == h->to - at - b->line)
            return true;
    }
    uint64_t behind = h->to - h->from > AOF_SMALL_LINE ? h->to - AOF_SMALL_LINE - 1 : h->to;
    struct slice text = log_bytes_at(&s->out, behind, AOF_SMALL_LINE + 1);
    return text.len > AOF_SMALL_LINE && aof_small_find(text, b) && b->len == 1;
}

/* What the chain was behind a hole, nobody knows but for those bits: from here on it is another. */
static uint64_t pass_hole(struct sums *s)
{
    const struct anon_log_hole *h = &s->holes[s->next++];
    struct aof_batch b;
    char line[AOF_OLD_LINE] = {0};
    if (h->doubled)
        return h->to;
    s->chain.crc = hash_with(s->x->a->key, &s->chain.crc, sizeof s->chain.crc);
    if (line_told(s, h, &b)) {
        unsigned bits = aof_chain_step(&b, slice(line, b.line), 0).bits;
        s->chain.crc ^= aof_chain_bits(s->chain.crc, bits) ^ b.crc;
    }
    return h->to;
}

static void renew(struct sums *s, const struct aof_batch *b, char *line, uint64_t line_at,
                  uint64_t body)
{
    aof_chain_renew(&s->chain, b, line, log_bytes_crc(&s->out, body, body + b->len, 0));
    anon_file_put(s->x->work, line_at, line, b->line);
}

static bool session(struct sums *s, struct slice text, uint64_t *at)
{
    struct aof_session is;
    if (text.len < AOF_LOG_LINE || !aof_session_parse(slice(text.data, AOF_LOG_LINE), &is))
        return false;
    aof_chain_open(&s->chain, &is, slice(text.data, AOF_LOG_LINE));
    *at += AOF_LOG_LINE;
    return true;
}

static bool batch(struct sums *s, struct slice text, uint64_t *at)
{
    struct aof_batch b;
    char line[AOF_OLD_LINE];
    if (!s->chain.open || !aof_batch_parse(text, s->chain.id, *at, &b))
        return false;
    uint64_t body = *at + b.line;
    if (b.len > s->x->size - body || body + b.len > hole_from(s))
        return false;
    memcpy(line, text.data, b.line);
    renew(s, &b, line, *at, body);
    *at = body + b.len;
    return true;
}

static bool small_batch(struct sums *s, struct slice text, uint64_t *at)
{
    struct aof_batch b;
    char line[AOF_OLD_LINE];
    if (!s->chain.open)
        return false;
    if (aof_begins_with_select(text)) {
        s->chain.open = false; /* another writer, who knows no checksums */
        return false;
    }
    if (!aof_small_find(text, &b) || *at + b.len + b.line > hole_from(s))
        return false;
    memcpy(line, text.data + b.len, b.line);
    renew(s, &b, line, *at + b.len, *at);
    *at += b.len + b.line;
    return true;
}

/* Past a line, or a command outside of batches. */
static uint64_t pass(struct sums *s, uint64_t at, char first)
{
    struct log_command c;
    struct fault f = {0};
    if (first == '*' && log_command_read(&s->out, at, s->x->size, &c, &f) == LOG_COMMAND)
        return c.end;
    uint64_t lf = log_bytes_find(&s->out, at, s->x->size, '\n');
    return lf < s->x->size ? lf + 1 : s->x->size;
}

void anon_log_sums(struct anon_log *x)
{
    struct sums s = {.x = x, .holes = (const struct anon_log_hole *)(const void *)x->hole_list.data,
                     .count = x->hole_list.len / sizeof *s.holes};
    log_bytes_open(&s.out, x->work->fd, x->size);
    for (uint64_t at = x->start; at < x->size && !fault_is(&s.out.fault);) {
        if (at >= hole_from(&s)) {
            at = pass_hole(&s);
            continue;
        }
        struct slice text = log_bytes_at(&s.out, at, AOF_SMALL_BYTES + AOF_SMALL_LINE);
        char first = text.len ? text.data[0] : 0;
        bool done = first == '#' ? session(&s, text, &at) || batch(&s, text, &at)
                                 : small_batch(&s, text, &at);
        if (!done) {
            uint64_t next = pass(&s, at, first);
            at = next < hole_from(&s) ? next : hole_from(&s);
        }
    }
    if (fault_is(&s.out.fault) && !fault_is(&x->work->fault))
        x->work->fault = s.out.fault;
    log_bytes_close(&s.out);
    anon_file_flush(x->work);
}
