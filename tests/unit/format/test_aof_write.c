/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_write.h"

#include <errno.h>
#include <stdio.h>

#include "base/hash.h"
#include "format/aof_read.h"
#include "format/digest.h"
#include "format/json_write.h"
#include "format/rdb_read.h"
#include "format/rdb_write.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/unit.h"

/* The commands in bytes, one a line, arguments apart by blanks. */
static void to_lines(struct slice bytes, struct buf *lines)
{
    struct in in;
    struct aof_reader r;
    in_init_memory(&in, bytes);
    aof_open(&r, &in, &(struct aof_limits){0});
    while (aof_next(&r) == AOF_COMMAND)
        for (size_t i = 0; i < r.argc; i++)
            buf_printf(lines, "%.*s%s", SLICE_ARG(r.argv[i]), i + 1 < r.argc ? " " : "\n");
    CHECK(!in_bad(&in));
    aof_close(&r);
}

static void commands(void)
{
    struct buf b = {0};
    struct slice argv[] = {SLICE_LIT("SET"), SLICE_LIT(""), SLICE_LIT("a\r\nb")};
    aof_put_timestamp(&b, 1700000000);
    aof_put_command(&b, argv, 3);
    CHECK_SLICE(buf_slice(&b),
                SLICE_LIT("#TS:1700000000\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n"));
    buf_free(&b);
}

static void rdb_as_commands(const char *path, struct buf *lines)
{
    struct buf rdb = {0};
    struct in in;
    struct rdb_reader r;
    struct out out;
    struct aof_writer w;
    CHECK(corpus_slurp(path, &rdb));
    in_init_memory(&in, buf_slice(&rdb));
    out_init_memory(&out);
    aof_writer_init(&w, &out);
    CHECK(rdb_open(&r, &in, &(struct rdb_options){0}) && rdb_read_all(&r, &w.sink));
    to_lines(buf_slice(&out.buf), lines);
    rdb_close(&r);
    aof_writer_free(&w);
    out_free(&out);
    buf_free(&rdb);
}

static void has_line(struct buf *lines, const char *line)
{
    if (!strstr(buf_cstr(lines), line)) {
        printf("no line %s in\n%s", line, lines->data);
        CHECK(false);
    }
}

static void values_become_commands(void)
{
    struct buf lines = {0};
    rdb_as_commands("fixtures/rdb/v01-elements.rdb", &lines);
    has_line(&lines, "SELECT 0\nSET s hello\n");
    has_line(&lines, "RPUSH l b a 1\n");
    has_line(&lines, "SADD t b a 1\n");
    has_line(&lines, "ZADD z 1.5 m -2 n inf p -inf q\n");
    has_line(&lines, "HMSET h f v g 5\n");
    has_line(&lines, "SET x v\nPEXPIREAT x 2000000000000\nSELECT 3\nSET s other\n");
    buf_free(&lines);
}

static void fields_expire(void)
{
    struct buf lines = {0};
    rdb_as_commands("fixtures/rdb/v12-field-expiry.rdb", &lines);
    has_line(&lines, "HMSET c f v g w\nHPEXPIREAT c 4102444800009 FIELDS 1 f\n");
    buf_free(&lines);
}

static void streams_become_commands(void)
{
    struct buf lines = {0};
    rdb_as_commands("fixtures/rdb/v11-set-stream.rdb", &lines);
    has_line(&lines, "FUNCTION LOAD #!lua name=lib\n");
    has_line(&lines, "XADD st 1000-5 a 1 b x\n"
                     "XADD st 1100-1 other value\n"
                     "XSETID st 1100-1 ENTRIESADDED 3 MAXDELETEDID 1000-6\n"
                     "XGROUP CREATE st g 1100-1 ENTRIESREAD 3\n"
                     "XCLAIM st g alice 0 1000-5 TIME 1700000000001 RETRYCOUNT 1 JUSTID FORCE\n"
                     "XCLAIM st g alice 0 1000-6 TIME 1700000000002 RETRYCOUNT 3 JUSTID FORCE\n"
                     "XGROUP CREATECONSUMER st g bob\n");
    buf_free(&lines);
}

static void begin(struct aof_writer *w, struct out *out, enum value_type type)
{
    out_init_memory(out);
    aof_writer_init(w, out);
    w->sink.ops->key(&w->sink, &(struct key_event){.name = SLICE_LIT("k"), .type = type,
                                                   .expire_ms = KEY_NO_EXPIRE});
}

static void batches_are_of_64(void)
{
    struct out out;
    struct aof_writer w;
    struct buf lines = {0};
    begin(&w, &out, VALUE_LIST);
    for (int i = 0; i < 130; i++)
        w.sink.ops->item(&w.sink, SLICE_LIT("x"));
    w.sink.ops->end_key(&w.sink);
    to_lines(buf_slice(&out.buf), &lines);
    int counts[4] = {0}, n = 0;
    for (char *line = strtok(lines.data, "\n"); line; line = strtok(NULL, "\n"))
        for (char *at = strchr(line, ' '); n < 4; at = strchr(at + 1, ' ')) {
            if (!at) {
                n++;
                break;
            }
            counts[n]++;
        }
    CHECK_INT(n, 4);
    CHECK_INT(counts[1], 65); /* key and 64 */
    CHECK_INT(counts[2], 65);
    CHECK_INT(counts[3], 3);
    aof_writer_free(&w);
    out_free(&out);
    buf_free(&lines);
}

static void an_empty_stream_exists(void)
{
    struct out out;
    struct aof_writer w;
    struct buf lines = {0};
    begin(&w, &out, VALUE_STREAM);
    w.sink.ops->stream_info(
        &w.sink, &(struct stream_info_event){.last = {5, 6}, .entries_added = 3});
    w.sink.ops->end_key(&w.sink);
    to_lines(buf_slice(&out.buf), &lines);
    CHECK_SLICE(buf_slice(&lines), SLICE_LIT("SELECT 0\nXADD k MAXLEN 0 0-1 x y\n"
                                             "XSETID k 5-6 ENTRIESADDED 3 MAXDELETEDID 0-0\n"));
    aof_writer_free(&w);
    out_free(&out);
    buf_free(&lines);
}

static void modules_have_no_commands(void)
{
    struct out out;
    struct aof_writer w;
    begin(&w, &out, VALUE_MODULE);
    w.sink.ops->opaque(&w.sink, 7, 1, SLICE_LIT("\0"));
    CHECK_INT(w.sink.fault.code, FAULT_CANNOT_HOLD);
    CHECK_STR(w.sink.fault.key, "k");
    aof_writer_free(&w);
    out_free(&out);
}

/* What a module says of itself, in its place: behind SELECT, before the expiry; in batches too. */
static void a_module_may_say_commands(void)
{
    static const struct slice make[] = {{"MOD.ADD", 7}, {"k", 1}, {"a b", 3}};
    for (int sealed = 0; sealed < 2; sealed++) {
        struct out out;
        struct aof_writer w;
        struct buf lines = {0};
        out_init_memory(&out);
        aof_writer_init(&w, &out);
        if (sealed)
            aof_writer_seal(&w, (struct aof_session){.id = 7, .seq = 1});
        CHECK(sink_wants_commands(&w.sink));
        CHECK(sink_key(&w.sink, &(struct key_event){.name = SLICE_LIT("k"), .db = 3,
                                                    .type = VALUE_MODULE, .expire_ms = 99}));
        SINK_EVENT(&w.sink, command, make, 3);
        SINK_EVENT(&w.sink, command, make, 2);
        sink_end_key(&w.sink);
        CHECK(aof_writer_end(&w));
        to_lines(buf_slice(&out.buf), &lines);
        CHECK_STR(buf_cstr(&lines), "SELECT 3\nMOD.ADD k a b\nMOD.ADD k\nPEXPIREAT k 99\n");
        aof_writer_free(&w);
        out_free(&out);
        buf_free(&lines);
    }
}

/* They are given the opaque block. */
static void others_do_not_ask_for_commands(void)
{
    struct out out;
    struct rdb_writer rdb;
    struct json_writer json;
    struct digest digest;
    out_init_memory(&out);
    digest_init(&digest);
    CHECK(!sink_wants_commands(&digest.sink));
    json_writer_init(&json, &out);
    CHECK(!sink_wants_commands(&json.sink));
    json_writer_free(&json);
    for (int blocks = 0; blocks < 2; blocks++) {
        rdb_writer_init(&rdb, &out, &(struct rdb_write_options){.blocks = blocks});
        rdb_writer_begin(&rdb);
        CHECK(!sink_wants_commands(&rdb.sink));
        rdb_writer_free(&rdb);
    }
    out_free(&out);
}

static int disk_full(void *arg, const void *from, size_t n)
{
    (void)arg, (void)from, (void)n;
    return -ENOSPC;
}

/* A string, whole or in parts, in a batch with a checksum or alone. */
static void put_string(struct buf *to, bool parts, bool sealed)
{
    struct out out;
    struct aof_writer w;
    out_init_memory(&out);
    aof_writer_init(&w, &out);
    if (sealed)
        aof_writer_seal(&w, (struct aof_session){.id = 7, .seq = 1});
    for (int i = 0; i < 2; i++) {
        w.sink.ops->key(&w.sink, &(struct key_event){.name = SLICE_LIT("k"),
                                                     .expire_ms = KEY_NO_EXPIRE});
        if (parts) {
            w.sink.ops->part(&w.sink, SLICE_LIT("abc"), 5);
            CHECK(sealed || w.command.len == 0); /* nothing of it is held */
            w.sink.ops->part(&w.sink, SLICE_LIT("d\r\n"), 2);
            w.sink.ops->part(&w.sink, SLICE_LIT("ef"), 0);
        } else {
            w.sink.ops->item(&w.sink, SLICE_LIT("abcd\r\nef"));
        }
        w.sink.ops->end_key(&w.sink);
    }
    CHECK(aof_writer_end(&w));
    buf_add(to, buf_slice(&out.buf));
    aof_writer_free(&w);
    out_free(&out);
}

static void a_string_comes_in_parts(void)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        struct buf whole = {0}, parts = {0};
        put_string(&whole, false, sealed);
        put_string(&parts, true, sealed);
        CHECK_SLICE(buf_slice(&parts), buf_slice(&whole));
        buf_free(&whole);
        buf_free(&parts);
    }
}

static void write_errors_come_through(void)
{
    struct out out;
    struct aof_writer w;
    out_init_callback(&out, disk_full, NULL, 1);
    aof_writer_init(&w, &out);
    CHECK(!w.sink.ops->key(&w.sink, &(struct key_event){.name = SLICE_LIT("k")}));
    CHECK_INT(w.sink.fault.err, ENOSPC);
    aof_writer_free(&w);
    out_free(&out);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(commands), UNIT(values_become_commands), UNIT(fields_expire),
                    UNIT(streams_become_commands), UNIT(batches_are_of_64),
                    UNIT(an_empty_stream_exists), UNIT(modules_have_no_commands),
                    UNIT(a_module_may_say_commands), UNIT(others_do_not_ask_for_commands),
                    UNIT(a_string_comes_in_parts), UNIT(write_errors_come_through));
}
