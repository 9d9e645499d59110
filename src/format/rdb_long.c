/* SPDX-License-Identifier: BSD-3-Clause */
/* Long strings in parts: a value of half a gigabyte takes a quarter of a megabyte to read, also out
 * of its compressed form, of which a copy reaches back 8 KiB at most (rdb_lzf.c has the format). */
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "format/rdb_parts.h"

enum { PART = 256 << 10, LZF_BACK = 8 << 10, LZF_RUN_MAX = 264, LITERAL_MAX = 32 };
enum { LEN_32 = 0x80, LEN_64 = 0x81 };

static bool takes_parts(const struct sink *s)
{
    return !s || s->ops->part;
}

static void emit(struct rdb_reader *r, struct slice bytes, uint64_t left)
{
    must(bytes.len > 0 && !in_bad(r->in));
    RDB_EVENT(r, part, bytes, left);
}

/* What a length says that lies at p; 0 when it is not one of the long forms. *size: of the form. */
static uint64_t length_at(struct slice p, size_t *size)
{
    const uint8_t *b = (const uint8_t *)p.data;
    must(p.len == 0 || b);
    *size = p.len && b[0] == LEN_64 ? 9 : 5;
    if (p.len < *size || (b[0] != LEN_32 && b[0] != LEN_64))
        return 0;
    return b[0] == LEN_32 ? load_be32(b + 1) : load_be64(b + 1);
}

static void tell(struct rdb_reader *r, enum rdb_stored_form form, struct slice bytes, uint64_t from,
                 uint64_t len)
{
    if (r->opt.stored)
        rdb_tell_stored(r, &(struct rdb_stored){.form = form, .bytes = bytes, .from = from,
                                                .len = len});
}

static void read_raw(struct rdb_reader *r)
{
    uint64_t left = rdb_len(r), all = left;
    must(left > SINK_PART_MAX || in_bad(r->in));
    while (left && !in_bad(r->in)) {
        uint64_t n = left < PART ? left : PART;
        struct slice part = in_slice(r->in, n, &r->first);
        left -= n;
        tell(r, RDB_FORM_RAW, part, all - left - n, all);
        if (!in_bad(r->in))
            emit(r, part, left);
    }
}

/* ---- LZF ---- */

struct unlzf {
    struct rdb_reader *r;
    uint64_t packed, left, all; /* bytes to come; of the string */
    uint8_t *window;
    size_t at, from;       /* end of what was made; of it, what was not handed on yet */
};

static bool bad(struct unlzf *u)
{
    if (!in_bad(u->r->in))
        in_fail(u->r->in, FAULT_FORMAT, "Invalid LZF compressed string");
    return false;
}

static void hand_on(struct unlzf *u)
{
    size_t n = u->at - u->from;
    must(u->from <= u->at && u->at <= LZF_BACK + PART + LZF_RUN_MAX);
    if (n == 0)
        return;
    emit(u->r, slice(u->window + u->from, n), u->left);
    size_t keep = u->at < LZF_BACK ? u->at : LZF_BACK;
    memmove(u->window, u->window + u->at - keep, keep);
    u->at = u->from = keep;
}

static bool literals(struct unlzf *u, size_t n)
{
    must(n > 0 && n <= LITERAL_MAX);
    if (n > u->packed || n > u->left)
        return bad(u);
    u->packed -= n;
    u->left -= n;
    bool ok = in_bytes(u->r->in, u->window + u->at, n);
    tell(u->r, RDB_FORM_RUN, slice(u->window + u->at, n), u->all - u->left - n, u->all);
    u->at += n;
    return ok;
}

static bool copy(struct unlzf *u, unsigned control)
{
    size_t n = control >> 5, more = n == 7;
    must(control >= LITERAL_MAX && u->at - u->from < PART + LZF_RUN_MAX);
    if (u->packed < 1 + more)
        return bad(u);
    if (more)
        n += in_byte(u->r->in);
    size_t distance = ((control & 31u) << 8 | in_byte(u->r->in)) + 1u;
    n += 2;
    u->packed -= 1 + more;
    if (distance > u->at || n > u->left)
        return bad(u);
    for (size_t i = 0; i < n; i++, u->at++) /* may overlap */
        u->window[u->at] = u->window[u->at - distance];
    u->left -= n;
    return !in_bad(u->r->in);
}

static void read_lzf(struct rdb_reader *r)
{
    in_byte(r->in);
    uint64_t packed = rdb_len(r), len = rdb_len(r);
    struct unlzf u = {.r = r, .packed = packed, .left = len, .all = len};
    buf_clear(&r->raw);
    u.window = (uint8_t *)buf_reserve(&r->raw, LZF_BACK + PART + LZF_RUN_MAX);
    bool ok = !in_bad(r->in);
    while (ok && u.packed) {
        unsigned control = in_byte(r->in);
        u.packed--;
        ok = control < LITERAL_MAX ? literals(&u, control + 1) : copy(&u, control);
        if (ok && u.at - u.from >= PART && u.left)
            hand_on(&u);
    }
    if (ok && u.left)
        bad(&u);
    else if (ok)
        hand_on(&u);
}

/* ---- */

bool rdb_long_string(struct rdb_reader *r)
{
    enum { HEAD = 1 + 9 + 9 };
    if (!takes_parts(r->out[RDB_OUT_ALL]) || !takes_parts(r->sink))
        return false;
    must(!r->begun && !rdb_wanted(r)); /* as in rdb_value */
    struct slice head = in_peek(r->in, HEAD);
    size_t size, second = 0;
    bool lzf = head.len && (uint8_t)head.data[0] == RDB_STR_LZF;
    uint64_t packed = 0, len;
    if (lzf) {
        packed = length_at(slice_from(head, 1), &size);
        len = packed ? length_at(slice_from(head, 1 + size), &second) : 0;
    } else {
        len = length_at(head, &size);
    }
    /* What the stream cannot back is for the common way to refuse, in the common words. */
    uint64_t body = lzf ? packed : len, left = in_left(r->in);
    if (len <= SINK_PART_MAX || body > left || (lzf ? 1 + size + second : size) > left - body)
        return false;
    rdb_begin(r, VALUE_STRING, 1, 0);
    if (lzf)
        read_lzf(r);
    else
        read_raw(r);
    return true;
}
