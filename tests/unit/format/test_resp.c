/* SPDX-License-Identifier: BSD-3-Clause */
/* The texts and limits here were checked against redis-server 7.0.15. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "format/resp.h"
#include "tests/unit/unit.h"

enum { BULK_MAX = 512 << 20 };

/* Cuts all of input, fed in pieces of step bytes into a buffer that moves whenever it can; writes
 * the commands as "[a|b][c]", then "!error" or "+" for a half command. */
static void cut(struct slice input, size_t step, bool unauthenticated, struct buf *out)
{
    struct resp r;
    struct resp_command c;
    struct buf b = {0};
    enum resp_got got = RESP_MORE;
    resp_init(&r, BULK_MAX);
    r.unauthenticated = unauthenticated;
    for (size_t i = 0; i < input.len && got != RESP_BAD; i += step) {
        size_t n = input.len - i < step ? input.len - i : step;
        struct buf moved = {0};
        buf_append(&moved, b.data + r.start, b.len - r.start);
        if (b.data)
            resp_moved(&r, b.data + r.start, moved.data, r.start);
        buf_free(&b);
        b = moved;
        char *old = b.data;
        buf_append(&b, input.data + i, n);
        if (old && old != b.data)
            resp_moved(&r, old, b.data, 0);
        while ((got = resp_next(&r, b.data, b.len, &c)) == RESP_COMMAND) {
            const struct slice *argv = resp_argv(&r, &c);
            for (int k = 0; k < c.argc; k++) {
                buf_byte(out, k ? '|' : '[');
                buf_add(out, argv[k]);
            }
            buf_byte(out, ']');
            resp_batch_done(&r);
        }
    }
    if (got == RESP_BAD)
        buf_printf(out, "!%s", r.error);
    else if (resp_partial(&r) || r.at < b.len)
        buf_byte(out, '+');
    buf_free(&b);
    resp_free(&r);
}

static void check(struct slice input, bool unauthenticated, struct slice want)
{
    static const size_t steps[] = {1, 2, 3, 7, 16, 1000, 1 << 20};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct buf out = {0};
        cut(input, steps[i], unauthenticated, &out);
        CHECK_SLICE(buf_slice(&out), want);
        buf_free(&out);
    }
}

#define GIVES(input, want) check(SLICE_LIT(input), false, SLICE_LIT(want))

static void multibulk(void)
{
    GIVES("*1\r\n$4\r\nPING\r\n", "[PING]");
    GIVES("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n", "[GET|k][PING]");
    GIVES("*2\r\n$0\r\n\r\n$3\r\n\0\r\n\r\n", "[|\0\r\n]");
    GIVES("*0\r\n*-1\r\n*-10\r\nPING\r\n", "[PING]");
    GIVES("*1\r\n$4\r\nPINGxx*1\rx$4\r\nPING\r\n", "[PING][PING]");
    GIVES("*1\r\n$4\r\nPI\r\n\r\n", "[PI\r\n]");
    GIVES("*2147483647\r\n$1\r\na\r\n", "+");
    GIVES("*1\r\n$536870912\r\nabc", "+");
}

static void multibulk_errors(void)
{
    static const char *const bad_counts[] = {"*2147483648\r\n", "*x\r\n", "*01\r\n", "* 1\r\n",
        "*+1\r\n", "*\r\n", "*-0\r\n", "*99999999999999999999\r\n", "*1 \r\n"};
    for (size_t i = 0; i < sizeof bad_counts / sizeof *bad_counts; i++)
        check(slice_str(bad_counts[i]), false,
              SLICE_LIT("!Protocol error: invalid multibulk length"));
    static const char *const bad_bulks[] = {"*1\r\n$-1\r\n", "*1\r\n$x\r\n", "*1\r\n$\r\n",
        "*1\r\n$536870913\r\n", "*1\r\n$00\r\n", "*1\r\n$18446744073709551616\r\n"};
    for (size_t i = 0; i < sizeof bad_bulks / sizeof *bad_bulks; i++)
        check(slice_str(bad_bulks[i]), false, SLICE_LIT("!Protocol error: invalid bulk length"));
    GIVES("*1\r\nx4\r\n", "!Protocol error: expected '$', got 'x'");
    GIVES("*1\r\n\r\n", "!Protocol error: expected '$', got ' '");
    GIVES("*1\r\n\xff\r\n", "!Protocol error: expected '$', got '\xff'");
    GIVES("PING\r\n*x\r\nPING\r\n", "[PING]!Protocol error: invalid multibulk length");
}

static void unauthenticated(void)
{
    check(SLICE_LIT("*11\r\n"), true,
          SLICE_LIT("!Protocol error: unauthenticated multibulk length"));
    check(SLICE_LIT("*10\r\n$16385\r\n"), true,
          SLICE_LIT("!Protocol error: unauthenticated bulk length"));
    check(SLICE_LIT("*10\r\n$16384\r\n"), true, SLICE_LIT("+"));
}

static void inline_lines(void)
{
    GIVES("PING\r\n", "[PING]");
    GIVES("PING\nPING\n", "[PING][PING]");
    GIVES("\r\n   \r\n\n\tset  a\tb \v c\r\n", "[set|a|b|c]");
    GIVES("p 'a b' \"c\\x41\\n\\\"\\q\\\\\" 'd\\'e\\n'\n", "[p|a b|cA\n\"q\\|d'e\\n]");
    GIVES("p a\"b c\" ''\r\n", "[p|ab c|]");
    GIVES("p \"\\x4g\" \"\\x\"\n", "[p|x4g|x]");
    GIVES("p a\rb\n", "[p|a|b]");
    GIVES("half", "+");
}

static void inline_errors(void)
{
#define UNBALANCED "!Protocol error: unbalanced quotes in request"
    GIVES("p \"a\r\n", UNBALANCED);
    GIVES("p 'a\r\n", UNBALANCED);
    GIVES("p 'a'b\r\n", UNBALANCED);
    GIVES("p \"a\"b\r\n", UNBALANCED);
    GIVES("p \"a\\\"\r\n", UNBALANCED);
    GIVES("p 'a\\'\r\n", UNBALANCED);
}

/* head, then a line that goes on with '1's until it is len bytes long, then end. */
static void cut_line(const char *head, size_t len, const char *end, size_t step, struct buf *out)
{
    const char *line = strrchr(head, '\n');
    size_t more = len - strlen(line ? line + 1 : head);
    struct buf b = {0};
    buf_add(&b, slice_str(head));
    memset(buf_reserve(&b, more), '1', more);
    b.len += more;
    buf_add(&b, slice_str(end));
    buf_clear(out);
    cut(buf_slice(&b), step, false, out);
    buf_free(&b);
}

static void long_lines(void)
{
    static const struct {
        const char *head, *want;
    } cases[] = {
        {"", "!Protocol error: too big inline request"},
        {"*", "!Protocol error: too big mbulk count string"},
        {"*1\r\n$", "!Protocol error: too big bulk count string"},
        {"*1\r\n", "!Protocol error: too big bulk count string"},
    };
    static const size_t steps[] = {1000, 16384, RESP_LINE_MAX, 1 << 20};
    struct buf out = {0};
    for (size_t i = 0; i < 16; i++) { /* one byte too many without an end */
        cut_line(cases[i / 4].head, RESP_LINE_MAX, "", steps[i % 4], &out);
        CHECK_SLICE(buf_slice(&out), SLICE_LIT("+"));
        cut_line(cases[i / 4].head, RESP_LINE_MAX + 1, "", steps[i % 4], &out);
        CHECK_SLICE(buf_slice(&out), slice_str(cases[i / 4].want));
    }
    static const size_t taken[] = {RESP_LINE_MAX, RESP_LINE_MAX + 1, 70000,
                                   RESP_LINE_WHOLE_MAX - 1};
    for (size_t i = 0; i < 4; i++) { /* the end has come with it */
        cut_line("", taken[i], "\n", 1 << 20, &out);
        CHECK_INT(out.len, taken[i] + 2);
    }
    cut_line("", RESP_LINE_WHOLE_MAX, "\n", 1 << 20, &out);
    CHECK_SLICE(buf_slice(&out), slice_str(cases[0].want));
    cut_line("", RESP_LINE_MAX + 1, "\n", RESP_LINE_MAX + 1, &out);
    CHECK_SLICE(buf_slice(&out), slice_str(cases[0].want));
    buf_free(&out);
}

/* An argument that did not come through the buffer stays where it is when the buffer moves; what
 * stands in front of it and behind it does not. */
static void arguments_from_elsewhere(void)
{
    char first[] = "*5\r\n$3\r\nset\r\n$1\r\nk\r\n$9\r\n", elsewhere[] = "elsewhere";
    char second[] = "*5\r\n$3\r\nset\r\n$1\r\nk\r\n$9\r\n$4\r\n", other[] = "more";
    char whole[] = "*5\r\n$3\r\nset\r\n$1\r\nk\r\n$9\r\n$4\r\n$2\r\nnx\r\n*1\r\n$4\r\nping\r\n";
    struct resp r;
    struct resp_command c;
    resp_init(&r, 1 << 20);
    CHECK(resp_next(&r, first, sizeof first - 1, &c) == RESP_MORE);
    CHECK_INT(r.at, sizeof first - 1);
    resp_give(&r, slice(elsewhere, 9));
    CHECK(resp_next(&r, first, sizeof first - 1, &c) == RESP_MORE);
    resp_batch_done(&r);
    resp_moved(&r, first, second, 0);
    CHECK(resp_next(&r, second, sizeof second - 1, &c) == RESP_MORE);
    resp_give(&r, slice(other, 4));
    CHECK(resp_next(&r, second, sizeof second - 1, &c) == RESP_MORE);
    resp_moved(&r, second, whole, 0);
    CHECK(resp_next(&r, whole, sizeof whole - 1, &c) == RESP_COMMAND);
    const struct slice *argv = resp_argv(&r, &c);
    CHECK_INT(c.argc, 5);
    CHECK_SLICE(argv[0], SLICE_LIT("set"));
    CHECK(argv[1].data > whole && argv[1].data < whole + sizeof whole);
    CHECK(argv[2].data == elsewhere && argv[2].len == 9);
    CHECK(argv[3].data == other && argv[3].len == 4);
    CHECK_SLICE(argv[4], SLICE_LIT("nx"));
    CHECK(resp_next(&r, whole, sizeof whole - 1, &c) == RESP_COMMAND);
    CHECK_SLICE(resp_argv(&r, &c)[0], SLICE_LIT("ping"));
    resp_batch_done(&r);
    resp_free(&r);
}

/* Random commands, written out and cut in random batches. */
static void random_round_trip(void)
{
    srand((unsigned)unit_seed());
    for (int round = 0; round < 200; round++) {
        struct buf input = {0}, want = {0}, out = {0};
        int commands = rand() % 20;
        for (int i = 0; i < commands; i++) {
            int argc = 1 + rand() % (round % 10 == 0 ? 200 : 5);
            buf_printf(&input, "*%d\r\n", argc);
            for (int k = 0; k < argc; k++) {
                int len = rand() % (rand() % 10 == 0 ? 3000 : 12);
                buf_printf(&input, "$%d\r\n", len);
                buf_byte(&want, k ? '|' : '[');
                for (int n = 0; n < len; n++) {
                    unsigned char byte = (unsigned char)("\r\n$*019x"[rand() % 8]);
                    buf_byte(&input, byte);
                    buf_byte(&want, byte);
                }
                buf_append(&input, "\r\n", 2);
            }
            buf_byte(&want, ']');
        }
        cut(buf_slice(&input), 1 + (size_t)rand() % 500, false, &out);
        CHECK_SLICE(buf_slice(&out), buf_slice(&want));
        buf_free(&input);
        buf_free(&want);
        buf_free(&out);
    }
}

/* Several commands may be cut before they are run, a half one behind them. */
static void batches(void)
{
    char text[] = "*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n*2\r\n$1\r\nd\r\n$5000\r\nxx";
    struct resp r;
    struct resp_command c[3];
    size_t len = sizeof text - 1;
    resp_init(&r, BULK_MAX);
    CHECK_INT(resp_next(&r, text, len, &c[0]), RESP_COMMAND);
    CHECK_INT(resp_next(&r, text, len, &c[1]), RESP_COMMAND);
    CHECK_INT(resp_next(&r, text, len, &c[2]), RESP_MORE);
    CHECK_SLICE(resp_argv(&r, &c[0])[0], SLICE_LIT("a"));
    CHECK_SLICE(resp_argv(&r, &c[1])[1], SLICE_LIT("c"));
    CHECK(resp_partial(&r));
    CHECK_INT(resp_wanted(&r, len), 5000);
    resp_batch_done(&r);
    struct buf b = {0};
    buf_append(&b, text + r.start, len - r.start);
    resp_moved(&r, text + r.start, b.data, r.start);
    memset(buf_reserve(&b, 5000), 'y', 5000);
    resp_free(&r);
    buf_free(&b);
}

/* A count that was only claimed costs nothing. */
static void claims(void)
{
    char text[] = "*2147483647\r\n$1\r\na\r\n$1\r\nb\r\n";
    struct resp r;
    struct resp_command c;
    resp_init(&r, BULK_MAX);
    CHECK_INT(resp_next(&r, text, sizeof text - 1, &c), RESP_MORE);
    CHECK_INT(r.used, 2);
    CHECK(resp_memory(&r) <= 1024);
    resp_free(&r);
}

int main(void)
{
    return UNIT_RUN(UNIT(multibulk), UNIT(multibulk_errors), UNIT(unauthenticated),
                    UNIT(inline_lines), UNIT(inline_errors), UNIT(long_lines),
                    UNIT(random_round_trip), UNIT(batches), UNIT(claims),
                    UNIT(arguments_from_elsewhere));
}
