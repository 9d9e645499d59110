/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces of RESP, appended to a buffer: what commands in a log, batches of changes and messages are
 * made of. (Replies go through server/reply.h, which writes into blocks.)
 *
 *   resp_put_head(&b, '*', 2); resp_put_bulk(&b, SLICE_LIT("PING")); ...     *2 $4 PING ... */
#ifndef FORMAT_RESP_WRITE_H
#define FORMAT_RESP_WRITE_H

#include "base/buf.h"
#include "base/num.h"
#include "base/slice.h"

/* mark: * $ > and so on. */
static inline void resp_put_head(struct buf *to, char mark, size_t n)
{
    char *text = buf_reserve(to, NUM_I64_TEXT + 3);
    size_t len = 1;
    text[0] = mark;
    if (n < 10) /* most are */
        text[1] = (char)('0' + n);
    else
        len = num_format_u64(text + 1, n);
    text[len + 1] = '\r';
    text[len + 2] = '\n';
    to->len += len + 3;
}

static inline void resp_put_bulk(struct buf *to, struct slice s)
{
    resp_put_head(to, '$', s.len);
    buf_add(to, s);
    buf_append(to, "\r\n", 2);
}

#endif
