/* SPDX-License-Identifier: BSD-3-Clause */
/* The states are those of format/aof_read.c, whose rules these are; what is different is that
 * nothing is held, and that a fault is an item. */
#include "tools/log_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc64.h"
#include "base/must.h"
#include "base/num.h"
#include "tools/log_footing.h"

enum { NOTE_MAX = 1024, OTHERS_MAX = 1024 };

void log_read_open(struct log_reader *r, struct log_bytes *b, uint64_t start,
              const struct log_options *opt)
{
    *r = (struct log_reader){.bytes = b, .options = *opt, .start = start, .next = start,
                             .line_at = UINT64_MAX,
                             .ahead_left = LOG_AHEAD_ALL, .time_s = -1};
    must(start <= b->size);
}

void log_read_close(struct log_reader *r)
{
    buf_free(&r->others);
}

/* Of what may stand at the reader's place: the batch's end, or the file's. */
static uint64_t limit_of(const struct log_reader *r)
{
    return r->in_batch ? r->batch_end : r->bytes->size;
}

/* ---- holes ---- */

static enum log_item hole(struct log_reader *r, enum hole_kind kind, uint64_t from, uint64_t to,
                          const struct fault *f)
{
    must(to > from && to <= r->bytes->size);
    r->commands = 0;
    r->hole.kind = kind;
    r->hole.fault = *f;
    r->from = from;
    r->to = r->next = r->hole_end = to;
    if (!r->in_batch) {
        r->batch_at = from;
        r->batch_end = to;
    }
    return LOG_HOLE;
}

/* The byte that was patched last is right now: the batch is read once more. */
static enum log_item mended(struct log_reader *r, const struct aof_chain *before, uint64_t from,
                            const struct fault *f)
{
    must(r->bytes->patches.len >= sizeof(struct log_patch));
    const struct log_patch *p = (const struct log_patch *)(const void *)(
        r->bytes->patches.data + r->bytes->patches.len - sizeof *p);
    struct slice byte = log_bytes_at(r->bytes, p->at, 1);
    unsigned right = byte.len ? (uint8_t)byte.data[0] : 0;
    r->chain = *before;
    r->commands = 0;
    r->from = r->to = r->next = r->batch_at = r->batch_end = from;
    r->hole.kind = HOLE_DAMAGE;
    r->hole.fault = *f;
    r->hole.fault.offset = p->at;
    snprintf(r->hole.fault.what, sizeof r->hole.fault.what, "The byte at %" PRIu64 " is %02x, and "
             "was %02x when it was written: its batch's checksum tells", p->at, right ^ p->flip,
             right);
    return LOG_MENDED;
}

/* Does what stands at at follow chain? */
static bool chain_goes_on(struct log_reader *r, struct aof_chain chain, uint64_t at)
{
    struct slice text = log_bytes_at(r->bytes, at, AOF_SMALL_BYTES + AOF_SMALL_LINE);
    struct aof_batch b;
    char line[AOF_OLD_LINE];
    bool behind = text.len && text.data[0] != '#'; /* a small one's line is */
    if (behind ? !aof_small_find(text, &b) : !log_batch_line(r, text, at, &b))
        return false;
    uint64_t body = behind ? at : at + b.line;
    if (b.len > r->bytes->size - body)
        return false;
    memcpy(line, text.data + (behind ? b.len : 0), b.line);
    uint64_t sum = log_bytes_crc(r->bytes, body, body + b.len, 0);
    return aof_chain_check_sum(&chain, &b, slice(line, b.line), sum);
}

/* Is what stands at at, a block behind the fault, what was written there? Where one block took the
 * place of another the second of two alike leads into a fault as the first did. */
static bool goes_on(struct log_reader *r, uint64_t at)
{
    struct fault f = {0};
    struct slice first = log_bytes_at(r->bytes, at, 4);
    if (slice_eq_str(first, "#LOG") || slice_eq_str(first, "#TS:"))
        return true;
    if (r->chain.open)
        return chain_goes_on(r, r->chain, at);
    enum log_parse what = log_command_read(r->bytes, at, r->bytes->size, &r->command, &f);
    return what == LOG_COMMAND || what == LOG_CUT;
}

/* Behind a block that stands there twice, which the fault at the reader's place comes of; 0. */
static uint64_t pass_doubled(struct log_reader *r)
{
    uint64_t from = r->next, to = log_doubled(r->bytes, from);
    if (!to && r->to == from && r->from < from) /* that one may only seem whole */
        to = log_doubled(r->bytes, r->from);
    return to > from && to < r->bytes->size && goes_on(r, to) ? to : 0;
}

/* A fault in what stands at the reader's place. */
static enum log_item damage(struct log_reader *r, const struct fault *f, uint64_t header_at,
                            const struct aof_batch *batch)
{
    uint64_t from = r->next, limit = limit_of(r);
    must(from < limit);
    struct log_fault_place place = {.from = from, .header_at = header_at, .batch = batch,
                                    .header_last = r->command.header_last,
                                    .cut = f->code == FAULT_EOF};
    r->hole.batch = batch || (r->chain.open && !r->in_batch) ? r->batches + 1 : 0;
    r->hole.doubtful = 0;
    uint64_t to = r->in_batch ? 0 : pass_doubled(r);
    if (to)
        return hole(r, HOLE_DOUBLED, from, to, f);
    struct aof_chain before = r->chain;
    to = log_footing(r, &place, limit);
    if (batch && to == from + batch->line + batch->len && r->chain.crc != before.crc &&
        log_mend(r, &before, from, batch))
        return mended(r, &before, from, f);
    enum hole_kind kind = r->in_batch ? HOLE_MALFORMED :
                          to == limit && f->code == FAULT_EOF ? HOLE_TORN : HOLE_DAMAGE;
    return hole(r, kind, from, to, f);
}

static enum log_item damage_at(struct log_reader *r, enum fault_code code, const char *what)
{
    struct fault f = {0};
    fault_set(&f, code, "%s", what);
    f.offset = r->next;
    return damage(r, &f, 0, NULL);
}

/* ---- sessions and batches ---- */

static bool same_session(const struct aof_chain *a, const struct aof_chain *b)
{
    return a->line_crc == b->line_crc && (a->n == 0 || b->n == 0 || a->first_crc == b->first_crc);
}

static void keep_other(struct log_reader *r)
{
    if (r->others.len == OTHERS_MAX * sizeof r->chain)
        buf_drop_front(&r->others, r->others.len / 2);
    if (r->chain.open)
        buf_append(&r->others, &r->chain, sizeof r->chain);
}

static bool is_repeated(const struct log_reader *r, const struct aof_chain *c)
{
    const struct aof_chain *others = (const struct aof_chain *)(const void *)r->others.data;
    for (size_t i = 0; i < r->others.len / sizeof *others; i++)
        if (same_session(&others[i], c))
            return true;
    return c != &r->chain && r->chain.line_crc && same_session(&r->chain, c);
}

/* The chain has gone on to the first batch behind a line that was not new: is that new? If not, the
 * session in front of the line is the one that is followed, and the damage begins at the line. */
static bool is_new(struct log_reader *r)
{
    struct aof_chain before;
    must(!r->in_batch);
    if (!r->line_twice)
        return true;
    r->line_twice = false;
    if (!is_repeated(r, &r->chain))
        return true;
    if (r->others.len) {
        r->others.len -= sizeof before;
        memcpy(&before, r->others.data + r->others.len, sizeof before);
        r->chain = before;
    }
    r->next = r->line_at;
    return false;
}

/* Its line stands at the reader's place. LOG_END: it is passed. */
static enum log_item begin_session(struct log_reader *r, struct slice line)
{
    struct aof_session s;
    struct aof_chain c;
    if (line.len < AOF_LOG_LINE || !aof_session_parse(slice(line.data, AOF_LOG_LINE), &s))
        return damage_at(r, line.len < AOF_LOG_LINE ? FAULT_EOF : FAULT_CRC,
                         "The line that begins a session of checksums is damaged");
    bool moved = s.offset > r->next, ours = r->options.id && s.id == r->options.id;
    if (moved && !ours)
        return damage_at(r, FAULT_CRC, "A session of another log stands here");
    aof_chain_open(&c, &s, slice(line.data, AOF_LOG_LINE));
    r->line_twice = is_repeated(r, &c);
    keep_other(r);
    r->chain = c;
    r->session = s;
    r->has_session = true;
    r->options.id = r->options.id ? r->options.id : s.id;
    r->bytes_checked += AOF_LOG_LINE;
    uint64_t from = r->line_at = r->next;
    r->next += AOF_LOG_LINE;
    if (!moved || r->hole_end == from)
        return LOG_END;
    struct fault f = {0};
    fault_set(&f, FAULT_CRC, "A session that began at offset %" PRIu64 " stands here: bytes in "
              "front of it are missing", s.offset);
    f.offset = from;
    return hole(r, HOLE_DAMAGE, from, r->next, &f);
}

/* The batch's bytes are of the chain, or of another session's. */
static bool follows(struct log_reader *r, const struct aof_batch *b, struct slice line,
                    uint64_t body_crc)
{
    struct aof_chain *others = (struct aof_chain *)(void *)r->others.data;
    if (r->chain.open && aof_chain_check_sum(&r->chain, b, line, body_crc))
        return true;
    for (size_t i = r->others.len / sizeof *others; i-- > 0;) {
        struct aof_chain *c = &others[i];
        if (c->open && c->id == r->chain.id && aof_chain_check_sum(c, b, line, body_crc)) {
            struct aof_chain other = *c;
            *c = r->chain;
            r->chain = other;
            return true;
        }
    }
    return false;
}

static void enter_batch(struct log_reader *r, const struct aof_batch *b, uint64_t body)
{
    bool small = b->line == AOF_SMALL_LINE;
    must(!r->in_batch && body >= r->next && b->len <= r->bytes->size - body);
    r->in_batch = true;
    r->batch_at = r->next;
    r->batch_body = body;
    r->batch_end = body + b->len;
    r->line_behind = small ? b->line : 0;
    r->batches++;
    r->bytes_checked += b->line + b->len;
    r->next = body;
}

static enum log_item wrong_batch(struct log_reader *r, const struct aof_batch *b, uint64_t end)
{
    struct fault f = {0};
    if (r->next == r->line_at)
        return damage_at(r, FAULT_CRC, "A session of checksums stands here once more");
    fault_set(&f, FAULT_CRC, "Batch %" PRIu64 ", bytes %" PRIu64 " to %" PRIu64
              ", does not match its checksum", r->batches + 1, r->next, end);
    f.offset = r->next;
    return damage(r, &f, 0, b);
}

/* LOG_END: the batch was entered. */
static enum log_item begin_batch(struct log_reader *r, struct slice text)
{
    struct aof_batch b;
    char line[AOF_OLD_LINE];
    size_t wanted = text.data[1] == 'S' ? AOF_OLD_LINE : AOF_SUM_LINE;
    if (text.len < wanted)
        return damage_at(r, FAULT_EOF, "The file ends inside the line of a batch");
    if (!r->chain.open && !r->others.len)
        return damage_at(r, FAULT_FORMAT, "A batch without the session that it belongs to");
    if (!log_batch_line(r, text, r->next, &b))
        return damage_at(r, FAULT_CRC, "The line of a batch is damaged");
    uint64_t body = r->next + b.line;
    if (b.len > r->bytes->size - body)
        return damage_at(r, FAULT_EOF, "A batch is cut off by the end of the file");
    memcpy(line, text.data, b.line);
    uint64_t sum = log_bytes_crc(r->bytes, body, body + b.len, 0);
    if (fault_is(&r->bytes->fault))
        return LOG_END;
    if (!follows(r, &b, slice(line, b.line), sum) || !is_new(r))
        return wrong_batch(r, &b, body + b.len);
    enter_batch(r, &b, body);
    return LOG_END;
}

/* Commands from the reader's place to to, and nothing else? */
static bool only_commands(struct log_reader *r, uint64_t to)
{
    struct fault f = {0};
    uint64_t at = r->next;
    while (at < to && log_command_read(r->bytes, at, to, &r->command, &f) == LOG_COMMAND)
        at = r->command.end;
    return at == to;
}

/* Commands stand here, behind a chain: a small batch. LOG_END: it was entered. What is damaged may
 * also be the line in front of a long one, which may hold any '#': that is no batch to go by. */
static enum log_item begin_small(struct log_reader *r, struct slice text)
{
    struct aof_batch b;
    bool cut = text.len < AOF_SMALL_BYTES + AOF_SMALL_LINE;
    if (!aof_small_find(text, &b)) {
        bool torn = cut && aof_hash_line(text) + AOF_SMALL_LINE > text.len;
        return damage_at(r, torn ? FAULT_EOF : FAULT_CRC,
                         torn ? "A batch is cut off by the end of the file"
                              : "Commands without checksums");
    }
    uint64_t sum = crc64(0, text.data, b.len);
    if (follows(r, &b, slice_from(text, b.len), sum) && is_new(r)) {
        enter_batch(r, &b, r->next);
        return LOG_END;
    }
    if (!only_commands(r, r->next + b.len))
        return damage_at(r, FAULT_CRC, "Commands without checksums");
    return wrong_batch(r, &b, r->next + b.len + b.line);
}

/* ---- units ---- */

static enum log_item bad_command(struct log_reader *r, enum log_parse what, const struct fault *f)
{
    const struct log_command *c = &r->command;
    struct slice behind = log_bytes_at(r->bytes, c->end, 1);
    bool alone = what == LOG_BAD && c->end > r->next &&
                 (behind.len == 0 || behind.data[0] == '*' || behind.data[0] == '#');
    r->hole.batch = r->hole.doubtful = 0;
    if (alone)
        return hole(r, HOLE_MALFORMED, r->next, c->end, f);
    return damage(r, f, c->header_at > c->at ? c->header_at : 0, NULL);
}

static enum log_item unit(struct log_reader *r, uint64_t from, uint64_t to, uint64_t commands)
{
    must(from < to && to <= limit_of(r));
    r->from = from;
    r->to = r->next = to;
    r->commands = commands;
    if (!r->in_batch) {
        r->batch_at = from;
        r->batch_end = to;
    }
    return LOG_UNIT;
}

/* Behind the line of annotation at at, inside a transaction; 0: it is none. */
static uint64_t pass_note(struct log_reader *r, uint64_t at, uint64_t limit)
{
    uint64_t max = limit - at < NOTE_MAX ? limit : at + NOTE_MAX;
    uint64_t end = log_bytes_find(r->bytes, at, max, '\n');
    return end < max ? end + 1 : 0;
}

static enum log_item open_transaction(struct log_reader *r, uint64_t from, uint64_t to)
{
    struct fault f = {0};
    bool torn = to == r->bytes->size;
    fault_set(&f, torn ? FAULT_EOF : FAULT_FORMAT, "A transaction without its EXEC");
    f.offset = from;
    r->hole.batch = r->hole.doubtful = 0;
    return hole(r, torn ? HOLE_TORN : HOLE_OPEN, from, to, &f);
}

/* Its MULTI is r->command. */
static enum log_item transaction(struct log_reader *r)
{
    uint64_t from = r->command.at, at = r->command.end, limit = limit_of(r), commands = 1;
    must(from == r->next && at <= limit);
    struct fault f = {0};
    while (at < limit) {
        struct slice first = log_bytes_at(r->bytes, at, 1);
        uint64_t behind = first.len && first.data[0] == '#' ? pass_note(r, at, limit) : 0;
        if (behind) {
            at = behind;
            continue;
        }
        enum log_parse what = log_command_read(r->bytes, at, limit, &r->command, &f);
        if (what != LOG_COMMAND)
            return damage(r, &f, r->command.header_at > at ? r->command.header_at : 0, NULL);
        struct slice name = r->command.argv[0];
        if (slice_eq_nocase(name, "multi"))
            return open_transaction(r, from, at);
        at = r->command.end;
        commands++;
        if (slice_eq_nocase(name, "exec"))
            return unit(r, from, at, commands);
    }
    return open_transaction(r, from, limit);
}

static enum log_item read_unit(struct log_reader *r)
{
    struct log_command *c = &r->command;
    struct fault f = {0};
    enum log_parse what = log_command_read(r->bytes, r->next, limit_of(r), c, &f);
    if (what != LOG_COMMAND)
        return bad_command(r, what, &f);
    if (slice_eq_nocase(c->argv[0], "multi"))
        return transaction(r);
    if (!slice_eq_nocase(c->argv[0], "exec"))
        return unit(r, c->at, c->end, 1);
    fault_set(&f, FAULT_FORMAT, "An EXEC without its MULTI");
    f.offset = c->at;
    r->hole.batch = r->hole.doubtful = 0;
    return hole(r, HOLE_STRAY, c->at, c->end, &f);
}

/* ---- annotations ---- */

static bool may_be_line(const struct log_reader *r, struct slice note, size_t line_len)
{
    char first = note.len > 1 ? note.data[1] : 0;
    if (!r->has_session || r->in_batch)
        return false;
    if (first == 'L' || first == 'S' || first == '=' || line_len == AOF_LOG_LINE ||
        line_len == AOF_SUM_LINE || line_len == AOF_SMALL_LINE || line_len == AOF_OLD_LINE)
        return true;
    for (size_t i = 0; i < note.len; i++)
        if ((uint8_t)note.data[i] < ' ' || (uint8_t)note.data[i] > '~')
            return true;
    return false;
}

static enum log_item annotation(struct log_reader *r)
{
    uint64_t from = r->next, limit = limit_of(r);
    uint64_t max = limit - from < NOTE_MAX ? limit : from + NOTE_MAX;
    uint64_t lf = log_bytes_find(r->bytes, from, max, '\n');
    bool ended = lf < max;
    if (!ended && max < limit)
        return damage_at(r, FAULT_FORMAT, "A line of annotation is too long");
    uint64_t to = ended ? lf + 1 : limit;
    struct slice s = log_bytes_at(r->bytes, from, (size_t)(to - from));
    while (s.len && (s.data[s.len - 1] == '\n' || s.data[s.len - 1] == '\r'))
        s.len--;
    if (may_be_line(r, s, (size_t)(to - from)))
        return damage_at(r, ended ? FAULT_CRC : FAULT_EOF, "A line of checksums is damaged");
    size_t n = s.len < sizeof r->text ? s.len : sizeof r->text;
    memcpy(r->text, s.data, n);
    r->note = slice(r->text, n);
    if (n > 4 && memcmp(r->text, "#TS:", 4) == 0) {
        int64_t time_s;
        if (num_parse_i64(slice_from(r->note, 4), &time_s) && time_s >= 0)
            r->time_s = time_s;
    }
    unit(r, from, to, 0);
    return LOG_NOTE;
}

/* ---- */

/* A line that begins with '#', outside of a batch. LOG_END: it was one of checksums, and good. */
static enum log_item hash_line(struct log_reader *r)
{
    struct slice s = log_bytes_at(r->bytes, r->next, AOF_OLD_LINE);
    struct aof_batch b;
    bool word = s.len >= 5;
    if (word && memcmp(s.data, "#LOG:", 5) == 0)
        return begin_session(r, s);
    bool batch = (word && memcmp(s.data, "#SUM:", 5) == 0) ||
                 (s.len > 1 && s.data[1] == '=' && (r->has_session || aof_batch_form(s, 0, &b)));
    return batch ? begin_batch(r, s) : annotation(r);
}

static enum log_item commands_here(struct log_reader *r)
{
    if (r->in_batch || !r->chain.open)
        return read_unit(r);
    struct slice s = log_bytes_at(r->bytes, r->next, AOF_SMALL_BYTES + AOF_SMALL_LINE);
    if (!aof_begins_with_select(s))
        return begin_small(r, s);
    r->chain.open = false; /* another writer, who knows no checksums */
    return read_unit(r);
}

/* A part whose manifest tells the log's id begins so. */
static bool is_session_here(struct log_reader *r)
{
    struct slice s = log_bytes_at(r->bytes, r->next, 5);
    return slice_eq(s, SLICE_LIT("#LOG:"));
}

enum log_item log_read_next(struct log_reader *r)
{
    r->items++;
    for (;;) {
        if (r->in_batch && r->next == r->batch_end) {
            r->next = r->batch_end + r->line_behind;
            r->in_batch = false;
        }
        must(r->next <= r->bytes->size);
        struct slice first = log_bytes_at(r->bytes, r->next, 1);
        if (first.len == 0) {
            r->from = r->to = r->next;
            return LOG_END;
        }
        if (first.data[0] == '#' && r->in_batch)
            return annotation(r);
        if (r->next == r->start && r->options.id && !is_session_here(r))
            return damage_at(r, FAULT_CRC, "The line that begins a session is missing");
        uint64_t before = r->next;
        enum log_item what = first.data[0] == '#' ? hash_line(r) : commands_here(r);
        if (what != LOG_END)
            return what;
        if (r->next == before && !r->in_batch) /* the disk */
            return LOG_END;
    }
}

/* ---- the commands of a unit ---- */

void log_unit_begin(struct log_unit *u, const struct log_reader *r)
{
    must(r->from <= r->to && r->to <= r->bytes->size);
    const struct log_command *c = &r->command;
    bool ready = r->commands == 1 && c->at == r->from && c->end == r->to && r->to > r->from;
    *u = (struct log_unit){.bytes = r->bytes, .next = r->from, .to = r->to,
                           .ready = ready ? c : NULL};
}

bool log_unit_next(struct log_unit *u, struct log_command *c)
{
    struct fault f = {0};
    u->gap = false;
    if (u->ready == c) {
        u->ready = NULL;
        u->next = u->to;
        return true;
    }
    while (u->next < u->to) {
        struct slice first = log_bytes_at(u->bytes, u->next, 1);
        if (first.len == 0)
            break;
        if (first.data[0] == '*' &&
            log_command_read(u->bytes, u->next, u->to, c, &f) == LOG_COMMAND) {
            u->next = c->end;
            return true;
        }
        u->gap = u->gap || first.data[0] != '#';
        uint64_t lf = log_bytes_find(u->bytes, u->next, u->to, '\n');
        u->next = lf < u->to ? lf + 1 : u->to;
    }
    return false;
}
