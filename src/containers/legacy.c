/* SPDX-License-Identifier: BSD-3-Clause */
/* Ziplist:
 *
 *   u32le total bytes | u32le offset of the last entry (of the end mark if there is none)
 *   u16le count, 65535: count by walking | entries | ff
 *   entry: size of the entry before (one byte < 254, or fe + u32le; 0 for the first) | head | bytes
 *   heads: 00nnnnnn  01nnnnnn nn  80 + u32be n        a string of n bytes follows
 *          c0 i16le  d0 i32le  e0 i64le  f0 i24le  fe i8  f1..fd: 0..12
 *
 * Zipmap (3.1):
 *
 *   count (254, 255: count by walking) | pairs | ff
 *   pair: length, key, length, one byte "free", value, that many unused bytes
 *   length: one byte < 254, or fe + u32le
 *
 * Everything stated twice is compared, and each read is checked against what is left before it. */
#include "containers/legacy.h"

#include "base/bytes.h"
#include "base/must.h"
#include "base/num.h"

enum { ZL_HEADER = 10, ZL_SHORTEST = 11, COUNT_UNKNOWN = 65535, LONG_LENGTH = 254, END = 255 };

struct walk {
    const uint8_t *p, *end; /* the end mark stands at end */
    legacy_visit *visit;
    void *arg;
    size_t count;
    const char *why;
};

static bool refuse(struct walk *w, const char *why)
{
    w->why = why;
    return false;
}

static size_t left(const struct walk *w)
{
    return (size_t)(w->end - w->p);
}

static bool hand_over(struct walk *w, struct slice element)
{
    w->count++;
    if (w->visit && !w->visit(w->arg, element))
        return refuse(w, "stopped");
    return true;
}

static bool hand_over_int(struct walk *w, int64_t n)
{
    char text[NUM_I64_TEXT];
    if (!w->visit) {
        w->count++;
        return true;
    }
    size_t len = num_format_i64(text, n);
    return hand_over(w, slice(text, len));
}

/* A length that is one byte or fe and four. */
static bool take_length(struct walk *w, size_t *out)
{
    if (left(w) < 1)
        return refuse(w, "length past the end");
    uint8_t first = *w->p++;
    if (first < LONG_LENGTH) {
        *out = first;
        return true;
    }
    if (first == END)
        return refuse(w, "end mark in place of a length");
    if (left(w) < 4)
        return refuse(w, "length past the end");
    *out = load_le32(w->p);
    w->p += 4;
    return true;
}

/* ---- ziplist ---- */

static bool take_string(struct walk *w, size_t head, size_t len)
{
    w->p += head;
    if (len > left(w))
        return refuse(w, "ziplist: string past the end");
    struct slice text = slice(w->p, len);
    w->p += len;
    return hand_over(w, text);
}

static bool take_ziplist_string(struct walk *w)
{
    const uint8_t *p = w->p;
    size_t head = *p < 0x40 ? 1 : *p < 0x80 ? 2 : 5;
    if (head > left(w))
        return refuse(w, "ziplist: entry past the end");
    size_t len = head == 1 ? *p : head == 2 ? (size_t)(*p & 63) << 8 | p[1] : load_be32(p + 1);
    return take_string(w, head, len);
}

static bool take_ziplist_int(struct walk *w)
{
    const uint8_t *p = w->p;
    size_t data = *p == 0xc0 ? 2 : *p == 0xd0 ? 4 : *p == 0xe0 ? 8 : *p == 0xf0 ? 3 : *p == 0xfe;
    if (1 + data > left(w))
        return refuse(w, "ziplist: entry past the end");
    w->p += 1 + data;
    switch (*p) {
    case 0xc0:
        return hand_over_int(w, (int16_t)load_le16(p + 1));
    case 0xd0:
        return hand_over_int(w, (int32_t)load_le32(p + 1));
    case 0xe0:
        return hand_over_int(w, (int64_t)load_le64(p + 1));
    case 0xf0:
        return hand_over_int(w, load_le24s(p + 1));
    case 0xfe:
        return hand_over_int(w, (int8_t)p[1]);
    }
    if (*p >= 0xf1 && *p <= 0xfd)
        return hand_over_int(w, *p - 0xf1);
    return refuse(w, *p == END ? "ziplist: end mark in the middle" : "ziplist: unknown encoding");
}

static bool take_ziplist_entry(struct walk *w, size_t previous)
{
    size_t stated;
    if (!take_length(w, &stated))
        return refuse(w, "ziplist: bad length of the entry before");
    if (stated != previous)
        return refuse(w, "ziplist: wrong length of the entry before");
    if (left(w) < 1)
        return refuse(w, "ziplist: entry past the end");
    if (*w->p <= 0x80)
        return take_ziplist_string(w);
    return take_ziplist_int(w);
}

static bool walk_ziplist(struct walk *w, struct slice blob)
{
    const uint8_t *zl = (const uint8_t *)blob.data;
    if (blob.len < ZL_SHORTEST)
        return refuse(w, "ziplist: shorter than an empty one");
    if (load_le32(zl) != blob.len)
        return refuse(w, "ziplist: stated size is not the size");
    if (zl[blob.len - 1] != END)
        return refuse(w, "ziplist: no end mark");
    w->p = zl + ZL_HEADER;
    w->end = zl + blob.len - 1;
    const uint8_t *last = w->p;
    size_t previous = 0;
    while (w->p < w->end) {
        last = w->p;
        if (!take_ziplist_entry(w, previous))
            return false;
        previous = (size_t)(w->p - last);
    }
    must(w->p == w->end);
    if (load_le32(zl + 4) != (size_t)(last - zl))
        return refuse(w, "ziplist: tail offset is not that of the last entry");
    uint16_t stated = load_le16(zl + 8);
    if (stated != COUNT_UNKNOWN && stated != w->count)
        return refuse(w, "ziplist: wrong entry count");
    return true;
}

/* ---- zipmap ---- */

static bool take_zipmap_pair(struct walk *w)
{
    size_t len;
    if (!take_length(w, &len))
        return refuse(w, "zipmap: bad key length");
    if (len > left(w))
        return refuse(w, "zipmap: key past the end");
    struct slice key = slice(w->p, len);
    w->p += len;
    if (!take_length(w, &len))
        return refuse(w, "zipmap: bad value length");
    if (left(w) < 1)
        return refuse(w, "zipmap: value past the end");
    size_t unused = *w->p++;
    if (len > left(w) || unused > left(w) - len)
        return refuse(w, "zipmap: value past the end");
    struct slice value = slice(w->p, len);
    w->p += len + unused;
    return hand_over(w, key) && hand_over(w, value);
}

static bool walk_zipmap(struct walk *w, struct slice blob)
{
    const uint8_t *zm = (const uint8_t *)blob.data;
    if (blob.len < 2)
        return refuse(w, "zipmap: shorter than an empty one");
    if (zm[blob.len - 1] != END)
        return refuse(w, "zipmap: no end mark");
    w->p = zm + 1;
    w->end = zm + blob.len - 1;
    while (w->p < w->end)
        if (!take_zipmap_pair(w))
            return false;
    must(w->p == w->end);
    if (zm[0] < LONG_LENGTH && zm[0] != w->count / 2)
        return refuse(w, "zipmap: wrong pair count");
    return true;
}

static bool run(bool (*walker)(struct walk *, struct slice), struct slice blob, legacy_visit *visit,
                void *arg, size_t *count, const char **why)
{
    struct walk w = {.visit = visit, .arg = arg};
    bool ok = walker(&w, blob);
    if (count)
        *count = w.count;
    if (!ok)
        *why = w.why;
    return ok;
}

bool ziplist_walk(struct slice blob, legacy_visit *visit, void *arg, size_t *count,
                  const char **why)
{
    return run(walk_ziplist, blob, visit, arg, count, why);
}

bool zipmap_walk(struct slice blob, legacy_visit *visit, void *arg, size_t *count, const char **why)
{
    return run(walk_zipmap, blob, visit, arg, count, why);
}
