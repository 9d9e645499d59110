/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_sum.h"

#include "tests/unit/unit.h"

enum { ID = 0x123456789a };

/* Three batches as a writer makes them. */
struct written {
    struct buf session;
    char lines[3][AOF_SUM_LINE];
};
static const char *const bodies[3] = {"*1\r\n$4\r\nPING\r\n", "", "*1\r\n$4\r\nPONG\r\n"};

static void write_three(struct written *w, uint64_t offset)
{
    struct aof_chain c;
    *w = (struct written){0};
    aof_chain_begin(&c, &(struct aof_session){.id = ID, .seq = 7, .offset = offset}, &w->session);
    for (int i = 0; i < 3; i++)
        aof_chain_seal(&c, w->lines[i], slice_str(bodies[i]), 100u * (unsigned)i);
}

static struct slice line_of(const struct written *w, int i)
{
    return slice(w->lines[i], AOF_SUM_LINE);
}

static bool take(struct aof_chain *c, struct slice line, const char *body)
{
    struct aof_batch b;
    return aof_batch_parse(line, c->id, &b) && aof_chain_check(c, &b, line, slice_str(body));
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
    struct written w;
    struct aof_session s;
    struct aof_batch b;
    struct aof_chain c;
    write_three(&w, 52);
    CHECK_INT((int64_t)w.session.len, AOF_LOG_LINE);
    CHECK(memcmp(w.session.data, "#LOG:000000123456789a 00000007 0000000034 ", 42) == 0);
    CHECK(aof_session_parse(buf_slice(&w.session), &s));
    CHECK(s.id == ID && s.seq == 7 && s.offset == 52);
    open_chain(&c, &w);
    for (int i = 0; i < 3; i++) {
        CHECK(aof_batch_parse(line_of(&w, i), ID, &b));
        CHECK_INT(b.n, i + 1);
        CHECK_INT((int64_t)b.len, (int64_t)strlen(bodies[i]));
        CHECK_INT((int64_t)b.durable, 100 * i);
        CHECK(take(&c, line_of(&w, i), bodies[i]));
        CHECK(c.n == b.n && c.crc == b.crc);
    }
    buf_free(&w.session);
}

static void any_flipped_bit_is_found(void)
{
    struct written w;
    struct aof_session s;
    struct aof_chain c;
    write_three(&w, 0);
    for (size_t bit = 0; bit < 8 * AOF_LOG_LINE; bit++) {
        w.session.data[bit / 8] ^= (char)(1 << bit % 8);
        CHECK(!aof_session_parse(buf_slice(&w.session), &s));
        w.session.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * AOF_SUM_LINE; bit++) {
        struct aof_batch b;
        w.lines[0][bit / 8] ^= (char)(1 << bit % 8);
        CHECK(!aof_batch_parse(line_of(&w, 0), ID, &b));
        w.lines[0][bit / 8] ^= (char)(1 << bit % 8);
    }
    char body[64];
    size_t len = strlen(bodies[0]);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        memcpy(body, bodies[0], len + 1);
        body[bit / 8] ^= (char)(1 << bit % 8);
        open_chain(&c, &w);
        CHECK(body[bit / 8] == 0 || !take(&c, line_of(&w, 0), body));
    }
    buf_free(&w.session);
}

static void the_order_counts(void)
{
    static const int orders[][3] = {{1, 0, 2}, {0, 0, 1}, {0, 2, 1}, {1, 2, 0}, {2, 0, 1}};
    struct written w, other;
    struct aof_chain c;
    write_three(&w, 0);
    write_three(&other, 1);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        int taken = 0;
        open_chain(&c, &w);
        while (taken < 3 && take(&c, line_of(&w, orders[i][taken]), bodies[orders[i][taken]]))
            taken++;
        CHECK(taken < 3 && c.n == (unsigned)taken); /* a refused batch leaves the chain as it was */
    }
    open_chain(&c, &w);
    CHECK(!take(&c, line_of(&other, 0), bodies[0])); /* of another session of the same log */
    CHECK(take(&c, line_of(&w, 0), bodies[0]));
    CHECK(!take(&c, line_of(&other, 1), bodies[1]));
    buf_free(&w.session);
    buf_free(&other.session);
}

static void lines_of_other_logs_mean_nothing(void)
{
    struct written w;
    struct aof_session s;
    struct aof_batch b;
    write_three(&w, 0);
    for (int bit = 0; bit < 64; bit++)
        CHECK(!aof_batch_parse(line_of(&w, 0), (uint64_t)ID ^ (uint64_t)1 << bit, &b));
    CHECK(!aof_batch_parse(slice(w.lines[0], AOF_SUM_LINE - 1), ID, &b));
    CHECK(!aof_session_parse(slice(w.session.data, AOF_LOG_LINE - 1), &s));
    CHECK(!aof_session_parse(line_of(&w, 0), &s));
    buf_free(&w.session);
}

static void the_largest_numbers_fit(void)
{
    struct aof_chain c;
    struct buf line = {0};
    struct aof_session s = {.id = UINT64_MAX, .seq = UINT32_MAX,
                            .offset = ((uint64_t)1 << 40) - 1}, t;
    char sum[AOF_SUM_LINE];
    struct aof_batch b;
    aof_chain_begin(&c, &s, &line);
    CHECK(aof_session_parse(buf_slice(&line), &t));
    CHECK(t.id == s.id && t.seq == s.seq && t.offset == s.offset);
    aof_chain_seal(&c, sum, SLICE_LIT("x"), s.offset);
    CHECK(aof_batch_parse(slice(sum, sizeof sum), s.id, &b) && b.durable == s.offset);
    buf_free(&line);
}

int main(void)
{
    return UNIT_RUN(UNIT(comes_back), UNIT(any_flipped_bit_is_found), UNIT(the_order_counts),
                    UNIT(lines_of_other_logs_mean_nothing), UNIT(the_largest_numbers_fit));
}
