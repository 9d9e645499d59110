/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies in RESP2 or RESP3, as c->resp says. Appended to c->out, in blocks (output.h) when it is a
 * client's; nothing is sent here.
 *
 * Error text comes without the leading '-' and with its code word first: "ERR syntax error". CR and
 * LF in it become blanks. Costs: an append. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "server/ctx.h"

/* True when nobody will get the reply: the client is over its output limit and will be closed, or
 * said that it wants none. A loop that only produces elements ends then; one that also changes
 * something goes on. */
static inline bool reply_unheard(const struct ctx *c)
{
    return c->flags & CTX_UNHEARD;
}

/* From here on nobody gets the reply (CLIENT REPLY OFF and SKIP, in front of the command); or the
 * client does (ON, RESET, inside it). */
void reply_to_nobody(struct ctx *c);
void reply_to_client(struct ctx *c);

void reply_raw(struct ctx *c, struct slice encoded);  /* as it is */
void reply_ok(struct ctx *c);
void reply_status(struct ctx *c, const char *text);   /* +text */
void reply_status_slice(struct ctx *c, struct slice text);
void reply_int(struct ctx *c, int64_t n);
void reply_bulk(struct ctx *c, struct slice s);
void reply_bulk_str(struct ctx *c, const char *text);
void reply_bulk_int(struct ctx *c, int64_t n);        /* the number as a bulk string */
void reply_null(struct ctx *c);                       /* $-1 or _ */
void reply_null_array(struct ctx *c);                 /* *-1 or _ */
void reply_bool(struct ctx *c, bool b);               /* :1/:0 or #t/#f */
void reply_double(struct ctx *c, double d);           /* bulk or , */
void reply_bulk_double(struct ctx *c, double d);      /* bulk in both */
void reply_bignum(struct ctx *c, struct slice digits);
void reply_verbatim(struct ctx *c, const char *kind3, struct slice text); /* bulk or =txt: */

/* Headers; the caller then replies so many elements (map: n pairs). In RESP2 a map is an array of
 * 2n, a set an array, a push an array. */
void reply_array(struct ctx *c, size_t n);
void reply_map(struct ctx *c, size_t n);
void reply_set(struct ctx *c, size_t n);
void reply_push(struct ctx *c, size_t n);
void reply_attribute(struct ctx *c, size_t n); /* n pairs, in front of the reply; RESP3 only */
/* For a number of elements known only afterwards: returns a mark, then one of the three closes
 * it. */
uint64_t reply_later(struct ctx *c);
void reply_later_array(struct ctx *c, uint64_t mark, size_t n);
void reply_later_map(struct ctx *c, uint64_t mark, size_t n);
void reply_later_set(struct ctx *c, uint64_t mark, size_t n);

void reply_error(struct ctx *c, const char *text);
void reply_errorf(struct ctx *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for text of any bytes. counted: it was, by the command inside this one that replied it
 * first. */
void reply_error_slice(struct ctx *c, struct slice text, bool counted);
void reply_wrongtype(struct ctx *c);
void reply_syntax(struct ctx *c);             /* ERR syntax error */
void reply_no_key(struct ctx *c);             /* ERR no such key */
void reply_out_of_range(struct ctx *c);       /* ERR index out of range */
void reply_unknown_subcommand(struct ctx *c); /* "ERR unknown subcommand 'x'. Try X HELP." */
/* "ERR unknown subcommand or wrong number of arguments for 'x'. Try X HELP." */
void reply_wrong_subcommand(struct ctx *c);
/* HELP of a container command: its lines, framed as 7.2 does. lines ends with NULL. */
void reply_help(struct ctx *c, const char *const *lines);

#endif
