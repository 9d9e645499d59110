/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_sum.h"

#include "tests/unit/format/aof_lines.h"
#include "tests/unit/unit.h"

enum { ID = 0x123456789a };
enum kind { BATCH, OLD, SMALL };

/* Three batches of a kind as a writer makes them. at: where their lines are said to stand. */
struct written {
    enum kind kind;
    struct buf session;
    struct buf lines[3];
    uint64_t at[3];
};
static const size_t lengths[] = {AOF_SUM_LINE, AOF_OLD_LINE, AOF_SMALL_LINE};
static const char *const bodies[3] = {"*1\r\n$4\r\nPING\r\n", "*0\r\n", "*1\r\n$4\r\nPONG\r\n"};

static void write_three(struct written *w, enum kind kind, uint64_t offset)
{
    struct aof_chain c;
    char line[AOF_OLD_LINE];
    *w = (struct written){.kind = kind};
    aof_chain_begin(&c, &(struct aof_session){.id = ID, .seq = 7, .offset = offset}, &w->session);
    for (unsigned i = 0; i < 3; i++) {
        struct slice body = slice_str(bodies[i]);
        w->at[i] = 1000 * (i + 1);
        if (kind == BATCH) {
            aof_chain_seal(&c, line, body, w->at[i], 100 * i);
        } else if (kind == OLD) {
            seal_old(&c, line, body, 100 * i);
        } else {
            aof_small_seal(&c, line, body);
        }
        buf_append(&w->lines[i], line, lengths[kind]);
    }
}

static void free_three(struct written *w)
{
    for (int i = 0; i < 3; i++)
        buf_free(&w->lines[i]);
    buf_free(&w->session);
}

static bool take(struct aof_chain *c, const struct written *w, int i, const char *body)
{
    struct aof_batch b;
    struct slice line = buf_slice(&w->lines[i]);
    if (w->kind != SMALL)
        return aof_batch_parse(line, c->id, w->at[i], &b) &&
               aof_chain_check(c, &b, line, slice_str(body));
    struct buf text = {0};
    buf_add(&text, slice_str(body));
    buf_add(&text, line);
    bool ok = aof_small_find(buf_slice(&text), &b) &&
              aof_chain_check(c, &b, slice_from(buf_slice(&text), b.len),
                              slice(text.data, b.len));
    buf_free(&text);
    return ok;
}

static void open_chain(struct aof_chain *c, const struct written *w)
{
    struct aof_session s;
    *c = (struct aof_chain){0};
    CHECK(aof_session_parse(buf_slice(&w->session), &s));
    aof_chain_open(c, &s, buf_slice(&w->session));
}

static void comes_back(void)
{
    for (enum kind kind = BATCH; kind <= SMALL; kind++) {
        struct written w;
        struct aof_session s;
        struct aof_batch b, form;
        struct aof_chain c;
        write_three(&w, kind, 52);
        CHECK_INT((int64_t)w.session.len, AOF_LOG_LINE);
        CHECK(memcmp(w.session.data, "#LOG:000000123456789a 00000007 0000000034 ", 42) == 0);
        CHECK(aof_session_parse(buf_slice(&w.session), &s));
        CHECK(s.id == ID && s.seq == 7 && s.offset == 52);
        open_chain(&c, &w);
        for (int i = 0; i < 3; i++) {
            struct slice line = buf_slice(&w.lines[i]);
            CHECK_INT((int64_t)line.len, (int64_t)lengths[kind]);
            if (kind != SMALL) {
                CHECK(aof_batch_parse(line, ID, w.at[i], &b));
                CHECK(b.line == line.len);
                CHECK_INT(b.n, kind == OLD ? i + 1 : 0);
                CHECK_INT((int64_t)b.len, (int64_t)strlen(bodies[i]));
                CHECK_INT((int64_t)b.durable, 100 * i);
                CHECK(aof_batch_form(line, w.at[i], &form) && form.durable == b.durable);
            }
            CHECK(take(&c, &w, i, bodies[i]));
            CHECK_INT(c.n, i + 1);
        }
        free_three(&w);
    }
}

/* The lines are what other tools have to pass over: '#' first, CRLF last, nothing odd between. */
static void lines_are_plain_text(void)
{
    for (enum kind kind = BATCH; kind <= SMALL; kind++) {
        struct written w;
        write_three(&w, kind, 0);
        for (int i = 0; i < 3; i++) {
            const struct buf *line = &w.lines[i];
            CHECK(line->data[0] == '#' && memcmp(line->data + line->len - 2, "\r\n", 2) == 0);
            for (size_t at = 0; at + 2 < line->len; at++)
                CHECK(line->data[at] >= ' ' && line->data[at] <= '~');
        }
        free_three(&w);
    }
}

static void flip(struct buf *b, size_t bit)
{
    b->data[bit / 8] ^= (char)(1 << bit % 8);
}

static void any_flipped_bit_is_found(void)
{
    for (enum kind kind = BATCH; kind <= SMALL; kind++) {
        struct written w;
        struct aof_session s;
        struct aof_chain c;
        write_three(&w, kind, 0);
        for (size_t bit = 0; bit < 8 * AOF_LOG_LINE; bit++) {
            flip(&w.session, bit);
            CHECK(!aof_session_parse(buf_slice(&w.session), &s));
            flip(&w.session, bit);
        }
        for (size_t bit = 0; bit < 8 * w.lines[0].len; bit++) {
            struct aof_batch b;
            flip(&w.lines[0], bit);
            open_chain(&c, &w);
            CHECK(kind == SMALL ? !take(&c, &w, 0, bodies[0]) :
                                  !aof_batch_parse(buf_slice(&w.lines[0]), ID, w.at[0], &b));
            flip(&w.lines[0], bit);
        }
        char body[64];
        size_t len = strlen(bodies[0]);
        for (size_t bit = 0; bit < 8 * len; bit++) {
            memcpy(body, bodies[0], len + 1);
            body[bit / 8] ^= (char)(1 << bit % 8);
            open_chain(&c, &w);
            CHECK(body[bit / 8] == 0 || !take(&c, &w, 0, body));
        }
        open_chain(&c, &w);
        CHECK(!take(&c, &w, 0, "*1\r\n$4\r\nPING\r"));
        CHECK(take(&c, &w, 0, bodies[0]));
        free_three(&w);
    }
}

static void the_order_counts(void)
{
    static const int orders[][3] = {{1, 0, 2}, {0, 0, 1}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}};
    for (enum kind kind = BATCH; kind <= SMALL; kind++) {
        struct written w, other;
        struct aof_chain c;
        write_three(&w, kind, 0);
        write_three(&other, kind, 1);
        for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
            int taken = 0;
            open_chain(&c, &w);
            while (taken < 3 && take(&c, &w, orders[i][taken], bodies[orders[i][taken]]))
                taken++;
            CHECK(taken < 3 && c.n == (unsigned)taken); /* what is refused leaves the chain alone */
        }
        open_chain(&c, &w);
        CHECK(!take(&c, &other, 0, bodies[0])); /* of another session of the same log */
        CHECK(take(&c, &w, 0, bodies[0]));
        CHECK(!take(&c, &other, 1, bodies[1]));
        free_three(&w);
        free_three(&other);
    }
}

static void lines_of_other_logs_mean_nothing(void)
{
    for (enum kind kind = BATCH; kind <= OLD; kind++) {
        struct written w;
        struct aof_session s;
        struct aof_batch b;
        write_three(&w, kind, 0);
        struct slice line = buf_slice(&w.lines[0]);
        for (int bit = 0; bit < 64; bit++)
            CHECK(!aof_batch_parse(line, (uint64_t)ID ^ (uint64_t)1 << bit, w.at[0], &b));
        CHECK(!aof_batch_parse(slice(line.data, line.len - 1), ID, w.at[0], &b));
        CHECK(!aof_session_parse(slice(w.session.data, AOF_LOG_LINE - 1), &s));
        CHECK(!aof_session_parse(line, &s));
        free_three(&w);
    }
}

/* Exact as long as 13 bits hold it, then at most an 4096th more; never less: what it calls durable
 * must be. */
static void what_is_durable_is_rounded_down(void)
{
    static const uint64_t at = ((uint64_t)1 << 40) - 1;
    for (unsigned bits = 0; bits < 40; bits++) {
        for (int more = -3; more <= 3; more++) {
            uint64_t back = ((uint64_t)1 << bits) + (uint64_t)more;
            struct aof_chain c;
            struct aof_batch b;
            struct buf session = {0};
            char line[AOF_SUM_LINE];
            if (back > at)
                continue;
            aof_chain_begin(&c, &(struct aof_session){.id = ID}, &session);
            aof_chain_seal(&c, line, SLICE_LIT("x"), at, at - back);
            CHECK(aof_batch_parse(slice(line, sizeof line), ID, at, &b));
            CHECK(b.durable <= at - back);
            CHECK(back < 1 << 13 ? b.durable == at - back : at - b.durable <= back + (back >> 12));
            buf_free(&session);
        }
    }
}

static void the_largest_numbers_fit(void)
{
    struct aof_chain c;
    struct buf line = {0};
    struct aof_session s = {.id = UINT64_MAX, .seq = UINT32_MAX,
                            .offset = ((uint64_t)1 << 40) - 1}, t;
    char sum[AOF_OLD_LINE];
    struct aof_batch b;
    aof_chain_begin(&c, &s, &line);
    CHECK(aof_session_parse(buf_slice(&line), &t));
    CHECK(t.id == s.id && t.seq == s.seq && t.offset == s.offset);
    seal_old(&c, sum, SLICE_LIT("x"), s.offset);
    CHECK(aof_batch_parse(slice(sum, sizeof sum), s.id, 0, &b) && b.durable == s.offset);
    aof_chain_seal(&c, sum, SLICE_LIT("x"), s.offset, s.offset);
    CHECK(aof_batch_parse(slice(sum, AOF_SUM_LINE), s.id, s.offset, &b) && b.durable == s.offset);
    CHECK(aof_batch_parse(slice(sum, AOF_SUM_LINE), s.id, 0, &b) && b.durable == 0);
    buf_free(&line);
}

static void small_batches_hold_nothing_like_a_line(void)
{
    static const struct {
        const char *body;
        int line; /* where in it; -1: there is none */
    } texts[] = {{"", -1},     {"#", 0},        {"a#", -1}, {"a\n#", 2}, {"##", 0},
                 {"a\r#", -1}, {"a##\n##b", 4}, {"\n", -1}, {"\n#", 1},  {"a#\nb\nc#", -1}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct slice body = slice_str(texts[i].body);
        bool none = texts[i].line < 0;
        CHECK_INT((int64_t)aof_hash_line(body), none ? (int64_t)body.len : texts[i].line);
        CHECK(aof_small_takes(body) == (none && body.len > 0));
    }
    CHECK(aof_small_takes(SLICE_LIT("a\0b")));
    CHECK(!aof_small_takes(SLICE_LIT("*2\r\n$6\r\nselect\r\n$1\r\n0\r\n")));
    CHECK(!aof_small_takes(SLICE_LIT("*1\r\n$5\r\nMULTI\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")));
    CHECK(aof_small_takes(SLICE_LIT("*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n")));
    struct buf body = {0};
    while (body.len < AOF_SMALL_BYTES)
        buf_byte(&body, 'x');
    CHECK(aof_small_takes(buf_slice(&body)));
    buf_byte(&body, 'x');
    CHECK(!aof_small_takes(buf_slice(&body)));
    buf_free(&body);
}

int main(void)
{
    return UNIT_RUN(UNIT(comes_back), UNIT(lines_are_plain_text), UNIT(any_flipped_bit_is_found),
                    UNIT(the_order_counts),
                    UNIT(lines_of_other_logs_mean_nothing), UNIT(what_is_durable_is_rounded_down),
                    UNIT(the_largest_numbers_fit), UNIT(small_batches_hold_nothing_like_a_line));
}
