/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "format/in.h"
#include "replication/log_stream.h"
#include "tests/unit/unit.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define OTHER "1123456789abcdef0123456789abcdef01234567"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"
enum { SET_LEN = sizeof SET - 1, SELECT_LEN = sizeof SELECT - 1 };

static struct log_stream s;
static struct buf log_text, made;
static enum log_stream_got got; /* the last that was not ON */

/* All of log_text is read, as one file. */
static void read_all(struct buf *out)
{
    struct in in;
    struct aof_reader r;
    enum aof_item item;
    in_init_memory(&in, buf_slice(&log_text));
    aof_open(&r, &in, &(struct aof_limits){0});
    got = LOG_STREAM_ON;
    while ((item = aof_next(&r)) == AOF_COMMAND || item == AOF_ANNOTATION) {
        enum log_stream_got now = log_stream_read(&s, &r, item, out);
        got = now == LOG_STREAM_ON ? got : now;
    }
    CHECK(item == AOF_END);
    aof_close(&r);
    in_free(&in);
    buf_clear(&log_text);
}

static void log_add(const char *text)
{
    buf_append(&log_text, text, strlen(text));
}

static void begin_at(int64_t offset)
{
    log_stream_begin(&s);
    buf_clear(&made);
    log_stream_put_place(&log_text, '!', ID, offset);
}

static void end(void)
{
    buf_free(&log_text);
    buf_free(&made);
}

/* Exactly one command, of exactly that many bytes. */
static void check_filled(uint64_t n)
{
    struct buf text = {0};
    struct in in;
    struct aof_reader r;
    CHECK(log_stream_fill(&text, n));
    CHECK_INT(text.len, n);
    in_init_memory(&in, buf_slice(&text));
    aof_open(&r, &in, &(struct aof_limits){0});
    CHECK(aof_next(&r) == AOF_COMMAND);
    CHECK(aof_next(&r) == AOF_END);
    aof_close(&r);
    in_free(&in);
    buf_free(&text);
}

static void any_length_is_filled(void)
{
    struct buf text = {0};
    for (uint64_t n = 1; n < 20; n++)
        CHECK(log_stream_can_fill(n) == (n == 14));
    CHECK(log_stream_fill(&text, 0) && text.len == 0);
    check_filled(14);
    for (uint64_t n = 20; n < 1200; n++)
        check_filled(n);
    for (uint64_t power = 10000; power <= 10000000; power *= 10)
        for (uint64_t n = power - 5; n < power + 40; n++)
            check_filled(n);
    CHECK(log_stream_can_fill(LOG_STREAM_ALONE_MAX));
    CHECK(!log_stream_can_fill(LOG_STREAM_ALONE_MAX + 1));
    buf_free(&text);
}

static void the_same_bytes(void)
{
    begin_at(1000);
    log_add(SELECT SET "#TS:1\r\n" MULTI SET SET EXEC SET);
    read_all(&made);
    CHECK(got == LOG_STREAM_BEGINS);
    CHECK(s.known && !s.in_unit);
    CHECK(strcmp(s.id, ID) == 0);
    CHECK_SLICE(buf_slice(&made), SLICE_LIT(SELECT SET MULTI SET SET EXEC SET));
    CHECK_INT(s.offset, 1000 + (int64_t)made.len);
    end();
}

/* Between units, in a unit of several commands, around one of one. */
static void what_went_on_alone(void)
{
    begin_at(0);
    log_add(SET);
    log_stream_put_alone(&log_text, '+', 14);
    log_stream_put_place(&log_text, ':', OTHER, SET_LEN + 14);
    log_stream_put_alone(&log_text, '*', 37);
    log_add(MULTI SET SET EXEC);
    log_stream_put_alone(&log_text, '*', 29 + 20);
    log_add(SELECT SET SET);
    read_all(&made);
    CHECK(got == LOG_STREAM_PLACE && s.known);
    CHECK(strcmp(s.id, OTHER) == 0);
    struct slice all = buf_slice(&made);
    struct slice first = SLICE_LIT(SET PING MULTI SET SET "*2\r\n$4\r\nPING\r\n$16\r\n");
    CHECK(all.len > first.len);
    CHECK_SLICE(slice(all.data, first.len), first);
    struct slice last = SLICE_LIT(MULTI SELECT SET "*2\r\n$4\r\nPING\r\n$0\r\n\r\n" EXEC SET);
    CHECK_SLICE(slice_from(all, all.len - last.len), last);
    CHECK_INT(all.len, 14 + 37 + 29 + 49 + 5 * SET_LEN + SELECT_LEN);
    CHECK_INT(s.offset, (int64_t)all.len);
    end();
}

/* Counted only, it comes to the same offset. */
static void counted(void)
{
    begin_at(77);
    log_stream_put_alone(&log_text, '*', 58);
    log_add(SELECT SET);
    log_stream_put_alone(&log_text, '+', 30);
    log_add(SET);
    read_all(NULL);
    CHECK_INT(s.offset, 77 + 58 + SELECT_LEN + SET_LEN + 30 + SET_LEN);
    CHECK(s.known && !s.in_unit);
    end();
}

static void check_broken(enum log_stream_got want)
{
    read_all(&made);
    CHECK(got == want);
    CHECK(!s.known || want != LOG_STREAM_BROKEN);
    CHECK(want != LOG_STREAM_BROKEN || s.why);
}

static void what_ends_it(void)
{
    begin_at(5);
    log_add(SET);
    log_stream_put_end(&log_text);
    check_broken(LOG_STREAM_BROKEN);
    log_add(SET); /* and nothing makes it known again but a line */
    read_all(&made);
    CHECK(!s.known && got == LOG_STREAM_ON);
    log_stream_put_place(&log_text, ':', ID, 900);
    read_all(&made);
    CHECK(s.known && s.offset == 900 && got == LOG_STREAM_BEGINS);
    /* not where the bytes say */
    begin_at(5);
    log_add(SET);
    log_stream_put_place(&log_text, ':', ID, 6);
    check_broken(LOG_STREAM_BEGINS);
    CHECK(s.known && s.offset == 6);
    static const char *const bad[] = {
        "#REPL:" ID " 000000000000000 00000000\r\n", "#REPL:" ID "x0000000000000000 00000000\r\n",
        "#REPL:x" ID " 000000000000000 00000000\r\n",
        "#REPL:" ID " ffffffffffffffff 00000000\r\n", "#REPL:\r\n",
        "#REPL:" ID " 0000000000000005 00000001\r\n",
        "#REPL:" ID " 0000000000000005 0000000\r\n", "#REPL:" ID " 0000000000000005\r\n",
        "#REPL+\r\n", "#REPL+0\r\n", "#REPL+x\r\n", "#REPL+7\r\n", "#REPL+ffffffffff\r\n",
        "#REPL*0\r\n", "#REPL*5\r\n#REPL*5\r\n", "#REPL*7\r\n" SET, "#REPL*7\r\n" MULTI SET EXEC,
        "#REPL=\r\n", "#REPL*20\r\n#REPL+20\r\n", MULTI "#REPL+20\r\n" SET EXEC};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin_at(5);
        log_add(bad[i]);
        check_broken(LOG_STREAM_BROKEN);
    }
    begin_at(5);
    log_add("#REPL?later\r\n#REPLICA\r\n#REPL\r\n#other\r\n");
    read_all(&made);
    CHECK(s.known && s.offset == 5);
    end();
}

/* A command in another spelling than ours, which another server's hand has put there. */
static void another_spelling(void)
{
    begin_at(5);
    log_add("*1\r\n$04\r\nPING\r\n");
    check_broken(LOG_STREAM_BROKEN);
    end();
}

/* Another file, or another session of checksums, is no part before a line says so. */
static void files_and_sessions(void)
{
    begin_at(5);
    log_add(SET);
    read_all(&made);
    log_stream_next_file(&s);
    CHECK(s.known); /* nothing stands in it so far */
    log_stream_put_place(&log_text, ':', ID, 5 + SET_LEN);
    log_add(SET);
    read_all(&made);
    CHECK(s.known && got == LOG_STREAM_PLACE && s.offset == 5 + 2 * SET_LEN);
    log_stream_next_file(&s);
    log_add(SET);
    check_broken(LOG_STREAM_BROKEN);
    begin_at(5);
    log_add(SET);
    read_all(&made);
    struct aof_chain chain = {0};
    aof_chain_begin(&chain, &(struct aof_session){.id = 1, .seq = 1}, &log_text);
    log_add(SELECT SET);
    read_all(&made);
    CHECK(s.known); /* its line alone changes nothing, and the commands of others end it again */
    log_add(SET);
    aof_chain_begin(&chain, &(struct aof_session){.id = 1, .seq = 1, .offset = SET_LEN}, &log_text);
    char line[AOF_SUM_LINE];
    aof_chain_seal(&chain, line, SLICE_LIT(SET), log_text.len, 0);
    buf_append(&log_text, line, sizeof line);
    log_add(SET);
    check_broken(LOG_STREAM_BROKEN);
    end();
}

/* A batch of a session that begins with a place, which was written in this session, or not. */
static void session_with_place(bool here, uint64_t offset)
{
    struct aof_chain chain = {0};
    struct buf body = {0};
    char line[AOF_SUM_LINE];
    aof_chain_begin(&chain, &(struct aof_session){.id = 1, .seq = 1}, &log_text);
    size_t at = log_stream_put_place(&body, ':', ID, (int64_t)offset);
    if (here)
        log_stream_put_session(body.data + at, &chain);
    buf_add(&body, SLICE_LIT(SET));
    aof_chain_seal(&chain, line, buf_slice(&body), log_text.len, 0);
    buf_append(&log_text, line, sizeof line);
    buf_add(&log_text, buf_slice(&body));
    buf_free(&body);
}

static void where_a_line_was_written(void)
{
    begin_at(5);
    log_add(SET);
    session_with_place(true, 5 + SET_LEN);
    read_all(&made);
    CHECK(got == LOG_STREAM_PLACE && s.known && s.session);
    CHECK_INT(s.offset, 5 + 2 * SET_LEN);
    begin_at(5);
    log_add(SET);
    session_with_place(false, 5 + SET_LEN);
    check_broken(LOG_STREAM_BROKEN);
    log_stream_begin(&s);
    session_with_place(false, 5);
    read_all(&made);
    CHECK(!s.known && got == LOG_STREAM_ON);
    end();
}

static void room_in_a_unit(void)
{
    CHECK(!log_stream_can_fill_unit(SLICE_LIT(SET), 29 + 13));
    CHECK(log_stream_can_fill_unit(SLICE_LIT(SET), 29 + 14));
    CHECK(log_stream_can_fill_unit(SLICE_LIT(SET), 29 + 29));
    CHECK(!log_stream_can_fill_unit(SLICE_LIT(SET), 14));
    CHECK(log_stream_can_fill_unit(SLICE_LIT(MULTI SET SET EXEC), 29));
    CHECK(!log_stream_can_fill_unit(SLICE_LIT(MULTI SET SET EXEC), 13));
}

int main(void)
{
    return UNIT_RUN(UNIT(any_length_is_filled), UNIT(the_same_bytes), UNIT(what_went_on_alone),
                    UNIT(counted), UNIT(what_ends_it), UNIT(another_spelling),
                    UNIT(files_and_sessions), UNIT(where_a_line_was_written),
                    UNIT(room_in_a_unit));
}
