/* SPDX-License-Identifier: BSD-3-Clause */
/* A window over the file slides along. Most places are out of the question by their first few bytes
 * (may_begin); the others are read by the one reader there is. A value that reaches beyond the
 * window is read from the file. What is spent on places that do not hold is counted: when it has
 * become many times what was passed over, only short records are tried. */
#include "tools/rdb_footing.h"

#include <string.h>

#include "base/must.h"

enum { WINDOW = 1 << 20, SHORT = 4 << 10, TRIED_TIMES = 64 };
enum { TRIED_FREE = 64 << 20, GUESS = 2 << 20 };

/* ---- by the first bytes ---- */

/* The highest type number that writers of this version have. */
static int type_max(const struct rdb_reader *r)
{
    static const uint8_t max[RDB_VERSION_REDIS_MAX + 1] = {
        [1] = RDB_HASH, [2] = RDB_ZSET_ZIPLIST, [3] = RDB_ZSET_ZIPLIST, [4] = RDB_HASH_ZIPLIST,
        [5] = RDB_HASH_ZIPLIST, [6] = RDB_HASH_ZIPLIST, [7] = RDB_QUICKLIST, [8] = RDB_QUICKLIST,
        [9] = RDB_STREAM_1, [10] = RDB_STREAM_2, [11] = RDB_STREAM_3, [12] = RDB_HASH_TTL_PACK,
        [13] = RDB_STREAM_4, [14] = RDB_ARRAY, [15] = RDB_HASH_TEMPLATED_REF};
    if (r->valkey)
        return RDB_VALKEY_HASH_PATH;
    must(r->version >= 1 && r->version <= RDB_VERSION_REDIS_MAX);
    return max[r->version];
}

/* A name: not empty, in any form. More bytes than are there may follow. */
static bool name_may_begin(const uint8_t *p, size_t n)
{
    if (n == 0)
        return true;
    if (p[0] < 0x40)
        return p[0] > 0;
    if (p[0] < 0x80)
        return n < 2 || p[0] > 0x40 || p[1] > 0;
    if (p[0] == 0x80)
        return n < 5 || (p[1] == 0 && (p[2] | p[3] | p[4]) != 0 && p[2] <= 1);
    return p[0] >= RDB_STR_I8 && p[0] <= RDB_STR_LZF;
}

static bool key_may_begin(const struct rdb_reader *r, const uint8_t *p, size_t n)
{
    enum { NEVER_USED = 8 };
    if (n == 0)
        return true;
    return p[0] <= type_max(r) && p[0] != RDB_MODULE_OLD && p[0] != NEVER_USED &&
           name_may_begin(p + 1, n - 1);
}

static bool may_begin(const struct rdb_reader *r, const uint8_t *p, size_t n)
{
    while (n > 0 && p[0] >= RDB_OP_IDLE && p[0] < RDB_OP_SELECTDB && p[0] != RDB_OP_AUX &&
           p[0] != RDB_OP_RESIZEDB) {
        size_t skip = p[0] == RDB_OP_EXPIRE_MS  ? 9
                      : p[0] == RDB_OP_EXPIRE_S ? 5
                      : p[0] == RDB_OP_FREQ     ? 2
                      : n < 2 || p[1] < 0x40    ? 2
                      : p[1] < 0x80             ? 3
                      : p[1] == 0x80            ? 6
                                                : 1;
        if (skip == 1)
            return false;
        skip = skip < n ? skip : n;
        p += skip;
        n -= skip;
    }
    if (n == 0)
        return true;
    switch (p[0]) {
    case RDB_OP_AUX:
    case RDB_OP_FUNCTION:
        return name_may_begin(p + 1, n - 1);
    case RDB_OP_SELECTDB:
        return n < 2 || p[1] <= 0x80;
    case RDB_OP_RESIZEDB:
    case RDB_OP_MODULE_AUX:
    case RDB_OP_SLOT_INFO:
        return n < 2 || p[1] <= 0x81;
    case RDB_OP_TEMPLATE:
    case RDB_OP_KEY_META:
        return r->valkey || r->version >= 13;
    default:
        return key_may_begin(r, p, n);
    }
}

/* Most of the bytes are the same: of a line that may be damaged. */
static bool alike(const char *bytes, const char *line)
{
    enum { WRONG_MAX = 4 };
    size_t wrong = 0;
    for (size_t i = 0; line[i]; i++)
        wrong += bytes[i] != line[i];
    return wrong <= WRONG_MAX;
}

bool rdb_commands_begin(struct slice text)
{
    if (text.len >= 5 && (memcmp(text.data, "#LOG:", 5) == 0 || memcmp(text.data, "#TS:", 4) == 0))
        return true;
    size_t i = 1;
    while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9')
        i++;
    return text.len > i + 2 && text.data[0] == '*' && i > 1 &&
           memcmp(text.data + i, "\r\n$", 3) == 0;
}

bool rdb_ends_here(int version, struct slice head, uint64_t left)
{
    static const char index[] = "#HF:blocks 1\r\n";
    size_t end = version >= RDB_VERSION_CRC ? 9 : 1;
    if (head.len < end || (uint8_t)head.data[0] != RDB_OP_EOF)
        return false;
    static const char again[] = "REDIS0"; /* a copy of the file stands behind it */
    return left == end || rdb_commands_begin(slice_from(head, end)) ||
           (head.len >= end + sizeof again - 1 &&
            memcmp(head.data + end, again, sizeof again - 1) == 0) ||
           (head.len >= end + sizeof index - 1 && alike(head.data + end, index));
}

bool rdb_zeros_follow(struct in *in)
{
    struct slice next = in_peek(in, 3);
    return next.len == 3 && next.data[1] == 0 && next.data[2] == 0;
}

/* ---- by reading on ---- */

enum chain { CHAIN_BREAKS, CHAIN_HOLDS, CHAIN_LEAVES /* the window */ };

/* *empty: keys without a name so far; one is as much as is believed. */
static bool name_is_plausible(const struct rdb_record *rec, struct in *in, bool first,
                              unsigned *empty)
{
    if (rec->key.name.len == 0)
        return !first && ++*empty == 1 && !rdb_zeros_follow(in);
    return rec->key.name.len <= FOOTING_NAME;
}

bool rdb_name_is_odd(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((uint8_t)name.data[i] < ' ')
            return true;
    return name.len == 0;
}

static bool is_unlike(const struct rdb_names *names, struct slice name)
{
    enum { LONG_NAME = 1024, TIMES = 4 };
    if (!names)
        return false;
    return (!names->any_odd && rdb_name_is_odd(name)) ||
           (name.len > LONG_NAME && name.len / TIMES > names->longest);
}

/* What follows from a place. Offsets are those of `in`. */
struct chain_read {
    struct in *in;
    bool end; /* it has all up to the end of the span */
    unsigned keys, records, empty;
    uint64_t unlike_to;
};

/* False: the chain breaks, or leaves what there is. */
static bool read_one(struct rdb_footing *f, struct chain_read *c)
{
    struct rdb_record rec;
    if (!rdb_next(f->reader, &rec))
        return false;
    bool key = rec.kind == RDB_REC_KEY;
    bool unlike = key && is_unlike(f->names, rec.key.name);
    if (key && !name_is_plausible(&rec, c->in, c->keys == 0, &c->empty))
        return false;
    if (unlike && f->like_only)
        return false;
    if ((rec.kind == RDB_REC_DB && rec.db >= FOOTING_DBS) || !rdb_skip(f->reader, &rec))
        return false;
    c->keys += key;
    c->records++;
    c->unlike_to = unlike ? in_offset(c->in) : c->unlike_to;
    return true;
}

static enum chain follow(struct rdb_footing *f, struct chain_read *c)
{
    struct rdb_reader *r = f->reader;
    struct in *in = c->in;
    rdb_resume(r, in, f->db);
    while (c->records < FOOTING_RECORDS + c->empty || c->keys == 0) {
        struct slice head = in_peek(in, FOOTING_END_HEAD);
        f->keys = c->keys;
        if (head.len == 0)
            return !c->end ? CHAIN_LEAVES : f->whole && c->keys ? CHAIN_HOLDS : CHAIN_BREAKS;
        if ((uint8_t)head.data[0] == RDB_OP_EOF && (c->end || head.len == FOOTING_END_HEAD))
            return c->keys && rdb_ends_here(r->version, head, c->end ? in_left(in) : UINT64_MAX)
                       ? CHAIN_HOLDS
                       : CHAIN_BREAKS;
        if (!read_one(f, c))
            return in_bad(in) && in->fault.code == FAULT_EOF && !c->end ? CHAIN_LEAVES
                                                                        : CHAIN_BREAKS;
    }
    f->keys = 0;
    return CHAIN_HOLDS;
}

static enum chain follow_from(struct rdb_footing *f, uint64_t at, struct in *in, bool end)
{
    struct chain_read c = {.in = in, .end = end};
    size_t known = rdb_templates_known(f->reader);
    enum chain found = follow(f, &c);
    f->tried += in_offset(in);
    f->unlike_to = c.unlike_to ? image_ahead(f->image, at, c.unlike_to) : 0;
    in_free(in);
    rdb_templates_forget(f->reader, known);
    return found;
}

static bool holds(struct rdb_footing *f, uint64_t at, struct slice bytes, bool end, bool dear)
{
    struct in in;
    if (dear && bytes.len > SHORT) {
        bytes.len = SHORT;
        end = false;
    }
    in_init_memory(&in, bytes);
    enum chain found = follow_from(f, at, &in, end);
    if (found != CHAIN_LEAVES || dear)
        return found == CHAIN_HOLDS;
    struct image_stream s;
    /* What is only a guess is not worth the memory that a length in the midst of noise asks for. */
    uint64_t to = f->until && f->to - at > GUESS ? image_ahead(f->image, at, GUESS) : f->to;
    image_stream(&s, &in, f->image, at, to, 64 << 10);
    f->tried += 64 << 10;
    return follow_from(f, at, &in, true) == CHAIN_HOLDS;
}

/* The window has what lies from at on, a quarter of its size or all there is. */
static struct slice window_from(struct rdb_footing *f, uint64_t at, bool *end)
{
    size_t skip = (size_t)(at - f->window_at), room = f->window_bytes ? f->window_bytes : WINDOW;
    if (f->window.len == 0 || at < f->window_at || skip > f->window.len ||
        (f->window.len - skip < room / 4 && f->window_at + f->window.len < f->to)) {
        buf_clear(&f->window);
        ssize_t got = image_read(f->image, at, f->to, buf_reserve(&f->window, room), room);
        f->window.len = got > 0 ? (size_t)got : 0;
        f->window_at = at;
        skip = 0;
    }
    *end = image_ahead(f->image, f->window_at, f->window.len) >= f->to || f->window.len < room;
    return slice_from(buf_slice(&f->window), skip);
}

/* Between cuts places and bytes of the window run side by side; where one was cut out, the window
 * begins anew behind it. most: bytes passed over, and of places that do not hold, before it is
 * given up; 0: any. */
static bool next_place(struct rdb_footing *f, uint64_t from, uint64_t until, uint64_t most,
                       uint64_t *at)
{
    f->tried = 0;
    f->window.len = 0;
    uint64_t begun = from = image_ahead(f->image, from, 0);
    while (from < until && (most == 0 || f->tried + (from - begun) < most)) {
        bool end;
        struct slice bytes = window_from(f, from, &end);
        if (bytes.len == 0)
            return false;
        bool dear = f->tried > TRIED_FREE && f->tried / TRIED_TIMES > from - begun;
        if (may_begin(f->reader, (const uint8_t *)bytes.data, bytes.len) &&
            holds(f, from, bytes, end, dear)) {
            *at = from;
            return true;
        }
        uint64_t next = image_ahead(f->image, from, 1);
        if (next != from + 1)
            f->window.len = 0;
        from = next;
    }
    return false;
}

/* Record follows record from at to `to` or beyond, with names as those before. */
static bool reaches(struct rdb_footing *f, uint64_t at, uint64_t to)
{
    struct image_stream s;
    struct in in;
    size_t known = rdb_templates_known(f->reader);
    struct chain_read c = {.in = &in, .end = true};
    image_stream(&s, &in, f->image, at, f->to, 64 << 10);
    rdb_resume(f->reader, &in, f->db);
    bool ok = true;
    while (ok && image_place(&s, in_offset(&in)) < to)
        ok = !in_at_end(&in) && read_one(f, &c);
    f->tried += in_offset(&in);
    in_free(&in);
    rdb_templates_forget(f->reader, known);
    return ok;
}

/* Instead of a place with a record whose name is unlike those before. */
static bool better_place(struct rdb_footing *f, uint64_t than, uint64_t unlike_to, uint64_t *at)
{
    uint64_t spent = 0, from = than;
    while (spent < FOOTING_DOUBTS) {
        from = image_ahead(f->image, from, 1);
        if (!next_place(f, from, unlike_to, FOOTING_DOUBTS - spent, &from))
            return false;
        unsigned keys = f->keys;
        if (reaches(f, from, unlike_to)) {
            f->keys = keys;
            *at = from;
            return true;
        }
        spent += f->tried;
    }
    return false;
}

bool rdb_footing(struct rdb_footing *f, uint64_t from, uint64_t *at)
{
    uint64_t until = f->until && f->until < f->to ? f->until : f->to;
    if (!next_place(f, from, until, 0, at))
        return false;
    uint64_t tried = f->tried, unlike_to = f->unlike_to;
    unsigned keys = f->keys;
    f->like_only = true;
    if (unlike_to && !better_place(f, *at, unlike_to < until ? unlike_to : until, at))
        f->keys = keys;
    f->like_only = false;
    f->tried = tried;
    return true;
}

void rdb_footing_free(struct rdb_footing *f)
{
    buf_free(&f->window);
}
