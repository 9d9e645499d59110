/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_read.h"

#include "base/mem.h"
#include "base/rand.h"
#include "format/aof_write.h"
#include "tests/unit/format/aof_lines.h"
#include "tests/unit/unit.h"

#define SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n" /* 23 bytes */
#define MULTI "*1\r\n$5\r\nmulti\r\n"               /* 15 */
#define EXEC "*1\r\n$4\r\nEXEC\r\n"                 /* 14 */

/* Reads text to its end or fault. */
static enum aof_item read_all(struct slice text, struct fault *f, uint64_t *good_end, int *commands)
{
    struct in in;
    struct aof_reader r;
    enum aof_item what;
    in_init_memory(&in, text);
    aof_open(&r, &in, &(struct aof_limits){0});
    *commands = 0;
    while ((what = aof_next(&r)) == AOF_COMMAND || what == AOF_ANNOTATION)
        *commands += what == AOF_COMMAND;
    *f = in.fault;
    *good_end = r.good_end;
    aof_close(&r);
    return what;
}

static void reads_commands(void)
{
    struct in in;
    struct aof_reader r;
    in_init_memory(&in, SLICE_LIT("#TS:17\r\n*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n#end"));
    aof_open(&r, &in, &(struct aof_limits){0});
    CHECK_INT(aof_next(&r), AOF_ANNOTATION);
    CHECK_SLICE(r.note, SLICE_LIT("#TS:17"));
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK_INT((int64_t)r.argc, 3);
    CHECK_SLICE(r.argv[0], SLICE_LIT("SET"));
    CHECK_SLICE(r.argv[1], SLICE_LIT(""));
    CHECK_SLICE(r.argv[2], SLICE_LIT("a\r\nb"));
    CHECK_INT((int64_t)r.at, 8);
    CHECK_INT(aof_next(&r), AOF_ANNOTATION);
    CHECK_SLICE(r.note, SLICE_LIT("#end"));
    CHECK_INT(aof_next(&r), AOF_END);
    CHECK_INT((int64_t)r.good_end, 41);
    aof_close(&r);
}

/* What stands behind the command that was given out, as far as the window holds it. */
static void peeks_at_the_next_key(void)
{
    static const struct {
        const char *behind, *key;
    } all[] = {
        {"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n", "k"},
        {"*2\r\n$4\r\nINCR\r\n$11\r\nhello world\r\n", "hello world"},
        {"*2\r\n$4\r\nINCR\r\n$1\r\nk", "k"}, /* guessed: the reader will refuse it */
        {"", ""}, {EXEC, ""}, {"#TS:17\r\n" EXEC, ""}, {"*2\r\n$4\r\nINC", ""},
        {"*2\r\n$4\r\nINCR\r\n$9\r\nshort\r\n", ""}, {"*2\r\n$-1\r\n$1\r\nk\r\n", ""},
        {"*2\r\n$99999999999999999999\r\n$1\r\nk\r\n", ""}, {"*2\r\n$4\r\nINCR\r\n$", ""},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct in in;
        struct aof_reader r;
        struct buf text = {0};
        buf_printf(&text, SELECT "%s", all[i].behind);
        char *exact = mem_copy(text.data, text.len); /* a byte too far would be seen */
        in_init_memory(&in, slice(exact, text.len));
        aof_open(&r, &in, &(struct aof_limits){0});
        CHECK_INT(aof_next(&r), AOF_COMMAND);
        CHECK_SLICE(aof_peek_key(&r), slice_str(all[i].key));
        CHECK_SLICE(r.argv[1], SLICE_LIT("0"));
        aof_close(&r);
        mem_free(exact);
        buf_free(&text);
    }
}

static void refuses(void)
{
    static const struct {
        const char *text;
        enum fault_code code;
        int offset; /* of the fault */
        const char *what;
    } bad[] = {
        {SELECT "x3\r\n", FAULT_FORMAT, 23, "Expected prefix '*', got: 'x'"},
        {SELECT "\r\n", FAULT_FORMAT, 23, "Expected prefix"},
        {SELECT "*1\r\n+4\r\n", FAULT_FORMAT, 27, "Expected prefix '$', got: '+'"},
        {SELECT "*1\r\n$4\r\nPINGxxabc\r\n", FAULT_FORMAT, 31, "Expected \\r\\n, got: 7878"},
        {SELECT "*1\r\n$4\r\nPI", FAULT_EOF, 31, "Expected to read 6 bytes, got 2 bytes"},
        {SELECT "*1\r\n$4\r\nPING\r", FAULT_EOF, 31, "Expected to read 6 bytes, got 5 bytes"},
        {SELECT "*1\r\n$4", FAULT_EOF, 27, "Expected \\r\\n"},
        {SELECT "*1", FAULT_EOF, 23, "Expected \\r\\n"},
        {SELECT "*", FAULT_EOF, 23, "Expected \\r\\n"},
        {SELECT "*1x\r\n", FAULT_FORMAT, 23, "got: 780d"},
        {SELECT "*1\n$4\nPING\n", FAULT_FORMAT, 23, "got: 0a24"},
        {SELECT "*0\r\n", FAULT_FORMAT, 23, "Invalid number of arguments: 0"},
        {SELECT "*-1\r\n", FAULT_FORMAT, 23, "Invalid number of arguments: -1"},
        {SELECT "*2147483648\r\n", FAULT_FORMAT, 23, "Invalid number of arguments"},
        {SELECT "*99999999999999999999\r\n", FAULT_FORMAT, 23, "got: 3939"},
        {SELECT "*1\r\n$-4\r\n", FAULT_FORMAT, 27, "string of -4 bytes"},
        {SELECT "*1\r\n$536870913\r\n", FAULT_FORMAT, 27, "not in the suitable range"},
        {SELECT "PING\r\n", FAULT_FORMAT, 23, "Expected prefix '*', got: 'P'"},
        {SELECT MULTI SELECT, FAULT_EOF, 58, "Reached EOF before reading EXEC for MULTI"},
        {SELECT MULTI SELECT MULTI, FAULT_FORMAT, 69, "Unexpected MULTI"},
        {SELECT EXEC, FAULT_FORMAT, 31, "Unexpected EXEC"},
        {SELECT MULTI SELECT "*1\r\n$4\r\nPI", FAULT_EOF, 69, "Expected to read"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fault f;
        uint64_t good;
        int commands;
        CHECK_INT(read_all(slice_str(bad[i].text), &f, &good, &commands), AOF_FAULT);
        CHECK_INT((int64_t)good, 23);
        if (!strstr(f.what, bad[i].what))
            CHECK_STR(f.what, bad[i].what);
        CHECK_INT(f.code, bad[i].code);
        CHECK_INT((int64_t)f.offset, bad[i].offset);
    }
}

static void transactions_are_one_unit(void)
{
    struct fault f;
    uint64_t good;
    int commands;
    CHECK_INT(read_all(SLICE_LIT(MULTI SELECT EXEC SELECT), &f, &good, &commands), AOF_END);
    CHECK_INT(commands, 4);
    CHECK_INT((int64_t)good, 15 + 23 + 14 + 23);
}

static void annotations_have_a_length(void)
{
    struct fault f;
    uint64_t good;
    int commands;
    struct buf text = {0};
    buf_byte(&text, '#');
    while (text.len < 1023)
        buf_byte(&text, 'x');
    buf_byte(&text, '\n');
    CHECK_INT(read_all(buf_slice(&text), &f, &good, &commands), AOF_END);
    CHECK_INT((int64_t)good, 1024);
    text.data[1023] = 'x';
    buf_byte(&text, '\n');
    CHECK_INT(read_all(buf_slice(&text), &f, &good, &commands), AOF_FAULT);
    CHECK_INT(f.code, FAULT_FORMAT);
    buf_free(&text);
}

static void finds_preambles(void)
{
    struct in in;
    in_init_memory(&in, SLICE_LIT("REDIS0011"));
    CHECK(aof_has_preamble(&in));
    in_init_memory(&in, SLICE_LIT("VALKEY080"));
    CHECK(aof_has_preamble(&in));
    in_init_memory(&in, SLICE_LIT("*2\r\n"));
    CHECK(!aof_has_preamble(&in));
    in_init_memory(&in, SLICE_LIT(""));
    CHECK(!aof_has_preamble(&in));
}

/* What was written is read again; cut anywhere, the good end is the last whole command's. */
static void model(void)
{
    rand_seed(unit_seed());
    struct buf text = {0}, arg = {0};
    uint64_t ends[51] = {0};
    for (int i = 0; i < 50; i++) {
        struct slice argv[6];
        size_t argc = 1 + rand_below(6), at[7] = {0};
        buf_clear(&arg);
        for (size_t a = 0; a < argc; a++) {
            for (size_t n = rand_below(30); n > 0; n--)
                buf_byte(&arg, (unsigned char)rand_u64());
            at[a + 1] = arg.len;
        }
        for (size_t a = 0; a < argc; a++)
            argv[a] = slice(arg.data + at[a], at[a + 1] - at[a]);
        aof_put_command(&text, argv, argc);
        ends[i + 1] = text.len;
    }
    for (size_t cut = 0; cut <= text.len; cut += 1 + rand_below(5)) {
        struct fault f;
        uint64_t good;
        int commands, whole = 0;
        while (whole < 50 && ends[whole + 1] <= cut)
            whole++;
        enum aof_item what = read_all(slice(text.data, cut), &f, &good, &commands);
        CHECK_INT(commands, whole);
        CHECK_INT((int64_t)good, (int64_t)ends[whole]);
        CHECK_INT(what, cut == ends[whole] ? AOF_END : AOF_FAULT);
        CHECK_INT(f.code, cut == ends[whole] ? FAULT_NONE : FAULT_EOF);
    }
    buf_free(&text);
    buf_free(&arg);
}

/* ---- checksums ---- */

/* A log: session and batches are appended by these. */
struct sealed {
    struct buf text;
    struct aof_chain chain;
};

static void open_sealed(struct aof_reader *r, struct in *in, const struct sealed *s)
{
    in_init_memory(in, buf_slice(&s->text));
    aof_open(r, in, &(struct aof_limits){0});
}

static void session(struct sealed *s)
{
    struct aof_session begun = {.id = 5, .seq = 3, .offset = s->text.len};
    aof_chain_begin(&s->chain, &begun, &s->text);
}

static void batch(struct sealed *s, struct slice body)
{
    put_batch(&s->text, &s->chain, body, s->text.len);
}

#define BATCH(s, text) batch((s), SLICE_LIT(text))
#define PING "*1\r\n$4\r\nPING\r\n"

/* Reads s with more behind it: code and place of the fault, good_end from the end of s. */
static void behind(const struct sealed *s, const char *more, const char *what,
                   enum fault_code code, int offset, int good)
{
    struct buf text = {0};
    struct fault f;
    uint64_t good_end;
    int commands;
    buf_add(&text, buf_slice(&s->text));
    buf_add(&text, slice_str(more));
    enum aof_item item = read_all(buf_slice(&text), &f, &good_end, &commands);
    CHECK_INT(item, code ? AOF_FAULT : AOF_END);
    CHECK_INT(f.code, code);
    if (!strstr(f.what, what))
        CHECK_STR(f.what, what);
    CHECK_INT((int64_t)f.offset, code ? (int64_t)s->text.len + offset : 0);
    CHECK_INT((int64_t)good_end, (int64_t)s->text.len + good);
    buf_free(&text);
}

static void other_writers_begin_with_select(void)
{
    struct sealed s = {0};
    session(&s);
    BATCH(&s, SELECT PING);
    behind(&s, "", "", FAULT_NONE, 0, 0);
    behind(&s, SELECT PING, "", FAULT_NONE, 0, 37);
    behind(&s, "#TS:17\r\n" SELECT, "", FAULT_NONE, 0, 31);
    behind(&s, "#a remark\n" MULTI SELECT EXEC, "", FAULT_NONE, 0, 62);
    behind(&s, "#TS:17\r\n", "", FAULT_NONE, 0, 8);
    behind(&s, "#TS:17\r\n" PING, "is cut off by the end", FAULT_EOF, 8, 0);
    behind(&s, MULTI PING EXEC, "is cut off by the end", FAULT_EOF, 0, 0);
    behind(&s, "#TS:1", "inside an annotation", FAULT_EOF, 0, 0);
    behind(&s, "#", "inside an annotation", FAULT_EOF, 0, 0);
    behind(&s, "#SUN:x\r\n", "line of checksums is damaged", FAULT_CRC, 0, 0);
    behind(&s, "#x\1\r\n", "line of checksums is damaged", FAULT_CRC, 0, 0);
    behind(&s, "#XUM:00000002 0000000000 0000000000 0000000000000000 00000000\r\n",
           "line of checksums is damaged", FAULT_CRC, 0, 0);
    behind(&s, "#SUM:", "inside the line of a batch", FAULT_EOF, 0, 0);
    behind(&s, "#=AAAABCD", "inside the line of a batch", FAULT_EOF, 0, 0);
    behind(&s, "#=AAAAAAAAAAAAAAAAAAAA\r\n", "line of batch 2 is damaged", FAULT_CRC, 0, 0);
    behind(&s, "#LOG:000", "inside the line that begins", FAULT_EOF, 0, 0);
    behind(&s, SELECT "#SUM:", "without the session", FAULT_FORMAT, 23, 23);
    buf_free(&s.text);
    behind(&(struct sealed){0}, "#SUM:", "without the session", FAULT_FORMAT, 0, 0);
    behind(&(struct sealed){0}, "#SUN:\n#LOH:\n#", "", FAULT_NONE, 0, 13);
    behind(&(struct sealed){0}, "#=====\n#= about here\r\n#=", "", FAULT_NONE, 0, 24);
    behind(&(struct sealed){0}, "#=AAAAAAAAAAAAAAAAAAAA\r\n", "without the session",
           FAULT_FORMAT, 0, 0);
}

static void small_batches_are_read_as_others_are(void)
{
    struct sealed s = {0};
    struct in in;
    struct aof_reader r;
    session(&s);
    BATCH(&s, SELECT);
    uint64_t at = s.text.len;
    put_small(&s.text, &s.chain, SLICE_LIT(PING PING));
    put_small(&s.text, &s.chain, SLICE_LIT(MULTI PING EXEC));
    BATCH(&s, "");
    put_small(&s.text, &s.chain, SLICE_LIT(PING));
    open_sealed(&r, &in, &s);
    for (int n = 0; n < 7; n++) {
        CHECK_INT(aof_next(&r), AOF_COMMAND);
        CHECK(r.in_batch && (n == 0 || r.batch_at == r.batch_body));
        CHECK(n != 2 || (r.batch_at == at && r.batch_end == at + 28));
        CHECK(n != 3 || r.good_end == at + 28 + AOF_SMALL_LINE);
    }
    CHECK_INT(aof_next(&r), AOF_END);
    CHECK(r.chain.open && r.batches == 5 && r.good_end == s.text.len);
    CHECK_INT((int64_t)r.bytes_checked, (int64_t)s.text.len);
    aof_close(&r);
    behind(&s, PING, "is cut off by the end", FAULT_EOF, 0, 0);
    behind(&s, PING "#AB", "is cut off by the end", FAULT_EOF, 0, 0);
    static const char cut[] = PING "*2\r\n$12\r\nabc\r\n\n.abcde\r\n$0\r\n\r\n";
    for (size_t len = 1; len < sizeof cut; len++) {
        char text[sizeof cut], *byte = &text[len - 1];
        snprintf(text, len + 1, "%s", cut);
        behind(&s, text, "is cut off by the end", FAULT_EOF, 0, 0);
        *byte = *byte == '\r' ? 'x' : '\r'; /* not so, unless it is inside of a value */
        if (*byte == 'x' && len != sizeof PING + 12)
            behind(&s, text, "Commands without checksums", FAULT_CRC, 0, 0);
    }
    behind(&s, PING "#AAAA\r\n", "does not match", FAULT_CRC, 0, 0);
    behind(&s, PING "#a remark\r\n" PING, "does not match", FAULT_CRC, 0, 0);
    behind(&s, "#AAAA\r\n", "line of checksums is damaged", FAULT_CRC, 0, 0);
    behind(&s, SELECT PING, "", FAULT_NONE, 0, 37);
    struct buf long_one = {0};
    while (long_one.len <= AOF_SMALL_BYTES)
        buf_add(&long_one, SLICE_LIT(PING));
    behind(&s, buf_cstr(&long_one), "Commands without checksums", FAULT_CRC, 0, 0);
    buf_free(&long_one);
    buf_free(&s.text);
}

/* The batch at `at` is refused, and nothing of it or behind it is good. */
static void is_refused(const struct sealed *s, size_t at, struct fault *f)
{
    uint64_t good;
    int commands;
    CHECK_INT(read_all(buf_slice(&s->text), f, &good, &commands), AOF_FAULT);
    CHECK_INT(f->code, FAULT_FORMAT);
    CHECK_INT((int64_t)good, (int64_t)at);
}

/* What a faulty writer would make: the checksum is right. */
static void small_batches_hold_whole_units(void)
{
    static const char *const bad[] = {MULTI PING, PING "x\n", "*1\r\n$40\r\nab\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sealed s = {0};
        struct fault f;
        session(&s);
        BATCH(&s, SELECT);
        size_t at = s.text.len;
        put_small(&s.text, &s.chain, slice_str(bad[i]));
        BATCH(&s, PING PING);
        is_refused(&s, at, &f);
        buf_free(&s.text);
    }
}

/* What a faulty writer would make: the checksums are right. */
static void batches_hold_whole_units(void)
{
    static const struct {
        const char *body, *what;
        int offset; /* of the fault, from the body */
    } bad[] = {
        {"*1\r\n$28\r\nPI", "A command goes beyond its batch", 0},
        {MULTI PING, "A transaction goes beyond its batch", -AOF_SUM_LINE},
        {"#remark", "An annotation goes beyond its batch", 0},
        {PING "x", "Expected prefix", 14},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sealed s = {0};
        struct fault f;
        session(&s);
        BATCH(&s, SELECT);
        size_t at = s.text.len;
        batch(&s, slice_str(bad[i].body));
        BATCH(&s, "NG\r\n" PING "\n");
        is_refused(&s, at, &f);
        if (!strstr(f.what, bad[i].what))
            CHECK_STR(f.what, bad[i].what);
        CHECK_INT((int64_t)f.offset, (int64_t)at + AOF_SUM_LINE + bad[i].offset);
        buf_free(&s.text);
    }
}

static void sessions_follow_one_another(void)
{
    struct sealed s = {0};
    struct in in;
    struct aof_reader r;
    session(&s);
    BATCH(&s, SELECT);
    BATCH(&s, "");
    buf_add(&s.text, SLICE_LIT(SELECT)); /* another server's */
    session(&s);
    session(&s);
    uint64_t durable = s.text.len;
    BATCH(&s, "#TS:17\r\n" SELECT);
    open_sealed(&r, &in, &s);
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK(r.in_batch && r.batch_at == AOF_LOG_LINE && r.has_session && r.session.seq == 3);
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK(!r.in_batch && !r.chain.open);
    CHECK_INT(aof_next(&r), AOF_ANNOTATION);
    CHECK_SLICE(r.note, SLICE_LIT("#TS:17"));
    CHECK_INT((int64_t)r.at, (int64_t)durable + AOF_SUM_LINE);
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK_INT(aof_next(&r), AOF_END);
    CHECK(r.chain.open && r.batches == 3);
    CHECK_INT((int64_t)r.bytes_checked, (int64_t)s.text.len - 23);
    aof_close(&r);
    /* The same line at another place, and inside of a transaction. */
    struct sealed copy = {0};
    session(&copy);
    buf_reserve(&copy.text, copy.text.len);
    buf_add(&copy.text, buf_slice(&copy.text));
    copy.text.len = AOF_LOG_LINE;
    behind(&copy, "", "", FAULT_NONE, 0, 0);
    copy.text.len = 2 * AOF_LOG_LINE;
    struct fault f;
    uint64_t good;
    int commands;
    read_all(buf_slice(&copy.text), &f, &good, &commands);
    CHECK_INT(f.code, FAULT_CRC);
    CHECK(strstr(f.what, "began at offset 0 stands here"));
    buf_clear(&copy.text);
    buf_add(&copy.text, SLICE_LIT(MULTI));
    session(&copy);
    read_all(buf_slice(&copy.text), &f, &good, &commands);
    CHECK(f.code == FAULT_FORMAT && good == 0);
    buf_free(&copy.text);
    buf_free(&s.text);
}

static void sessions_without_end(void)
{
    struct sealed s = {0};
    struct in in;
    struct aof_reader r;
    for (int i = 0; i < 3 * AOF_OTHERS_MAX; i++)
        session(&s);
    BATCH(&s, SELECT);
    open_sealed(&r, &in, &s);
    CHECK_INT(aof_read_all(&r), AOF_END);
    CHECK(r.chain.open && r.batches == 1 && r.others.len <= AOF_OTHERS_MAX * sizeof r.chain);
    aof_close(&r);
    buf_free(&s.text);
}

static ssize_t read_piece(void *arg, void *to, size_t n)
{
    struct slice *left = arg;
    n = n < 3000 ? n : 3000;
    n = n < left->len ? n : left->len;
    memcpy(to, left->data, n);
    *left = slice_from(*left, n);
    return (ssize_t)n;
}

/* Longer than the block, with and without a known size; whole and cut off. */
static void batches_longer_than_a_block(void)
{
    struct sealed s = {0};
    struct buf value = {0}, body = {0};
    while (value.len < 50000)
        buf_byte(&value, (unsigned char)value.len);
    session(&s);
    for (int i = 0; i < 3; i++) {
        struct slice argv[] = {SLICE_LIT("SET"), SLICE_LIT("k"), buf_slice(&value)};
        buf_clear(&body);
        for (int n = 0; n <= i; n++)
            aof_put_command(&body, argv, 3);
        batch(&s, buf_slice(&body));
    }
    for (int known = 0; known <= 1; known++) {
        for (size_t cut = 0; cut < 2; cut++) {
            struct slice left = slice(s.text.data, s.text.len - cut);
            struct in in;
            struct aof_reader r;
            int commands = 0;
            in_init_callback(&in, read_piece, &left, known ? left.len : IN_SIZE_UNKNOWN, 1024);
            aof_open(&r, &in, &(struct aof_limits){0});
            enum aof_item what;
            while ((what = aof_next(&r)) == AOF_COMMAND) {
                commands++;
                CHECK_SLICE(r.argv[2], buf_slice(&value));
            }
            CHECK_INT(what, cut ? AOF_FAULT : AOF_END);
            CHECK_INT(in.fault.code, cut ? FAULT_EOF : FAULT_NONE);
            CHECK_INT(commands, cut ? 3 : 6);
            aof_close(&r);
            in_free(&in);
        }
    }
    buf_free(&value);
    buf_free(&body);
    buf_free(&s.text);
}

static void two_batch(struct sealed *s, struct aof_chain *c, const char *body, bool follows,
                      int kind)
{
    size_t before = s->text.len;
    if (kind == 1)
        put_old_batch(&s->text, c, slice_str(body), before);
    else if (kind == 2)
        put_small(&s->text, c, slice_str(body));
    else
        put_batch(&s->text, c, slice_str(body), before);
    if (!follows)
        s->text.len = before;
}

/* Two servers, one file: each goes on from where it was, whatever the other appended. */
static void two_writers(void)
{
    static const uint64_t where[] = {0, AOF_LOG_LINE}; /* where the second one thinks it begins */
    for (int lost = 0; lost <= 1; lost++) {
        for (size_t i = 0; i < 6; i++) {
            size_t w = i % 2;
            int kind = (int)(i / 2);
            struct sealed s = {0};
            struct aof_chain a, b;
            struct aof_session session = {.id = 7, .seq = 1};
            struct fault f;
            uint64_t good;
            int commands;
            aof_chain_begin(&a, &session, &s.text);
            two_batch(&s, &a, PING, true, kind);
            session.offset = where[w];
            aof_chain_begin(&b, &session, &s.text);
            two_batch(&s, &b, PING MULTI EXEC, true, kind);
            uint64_t behind = s.text.len;
            two_batch(&s, &a, PING, !lost, kind); /* one that is missing is missed */
            two_batch(&s, &b, PING PING, true, kind);
            two_batch(&s, &b, PING PING, true, kind);
            two_batch(&s, &a, PING, true, kind);
            read_all(buf_slice(&s.text), &f, &good, &commands);
            CHECK_INT(f.code, lost ? FAULT_CRC : FAULT_NONE);
            CHECK_INT(commands, lost ? 8 : 10);
            CHECK(good > behind && (lost || good == s.text.len));
            buf_free(&s.text);
        }
    }
}

/* What is there is read whatever limit it was written under. */
static void long_strings(void)
{
    struct in in;
    struct aof_reader r;
    for (int cut = 0; cut <= 1; cut++) {
        struct slice text = SLICE_LIT("*2\r\n$3\r\nGET\r\n$9\r\n123456789\r\n");
        text.len -= (size_t)cut;
        in_init_memory(&in, text);
        aof_open(&r, &in, &(struct aof_limits){.bulk_max = 4});
        CHECK_INT(aof_next(&r), cut ? AOF_FAULT : AOF_COMMAND);
        CHECK_INT(in.fault.code, cut ? FAULT_FORMAT : FAULT_NONE);
        CHECK(cut || slice_eq(r.argv[1], SLICE_LIT("123456789")));
        aof_close(&r);
    }
}

static void loose_about_transactions(void)
{
    struct in in;
    struct aof_reader r;
    in_init_memory(&in, SLICE_LIT(EXEC MULTI MULTI SELECT EXEC MULTI SELECT));
    aof_open(&r, &in, &(struct aof_limits){.loose = true, .open_end = true});
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK_STR(r.misplaced, "Unexpected EXEC");
    CHECK_INT((int64_t)r.good_end, 14);
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK(!r.misplaced && r.in_multi);
    CHECK_INT(aof_next(&r), AOF_COMMAND);
    CHECK_STR(r.misplaced, "Unexpected MULTI");
    for (int i = 0; i < 4; i++) {
        CHECK_INT(aof_next(&r), AOF_COMMAND);
        CHECK(!r.misplaced);
    }
    CHECK_INT(aof_next(&r), AOF_END);
    CHECK(r.in_multi);
    CHECK_INT((int64_t)r.good_end, 14 + 15 + 15 + 23 + 14);
    aof_close(&r);
}

int main(void)
{
    return UNIT_RUN(UNIT(reads_commands), UNIT(peeks_at_the_next_key),
                    UNIT(small_batches_are_read_as_others_are),
                    UNIT(small_batches_hold_whole_units), UNIT(two_writers), UNIT(long_strings),
                    UNIT(loose_about_transactions),
                    UNIT(refuses), UNIT(transactions_are_one_unit),
                    UNIT(annotations_have_a_length), UNIT(finds_preambles), UNIT(model),
                    UNIT(other_writers_begin_with_select), UNIT(batches_hold_whole_units),
                    UNIT(sessions_follow_one_another), UNIT(sessions_without_end),
                    UNIT(batches_longer_than_a_block));
}
