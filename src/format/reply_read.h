/* SPDX-License-Identifier: BSD-3-Clause */
/* What a server answers, RESP2 and RESP3, as a sequence of items: for who talks to another server,
 * and for who ran a command inside another and has its reply as bytes.
 *
 *   reply_open(&r, &(struct reply_limits){0});
 *   ... new bytes behind b.len ...
 *   while ((got = reply_next(&r, b.data, b.len, &item)) == REPLY_ITEM)
 *       ... item.kind, item.depth; item.last: a whole reply is over ...
 *   if (got == REPLY_BAD) ... r.error ...
 *   buf_drop_front(&b, r.at), r.at = 0;      at any time between calls
 *
 * Texts are slices into the buffer: nothing is copied. An item is given when all of its bytes are
 * there, an aggregate's header at once and its elements behind it; what is kept between calls is
 * how many elements each open aggregate lacks. Cost: O(bytes); what a count or a length claims
 * costs nothing.
 *
 * Source: the public description of RESP3. Streamed strings and aggregates ("$?", "*?"), which no
 * server of this family sends, are refused. */
#ifndef FORMAT_REPLY_READ_H
#define FORMAT_REPLY_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum reply_kind {
    REPLY_STATUS,    /* +  text */
    REPLY_ERROR,     /* -  text, without the sign; RESP3's bulk error (!) too */
    REPLY_INT,       /* :  number */
    REPLY_BULK,      /* $  text */
    REPLY_NULL,      /* $-1 or _ */
    REPLY_NULL_ARRAY, /* *-1 */
    REPLY_BOOL,      /* #  number 0 or 1 */
    REPLY_DOUBLE,    /* ,  real (inf and nan too), and text as it was written */
    REPLY_BIGNUM,    /* (  text: digits, with a sign or not */
    REPLY_VERBATIM,  /* =  text without its format and colon; format */
    REPLY_ARRAY,     /* *  number: elements that follow, one deeper */
    REPLY_SET,       /* ~ */
    REPLY_PUSH,      /* >  between replies; an element like others in EXEC's reply (SUBSCRIBE) */
    REPLY_MAP,       /* %  number: pairs */
    REPLY_ATTRIBUTE, /* |  number: pairs; in front of what they belong to, which follows them */
};

struct reply_item {
    enum reply_kind kind;
    unsigned depth;    /* 0: not inside of anything */
    bool last;         /* a whole reply (or push) ends with this item; an attribute never does */
    int64_t number;
    double real;
    char format[4];    /* "txt", "mkd" */
    struct slice text; /* into the buffer: valid until it moves */
};

/* A limit of 0 is REPLY_BULK_MAX and so on. REPLY_LINE_MAX: of a line, its sign and its end too. */
enum { REPLY_DEPTH_MAX = 128, REPLY_LINE_MAX = 64 * 1024, REPLY_ERROR_MAX = 80 };
#define REPLY_BULK_MAX ((int64_t)512 << 20)
#define REPLY_ELEMENTS_MAX ((int64_t)1 << 31)
struct reply_limits {
    unsigned depth;     /* aggregates inside one another */
    int64_t bulk_max, elements_max; /* of one bulk, of one aggregate (a pair is two) */
};

struct reply_reader {
    size_t at;                /* bytes of the buffer that were given out */
    size_t seen;              /* bytes behind at already searched for the end of a line */
    size_t whole;             /* bytes of the item that stands at at; 0: not known yet */
    struct reply_limits limits;
    uint64_t *left;           /* of depth: elements that each open aggregate lacks */
    unsigned depth, cap;
    bool owner_due;           /* an attribute came that belongs to the next whole reply */
    char error[REPLY_ERROR_MAX]; /* after REPLY_BAD: "Protocol error: ..." */
};

enum reply_got { REPLY_MORE, REPLY_ITEM, REPLY_BAD };

void reply_open(struct reply_reader *r, const struct reply_limits *limits);
void reply_close(struct reply_reader *r);
/* The next item of data[0..len); out means something after REPLY_ITEM only. After REPLY_BAD the
 * stream cannot be read on: every further call gives the same. */
enum reply_got reply_next(struct reply_reader *r, const char *data, size_t len,
                          struct reply_item *out);
/* Bytes that must still come, at least, for the bulk that stands at r->at; 0 when none is known. */
size_t reply_wanted(const struct reply_reader *r, size_t len);
/* Is a reply half read? Bytes of an item that is not whole yet do not count: they are behind at. */
static inline bool reply_partial(const struct reply_reader *r)
{
    return r->depth > 0 || r->owner_due;
}

#endif
