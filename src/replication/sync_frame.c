/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/sync_frame.h"

#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"

/* ---- the head ---- */

static const uint64_t LENGTH_MAX = INT64_MAX; /* of a file */

static void bad(struct sync_frame *f, const char *what, struct slice line)
{
    snprintf(f->why, sizeof f->why, "%s: %.*s", what, line.len < 128 ? (int)line.len : 128,
             line.data ? line.data : "");
    f->state = FRAME_BAD;
}

static void heard(struct sync_frame *f, struct slice line)
{
    static const char eof[] = "$EOF:";
    enum { EOF_LEN = sizeof eof - 1 };
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (!line.len) /* a sign of life */
        return;
    if (line.data[0] == '-') {
        bad(f, "MASTER aborted replication with an error", slice_from(line, 1));
    } else if (line.len == EOF_LEN + FRAME_MARK && memcmp(line.data, eof, EOF_LEN) == 0) {
        f->marked = true;
        memcpy(f->mark, line.data + EOF_LEN, FRAME_MARK);
        f->state = FRAME_BODY;
    } else if (line.data[0] == '$' && num_parse_u64(slice_from(line, 1), &f->length) &&
               f->length <= LENGTH_MAX) {
        f->left = f->length;
        f->state = f->length ? FRAME_BODY : FRAME_OVER;
    } else {
        bad(f, "Bad protocol from MASTER, the first byte is not '$' or what follows makes no sense",
            line);
    }
}

size_t sync_frame_head(struct sync_frame *f, const char *data, size_t len)
{
    size_t used = 0;
    must(f->state == FRAME_HEAD);
    while (used < len && f->state == FRAME_HEAD) {
        char byte = data[used++];
        if (byte == '\n') {
            size_t n = f->line_len;
            f->line_len = 0;
            heard(f, slice(f->line, n));
        } else if (f->line_len == sizeof f->line) {
            bad(f, "A line without an end from MASTER", slice(f->line, f->line_len));
        } else {
            f->line[f->line_len++] = byte;
        }
    }
    return used;
}

/* ---- the body ---- */

static size_t counted(struct sync_frame *f, const char *data, size_t len, struct slice out[2])
{
    size_t n = len < f->left ? len : (size_t)f->left;
    must(f->left > 0 && f->left <= f->length);
    out[0] = slice(data, n);
    f->left -= n;
    if (!f->left)
        f->state = FRAME_OVER;
    return n;
}

/* What was held goes out in front of the new bytes: n of it. */
static void give_held(struct sync_frame *f, size_t n, struct slice *out)
{
    must(n <= f->held_len && n <= sizeof f->given);
    memcpy(f->given, f->held, n);
    *out = slice(f->given, n);
    f->held_len -= n;
    memmove(f->held, f->held + n, f->held_len);
}

/* A mark that begins in what is held: all of it is in the first bytes that come behind. */
static bool begins_in_held(struct sync_frame *f, const char *data, size_t len, struct slice *out,
                           size_t *used)
{
    must(f->held_len + FRAME_MARK <= sizeof f->held);
    size_t held = f->held_len, more = len < FRAME_MARK ? len : FRAME_MARK;
    memcpy(f->held + held, data, more);
    const char *at = memmem(f->held, held + more, f->mark, FRAME_MARK);
    if (!at || at >= f->held + held)
        return false;
    size_t before = (size_t)(at - f->held);
    *used = before + FRAME_MARK - held;
    give_held(f, before, out);
    f->held_len = 0;
    f->state = FRAME_OVER;
    return true;
}

static size_t marked(struct sync_frame *f, const char *data, size_t len, struct slice out[2])
{
    enum { KEPT = FRAME_MARK - 1 }; /* one byte more would be the whole mark */
    size_t used;
    must(f->held_len <= KEPT);
    if (begins_in_held(f, data, len, &out[0], &used))
        return used;
    if (len < FRAME_MARK) { /* too short for a whole mark: begins_in_held has put it behind */
        f->held_len += len;
        if (f->held_len > KEPT)
            give_held(f, f->held_len - KEPT, &out[0]);
        return len;
    }
    give_held(f, f->held_len, &out[0]);
    const char *at = memmem(data, len, f->mark, FRAME_MARK);
    if (at) {
        out[1] = slice(data, (size_t)(at - data));
        f->state = FRAME_OVER;
        return out[1].len + FRAME_MARK;
    }
    out[1] = slice(data, len - KEPT);
    memcpy(f->held, data + out[1].len, KEPT);
    f->held_len = KEPT;
    return len;
}

size_t sync_frame_body(struct sync_frame *f, const char *data, size_t len, struct slice out[2])
{
    must(f->state == FRAME_BODY);
    out[0] = out[1] = slice(data, 0);
    if (!len)
        return 0;
    return f->marked ? marked(f, data, len, out) : counted(f, data, len, out);
}
