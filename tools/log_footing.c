/* SPDX-License-Identifier: BSD-3-Clause */
/* Where reading a log goes on behind damage: the rules are in log_read.h.
 *
 * With checksums, each '#' may be the line in front of a batch, or the one behind a small batch.
 * The batches behind that batch are followed; each adds what its line says to a system of
 * equations, and as soon as they verify one another the place is found. Where bytes were doubled,
 * the chain comes by the crc that it had in front of the damage: there, and not before, it goes
 * on. */
#include "tools/log_footing.h"

#include <string.h>

#include "base/crc64.h"
#include "base/must.h"
#include "base/num.h"
#include "format/aof_footing.h"
#include "tools/small_hit.h"

static const uint64_t VALUE_MAX = (uint64_t)512 << 20; /* no client sends a longer one */
enum { DOUBTFUL_MIN = 4 };

uint64_t log_doubled(struct log_bytes *b, uint64_t from)
{
    static const unsigned blocks[] = {4096, 512, 1024, 2048, 8192, 16384, 32768};
    enum { SECTOR = 512 };
    char first[32768];
    must(from < b->size);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        uint64_t size = blocks[i], d = (from + SECTOR - 1) / SECTOR * SECTOR;
        for (; d <= from + size && d + size <= b->size; d += SECTOR) {
            if (d < size)
                continue;
            struct slice s = log_bytes_at(b, d - size, (size_t)size);
            memcpy(first, s.data, s.len);
            struct slice t = log_bytes_at(b, d, (size_t)size);
            if (s.len == size && t.len == size && memcmp(first, t.data, t.len) == 0 &&
                memchr(first, '*', size))
                return from + size;
        }
    }
    return 0;
}

/* ---- chains ---- */

bool log_batch_line(const struct log_reader *r, struct slice text, uint64_t at,
                    struct aof_batch *b)
{
    uint64_t id = r->chain.id ? r->chain.id : r->options.id;
    return id ? aof_batch_parse(text, id, at, b) : aof_batch_form(text, at, b);
}

struct chase {
    struct log_reader *r;
    struct aof_footing f;
    uint64_t at;    /* behind the last batch that was followed */
    bool named;     /* a line that names the log was among them */
    bool doubtful;  /* they are enough but for that */
    bool asked;     /* what was hit: small_hit.h */
    bool only_sum;  /* no equations */
    uint32_t n;     /* of the batch in front of the first, where they are numbered; else 1 */
};

/* The batch at c->at is added. False: none stands there. */
static bool add_batch(struct chase *c)
{
    struct log_bytes *b = c->r->bytes;
    struct slice text = log_bytes_at(b, c->at, AOF_SMALL_BYTES + AOF_SMALL_LINE);
    struct aof_batch batch;
    char line[AOF_OLD_LINE];
    uint64_t end, sum;
    if (text.len && text.data[0] == '#') {
        bool fits = log_batch_line(c->r, text, c->at, &batch);
        uint64_t body = c->at + (fits ? batch.line : 0);
        c->named = c->named || fits;
        if (!fits || batch.len > b->size - body)
            return false;
        memcpy(line, text.data, batch.line);
        sum = log_bytes_crc(b, body, body + batch.len, 0);
        end = body + batch.len;
    } else {
        if (!aof_small_find(text, &batch))
            return false;
        memcpy(line, text.data + batch.len, batch.line);
        sum = crc64(0, text.data, batch.len);
        end = c->at + batch.len + batch.line;
    }
    if (c->n == 0)
        c->n = batch.line == AOF_OLD_LINE && batch.n > 1 ? batch.n - 1 : 1;
    if (c->only_sum)
        aof_footing_pass(&c->f, &batch, slice(line, batch.line), sum);
    else
        aof_footing_add(&c->f, &batch, slice(line, batch.line), sum);
    c->at = end;
    return true;
}

/* Where the batches from at on, which crc stands in front of, come to what the chain had in front
 * of the damage: those were seen before. 0: they do not. */
static uint64_t find_old(struct log_reader *r, uint64_t at, uint64_t crc)
{
    struct chase c = {.r = r, .at = at, .only_sum = true};
    uint64_t most = r->ahead_left < LOG_AHEAD_LEAST ? LOG_AHEAD_LEAST :
                    r->ahead_left < LOG_AHEAD ? r->ahead_left : LOG_AHEAD, found = 0;
    while (r->chain.crc && !found && c.at - at <= most) {
        if (crc64_combine(crc, c.f.sum, c.f.len) == r->chain.crc)
            found = c.at;
        else if (!add_batch(&c))
            break;
    }
    uint64_t used = c.at - at;
    r->ahead_left -= used < r->ahead_left ? used : r->ahead_left;
    return found;
}

/* Where the chase begins: behind a batch, of which the line says told, bits of the crc there.
 * Without that the first one would not be verified. */
struct chase_from {
    uint64_t at, told;
    unsigned bits;
    bool due;   /* the chain has to go on there */
    bool named; /* that line names the log */
};

/* Batches that no line names were hit where they stand, or are wanted if in doubt. */
static bool count_unnamed(struct chase *c, const struct log_fault_place *place, uint64_t at)
{
    uint64_t size = at - place->from;
    must(at > place->from && !c->named);
    c->doubtful = c->doubtful || c->f.surplus >= LOG_UNNAMED_SURE;
    if (c->doubtful && c->r->options.keep_doubtful)
        return true;
    if (c->asked || !c->doubtful || c->at - at <= LOG_UNNAMED_BYTES)
        return false;
    c->asked = true;
    if (!c->r->chain.open || size <= AOF_SMALL_LINE || size > SMALL_HIT_MAX)
        return false;
    struct slice text = log_bytes_at(c->r->bytes, place->from, (size_t)size);
    return text.len == size && small_hit(text, text.len - AOF_SMALL_LINE, place->from);
}

/* Batches verify one another, and are left out: for want of a name? */
static void count_doubtful(struct chase *c, uint64_t from, uint64_t to)
{
    struct log_reader *r = c->r;
    struct fault f = {0};
    while (c->doubtful && from < to) {
        struct slice first = log_bytes_at(r->bytes, from, 1);
        if (first.len && first.data[0] == '*' &&
            log_command_read(r->bytes, from, to, &r->command, &f) == LOG_COMMAND) {
            r->hole.doubtful++;
            from = r->command.end;
        } else {
            from = log_bytes_find(r->bytes, from, to, '\n');
            from += from < to;
        }
    }
}

/* True: r's chain goes on at *to. False: there is nothing to be found in front of *to. */
static bool chase_chain(struct log_reader *r, const struct log_fault_place *place,
                        const struct chase_from *from, uint64_t *to)
{
    uint64_t at = from->at;
    struct chase c = {.r = r, .at = at, .named = from->named};
    bool sure = false;
    must(at <= r->bytes->size && from->bits > 0);
    aof_footing_begin(&c.f);
    aof_footing_before(&c.f, from->told, from->bits);
    for (;;) {
        uint64_t before = c.at;
        bool more = add_batch(&c);
        if (sure && !more && c.named) /* by the line of a batch that is cut off */
            break;
        if (c.f.broken || !more) {
            *to = sure ? before : at; /* those verify one another, but that is not enough */
            count_doubtful(&c, at, *to);
            return false;
        }
        sure = aof_footing_known(&c.f) && c.f.surplus >= AOF_FOOTING_SURE;
        if (sure && (c.named || from->due || count_unnamed(&c, place, at)))
            break;
    }
    struct aof_chain chain = {.open = true, .id = r->chain.id ? r->chain.id : r->options.id,
                              .crc = aof_footing_crc(&c.f), .n = c.n, .offset = at};
    uint64_t old = find_old(r, at, chain.crc);
    *to = old ? old : at;
    if (!old)
        r->chain = chain;
    r->chain.open = r->has_session = true;
    return true;
}

/* A '#' at at: a batch's line, a small one's, a session's? A long one stands in front of its batch,
 * and tells of the crc behind it: only from there on anything is verified. */
static bool try_line(struct log_reader *r, const struct log_fault_place *place, uint64_t at,
                     uint64_t *to)
{
    struct slice s = log_bytes_at(r->bytes, at, AOF_OLD_LINE);
    struct aof_session session;
    struct aof_batch b;
    uint64_t id = r->chain.id ? r->chain.id : r->options.id;
    if (s.len >= AOF_LOG_LINE && aof_session_parse(slice(s.data, AOF_LOG_LINE), &session) &&
        (session.offset == at || session.id == id)) {
        *to = at;
        return true;
    }
    bool line = log_batch_line(r, s, at, &b);
    unsigned bits = line && b.line == AOF_SUM_LINE ? 42 : 64;
    if (line && b.len <= r->bytes->size - at - b.line)
        return chase_chain(r, place, &(struct chase_from){
            .at = at + b.line + b.len, .told = b.crc, .bits = bits, .named = id != 0}, to);
    char room[AOF_SMALL_LINE + 1] = "*"; /* the line of a small batch of one byte */
    if (s.len < AOF_SMALL_LINE)
        return false;
    memcpy(room + 1, s.data, AOF_SMALL_LINE);
    room[0] = '\n';
    return aof_small_find(slice(room, sizeof room), &b) &&
           chase_chain(r, place, &(struct chase_from){
               .at = at + AOF_SMALL_LINE, .told = b.crc, .bits = 24}, to);
}

/* ---- one byte ---- */

static const uint64_t POLY = 0x95ac9329ac4bc9b5; /* of crc64 */

/* The state one zero byte earlier. */
static uint64_t step_back(uint64_t crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = crc >> 63 ? (crc ^ POLY) << 1 | 1 : crc << 1;
    return crc;
}

/* What is and what must have been differ by the changed bits, stepped on by all bytes behind them:
 * stepped back byte by byte, there is one place where nothing else than one byte is left. Another
 * kind of damage looks like that once in 2^40 batches. */
bool log_mend(struct log_reader *r, const struct aof_chain *before, uint64_t from,
              const struct aof_batch *b)
{
    enum { MEND_MAX = 16 << 20 };
    bool small = b->line == AOF_SMALL_LINE;
    must(before->open && r->chain.open);
    uint64_t body = small ? from : from + b->line, end = body + b->len;
    char line[AOF_OLD_LINE];
    if (b->len == 0 || b->len > MEND_MAX)
        return false;
    struct slice text = log_bytes_at(r->bytes, small ? end : from, b->line);
    if (text.len < b->line)
        return false;
    memcpy(line, text.data, b->line);
    uint64_t sum = log_bytes_crc(r->bytes, body, end, 0);
    struct aof_step step = aof_chain_step(b, slice(line, b->line), sum);
    uint64_t wrong = crc64_combine(before->crc, step.sum, step.len) ^ r->chain.crc, at = end;
    for (uint64_t i = b->line == AOF_SUM_LINE ? step.len - b->len : 0; i > 0; i--)
        wrong = step_back(wrong);
    do {
        wrong = step_back(wrong);
        at--;
    } while (wrong > UINT8_MAX && at > body);
    if (wrong > UINT8_MAX || wrong == 0)
        return false;
    log_bytes_patch(r->bytes, at, (uint8_t)wrong);
    struct aof_chain again = *before;
    sum = log_bytes_crc(r->bytes, body, end, 0);
    if (aof_chain_check_sum(&again, b, slice(line, b->line), sum))
        return true;
    log_bytes_unpatch(r->bytes);
    return false;
}

/* Nothing but a byte of the batch is wrong when that is what the batches behind it say: then they
 * are the log's, named or not. */
static bool follows_mended(struct log_reader *r, const struct log_fault_place *place, uint64_t *to)
{
    const struct aof_batch *b = place->batch;
    struct aof_chain before = r->chain;
    bool had_session = r->has_session;
    uint64_t end = place->from + b->line + b->len;
    struct chase_from from = {.at = end, .told = b->crc, .bits = 24, .due = true};
    if (before.open && chase_chain(r, place, &from, to) && *to == end &&
        r->chain.crc != before.crc && log_mend(r, &before, place->from, b)) {
        log_bytes_unpatch(r->bytes); /* that is done by who is told the place */
        return true;
    }
    r->chain = before;
    r->has_session = had_session;
    return false;
}

/* ---- where batches go on ---- */

static uint64_t chain_footing(struct log_reader *r, const struct log_fault_place *place,
                              uint64_t limit)
{
    uint64_t from = place->from + 1, to;
    const struct aof_batch *b = place->batch;
    if (b) {
        uint64_t end = place->from + b->line + b->len;
        bool small = b->line == AOF_SMALL_LINE; /* its line may as well stand inside a value */
        unsigned bits = small ? 24 : b->line == AOF_SUM_LINE ? 42 : 64;
        struct chase_from behind = {.at = end, .told = b->crc, .bits = bits, .due = !small};
        if ((small && follows_mended(r, place, &to)) || chase_chain(r, place, &behind, &to))
            return to;
        from = small && to == end ? place->from + 1 : to;
    }
    while (from < limit) {
        from = log_bytes_find(r->bytes, from, limit, '#');
        to = from;
        if (from < limit && try_line(r, place, from, &to))
            return to;
        from = to > from ? to : from + 1;
    }
    return limit;
}

/* ---- plain commands ---- */

/* The line of an argument's length is at at: behind the argument, when one of may follows, or, if
 * '*' is among them, the end. 0: it is none. */
static uint64_t pass_argument(struct log_bytes *b, uint64_t at, struct slice line, uint64_t limit,
                              const char *may)
{
    const char *end = line.len ? memchr(line.data, '\r', line.len) : NULL;
    size_t n = end ? (size_t)(end - line.data) : 0;
    uint64_t len;
    if (n < 2 || line.data[0] != '$' || n + 1 >= line.len || end[1] != '\n' ||
        !num_parse_u64(slice(line.data + 1, n - 1), &len) || len > limit - at - n - 2)
        return 0;
    uint64_t behind = at + n + 2 + len;
    struct slice s = log_bytes_at(b, behind, 3);
    if (s.len < 2 || s.data[0] != '\r' || s.data[1] != '\n' || behind + 2 > limit)
        return 0;
    bool fits = behind + 2 == limit ? may[0] == '*' :
                s.len == 3 && s.data[2] && strchr(may, s.data[2]);
    return fits ? behind + 2 : 0;
}

/* Of the argument whose length stands at at, maybe but for one byte of that line: the furthest end
 * there may be. */
static uint64_t pass_damaged(struct log_bytes *b, const struct log_fault_place *place,
                             uint64_t limit)
{
    static const char may[] = "$0123456789\r\n";
    const char *follow = place->header_last ? "*#" : "$";
    uint64_t at = place->header_at;
    char line[24];
    struct slice s = log_bytes_at(b, at, sizeof line);
    size_t len = s.len;
    uint64_t furthest = 0;
    memcpy(line, s.data, len);
    for (size_t i = 0; i < len; i++) {
        char was = line[i];
        for (const char *c = may; *c; c++) {
            line[i] = *c;
            uint64_t end = pass_argument(b, at, slice(line, len), limit, follow);
            furthest = end > furthest ? end : furthest;
        }
        line[i] = was;
    }
    return furthest;
}

/* A row of commands from one place on. */
struct run {
    uint64_t at;        /* behind the last */
    uint64_t commands;
    uint64_t exec_end;  /* of an EXEC that no MULTI stands in front of; 0 */
    bool multi;         /* one was seen */
    bool led_to_end;
    bool torn;          /* there, in the middle of a command */
};

static bool is_session(struct log_reader *r, uint64_t at)
{
    struct aof_session s;
    struct slice line = log_bytes_at(r->bytes, at, AOF_LOG_LINE);
    return line.len == AOF_LOG_LINE && aof_session_parse(line, &s);
}

/* One command or annotation at run->at. False: there is none. */
static bool run_on(struct log_reader *r, struct run *run, uint64_t limit)
{
    enum { NOTE_MAX = 1024 };
    struct fault f = {0};
    struct log_command *c = &r->command;
    struct slice first = log_bytes_at(r->bytes, run->at, 1);
    if (first.len && first.data[0] == '#') {
        uint64_t max = limit - run->at < NOTE_MAX ? limit : run->at + NOTE_MAX;
        uint64_t lf = log_bytes_find(r->bytes, run->at, max, '\n');
        run->at = lf < max ? lf + 1 : run->at;
        return lf < max;
    }
    enum log_parse what = log_command_read(r->bytes, run->at, limit, c, &f);
    run->torn = what == LOG_CUT && limit == r->bytes->size;
    if (what != LOG_COMMAND || aof_command_fault(&r->known, (size_t)c->argc, c->argv))
        return false;
    bool exec = slice_eq_nocase(c->argv[0], "exec");
    if (exec && !run->multi && !run->exec_end)
        run->exec_end = c->end;
    run->multi = run->multi || slice_eq_nocase(c->argv[0], "multi");
    run->at = c->end;
    run->commands++;
    return true;
}

/* Commands begin at at: do they lead on? */
static struct run run_from(struct log_reader *r, uint64_t at, uint64_t limit)
{
    struct run run = {.at = at};
    must(at < limit);
    while (run.at < limit) {
        if (run.commands && run.at - at > VALUE_MAX) {
            run.led_to_end = true;
            break;
        }
        if (limit == r->bytes->size && is_session(r, run.at)) {
            run.led_to_end = true;
            break;
        }
        if (!run_on(r, &run, limit))
            break;
    }
    run.led_to_end = (run.led_to_end || run.torn || run.at == limit) && run.commands > 0;
    return run;
}

static uint64_t plain_footing(struct log_reader *r, const struct log_fault_place *place,
                              uint64_t limit)
{
    uint64_t at = place->from;
    must(at < limit && place->header_at <= limit);
    uint64_t past = place->header_at ? pass_damaged(r->bytes, place, limit) : 0;
    if (past == limit)
        return limit;
    if (place->cut) { /* by the file's end, unless the line of its length is damaged */
        struct run run = past ? run_from(r, past, limit) : (struct run){.torn = true};
        return run.led_to_end && !run.torn && !run.exec_end ? past : limit;
    }
    if (past)
        at = past - 1; /* the line feed in front of it */
    for (;;) {
        uint64_t lf = log_bytes_find(r->bytes, at, limit, '\n');
        at = lf + 1;
        if (lf == limit || at == limit)
            return limit;
        struct slice s = log_bytes_at(r->bytes, at, 24);
        if (s.len && s.data[0] == '$') {
            uint64_t end = pass_argument(r->bytes, at, s, limit, "*$#");
            if (end == limit)
                return limit;
            at = end ? end - 1 : at;
        } else if (s.len && s.data[0] == '#' && is_session(r, at)) {
            return at;
        } else if (s.len && s.data[0] == '*') {
            struct run run = run_from(r, at, limit);
            bool keep = run.led_to_end ||
                        (r->options.keep_doubtful && run.commands >= DOUBTFUL_MIN);
            if (keep && (!run.exec_end || run.exec_end < limit))
                return run.exec_end ? run.exec_end : at;
            r->hole.doubtful += run.commands;
            at = run.at > at ? run.at - 1 : at; /* its line feed, and what stands behind that */
        }
    }
}

uint64_t log_footing(struct log_reader *r, const struct log_fault_place *place, uint64_t limit)
{
    must(place->from < limit);
    bool unknown = !r->has_session && !r->no_sums && (r->options.id || place->from == r->start);
    bool sums = !r->in_batch && (r->chain.open || unknown);
    uint64_t to = sums ? chain_footing(r, place, limit) : limit;
    if (sums && to == limit && !r->has_session) {
        r->no_sums = true;
        sums = false;
    }
    if (!sums)
        to = plain_footing(r, place, limit);
    must(to > place->from && to <= limit);
    return to;
}
