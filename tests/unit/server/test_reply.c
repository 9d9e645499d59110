/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "base/buf.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/output.h"
#include "server/reply.h"
#include "tests/unit/unit.h"

static struct buf out;
static struct ctx c;

static void begin(int resp)
{
    buf_clear(&out);
    c = (struct ctx){.out = &out, .resp = resp};
}

#define GIVES(resp, call, want) \
    do { \
        begin(resp); \
        call; \
        CHECK_SLICE(buf_slice(&out), SLICE_LIT(want)); \
    } while (0)

static void scalars(void)
{
    GIVES(2, reply_ok(&c), "+OK\r\n");
    GIVES(2, reply_status(&c, "PONG"), "+PONG\r\n");
    GIVES(2, reply_int(&c, -12345), ":-12345\r\n");
    GIVES(2, reply_bulk(&c, SLICE_LIT("a\r\nb")), "$4\r\na\r\nb\r\n");
    GIVES(2, reply_bulk(&c, SLICE_LIT("0123456789")), "$10\r\n0123456789\r\n");
    GIVES(2, reply_bulk(&c, SLICE_LIT("")), "$0\r\n\r\n");
    GIVES(2, reply_bulk_int(&c, 42), "$2\r\n42\r\n");
    GIVES(2, reply_null(&c), "$-1\r\n");
    GIVES(3, reply_null(&c), "_\r\n");
    GIVES(2, reply_null_array(&c), "*-1\r\n");
    GIVES(3, reply_null_array(&c), "_\r\n");
    GIVES(2, reply_bool(&c, true), ":1\r\n");
    GIVES(3, reply_bool(&c, false), "#f\r\n");
    GIVES(2, reply_double(&c, 1.5), "$3\r\n1.5\r\n");
    GIVES(3, reply_double(&c, 1.5), ",1.5\r\n");
    GIVES(3, reply_bulk_double(&c, 1.5), "$3\r\n1.5\r\n");
    GIVES(2, reply_bignum(&c, SLICE_LIT("123")), "$3\r\n123\r\n");
    GIVES(3, reply_bignum(&c, SLICE_LIT("123")), "(123\r\n");
    GIVES(2, reply_verbatim(&c, "txt", SLICE_LIT("hi")), "$2\r\nhi\r\n");
    GIVES(3, reply_verbatim(&c, "txt", SLICE_LIT("hi")), "=6\r\ntxt:hi\r\n");
}

static void headers(void)
{
    GIVES(2, reply_array(&c, 3), "*3\r\n");
    GIVES(2, reply_map(&c, 3), "*6\r\n");
    GIVES(3, reply_map(&c, 30), "%30\r\n");
    GIVES(2, reply_set(&c, 3), "*3\r\n");
    GIVES(3, reply_set(&c, 3), "~3\r\n");
    GIVES(2, reply_push(&c, 2), "*2\r\n");
    GIVES(3, reply_push(&c, 2), ">2\r\n");
}

static void later(void)
{
    begin(3);
    reply_ok(&c);
    uint64_t outer = reply_later(&c), inner = reply_later(&c);
    reply_int(&c, 1);
    reply_later_set(&c, inner, 1);
    reply_bulk_str(&c, "x");
    reply_later_map(&c, outer, 1);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("+OK\r\n%1\r\n~1\r\n:1\r\n$1\r\nx\r\n"));
    begin(2);
    outer = reply_later(&c);
    reply_later_map(&c, outer, 123456);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("*246912\r\n"));
}

/* The mark's block is sealed, or sent in part, before the number is known. */
static void later_in_blocks(void)
{
    struct output o = {0};
    struct iovec parts[4];
    struct buf whole = {0};
    c = (struct ctx){.out = &o.open, .output = &o, .resp = 3, .out_most = SIZE_MAX};
    reply_ok(&c);
    uint64_t outer = reply_later(&c);
    reply_int(&c, 1);
    output_seal(&o, 0);
    uint64_t inner = reply_later(&c);
    reply_int(&c, 2);
    output_seal(&o, 0);
    reply_int(&c, 3);
    output_sent(&o, 5, 0);
    reply_later_array(&c, inner, 2);
    reply_later_map(&c, outer, 1);
    int n = output_parts(&o, SIZE_MAX, parts, 4);
    for (int i = 0; i < n; i++)
        buf_append(&whole, parts[i].iov_base, parts[i].iov_len);
    CHECK_SLICE(buf_slice(&whole), SLICE_LIT("%1\r\n:1\r\n*2\r\n:2\r\n:3\r\n"));
    CHECK_INT(output_unsent(&o), whole.len);
    output_free(&o);
    buf_free(&whole);
}

static void errors(void)
{
    GIVES(2, reply_error(&c, "ERR a\r\nb"), "-ERR a  b\r\n");
    CHECK(c.flags & CTX_FAILED);
    GIVES(2, reply_errorf(&c, "ERR %d", 7), "-ERR 7\r\n");
    GIVES(2, reply_syntax(&c), "-ERR syntax error\r\n");
    static const struct command row = {.name = "config"};
    struct slice argv[] = {SLICE_LIT("config"), SLICE_LIT("foo")};
    begin(2);
    c.command = &row;
    c.argc = 2;
    c.argv = argv;
    reply_unknown_subcommand(&c);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("-ERR unknown subcommand 'foo'. Try CONFIG HELP.\r\n"));
}

int main(void)
{
    int rc = UNIT_RUN(UNIT(scalars), UNIT(headers), UNIT(later), UNIT(later_in_blocks),
                      UNIT(errors));
    buf_free(&out);
    return rc;
}
