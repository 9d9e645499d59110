/* SPDX-License-Identifier: BSD-3-Clause */
/* Frequent replies are constants; small headers come from a table. A length known only afterwards
 * gets room for the longest header, and what stands behind that in its block is moved up behind the
 * real one when it is closed. */
#include "server/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/num.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/stats.h"

#define PUT(c, text) buf_append((c)->out, text, sizeof(text) - 1)

/* ---- limits ---- */
/* The open block is full: the next one is begun, and the client's limits are asked. What is
 * produced for one that is closed then goes where it is overwritten. */
static bool __attribute__((noinline)) next_block(struct ctx *c, size_t more)
{
    struct client *to = c->client;
    must(!c->output || c->out == &c->output->open);
    if (c->flags & CTX_UNHEARD) {
        buf_clear(c->out);
        return false;
    }
    if (!c->output)
        return true;
    if (!(to->flags & CLIENT_CLOSE_SOON) && !client_check_output_limit(to, more)) {
        output_seal(c->output, more);
        return true;
    }
    output_free(c->output);
    reply_to_nobody(c);
    return false;
}

void reply_to_nobody(struct ctx *c)
{
    c->flags |= CTX_UNHEARD;
    c->out = &server_clients(c->server)->unheard;
    c->output = NULL;
    c->out_most = OUTPUT_FULL;
}

void reply_to_client(struct ctx *c)
{
    c->flags &= ~(uint32_t)CTX_UNHEARD;
    c->out = &c->client->out.open;
    c->output = &c->client->out;
    c->out_most = OUTPUT_FULL;
}

/* In front of each element: n bytes are about to come. False when nobody will get them. */
static inline bool room(struct ctx *c, size_t n)
{
    return __builtin_expect(c->out->len + n <= c->out_most, 1) || next_block(c, n);
}

/* A mark, a number and the line's end; to has room for NUM_I64_TEXT + 3. Returns where it ends. */
static inline char *header(char *to, char mark, size_t n)
{
    size_t len = 1;
    to[0] = mark;
    if (n < 10)
        to[1] = (char)('0' + n);
    else
        len = num_format_u64(to + 1, n);
    to[len + 1] = '\r';
    to[len + 2] = '\n';
    return to + len + 3;
}

static inline void put_header(struct buf *b, char mark, size_t n)
{
    char *to = buf_reserve(b, NUM_I64_TEXT + 3);
    b->len += (size_t)(header(to, mark, n) - to);
}

void reply_raw(struct ctx *c, struct slice encoded)
{
    room(c, encoded.len);
    buf_add(c->out, encoded);
}

void reply_ok(struct ctx *c)
{
    room(c, 0);
    PUT(c, "+OK\r\n");
}

void reply_status_slice(struct ctx *c, struct slice text)
{
    room(c, 0);
    buf_byte(c->out, '+');
    buf_add(c->out, text);
    PUT(c, "\r\n");
}

void reply_status(struct ctx *c, const char *text)
{
    reply_status_slice(c, slice_str(text));
}

void reply_int(struct ctx *c, int64_t n)
{
    room(c, 0);
    char *to = buf_reserve(c->out, NUM_I64_TEXT + 3);
    to[0] = ':';
    size_t len = num_format_i64(to + 1, n);
    to[len + 1] = '\r';
    to[len + 2] = '\n';
    c->out->len += len + 3;
}

void reply_bulk(struct ctx *c, struct slice s)
{
    if (!room(c, s.len))
        return;
    struct buf *b = c->out;
    char *start = buf_reserve(b, s.len + NUM_I64_TEXT + 5);
    char *to = header(start, '$', s.len);
    if (s.len)
        memcpy(to, s.data, s.len);
    to[s.len] = '\r';
    to[s.len + 1] = '\n';
    b->len += (size_t)(to - start) + s.len + 2;
}

void reply_bulk_str(struct ctx *c, const char *text)
{
    reply_bulk(c, slice_str(text));
}

void reply_bulk_int(struct ctx *c, int64_t n)
{
    char text[NUM_I64_TEXT];
    reply_bulk(c, slice(text, num_format_i64(text, n)));
}

void reply_null(struct ctx *c)
{
    room(c, 0);
    if (c->resp == 3)
        PUT(c, "_\r\n");
    else
        PUT(c, "$-1\r\n");
}

void reply_null_array(struct ctx *c)
{
    room(c, 0);
    if (c->resp == 3)
        PUT(c, "_\r\n");
    else
        PUT(c, "*-1\r\n");
}

void reply_bool(struct ctx *c, bool b)
{
    room(c, 0);
    if (c->resp == 3)
        buf_append(c->out, b ? "#t\r\n" : "#f\r\n", 4);
    else
        buf_append(c->out, b ? ":1\r\n" : ":0\r\n", 4);
}

void reply_double(struct ctx *c, double d)
{
    if (c->resp != 3) {
        reply_bulk_double(c, d);
        return;
    }
    char text[NUM_DOUBLE_TEXT];
    size_t len = num_format_double(text, d);
    room(c, len);
    buf_byte(c->out, ',');
    buf_append(c->out, text, len);
    PUT(c, "\r\n");
}

void reply_bulk_double(struct ctx *c, double d)
{
    char text[NUM_DOUBLE_TEXT];
    reply_bulk(c, slice(text, num_format_double(text, d)));
}

void reply_bignum(struct ctx *c, struct slice digits)
{
    if (c->resp != 3) {
        reply_bulk(c, digits);
        return;
    }
    room(c, digits.len);
    buf_byte(c->out, '(');
    buf_add(c->out, digits);
    PUT(c, "\r\n");
}

void reply_verbatim(struct ctx *c, const char *kind3, struct slice text)
{
    must(strlen(kind3) == 3);
    if (c->resp != 3) {
        reply_bulk(c, text);
        return;
    }
    room(c, text.len);
    put_header(c->out, '=', text.len + 4);
    buf_append(c->out, kind3, 3);
    buf_byte(c->out, ':');
    buf_add(c->out, text);
    PUT(c, "\r\n");
}

void reply_array(struct ctx *c, size_t n)
{
    room(c, 0);
    put_header(c->out, '*', n);
}

void reply_map(struct ctx *c, size_t n)
{
    room(c, 0);
    if (c->resp == 3)
        put_header(c->out, '%', n);
    else
        put_header(c->out, '*', n * 2);
}

void reply_set(struct ctx *c, size_t n)
{
    room(c, 0);
    put_header(c->out, c->resp == 3 ? '~' : '*', n);
}

void reply_push(struct ctx *c, size_t n)
{
    room(c, 0);
    put_header(c->out, c->resp == 3 ? '>' : '*', n);
}

void reply_attribute(struct ctx *c, size_t n)
{
    must(c->resp == 3);
    room(c, 0);
    put_header(c->out, '|', n);
}

/* ---- later ---- */
enum { LATER_ROOM = NUM_I64_TEXT + 3 };

uint64_t reply_later(struct ctx *c)
{
    room(c, LATER_ROOM);
    uint64_t mark = c->output ? output_end(c->output) : c->out->len;
    buf_reserve(c->out, LATER_ROOM);
    c->out->len += LATER_ROOM;
    return mark;
}

static void close_later(struct ctx *c, uint64_t mark, char sign, size_t n)
{
    if (c->flags & CTX_UNHEARD) /* it has been thrown away since, or goes nowhere */
        return;
    size_t at = (size_t)mark;
    struct buf *b = c->output ? output_find(c->output, mark, &at) : c->out;
    must(at + LATER_ROOM <= b->len);
    size_t len = (size_t)(header(b->data + at, sign, n) - (b->data + at)), spare = LATER_ROOM - len;
    memmove(b->data + at + len, b->data + at + LATER_ROOM, b->len - at - LATER_ROOM);
    if (c->output)
        output_shrink(c->output, b, spare);
    else
        b->len -= spare;
}

void reply_later_array(struct ctx *c, uint64_t mark, size_t n)
{
    close_later(c, mark, '*', n);
}

void reply_later_map(struct ctx *c, uint64_t mark, size_t n)
{
    if (c->resp == 3)
        close_later(c, mark, '%', n);
    else
        close_later(c, mark, '*', n * 2);
}

void reply_later_set(struct ctx *c, uint64_t mark, size_t n)
{
    close_later(c, mark, c->resp == 3 ? '~' : '*', n);
}

/* ---- errors ---- */
void reply_error_slice(struct ctx *c, struct slice text, bool counted)
{
    must(text.data || !text.len);
    room(c, text.len);
    buf_byte(c->out, '-');
    char *start = buf_reserve(c->out, text.len + 2);
    memcpy(start, text.data, text.len);
    for (size_t i = 0; i < text.len; i++)
        if (start[i] == '\r' || start[i] == '\n')
            start[i] = ' ';
    c->out->len += text.len;
    PUT(c, "\r\n");
    c->flags |= CTX_FAILED;
    if (c->server && !counted)
        stats_error(server_stats(c->server), text);
}

void reply_error(struct ctx *c, const char *text)
{
    reply_error_slice(c, slice_str(text), false);
}

void reply_errorf(struct ctx *c, const char *format, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    reply_error_slice(c, buf_slice(&text), false);
    buf_free(&text);
}

void reply_wrongtype(struct ctx *c)
{
    reply_error(c, "WRONGTYPE Operation against a key holding the wrong kind of value");
}

void reply_syntax(struct ctx *c)
{
    reply_error(c, "ERR syntax error");
}

void reply_no_key(struct ctx *c)
{
    reply_error(c, "ERR no such key");
}

void reply_out_of_range(struct ctx *c)
{
    reply_error(c, "ERR index out of range");
}

/* The container's word in capitals, as it was called. */
static void container_word(const struct ctx *c, char out[64])
{
    struct slice word = c->argv[0];
    size_t n = 0;
    for (; n < word.len && n < 63; n++)
        out[n] = word.data[n] >= 'a' && word.data[n] <= 'z' ? (char)(word.data[n] - 32)
                                                            : word.data[n];
    out[n] = '\0';
}

static void refuse_subcommand(struct ctx *c, const char *why)
{
    char word[64];
    struct slice sub = c->argc > 1 ? c->argv[1] : SLICE_LIT("");
    container_word(c, word);
    reply_errorf(c, "ERR unknown subcommand%s '%.*s'. Try %s HELP.", why,
                 sub.len > 128 ? 128 : (int)sub.len, sub.data, word);
}

void reply_unknown_subcommand(struct ctx *c)
{
    refuse_subcommand(c, "");
}

void reply_wrong_subcommand(struct ctx *c)
{
    refuse_subcommand(c, " or wrong number of arguments for");
}

void reply_help(struct ctx *c, const char *const *lines)
{
    char word[64], text[160];
    size_t n = 0;
    while (lines[n])
        n++;
    container_word(c, word);
    reply_array(c, n + 3);
    snprintf(text, sizeof text, "%s <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
             word);
    reply_status(c, text);
    for (size_t i = 0; i < n; i++)
        reply_status(c, lines[i]);
    reply_status(c, "HELP");
    reply_status(c, "    Prints this help.");
}
