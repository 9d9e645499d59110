/* SPDX-License-Identifier: BSD-3-Clause */
/* The replies of a real server here were taken from redis-server 7.0.15. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/reply_read.h"
#include "tests/unit/unit.h"

static const struct reply_limits usual;

/* "<depth><sign><value>", and a point when a reply ends there. N: null, A: null array. */
static void describe(const struct reply_item *item, struct buf *out)
{
    static const char signs[] = "+-:$NA#,(=*~>%|";
    char real[NUM_DOUBLE_TEXT];
    buf_printf(out, "%s%u%c", out->len ? " " : "", item->depth, signs[item->kind]);
    switch (item->kind) {
    case REPLY_INT: case REPLY_BOOL: case REPLY_ARRAY: case REPLY_SET: case REPLY_PUSH:
    case REPLY_MAP: case REPLY_ATTRIBUTE:
        buf_printf(out, "%lld", (long long)item->number);
        break;
    case REPLY_DOUBLE:
        num_format_double(real, item->real);
        buf_printf(out, "%.*s=%s", SLICE_ARG(item->text), real);
        break;
    case REPLY_VERBATIM:
        buf_printf(out, "%s:", item->format);
        buf_add(out, item->text);
        break;
    default:
        buf_add(out, item->text);
    }
    if (item->last)
        buf_byte(out, '.');
}

/* A first piece of first bytes, then pieces of step bytes, each read from a block of its own that
 * has just the size of what was not given out before. Behind the items: "!error", or "?" when
 * bytes are left or a reply is half read. */
static void read_in_pieces(struct slice input, const struct reply_limits *limits, size_t first,
                           size_t step, struct buf *out)
{
    struct reply_reader r;
    struct reply_item item;
    enum reply_got got = REPLY_MORE;
    char *block = NULL;
    size_t len = 0;
    reply_open(&r, limits);
    for (size_t i = 0, n = first; i < input.len && got != REPLY_BAD; i += n, n = step) {
        n = n < input.len - i ? n : input.len - i;
        size_t kept = len - r.at;
        char *next = mem_alloc(kept + n);
        if (kept)
            memcpy(next, block + r.at, kept);
        memcpy(next + kept, input.data + i, n);
        mem_free(block);
        block = next;
        len = kept + n;
        r.at = 0;
        while ((got = reply_next(&r, block, len, &item)) == REPLY_ITEM)
            describe(&item, out);
    }
    if (got == REPLY_BAD)
        buf_printf(out, "%s!%s", out->len ? " " : "", r.error);
    else if (reply_partial(&r) || r.at < len)
        buf_printf(out, "%s?", out->len ? " " : "");
    mem_free(block);
    reply_close(&r);
}

static void check_pieces(struct slice input, const struct reply_limits *limits, size_t first,
                         size_t step, struct slice want)
{
    struct buf out = {0};
    read_in_pieces(input, limits, first, step, &out);
    CHECK_SLICE(buf_slice(&out), want);
    buf_free(&out);
}

/* Whole, cut in two at every byte, and in small pieces. */
static void check(struct slice input, const struct reply_limits *limits, struct slice want)
{
    for (size_t i = 1; i <= input.len; i++)
        check_pieces(input, limits, i, input.len, want);
    for (size_t step = 1; step <= 7; step++)
        check_pieces(input, limits, step, step, want);
}

#define GIVES(input, want) check(SLICE_LIT(input), &usual, SLICE_LIT(want))
#define REFUSED(input, why) GIVES(input, "!Protocol error: " why)

static void lines(void)
{
    GIVES("+OK\r\n", "0+OK.");
    GIVES("+\r\n-\r\n", "0+. 0-.");
    GIVES("-ERR no such key\r\n", "0-ERR no such key.");
    GIVES("+a\0b\r\n", "0+a\0b.");
    GIVES("_\r\n#t\r\n#f\r\n", "0N. 0#1. 0#0.");
    GIVES("+half", "?");
    GIVES("+half\r", "?");
    GIVES("", "");
    REFUSED("+OK\n", "LF without CR in front of it");
    REFUSED("+\n", "LF without CR in front of it");
    REFUSED("+O\nK\r\n", "LF without CR in front of it");
    REFUSED("+O\rK\r\n", "invalid status");
    REFUSED("-ERR\r\r\n", "invalid error");
    REFUSED("_x\r\n", "invalid null");
    REFUSED("#\r\n", "invalid boolean");
    REFUSED("#T\r\n", "invalid boolean");
    REFUSED("#tf\r\n", "invalid boolean");
}

static void unknown_types(void)
{
    REFUSED("x", "unknown type 'x'");
    REFUSED("\r\n", "unknown type, byte 0x0d");
    REFUSED("\n", "unknown type, byte 0x0a");
    REFUSED("\0", "unknown type, byte 0x00");
    REFUSED(" +OK\r\n", "unknown type, byte 0x20");
    REFUSED("\xff", "unknown type, byte 0xff");
    REFUSED("~\x7f\r\n", "invalid set length");
    REFUSED("}1\r\n", "unknown type '}'");
    GIVES("+OK\r\nHTTP/1.1", "0+OK. !Protocol error: unknown type 'H'");
}

static void integers(void)
{
    GIVES(":0\r\n:7\r\n:-7\r\n", "0:0. 0:7. 0:-7.");
    GIVES(":9223372036854775807\r\n:-9223372036854775808\r\n",
          "0:9223372036854775807. 0:-9223372036854775808.");
    GIVES(":-0\r\n:+5\r\n:007\r\n:-0012\r\n:+00\r\n", "0:0. 0:5. 0:7. 0:-12. 0:0.");
    GIVES(":00000000000000000000000000000000001\r\n", "0:1.");
    static const char *const wrong[] = {":\r\n", ":-\r\n", ":+\r\n", ":--1\r\n", ":+-1\r\n",
        ":1x\r\n", ": 1\r\n", ":1 \r\n", ":1.0\r\n", ":1\r\r\n", ":0x1\r\n",
        ":9223372036854775808\r\n", ":-9223372036854775809\r\n", ":18446744073709551616\r\n",
        ":99999999999999999999999999\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(slice_str(wrong[i]), &usual, SLICE_LIT("!Protocol error: invalid integer"));
    REFUSED(":1\n", "LF without CR in front of it");
}

static void doubles(void)
{
    GIVES(",3.141\r\n,17\r\n,-0\r\n", "0,3.141=3.141. 0,17=17. 0,-0=-0.");
    GIVES(",inf\r\n,-inf\r\n,nan\r\n,-nan\r\n",
          "0,inf=inf. 0,-inf=-inf. 0,nan=nan. 0,-nan=nan.");
    GIVES(",1e+21\r\n,1E5\r\n,-1.5e-7\r\n", "0,1e+21=1e+21. 0,1E5=100000. 0,-1.5e-7=-1.5e-7.");
    GIVES(",0.10000000000000001\r\n", "0,0.10000000000000001=0.1.");
    GIVES(",4.9406564584124654e-324\r\n", "0,4.9406564584124654e-324=5e-324.");
    GIVES(",1.0000000000000001e+300\r\n", "0,1.0000000000000001e+300=1e+300.");
    GIVES(",+2.5\r\n", "0,+2.5=2.5.");
    static const char *const wrong[] = {",\r\n", ",-\r\n", ",e5\r\n", ",1e\r\n", ",1.2.3\r\n",
        ",0x10\r\n", ",infinity\r\n", ",inff\r\n", ",nan(1)\r\n", ",nanny\r\n", ", 1\r\n",
        ",1 \r\n", ",1,5\r\n", ",1e999\r\n", ",1\r\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(slice_str(wrong[i]), &usual, SLICE_LIT("!Protocol error: invalid double"));
    REFUSED(",1\0\r\n", "invalid double");
}

static void bignums(void)
{
    GIVES("(1234567999999999999999999999999999999\r\n",
          "0(1234567999999999999999999999999999999.");
    GIVES("(-00123\r\n(+1\r\n(0\r\n", "0(-00123. 0(+1. 0(0.");
    REFUSED("(\r\n", "invalid big number");
    REFUSED("(-\r\n", "invalid big number");
    REFUSED("(--1\r\n", "invalid big number");
    REFUSED("(12x\r\n", "invalid big number");
    REFUSED("(1.5\r\n", "invalid big number");
    REFUSED("(1\0\r\n", "invalid big number");
}

static void bulks(void)
{
    GIVES("$5\r\nhello\r\n$0\r\n\r\n", "0$hello. 0$.");
    GIVES("$7\r\n\0\r\n$1\r\n\r\n", "0$\0\r\n$1\r\n.");
    GIVES("$-1\r\n", "0N.");
    GIVES("!11\r\nERR a\r\nbulk\r\n", "0-ERR a\r\nbulk.");
    GIVES("!0\r\n\r\n", "0-.");
    GIVES("$5\r\nhell", "?");
    GIVES("$5\r\nhello\r", "?");
    GIVES("$536870912\r\nabc", "?");
    REFUSED("$5\r\nhelloXX", "bulk string without CR LF at its end");
    REFUSED("$5\r\nhello\r\r", "bulk string without CR LF at its end");
    REFUSED("$3\r\nhello\r\n", "bulk string without CR LF at its end");
    REFUSED("!2\r\nabcd", "bulk error without CR LF at its end");
    REFUSED("$5\nhello\r\n", "LF without CR in front of it");
    REFUSED("!-1\r\n", "invalid bulk error length");
    REFUSED("=-1\r\n", "invalid verbatim string length");
    REFUSED("$536870913\r\n", "bulk string length over the limit of 536870912");
    REFUSED("$9223372036854775807\r\n", "bulk string length over the limit of 536870912");
    static const char *const wrong[] = {"$\r\n", "$-2\r\n", "$-0\r\n", "$+5\r\n", "$05\r\n",
        "$00\r\n", "$5 \r\n", "$ 5\r\n", "$-01\r\n", "$x\r\n", "$9223372036854775808\r\n",
        "$18446744073709551619\r\n", "$--1\r\n", "$-1x\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check(slice_str(wrong[i]), &usual,
              SLICE_LIT("!Protocol error: invalid bulk string length"));
}

static void verbatims(void)
{
    GIVES("=15\r\ntxt:Some string\r\n", "0=txt:Some string.");
    GIVES("=9\r\nmkd:a\r\nb:\r\n", "0=mkd:a\r\nb:.");
    GIVES("=4\r\nabc:\r\n", "0=abc:.");
    REFUSED("=3\r\ntxt\r\n", "verbatim string without a format");
    REFUSED("=0\r\n\r\n", "verbatim string without a format");
    REFUSED("=5\r\ntxt-a\r\n", "verbatim string without a format");
    REFUSED("=5\r\ntx:ta\r\n", "verbatim string without a format");
    REFUSED("=5\r\ntxt:aXX", "verbatim string without CR LF at its end");
}

static void aggregates(void)
{
    GIVES("*2\r\n:1\r\n$1\r\na\r\n", "0*2 1:1 1$a.");
    GIVES("*0\r\n~0\r\n%0\r\n>0\r\n", "0*0. 0~0. 0%0. 0>0.");
    GIVES("*-1\r\n", "0A.");
    GIVES("~2\r\n:1\r\n#t\r\n", "0~2 1:1 1#1.");
    GIVES("%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "0%2 1+a 1:1 1+b 1:2.");
    GIVES("*3\r\n$-1\r\n*-1\r\n_\r\n+x\r\n", "0*3 1N 1A 1N. 0+x.");
    GIVES("*2\r\n*2\r\n:1\r\n*1\r\n:2\r\n%1\r\n*0\r\n~1\r\n:3\r\n:4\r\n",
          "0*2 1*2 2:1 2*1 3:2 1%1 2*0 2~1 3:3. 0:4.");
    GIVES("*2\r\n*0\r\n*1\r\n*0\r\n", "0*2 1*0 1*1 2*0.");
    GIVES("*2\r\n:1\r\n", "0*2 1:1 ?");
    GIVES("%1\r\n:1\r\n", "0%1 1:1 ?");
    GIVES("*1\r\nx", "0*1 !Protocol error: unknown type 'x'");
    static const struct {
        const char *sign, *name;
    } types[] = {{"*", "array"}, {"~", "set"}, {">", "push"}, {"%", "map"}, {"|", "attribute"}};
    static const char *const wrong[] = {"", "-2", "-0", "+1", "01", "1 ", "x",
                                        "9223372036854775808", "99999999999999999999", "-1"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong - (i == 0); k++) {
            struct buf input = {0}, want = {0};
            buf_printf(&input, "%s%s\r\n", types[i].sign, wrong[k]);
            buf_printf(&want, "!Protocol error: invalid %s length", types[i].name);
            check(buf_slice(&input), &usual, buf_slice(&want));
            buf_free(&input);
            buf_free(&want);
        }
    }
}

static void streamed(void)
{
    REFUSED("$?\r\n;4\r\n", "streamed bulk string, which is not supported");
    REFUSED("*?\r\n", "streamed array, which is not supported");
    REFUSED("~?\r\n", "streamed set, which is not supported");
    REFUSED("%?\r\n", "streamed map, which is not supported");
    REFUSED("|?\r\n", "streamed attribute, which is not supported");
    REFUSED("=?\r\n", "streamed verbatim string, which is not supported");
    REFUSED(";4\r\n", "unknown type ';'");
    REFUSED(".\r\n", "unknown type '.'");
    REFUSED("$?1\r\n", "invalid bulk string length");
    REFUSED(":?\r\n", "invalid integer");
}

/* They are no elements, and what they belong to comes behind theirs. */
static void attributes(void)
{
    GIVES("|1\r\n+a\r\n:1\r\n+OK\r\n:2\r\n", "0|1 1+a 1:1 0+OK. 0:2.");
    GIVES("|0\r\n+OK\r\n", "0|0 0+OK.");
    GIVES("|1\r\n+a\r\n*2\r\n:1\r\n:2\r\n*1\r\n:3\r\n", "0|1 1+a 1*2 2:1 2:2 0*1 1:3.");
    GIVES("*2\r\n:1\r\n|1\r\n+a\r\n:9\r\n:2\r\n", "0*2 1:1 1|1 2+a 2:9 1:2.");
    GIVES("*1\r\n|0\r\n*0\r\n", "0*1 1|0 1*0.");
    GIVES("*1\r\n|1\r\n+a\r\n:9\r\n*1\r\n:2\r\n", "0*1 1|1 2+a 2:9 1*1 2:2.");
    GIVES("%1\r\n+k\r\n|1\r\n+a\r\n:9\r\n+v\r\n", "0%1 1+k 1|1 2+a 2:9 1+v.");
    GIVES("%1\r\n|1\r\n+a\r\n:9\r\n+k\r\n+v\r\n", "0%1 1|1 2+a 2:9 1+k 1+v.");
    GIVES("|1\r\n+a\r\n|1\r\n+b\r\n:8\r\n:9\r\n+x\r\n", "0|1 1+a 1|1 2+b 2:8 1:9 0+x.");
    GIVES("|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n+x\r\n", "0|1 1+a 1:1 0|1 1+b 1:2 0+x.");
    GIVES("|1\r\n+a\r\n:1\r\n>1\r\n:2\r\n", "0|1 1+a 1:1 0>1 1:2.");
    GIVES("|1\r\n+a\r\n:1\r\n", "0|1 1+a 1:1 ?");
    GIVES("|0\r\n", "0|0 ?");
    GIVES("*1\r\n|0\r\n", "0*1 1|0 ?");
}

static void pushes(void)
{
    GIVES("+a\r\n>2\r\n+message\r\n:1\r\n+b\r\n", "0+a. 0>2 1+message 1:1. 0+b.");
    GIVES(">1\r\n*1\r\n:1\r\n>1\r\n+x\r\n*0\r\n", "0>1 1*1 2:1. 0>1 1+x. 0*0.");
    /* MULTI, SUBSCRIBE x, EXEC: there the push is the command's reply. */
    GIVES("*2\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n:1\r\n",
          "0*2 1>3 2$subscribe 2$x 2:1 1:1.");
}

static void real_server(void)
{
    GIVES("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n"
          ":3\r\n$2\r\nid\r\n:3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster"
          "\r\n$7\r\nmodules\r\n*0\r\n",
          "0%7 1$server 1$redis 1$version 1$7.0.15 1$proto 1:3 1$id 1:3 1$mode 1$standalone "
          "1$role 1$master 1$modules 1*0.");
    GIVES("*3\r\n*2\r\n$1\r\nb\r\n,-inf\r\n*2\r\n$1\r\nd\r\n,0.10000000000000001\r\n*2\r\n$1\r\n"
          "a\r\n,inf\r\n",
          "0*3 1*2 2$b 2,-inf=-inf 1*2 2$d 2,0.10000000000000001=0.1 1*2 2$a 2,inf=inf.");
    GIVES("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n$39\r\nSome real reply "
          "following the attribute\r\n",
          "0|1 1$key-popularity 1*2 2$key:123 2:90 0$Some real reply following the attribute.");
    GIVES(">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push "
          "reply\r\n",
          "0>2 1$server-cpu-usage 1:42. 0$Some real reply following the push reply.");
    GIVES("=29\r\ntxt:This is a verbatim\nstring\r\n", "0=txt:This is a verbatim\nstring.");
    GIVES("%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n", "0%3 1:0 1#0 1:1 1#1 1:2 1#0.");
    GIVES(">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n", "0>3 1$unsubscribe 1N 1:0.");
}

static void limits_of_the_caller(void)
{
    static const struct reply_limits small = {.depth = 2, .bulk_max = 5, .elements_max = 4};
#define SMALL(input, want) check(SLICE_LIT(input), &small, SLICE_LIT(want))
    SMALL("$5\r\nhello\r\n", "0$hello.");
    SMALL("$6\r\n", "!Protocol error: bulk string length over the limit of 5");
    SMALL("!6\r\n", "!Protocol error: bulk error length over the limit of 5");
    SMALL("=6\r\n", "!Protocol error: verbatim string length over the limit of 5");
    SMALL("*4\r\n", "0*4 ?");
    SMALL("*5\r\n", "!Protocol error: array length over the limit of 4");
    SMALL("%2\r\n", "0%2 ?");
    SMALL("%3\r\n", "!Protocol error: map length over the limit of 2");
    SMALL("|3\r\n", "!Protocol error: attribute length over the limit of 2");
    SMALL("*1\r\n*1\r\n:1\r\n", "0*1 1*1 2:1.");
    SMALL("*1\r\n|1\r\n:1\r\n:2\r\n:3\r\n", "0*1 1|1 2:1 2:2 1:3.");
    SMALL("*1\r\n*1\r\n*-1\r\n", "0*1 1*1 2A.");
    SMALL("*1\r\n*1\r\n*0\r\n", "0*1 1*1 !Protocol error: aggregates nested deeper than 2");
    SMALL("*1\r\n*1\r\n|0\r\n", "0*1 1*1 !Protocol error: aggregates nested deeper than 2");
    SMALL("*1\r\n>1\r\n~1\r\n", "0*1 1>1 !Protocol error: aggregates nested deeper than 2");
}

static void usual_depth(void)
{
    struct buf input = {0}, want = {0};
    for (int i = 0; i < REPLY_DEPTH_MAX; i++) {
        buf_printf(&input, "*1\r\n");
        buf_printf(&want, "%d*1 ", i);
    }
    struct buf deeper_input = {0}, deeper_want = {0};
    buf_add(&deeper_input, buf_slice(&input));
    buf_add(&deeper_want, buf_slice(&want));
    buf_printf(&input, ":1\r\n:2\r\n");
    buf_printf(&want, "%d:1. 0:2.", REPLY_DEPTH_MAX);
    check(buf_slice(&input), &usual, buf_slice(&want));
    buf_printf(&deeper_input, "*1\r\n");
    buf_printf(&deeper_want, "!Protocol error: aggregates nested deeper than %d", REPLY_DEPTH_MAX);
    check(buf_slice(&deeper_input), &usual, buf_slice(&deeper_want));
    buf_free(&input);
    buf_free(&want);
    buf_free(&deeper_input);
    buf_free(&deeper_want);
}

/* A count that was only claimed costs nothing. */
static void claims(void)
{
    struct reply_reader r;
    struct reply_item item;
    struct buf b = {0};
    for (int i = 0; i < REPLY_DEPTH_MAX; i++)
        buf_printf(&b, i % 2 ? "%%1073741824\r\n" : "*2147483648\r\n");
    reply_open(&r, &usual);
    for (unsigned i = 0; i < REPLY_DEPTH_MAX; i++) {
        CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_ITEM);
        CHECK_INT(item.number, i % 2 ? 1 << 30 : (int64_t)1 << 31);
        CHECK_INT(item.depth, i);
    }
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_MORE);
    CHECK(reply_partial(&r));
    CHECK_INT(r.cap, REPLY_DEPTH_MAX);
    CHECK_INT(r.left[REPLY_DEPTH_MAX - 1], (int64_t)1 << 31);
    reply_close(&r);
    buf_free(&b);
    REFUSED("*2147483649\r\n", "array length over the limit of 2147483648");
    REFUSED("%1073741825\r\n", "map length over the limit of 1073741824");
    REFUSED(">9223372036854775807\r\n", "push length over the limit of 2147483648");
}

/* sign, as many '1's as make the line len bytes long with its end, then end. */
static void check_line(const char *sign, size_t len, const char *end, const char *want)
{
    static const size_t steps[] = {1000, 16384, REPLY_LINE_MAX - 1, REPLY_LINE_MAX, 1 << 20};
    size_t digits = len - 1 - strlen(end);
    struct buf b = {0}, out = {0};
    buf_add(&b, slice_str(sign));
    memset(buf_reserve(&b, digits), '1', digits);
    b.len += digits;
    buf_add(&b, slice_str(end));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        buf_clear(&out);
        read_in_pieces(buf_slice(&b), &usual, steps[i], steps[i], &out);
        if (want)
            CHECK_SLICE(buf_slice(&out), slice_str(want));
        else
            CHECK_INT(out.len, 2 + digits + 1);
    }
    buf_free(&b);
    buf_free(&out);
}

static void long_lines(void)
{
#define TOO_LONG "!Protocol error: line over 65536 bytes"
    static const char *const texts[] = {"+", "-", "("};
    static const char *const numbers[] = {":", "$", "*", ",", "|"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        check_line(texts[i], REPLY_LINE_MAX, "\r\n", NULL);
        check_line(texts[i], REPLY_LINE_MAX - 1, "", "?");
        check_line(texts[i], REPLY_LINE_MAX, "", TOO_LONG);
        check_line(texts[i], REPLY_LINE_MAX + 1, "\r\n", TOO_LONG);
        check_line(texts[i], REPLY_LINE_MAX + 70000, "\r\n", TOO_LONG);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        check_line(numbers[i], REPLY_LINE_MAX - 1, "", "?");
        check_line(numbers[i], REPLY_LINE_MAX, "", TOO_LONG);
        check_line(numbers[i], REPLY_LINE_MAX + 1, "\r\n", TOO_LONG);
    }
    check_line(":", REPLY_LINE_MAX, "\r\n", "!Protocol error: invalid integer");
    check_line("$", REPLY_LINE_MAX, "\r\n", "!Protocol error: invalid bulk string length");
}

/* Just so many bytes are asked for as make the bulk whole. */
static void wanted(void)
{
    static const char text[] = "+OK\r\n$1000\r\n";
    struct reply_reader r;
    struct reply_item item;
    struct buf b = {0};
    reply_open(&r, &usual);
    CHECK_INT(reply_wanted(&r, 0), 0);
    buf_append(&b, text, sizeof text - 2);
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_ITEM);
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_MORE);
    CHECK_INT(reply_wanted(&r, b.len), 0); /* the length's line is not there */
    buf_byte(&b, '\n');
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_MORE);
    CHECK_INT(reply_wanted(&r, b.len), 1002);
    buf_drop_front(&b, r.at);
    r.at = 0;
    CHECK_INT(reply_wanted(&r, b.len), 1002);
    memset(buf_reserve(&b, 1000), 'x', 1000);
    b.len += 1000;
    CHECK_INT(reply_wanted(&r, b.len), 2);
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_MORE);
    CHECK_INT(reply_wanted(&r, b.len), 2);
    CHECK(!reply_partial(&r)); /* nothing of it was given */
    buf_append(&b, "\r\n+", 3);
    CHECK_INT(reply_wanted(&r, b.len), 0);
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_ITEM);
    CHECK_INT(item.text.len, 1000);
    CHECK(item.text.data == b.data + 7);
    CHECK_INT(r.at, b.len - 1);
    CHECK_INT(reply_next(&r, b.data, b.len, &item), REPLY_MORE);
    CHECK_INT(reply_wanted(&r, b.len), 0);
    reply_close(&r);
    buf_free(&b);
}

static void what_an_item_holds(void)
{
    static const char text[] = "*2\r\n=5\r\ntxt:a\r\n,inf\r\n:7\r\n,nan\r\n";
    struct reply_reader r;
    struct reply_item item;
    reply_open(&r, &usual);
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_ITEM);
    CHECK(item.kind == REPLY_ARRAY && item.number == 2 && !item.last && !item.text.data);
    CHECK_INT(r.at, 4);
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_ITEM);
    CHECK(item.kind == REPLY_VERBATIM && item.number == 0 && !item.last);
    CHECK(strcmp(item.format, "txt") == 0 && item.text.data == text + 12 && item.text.len == 1);
    CHECK(reply_partial(&r));
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_ITEM);
    CHECK(item.kind == REPLY_DOUBLE && isinf(item.real) && item.last && !item.format[0]);
    CHECK(!reply_partial(&r));
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_ITEM);
    CHECK(item.kind == REPLY_INT && item.number == 7 && item.real == 0);
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_ITEM);
    CHECK(isnan(item.real));
    CHECK_INT(r.at, sizeof text - 1);
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_MORE);
    r.at = 0;
    CHECK_INT(reply_next(&r, NULL, 0, &item), REPLY_MORE);
    reply_close(&r);
}

static void nothing_after_an_error(void)
{
    static const char text[] = "#x\r\n+OK\r\n";
    struct reply_reader r;
    struct reply_item item;
    reply_open(&r, &usual);
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_BAD);
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_BAD);
    r.at = 4;
    CHECK_INT(reply_next(&r, text, sizeof text - 1, &item), REPLY_BAD);
    CHECK_STR(r.error, "Protocol error: invalid boolean");
    reply_close(&r);
    reply_open(&r, &usual);
    CHECK_INT(reply_next(&r, text + 4, 5, &item), REPLY_ITEM);
    reply_close(&r);
}

/* ---- random replies, written out with what must be read ---- */
struct written {
    struct buf input, want;
};

static void write_line(struct written *w, unsigned depth, char sign, const char *line,
                       const char *shown)
{
    buf_printf(&w->input, "%c%s\r\n", sign, line);
    buf_printf(&w->want, "%s%u%c%s", w->want.len ? " " : "", depth, sign, shown);
}

static void write_bulk(struct written *w, unsigned depth, char sign)
{
    int len = rand() % (rand() % 10 == 0 ? 3000 : 12);
    const char *format = sign == '=' ? "mkd:" : "";
    buf_printf(&w->input, "%c%d\r\n%s", sign, len + (int)strlen(format), format);
    buf_printf(&w->want, "%s%u%c%s", w->want.len ? " " : "", depth, sign == '!' ? '-' : sign,
               format);
    for (int i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)("\r\n$*019x"[rand() % 8]);
        buf_byte(&w->input, byte);
        buf_byte(&w->want, byte);
    }
    buf_append(&w->input, "\r\n", 2);
}

static void write_scalar(struct written *w, unsigned depth)
{
    char text[NUM_I64_TEXT];
    switch (rand() % 12) {
    case 0: write_line(w, depth, '+', "OK", "OK"); break;
    case 1: write_line(w, depth, '-', "ERR no", "ERR no"); break;
    case 2: write_line(w, depth, '_', "", ""); w->want.data[w->want.len - 1] = 'N'; break;
    case 3: write_line(w, depth, '$', "-1", ""); w->want.data[w->want.len - 1] = 'N'; break;
    case 4: write_line(w, depth, '*', "-1", ""); w->want.data[w->want.len - 1] = 'A'; break;
    case 5: write_line(w, depth, '#', "t", "1"); break;
    case 6: write_line(w, depth, ',', "1.50", "1.50=1.5"); break;
    case 7: write_line(w, depth, '(', "-12", "-12"); break;
    case 8: write_bulk(w, depth, '!'); break;
    case 9: write_bulk(w, depth, '='); break;
    case 10: write_bulk(w, depth, '$'); break;
    default:
        num_format_i64(text, (int64_t)rand() * rand() - (int64_t)rand() * rand());
        write_line(w, depth, ':', text, text);
    }
}

static void write_value(struct written *w, unsigned depth);

static void write_aggregate(struct written *w, unsigned depth, char sign)
{
    char text[NUM_I64_TEXT];
    int count = rand() % 5, elements = sign == '%' || sign == '|' ? count * 2 : count;
    num_format_i64(text, count);
    write_line(w, depth, sign, text, text);
    for (int i = 0; i < elements; i++)
        write_value(w, depth + 1);
}

static void write_value(struct written *w, unsigned depth)
{
    while (depth < 6 && rand() % 8 == 0)
        write_aggregate(w, depth, '|');
    if (depth < 6 && rand() % 3 == 0)
        write_aggregate(w, depth, "*~>%"[rand() % 4]);
    else
        write_scalar(w, depth);
}

static void random_round_trip(void)
{
    srand((unsigned)unit_seed());
    for (int round = 0; round < 300; round++) {
        struct written w = {0};
        for (int i = rand() % 10; i >= 0; i--) {
            write_value(&w, 0);
            buf_byte(&w.want, '.');
        }
        check_pieces(buf_slice(&w.input), &usual, w.input.len, 1, buf_slice(&w.want));
        for (int i = 0; i < 5; i++)
            check_pieces(buf_slice(&w.input), &usual, 1 + (size_t)rand() % w.input.len,
                         1 + (size_t)rand() % 500, buf_slice(&w.want));
        buf_free(&w.input);
        buf_free(&w.want);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(lines), UNIT(unknown_types), UNIT(integers), UNIT(doubles), UNIT(bignums),
                    UNIT(bulks), UNIT(verbatims), UNIT(aggregates), UNIT(streamed),
                    UNIT(attributes), UNIT(pushes), UNIT(real_server), UNIT(limits_of_the_caller),
                    UNIT(usual_depth), UNIT(claims), UNIT(long_lines), UNIT(wanted),
                    UNIT(what_an_item_holds), UNIT(nothing_after_an_error),
                    UNIT(random_round_trip));
}
