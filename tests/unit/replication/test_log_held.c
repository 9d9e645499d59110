/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "format/in.h"
#include "replication/log_held.h"
#include "tests/unit/unit.h"

#define ID "0123456789abcdef0123456789abcdef01234567"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
enum { SET_LEN = sizeof SET - 1, SELECT_LEN = sizeof SELECT - 1,
       MULTI_LEN = sizeof MULTI SET SET EXEC - 1 };

static struct log_held h;
static struct buf text;

static void add(const char *more)
{
    buf_append(&text, more, strlen(more));
}

/* All of it, as a file or more of one; the last transaction may lack its end. */
static void read_all(void)
{
    struct in in;
    struct aof_reader r;
    enum aof_item item;
    in_init_memory(&in, buf_slice(&text));
    aof_open(&r, &in, &(struct aof_limits){.open_end = true});
    while ((item = aof_next(&r)) == AOF_COMMAND || item == AOF_ANNOTATION)
        log_held_read(&h, &r, item);
    CHECK(item == AOF_END);
    aof_close(&r);
    in_free(&in);
    buf_clear(&text);
}

static void begin_at(int64_t offset, unsigned db)
{
    log_held_begin(&h);
    log_held_put_place(&text, ID, offset, db);
}

static void check_known(int64_t offset, unsigned db)
{
    CHECK(h.known && !h.in_unit);
    CHECK_STR(h.id, ID);
    CHECK_INT(h.offset, offset);
    CHECK_INT(h.db, db);
}

static void as_long_as_the_log(void)
{
    begin_at(1000, 7);
    read_all();
    check_known(1000, 7);
    add(SET "#TS:1\r\n" MULTI SET SET EXEC SELECT SET);
    read_all();
    check_known(1000 + 2 * SET_LEN + MULTI_LEN + SELECT_LEN, 7);
    buf_free(&text);
}

static void further_on_and_less_far(void)
{
    begin_at(1000, 0);
    log_held_put_further(&text, 500, 0);
    add(SET);
    log_held_put_further(&text, -20, 9);
    add(SELECT SET SET);
    read_all();
    check_known(1480 + 3 * SET_LEN + SELECT_LEN, 9);
    begin_at(1000, 0);
    log_held_put_further(&text, 500, 3);
    add(MULTI SET SET EXEC);
    read_all();
    check_known(1500 + MULTI_LEN, 3);
    buf_free(&text);
}

/* What the unit that comes will have done is not done yet. */
static void no_unit_counts_before_its_end(void)
{
    begin_at(1000, 1);
    log_held_put_further(&text, 500, 3);
    read_all();
    check_known(1000, 1);
    begin_at(1000, 1);
    add(SET SELECT);
    read_all();
    CHECK(h.known && h.in_unit);
    begin_at(1000, 1);
    add(MULTI SET);
    read_all();
    CHECK(h.known && h.in_unit);
    log_held_next_file(&h);
    CHECK(!h.known);
    buf_free(&text);
}

static void what_ends_it(void)
{
    static const char *const bad[] = {
        "#REPL-\r\n", "#REPL+14\r\n", "#REPL*25\r\n",
        "#REPL!" ID " 0000000000000005 00000000\r\n", "#REPL:" ID " 0000000000000005 00000000\r\n",
        "#REPL=" ID " 0000000000000005 00000001 00000000\r\n", /* of another session */
        "#REPL=" ID " 0000000000000005 00000000 ffffffff\r\n",
        "#REPL=" ID " 0000000000000005 00000000 0000000\r\n",
        "#REPL=" ID " ffffffffffffffff 00000000 00000000\r\n",
        "#REPL=" ID "x0000000000000005 00000000 00000000\r\n",
        "#REPL=" ID " 0000000000000005x00000000 00000000\r\n",
        "#REPL=" ID " 0000000000000005 00000000x00000000\r\n",
        "#REPL=x" ID " 000000000000005 00000000 00000000\r\n", "#REPL=\r\n", "#REPL~\r\n",
        "#REPL~0000000000000005 0000000\r\n", "#REPL~0000000000000005x00000000\r\n",
        "#REPL~000000000000000x 00000000\r\n", "#REPL~7fffffffffffffff 00000000\r\n",
        "#REPL~fffffffffffffff0 00000000\r\n*1\r\n$1\r\nx\r\n", /* before the first byte */
        SELECT "#REPL~0000000000000005 00000000\r\n",
        MULTI "#REPL=" ID " 0000000000000005 00000000 00000000\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin_at(1, 0);
        add(bad[i]);
        read_all();
        CHECK(!h.known);
        add(SET); /* and nothing makes it known again but a line */
        read_all();
        CHECK(!h.known);
    }
    begin_at(5, 0);
    add("#REPL?later\r\n#REPLICA\r\n#REPL\r\n#other\r\n");
    read_all();
    check_known(5, 0);
    buf_free(&text);
}

static void another_file(void)
{
    begin_at(5, 2);
    add(SET);
    read_all();
    log_held_next_file(&h);
    check_known(5 + SET_LEN, 2); /* nothing stands in it so far */
    log_held_put_place(&text, ID, 50, 4);
    add(SET);
    read_all();
    check_known(50 + SET_LEN, 4);
    log_held_next_file(&h);
    add(SET);
    read_all();
    CHECK(!h.known);
    buf_free(&text);
}

/* A batch of a session that begins with a place, which was written in this session, or not. */
static void session_with_place(bool here)
{
    struct aof_chain chain = {0};
    struct buf body = {0};
    char line[AOF_SUM_LINE];
    aof_chain_begin(&chain, &(struct aof_session){.id = 1, .seq = 1, .offset = text.len}, &text);
    size_t at = log_held_put_place(&body, ID, 5, 0);
    if (here)
        log_stream_put_session(body.data + at, &chain);
    buf_add(&body, SLICE_LIT(SET));
    aof_chain_seal(&chain, line, buf_slice(&body), text.len, 0);
    buf_append(&text, line, sizeof line);
    buf_add(&text, buf_slice(&body));
    buf_free(&body);
}

static void where_a_line_was_written(void)
{
    log_held_begin(&h);
    session_with_place(true);
    read_all();
    check_known(5 + SET_LEN, 0);
    CHECK(h.session != 0);
    log_held_begin(&h);
    session_with_place(false);
    read_all();
    CHECK(!h.known);
    begin_at(5, 0);
    add(SET);
    session_with_place(false);
    read_all();
    CHECK(!h.known);
    buf_free(&text);
}

static void which_batches_are_units(void)
{
    CHECK(log_held_is_unit(SLICE_LIT(SELECT SET), 1));
    CHECK(log_held_is_unit(SLICE_LIT(MULTI SET SET EXEC), 2));
    CHECK(!log_held_is_unit(SLICE_LIT(SET SET), 2));
}

int main(void)
{
    return UNIT_RUN(UNIT(as_long_as_the_log), UNIT(further_on_and_less_far),
                    UNIT(no_unit_counts_before_its_end), UNIT(what_ends_it), UNIT(another_file),
                    UNIT(where_a_line_was_written), UNIT(which_batches_are_units));
}
