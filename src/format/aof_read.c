/* SPDX-License-Identifier: BSD-3-Clause */
/* *N CRLF, then N times: $len CRLF, len bytes, CRLF. A plain command that lies whole in the window
 * of the stream is taken where it lies. Any other is gathered in one buffer (text), its arguments'
 * lengths in another; the slices are made when it is complete, because the buffer moves while it
 * grows. Both grow with what has come, never by a number from the file. Only this second way finds
 * faults.
 *
 *   bare ---#LOG---> open ---#=, body matches---> in a batch ---its end---> open
 *                     |  ^------------------------- #LOG ------------------ bare again
 *                     +---------- [MULTI] SELECT: another writer ------------^
 *   open ---no SELECT, but the line behind it matches---> in a (small) batch
 *
 * A fault of a batch's bytes comes before its first command was given out. */
#include "format/aof_read.h"

#include <inttypes.h>

#include "base/must.h"

enum { NOTE_MAX = 1024, CHUNK = 1 << 20, KEEP_MAX = 16 << 20, QUICK_ARGS_MAX = 1 << 16 };

/* The drawing above, where one of its arrows ends. */
static void reader_must_hold(const struct aof_reader *r)
{
    must(r->good_end <= in_offset(r->in));
    must(!r->chain.open || r->has_session);
    must(!r->line_twice || r->has_session);
    must(r->others.len % sizeof r->chain == 0);
    must(r->others.len <= AOF_OTHERS_MAX * sizeof r->chain);
    if (!r->in_batch)
        return;
    must(r->chain.open && !r->line_twice);
    must(r->batches > 0);
    must(r->batch_at <= r->batch_body && r->batch_body <= r->batch_end);
    must(r->line_behind == 0 || r->line_behind == AOF_SMALL_LINE);
}

void aof_open(struct aof_reader *r, struct in *in, const struct aof_limits *limits)
{
    *r = (struct aof_reader){.in = in, .limits = *limits};
    if (!r->limits.bulk_max)
        r->limits.bulk_max = (uint64_t)512 << 20;
    if (!r->limits.args_max)
        r->limits.args_max = INT32_MAX;
    r->good_end = in_offset(in);
    in->doing = "read-command";
    reader_must_hold(r);
}

void aof_open_at(struct aof_reader *r, struct in *in, const struct aof_limits *limits,
                 const struct aof_chain *chain)
{
    aof_open(r, in, limits);
    r->chain = *chain;
    r->has_session = chain->open;
    reader_must_hold(r);
}

void aof_close(struct aof_reader *r)
{
    buf_free(&r->text);
    buf_free(&r->lengths);
    buf_free(&r->slices);
    buf_free(&r->others);
}

bool aof_has_preamble(struct in *in)
{
    struct slice head = in_peek(in, 6);
    return (head.len >= 5 && memcmp(head.data, "REDIS", 5) == 0) ||
           slice_eq(head, SLICE_LIT("VALKEY"));
}

/* Faults tell the beginning of the piece they are in. */
#define FAIL(r, code, ...) \
    do { \
        if (!in_bad((r)->in)) { \
            in_fail((r)->in, code, __VA_ARGS__); \
            (r)->in->fault.offset = (r)->piece_at; \
        } \
    } while (0)

/* CRLF is due; what is there instead: nothing or a part of it means the file ends here. */
static bool line_end(struct aof_reader *r, struct slice two)
{
    if (two.len >= 2 && two.data[0] == '\r' && two.data[1] == '\n') {
        r->lines++;
        return true;
    }
    bool cut = two.len == 0 || (two.len == 1 && two.data[0] == '\r');
    FAIL(r, cut ? FAULT_EOF : FAULT_FORMAT, "Expected \\r\\n, got: %02x%02x",
         two.len ? (uint8_t)two.data[0] : 0, two.len > 1 ? (uint8_t)two.data[1] : 0);
    return false;
}

/* A line of prefix and number. */
static bool number_line(struct aof_reader *r, char prefix, int64_t *n)
{
    enum { LINE_MAX = 22, DIGITS_MAX = 18 };
    r->piece_at = in_offset(r->in);
    struct slice s = in_peek(r->in, LINE_MAX);
    if (s.len == 0) {
        FAIL(r, FAULT_EOF, "Expected to read 1 bytes, got 0 bytes");
        return false;
    }
    if (s.data[0] != prefix) {
        r->bad_prefix = prefix == '*';
        FAIL(r, FAULT_FORMAT, "Expected prefix '%c', got: '%c'", prefix, s.data[0]);
        return false;
    }
    bool minus = s.len > 1 && s.data[1] == '-';
    size_t start = 1 + minus, at = start;
    *n = 0;
    for (; at < s.len && at - start < DIGITS_MAX && s.data[at] >= '0' && s.data[at] <= '9'; at++)
        *n = *n * 10 + (s.data[at] - '0');
    if (minus)
        *n = -*n;
    if (!line_end(r, slice_from(s, at)))
        return false;
    if (at == start)
        FAIL(r, FAULT_FORMAT, "Expected a number behind '%c'", prefix);
    return in_skip(r->in, at + 2);
}

static void cut_short(struct aof_reader *r, uint64_t wanted, uint64_t got)
{
    must(got < wanted);
    if (r->in->fault.code == FAULT_EOF)
        r->in->fault.code = FAULT_NONE;
    FAIL(r, FAULT_EOF, "Expected to read %" PRIu64 " bytes, got %" PRIu64 " bytes", wanted, got);
}

/* ---- a command that lies in the window whole ---- */

enum { DIGITS_MAX = 9 };

static int64_t __attribute__((noinline)) quick_digits(const uint8_t **at)
{
    const uint8_t *digits = *at + 1, *p = digits;
    int64_t n = 0;
    for (; *p >= '0' && *p <= '9' && p - digits < DIGITS_MAX; p++)
        n = n * 10 + (*p - '0');
    if (p == digits || p[0] != '\r' || p[1] != '\n')
        return -1;
    *at = p + 2;
    return n;
}

/* The number of a line, *at behind its end; -1 when it is anything but short, plain and there. Most
 * have one digit. */
static inline int64_t quick_number(const uint8_t **at, const uint8_t *end, uint8_t prefix)
{
    const uint8_t *p = *at;
    if (end - p < DIGITS_MAX + 3 || *p != prefix)
        return -1;
    unsigned digit = (unsigned)(p[1] - '0');
    if (digit > 9 || p[2] != '\r' || p[3] != '\n')
        return quick_digits(at);
    *at = p + 4;
    return digit;
}

/* Slices that point into the window. False, and nothing is consumed, when the command is not whole
 * or not plain there: the slow way then finds out what it is. */
static bool quick_command(struct aof_reader *r, uint64_t *name_at)
{
    const uint8_t *start = r->in->at, *end = r->in->end, *p = start, *last = start;
    int64_t argc = quick_number(&p, end, '*');
    if (argc < 1 || (uint64_t)argc > r->limits.args_max || argc > QUICK_ARGS_MAX)
        return false;
    buf_clear(&r->slices);
    struct slice *argv = (struct slice *)(void *)buf_reserve(&r->slices,
                                                             (size_t)argc * sizeof *argv);
    for (int64_t i = 0; i < argc; i++) {
        int64_t len = quick_number(&p, end, '$');
        if (len < 0 || (uint64_t)len > r->limits.bulk_max || end - p < len + 2 ||
            p[len] != '\r' || p[len + 1] != '\n')
            return false;
        last = p;
        argv[i] = slice(p, (size_t)len);
        p += len + 2;
    }
    r->argv = argv;
    r->argc = (size_t)argc;
    *name_at = r->at + (uint64_t)((const uint8_t *)argv[0].data - start);
    r->piece_at = r->at + (uint64_t)(last - start);
    r->lines += 1 + 2 * (uint64_t)argc;
    in_skip(r->in, (uint64_t)(p - start));
    return true;
}

/* ---- any command ---- */

static bool argument(struct aof_reader *r)
{
    int64_t len;
    if (!number_line(r, '$', &len))
        return false;
    uint64_t whole = (uint64_t)len + 2, left = in_left(r->in);
    if (len < 0 || ((uint64_t)len > r->limits.bulk_max && whole > left)) {
        FAIL(r, FAULT_FORMAT,
             "Expected to read string of %" PRId64 " bytes, which is not in the suitable range",
             len);
        return false;
    }
    r->piece_at = in_offset(r->in);
    if (left < whole) {
        cut_short(r, whole, left);
        return false;
    }
    for (uint64_t rest = (uint64_t)len; rest > 0;) {
        size_t part = rest < CHUNK ? (size_t)rest : CHUNK;
        if (!in_bytes(r->in, buf_reserve(&r->text, part), part)) {
            cut_short(r, whole, in_offset(r->in) - r->piece_at);
            return false;
        }
        r->text.len += part;
        rest -= part;
    }
    size_t kept = (size_t)len;
    buf_append(&r->lengths, &kept, sizeof kept);
    return line_end(r, in_peek(r->in, 2)) && in_skip(r->in, 2);
}

static void make_slices(struct aof_reader *r)
{
    const size_t *lengths = (const size_t *)(const void *)r->lengths.data;
    const char *text = r->text.len ? r->text.data : "", *at = text;
    must(r->lengths.len == r->argc * sizeof *lengths);
    buf_clear(&r->slices);
    r->argv = (struct slice *)(void *)buf_reserve(&r->slices, r->argc * sizeof *r->argv);
    for (size_t i = 0; i < r->argc; i++) {
        r->argv[i] = slice(at, lengths[i]);
        at += lengths[i];
    }
    must((size_t)(at - text) == r->text.len);
}

static bool line_was_new(struct aof_reader *r)
{
    if (r->line_twice)
        FAIL(r, FAULT_CRC, "A session of checksums that began at offset %" PRIu64
             " stands here once more", r->chain.offset);
    return !r->line_twice;
}

/* A batch holds whole commands. Outside of batches only those of another writer can stand, who
 * begins with SELECT: anything else is what was left of a batch whose line is damaged. */
static void follow_batch(struct aof_reader *r)
{
    if (r->in_batch) {
        if (in_offset(r->in) > r->batch_end)
            FAIL(r, FAULT_FORMAT, "A command goes beyond its batch, which ends at %" PRIu64,
                 r->batch_end);
    } else if (r->chain.open && line_was_new(r)) {
        if (slice_eq_nocase(r->argv[0], "select"))
            r->chain.open = false;
        else if (!slice_eq_nocase(r->argv[0], "multi"))
            FAIL(r, FAULT_FORMAT, "Commands without checksums");
    }
}

/* MULTI and EXEC tell which bytes belong together. */
static void follow_transaction(struct aof_reader *r)
{
    bool multi = slice_eq_nocase(r->argv[0], "multi");
    bool exec = !multi && slice_eq_nocase(r->argv[0], "exec");
    r->misplaced = NULL;
    if (multi && r->in_multi)
        r->misplaced = "Unexpected MULTI";
    else if (exec && !r->in_multi)
        r->misplaced = "Unexpected EXEC";
    else if (multi || exec)
        r->in_multi = multi;
    if (r->misplaced && !r->limits.loose)
        FAIL(r, FAULT_FORMAT, "%s", r->misplaced);
    if (!r->in_multi && !r->in_batch && !in_bad(r->in))
        r->good_end = in_offset(r->in);
}

static bool slow_command(struct aof_reader *r, uint64_t *name_at)
{
    int64_t n;
    r->argc = 0;
    if (r->text.cap > KEEP_MAX) /* one huge value does not hold its memory to the end */
        buf_free(&r->text);
    buf_clear(&r->text);
    buf_clear(&r->lengths);
    if (!number_line(r, '*', &n))
        return false;
    if (n < 1 || (uint64_t)n > r->limits.args_max) {
        FAIL(r, FAULT_FORMAT, "Invalid number of arguments: %" PRId64, n);
        return false;
    }
    for (; n > 0; n--) {
        if (!argument(r))
            return false;
        if (r->argc++ == 0)
            *name_at = r->piece_at;
    }
    must(r->argc > 0);
    make_slices(r);
    return true;
}

static enum aof_item command(struct aof_reader *r)
{
    uint64_t name_at = 0;
    if (!quick_command(r, &name_at) && !slow_command(r, &name_at))
        return AOF_FAULT;
    uint64_t last_at = r->piece_at;
    r->piece_at = r->at;
    follow_batch(r);
    r->piece_at = name_at;
    follow_transaction(r);
    r->piece_at = last_at;
    return in_bad(r->in) ? AOF_FAULT : AOF_COMMAND;
}

/* ---- annotations ---- */

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.data[i] < ' ' || (uint8_t)text.data[i] > '~')
            return false;
    return true;
}

/* Between batches: what may have been a line of checksums is damage, not somebody's remark. */
static bool note_fits(struct aof_reader *r, size_t line_len, bool ended)
{
    if (!r->has_session || r->in_batch)
        return true;
    char first = r->note.len > 1 ? r->note.data[1] : 0;
    if (!ended)
        FAIL(r, FAULT_EOF, "The file ends inside an annotation");
    else if (first == 'L' || first == 'S' || first == '=' || line_len == AOF_LOG_LINE ||
             line_len == AOF_SUM_LINE || line_len == AOF_SMALL_LINE || line_len == AOF_OLD_LINE ||
             !is_plain(r->note))
        FAIL(r, FAULT_CRC, "A line of checksums is damaged");
    return !in_bad(r->in);
}

static enum aof_item annotation(struct aof_reader *r)
{
    bool ended = false;
    buf_clear(&r->text);
    r->piece_at = r->at;
    while (!in_at_end(r->in)) {
        uint8_t c = in_byte(r->in);
        ended = c == '\n';
        if (ended)
            break;
        if (r->text.len == NOTE_MAX - 1) {
            FAIL(r, FAULT_FORMAT, "Annotation line is too long");
            return AOF_FAULT;
        }
        buf_byte(&r->text, c);
    }
    if (in_bad(r->in))
        return AOF_FAULT;
    r->note = buf_slice(&r->text);
    if (r->note.len && r->note.data[r->note.len - 1] == '\r')
        r->note.len--;
    if (r->in_batch && in_offset(r->in) > r->batch_end)
        FAIL(r, FAULT_FORMAT, "An annotation goes beyond its batch, which ends at %" PRIu64,
             r->batch_end);
    if (in_bad(r->in) || !note_fits(r, r->text.len + 1, ended))
        return AOF_FAULT;
    if (!r->in_multi && !r->has_session) /* else it may be a line's rest: what follows decides */
        r->good_end = in_offset(r->in);
    return AOF_ANNOTATION;
}

/* ---- checksums ---- */

/* Bytes of a session that stand here once more would be run once more: what another server wrote
 * may begin with the same line, but not with the same batch. */
static bool same_session(const struct aof_chain *a, const struct aof_chain *b)
{
    return a->line_crc == b->line_crc && (a->n == 0 || b->n == 0 || a->first_crc == b->first_crc);
}

static bool is_repeated(const struct aof_reader *r)
{
    const struct aof_chain *others = (const struct aof_chain *)(const void *)r->others.data;
    for (size_t i = 0; i < r->others.len / sizeof *others; i++)
        if (same_session(&others[i], &r->chain))
            return true;
    return false;
}

static bool begin_session(struct aof_reader *r)
{
    struct aof_session s;
    must(!r->in_batch);
    struct slice line = in_peek(r->in, AOF_LOG_LINE);
    if (in_bad(r->in))
        return false;
    if (line.len < AOF_LOG_LINE)
        FAIL(r, FAULT_EOF, "The file ends inside the line that begins a session of checksums");
    else if (!aof_session_parse(line, &s))
        FAIL(r, FAULT_CRC, "The line that begins a session of checksums is damaged");
    else if (s.offset > r->at) /* before: another server has appended meanwhile */
        FAIL(r, FAULT_CRC, "A session of checksums that began at offset %" PRIu64 " stands here",
             s.offset);
    else if (r->in_multi)
        FAIL(r, FAULT_FORMAT, "A session of checksums begins inside a transaction");
    else
        line_was_new(r);
    if (in_bad(r->in))
        return false;
    if (r->others.len == AOF_OTHERS_MAX * sizeof r->chain)
        buf_drop_front(&r->others, r->others.len / 2);
    if (r->has_session)
        buf_append(&r->others, &r->chain, sizeof r->chain);
    aof_chain_open(&r->chain, &s, line);
    r->line_twice = is_repeated(r);
    if (!r->has_session)
        r->session = s;
    r->has_session = true;
    r->bytes_checked += AOF_LOG_LINE;
    in_skip(r->in, AOF_LOG_LINE);
    if (!r->line_twice)
        r->good_end = in_offset(r->in);
    reader_must_hold(r);
    return true;
}

/* Another session's next batch? Then that session is the one that is followed. */
static bool of_another(struct aof_reader *r, const struct aof_batch *b, struct slice line,
                       struct slice body)
{
    struct aof_chain *others = (struct aof_chain *)(void *)r->others.data;
    must(r->chain.open);
    for (size_t i = r->others.len / sizeof *others; i-- > 0;) {
        struct aof_chain *c = &others[i];
        if (c->open && c->id == r->chain.id && aof_chain_check(c, b, line, body)) {
            struct aof_chain other = *c;
            *c = r->chain;
            r->chain = other;
            return true;
        }
    }
    return false;
}

static void not_next(struct aof_reader *r, const struct aof_batch *b, uint64_t end)
{
    if (b->n == 0 || b->n == r->chain.n + 1)
        FAIL(r, FAULT_CRC, "Batch %" PRIu32 ", bytes %" PRIu64 " to %" PRIu64
             ", does not match its checksum", r->chain.n + 1, r->at, end);
    else
        FAIL(r, FAULT_CRC, "Batch %" PRIu32 ", bytes %" PRIu64 " to %" PRIu64
             ", stands where batch %" PRIu32 " belongs", b->n, r->at, end, r->chain.n + 1);
}

/* The chain has gone on to the batch: what it holds is given out next. */
static bool enter_batch(struct aof_reader *r, const struct aof_batch *b, uint64_t body,
                        uint64_t end)
{
    must(!r->in_batch && !r->in_multi);
    must(r->at == in_offset(r->in)); /* nothing of it is consumed */
    must(end - body == b->len);
    if (r->line_twice && !is_repeated(r))
        r->line_twice = false;
    if (!line_was_new(r))
        return false;
    r->in_batch = true;
    r->batch_at = r->at;
    r->batch_body = body;
    r->batch_end = end;
    r->line_behind = b->line == AOF_SMALL_LINE ? b->line : 0;
    r->batches++;
    r->bytes_checked += b->line + b->len;
    reader_must_hold(r);
    return true;
}

/* The line of the batch that stands here. */
static bool batch_line(struct aof_reader *r, struct aof_batch *b)
{
    struct slice line = in_peek(r->in, AOF_OLD_LINE);
    if (in_bad(r->in))
        return false;
    bool old = line.data[1] == 'S';
    if (!r->chain.open)
        FAIL(r, FAULT_FORMAT, "A batch without the session of checksums that it belongs to");
    else if (r->in_multi)
        FAIL(r, FAULT_FORMAT, "A batch begins inside a transaction");
    else if (line.len < (old ? AOF_OLD_LINE : AOF_SUM_LINE))
        FAIL(r, FAULT_EOF, "The file ends inside the line of a batch");
    else if (!aof_batch_parse(line, r->chain.id, r->at, b))
        FAIL(r, FAULT_CRC, "The line of batch %" PRIu32 " is damaged", r->chain.n + 1);
    return !in_bad(r->in);
}

/* All of it is in the window then. */
static bool begin_batch(struct aof_reader *r)
{
    struct aof_batch b;
    must(!r->in_batch);
    if (!batch_line(r, &b))
        return false;
    uint64_t whole = b.line + b.len, end = r->at + whole;
    struct slice held = whole > in_left(r->in) ? slice("", 0) : in_hold(r->in, whole);
    if (in_bad(r->in))
        return false;
    if (held.len < whole) {
        FAIL(r, FAULT_EOF, "Batch %" PRIu32 ", bytes %" PRIu64 " to %" PRIu64
             ", is cut off by the end of the file", r->chain.n + 1, r->at, end);
        return false;
    }
    struct slice line = slice(held.data, b.line), body = slice_from(held, b.line);
    r->before = r->chain;
    if (!aof_chain_check(&r->chain, &b, line, body) && !of_another(r, &b, line, body)) {
        not_next(r, &b, end);
        return false;
    }
    return enter_batch(r, &b, r->at + b.line, end) && in_skip(r->in, b.line);
}

/* A number of a command, as far as text goes: -1 is none, -2 is cut off. */
static int64_t number_so_far(const char **at, const char *end, char prefix)
{
    const char *p = *at;
    int64_t n = 0;
    if (p < end && *p++ != prefix)
        return -1;
    for (; p < end && *p >= '0' && *p <= '9' && n <= AOF_SMALL_BYTES; p++)
        n = n * 10 + (*p - '0');
    if (p < end && *p++ != '\r')
        return -1;
    if (p < end && *p++ != '\n')
        return -1;
    if (p == *at || p[-1] != '\n')
        return -2;
    *at = p;
    return n;
}

/* Is text, to the end of the file, the beginning of a small batch? */
static bool begins_small(struct slice text)
{
    const char *p = text.data, *end = p + text.len;
    while (p < end && *p != '#') {
        int64_t args = number_so_far(&p, end, '*'), len = 0;
        for (; args > 0 && len >= 0; args--) {
            len = number_so_far(&p, end, '$');
            if (len >= 0 && end - p < len + 2) /* a value that is cut off */
                return end - p <= len || p[len] == '\r';
            if (len >= 0 && memcmp(p + len, "\r\n", 2) != 0)
                return false;
            p += len >= 0 ? len + 2 : 0;
        }
        if (args < 0 || len < 0)
            return args == -2 || len == -2;
    }
    return true;
}

/* Commands stand here, and no line in front: a small batch, or another writer's, who begins with
 * SELECT. */
static bool begin_small(struct aof_reader *r)
{
    enum { WHOLE = AOF_SMALL_BYTES + AOF_SMALL_LINE };
    struct slice held = in_hold(r->in, WHOLE);
    struct aof_batch b;
    must(r->chain.open && !r->in_batch);
    if (in_bad(r->in))
        return false;
    if (r->in_multi || aof_begins_with_select(held))
        return true;
    bool found = aof_small_find(held, &b);
    uint64_t end = r->at + b.len;
    struct slice body = slice(held.data, b.len), line = slice_from(held, b.len);
    if (found && (aof_chain_check(&r->chain, &b, line, body) || of_another(r, &b, line, body)))
        return enter_batch(r, &b, r->at, end);
    if (held.len < WHOLE && line.len < AOF_SMALL_LINE && begins_small(held))
        FAIL(r, FAULT_EOF, "Batch %" PRIu32 ", from byte %" PRIu64 " on, is cut off by the end of "
             "the file", r->chain.n + 1, r->at);
    else if (line.len == 0)
        FAIL(r, FAULT_CRC, "Commands without checksums");
    else
        not_next(r, &b, end);
    return false;
}

static bool end_batch(struct aof_reader *r)
{
    must(r->in_batch && r->at == r->batch_end);
    r->piece_at = r->batch_at;
    if (r->in_multi)
        FAIL(r, FAULT_FORMAT, "A transaction goes beyond its batch, which ends at %" PRIu64,
             r->batch_end);
    if (in_bad(r->in) || !in_skip(r->in, r->line_behind))
        return false;
    r->in_batch = false;
    r->good_end = r->at = r->batch_end + r->line_behind;
    must(r->at == in_offset(r->in));
    must(r->bytes_checked <= r->at);
    reader_must_hold(r);
    return true;
}

static enum aof_item at_end(struct aof_reader *r)
{
    if (!line_was_new(r))
        return AOF_FAULT;
    must(!r->in_batch);
    if (!r->in_multi)
        r->good_end = r->at;
    reader_must_hold(r);
    if (!r->in_multi || r->limits.open_end)
        return AOF_END;
    FAIL(r, FAULT_EOF, "Reached EOF before reading EXEC for MULTI");
    return AOF_FAULT;
}

/* What the line of annotation that stands here begins. Without a session in sight a short word is
 * anybody's, unless all of the line is as ours are. */
enum line { LINE_NOTE, LINE_SESSION, LINE_BATCH };

static enum line line_here(struct aof_reader *r)
{
    enum { WORD = 5 };
    struct slice s = in_peek(r->in, AOF_SUM_LINE);
    struct aof_batch b;
    if (r->in_batch || s.len < 2)
        return LINE_NOTE;
    if (s.data[1] == '=')
        return r->has_session || aof_batch_form(s, 0, &b) ? LINE_BATCH : LINE_NOTE;
    s.len = s.len < WORD ? s.len : WORD;
    return slice_eq(s, SLICE_LIT("#LOG:")) ? LINE_SESSION :
           slice_eq(s, SLICE_LIT("#SUM:")) ? LINE_BATCH : LINE_NOTE;
}

enum aof_item aof_next(struct aof_reader *r)
{
    for (;;) {
        r->at = in_offset(r->in);
        if (r->in_batch && r->at == r->batch_end && !end_batch(r))
            return AOF_FAULT;
        struct slice first = in_peek(r->in, 1);
        if (in_bad(r->in))
            return AOF_FAULT;
        if (first.len == 0)
            return at_end(r);
        r->piece_at = r->at;
        if (first.data[0] != '#') {
            bool small = r->chain.open && !r->in_batch;
            return small && !begin_small(r) ? AOF_FAULT : command(r);
        }
        enum line what = line_here(r);
        if (what == LINE_NOTE)
            return annotation(r);
        if (!(what == LINE_SESSION ? begin_session(r) : begin_batch(r)))
            return AOF_FAULT;
    }
}

struct slice aof_peek_key(const struct aof_reader *r)
{
    enum { NEAR = 160 };
    struct slice near = in_window(r->in, NEAR), none = {0};
    const char *p = near.data, *end = p + near.len;
    if (number_so_far(&p, end, '*') < 2)
        return none;
    int64_t len = number_so_far(&p, end, '$');
    if (len < 0 || end - p < len + 2)
        return none;
    p += len + 2;
    len = number_so_far(&p, end, '$');
    return len < 0 || end - p < len ? none : slice(p, (size_t)len);
}

enum aof_item aof_read_all(struct aof_reader *r)
{
    enum aof_item item;
    do
        item = aof_next(r);
    while (item == AOF_COMMAND || item == AOF_ANNOTATION);
    must((item == AOF_FAULT) == in_bad(r->in));
    return item;
}
