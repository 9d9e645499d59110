/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients send, cut into arguments in place: "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" or a line "GET
 * k".
 *
 *   buf ... new bytes behind b.len ...
 *   while ((got = resp_next(&r, b.data, b.len, &cmd)) == RESP_COMMAND)
 *       run(cmd.argc, resp_argv(&r, &cmd));
 *   resp_batch_done(&r);
 *   if (got == RESP_BAD) ... r.error ...
 *
 * Arguments are slices into the buffer: nothing is copied or allocated for them (inline quotes are
 * undone in place: base/quote.h). A command that is not yet whole is kept half cut, and goes on
 * when more bytes have come; the caller says where the bytes went when it moves them (resp_moved).
 * Several commands may be cut before they are run. */
#ifndef FORMAT_RESP_H
#define FORMAT_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "base/slice.h"

enum { RESP_LINE_MAX = 65536, RESP_LINE_WHOLE_MAX = RESP_LINE_MAX + 16384 };
enum { RESP_UNAUTH_ARGS_MAX = 10, RESP_UNAUTH_BULK_MAX = 16384 };
enum { RESP_ERROR_MAX = 80 };

struct resp {
    struct slice *args; /* of the commands cut since resp_batch_done, then of the half-cut one */
    size_t used, cap;
    size_t at;       /* bytes of the buffer already cut */
    size_t start;    /* where the command being cut begins: bytes before it may go */
    int64_t missing; /* arguments the half-cut command still lacks; 0 between commands */
    int64_t bulk;    /* length of the argument waited for; -1 when not known yet */
    size_t first;    /* where the half-cut command's arguments begin in args */
    size_t seen;     /* bytes behind at already searched for the end of a line */
    int64_t bulk_max;
    struct slice outside; /* see resp_give */
    bool unauthenticated; /* the small limits of a client that has not proved who it is */
    char error[RESP_ERROR_MAX]; /* after RESP_BAD: "Protocol error: ..." */
};

struct resp_command {
    size_t first;
    int argc;
};

enum resp_got { RESP_MORE, RESP_COMMAND, RESP_BAD };

void resp_init(struct resp *r, int64_t bulk_max);
void resp_free(struct resp *r);
/* The next whole command of data[0..len). The bytes before r->at are not looked at again. argc is
 * never 0. After RESP_BAD the stream cannot be read on. */
enum resp_got resp_next(struct resp *r, char *data, size_t len, struct resp_command *out);
/* Valid until the next resp_next. */
static inline const struct slice *resp_argv(const struct resp *r, const struct resp_command *c)
{
    return r->args + c->first;
}
/* The commands cut so far have been run: their arguments are forgotten. */
void resp_batch_done(struct resp *r);
/* The byte that was at from is now at to, and all others with it; dropped bytes went from the
 * front. Only what lies before r->start may be dropped, and only after resp_batch_done. */
void resp_moved(struct resp *r, const char *from, const char *to, size_t dropped);
/* Bytes that must still come for the bulk being read, with its line end; 0 when none is. */
size_t resp_wanted(const struct resp *r, size_t len);
/* The bulk that is waited for (all bytes of the buffer are cut) has come elsewhere than in the
 * buffer, its line end too: text is the argument, and must stay until the command has been run. */
static inline void resp_give(struct resp *r, struct slice text)
{
    must(r->missing > 0 && !r->outside.data);
    r->outside = text;
}
/* Is a command half cut? */
static inline bool resp_partial(const struct resp *r)
{
    return r->missing > 0;
}
/* Bytes held by the argument array. */
size_t resp_memory(const struct resp *r);

#endif
