/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_read.h"

#include "base/rand.h"
#include "format/aof_write.h"
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

int main(void)
{
    return UNIT_RUN(UNIT(reads_commands), UNIT(refuses), UNIT(transactions_are_one_unit),
                    UNIT(annotations_have_a_length), UNIT(finds_preambles), UNIT(model));
}
