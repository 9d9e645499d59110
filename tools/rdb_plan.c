/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/rdb_plan.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/must.h"
#include "format/rdb.h"

enum { MAGIC = 9 };

/* ---- the header ---- */

static bool parse_magic(const char *magic, bool *valkey, int *version)
{
    *version = -1;
    *valkey = memcmp(magic, "VALKEY", 6) == 0;
    const char *at = magic + (*valkey ? 6 : 5);
    int n = 0;
    if (!*valkey && memcmp(magic, "REDIS", 5) != 0)
        return false;
    for (; at < magic + MAGIC; at++) {
        if (*at < '0' || *at > '9')
            return false;
        n = n * 10 + (*at - '0');
    }
    *version = n;
    return *valkey ? *version >= RDB_VERSION_VALKEY_MIN && *version <= RDB_VERSION_VALKEY_MAX
                   : *version >= 1 && *version <= RDB_VERSION_REDIS_MAX;
}

/* One that can't be read is taken for one of ours: whatever it was, types have kept their
 * meaning. */
static void read_header(struct rdb_plan *p, struct rdb_image *m)
{
    char head[MAGIC + 80];
    ssize_t got = image_read(m, m->begin, m->end, head, sizeof head);
    p->version = p->unknown = -1;
    p->header_ok = got >= MAGIC && parse_magic(head, &p->valkey, &p->version);
    if (!p->header_ok) {
        p->unknown = p->version;
        p->valkey = false;
        p->version = RDB_VERSION_OURS;
    }
    static const char word[] = "\xfa\x0c" RDB_AUX_INTEGRITY;
    const char *at = got > MAGIC ? memmem(head + MAGIC, (size_t)got - MAGIC, word, sizeof word - 1)
                                 : NULL;
    p->announced |= at != NULL;
    p->trailer_due |= at && memmem(at, (size_t)(head + got - at), " trailer", 8) != NULL;
}

/* Where the announcement is damaged, the file's end may have something that only comes with it. */
static void look_for_traces(struct rdb_plan *p, struct rdb_image *m)
{
    enum { TAIL = 64 << 10 };
    static const char *const traces[] = {"#HF:", RDB_AUX_DIGEST, RDB_AUX_BLOCK};
    uint64_t n = m->end - m->begin < TAIL ? m->end - m->begin : TAIL;
    struct buf tail = {0};
    ssize_t got = image_read(m, m->end - n, m->end, buf_reserve(&tail, (size_t)n), (size_t)n);
    for (size_t i = 0; got > 0 && i < sizeof traces / sizeof *traces; i++)
        p->announced |= memmem(tail.data, (size_t)got, traces[i], strlen(traces[i])) != NULL;
    buf_free(&tail);
}

/* ---- corrections ---- */

static void note(struct rdb_plan *p, struct rdb_image *m, uint64_t block,
                 const struct correction *c)
{
    struct plan_correction done = {.block = block, .done = *c};
    correction_apply(m, c);
    buf_append(&p->corrections, &done, sizeof done);
}

static void correct_block(struct rdb_plan *p, struct rdb_image *m, struct listed_block *b)
{
    struct correction c;
    uint64_t len = image_len(m, b->from, b->to);
    bool found = b->unplaced ? false
                 : len == b->told.len ? correct_bits(m, b->from, b->to, b->told.crc, &c)
                                      : correct_repetition(m, b->from, b->to, b->told.len,
                                                           b->told.crc, &c);
    if (!found)
        return;
    note(p, m, b->number, &c);
    b->state = block_is_good(m, &b->told, image_ahead(m, b->from, 0)) ? BLOCK_CORRECTED
                                                                      : BLOCK_DAMAGED;
    must(b->state == BLOCK_CORRECTED);
}

/* A record that was damaged can tell of its block once it has been corrected. */
static void correct_blocks(struct rdb_plan *p, struct rdb_image *m)
{
    size_t corrected = 0;
    for (size_t i = 0; i < blocks_count(&p->list); i++) {
        struct listed_block *b = blocks_at(&p->list, i);
        if (b->state == BLOCK_DAMAGED)
            correct_block(p, m, b);
        corrected += b->state == BLOCK_CORRECTED;
    }
    if (!corrected || p->list.by_trailer)
        return;
    p->list.searched = false;
    buf_clear(&p->list.records);
    blocks_locate(&p->list, m);
}

/* ---- without blocks ---- */

/* The file's own checksum is taken for what its last bytes are, whatever header and end look like:
 * they may be what is damaged. What the correction gives has to have both. */
static bool ends_well(struct rdb_plan *p, struct rdb_image *m)
{
    uint8_t tail[9];
    read_header(p, m);
    return p->header_ok && p->version >= RDB_VERSION_CRC && m->end - m->begin > MAGIC + 9 &&
           image_read(m, image_ahead(m, m->end - 9, 0), m->end, tail, 9) == 9 &&
           tail[0] == RDB_OP_EOF && load_le64(tail + 1) != 0;
}

/* A bit of the checksum itself is another way to differ by one bit. */
static bool try_stored(struct rdb_plan *p, struct rdb_image *m, uint64_t differs)
{
    if (__builtin_popcountll(differs) != 1)
        return false;
    int bit = __builtin_ctzll(differs);
    struct correction c = {.at = m->end - 8 + (uint64_t)bit / 8, .bits = 1};
    c.flips[0] = (uint8_t)(1 << bit % 8);
    note(p, m, 0, &c);
    return true;
}

static bool try_repetition(struct rdb_plan *p, struct rdb_image *m, uint64_t stored)
{
    static const uint64_t pages[] = {4096, 512};
    uint64_t end = m->end - 8, len = end - m->begin;
    struct correction c;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (len > pages[i] &&
            correct_repetition(m, m->begin, end, len - pages[i], stored, &c)) {
            note(p, m, 0, &c);
            return true;
        }
    return false;
}

static bool correct_whole(struct rdb_plan *p, struct rdb_image *m, uint64_t differs,
                          uint64_t stored)
{
    struct correction c;
    if (try_stored(p, m, differs))
        return true;
    if (correct_bits(m, m->begin, m->end - 8, stored, &c)) {
        note(p, m, 0, &c);
        return true;
    }
    return try_repetition(p, m, stored);
}

static void check_whole(struct rdb_plan *p, struct rdb_image *m)
{
    uint8_t tail[8];
    if (m->open_end || m->end - m->begin < MAGIC + 9 ||
        image_read(m, m->end - 8, m->end, tail, 8) != 8)
        return;
    uint64_t stored = load_le64(tail);
    uint64_t differs = image_crc(m, 0, m->begin, m->end - 8) ^ stored;
    p->has_crc = ends_well(p, m);
    p->crc_at = m->end - 8;
    p->crc_ok = p->has_crc && differs == 0;
    if (p->crc_ok || differs == 0 || stored == 0 || !correct_whole(p, m, differs, stored))
        return;
    p->crc_ok = ends_well(p, m);
    if (p->crc_ok) {
        p->has_crc = true;
        return;
    }
    buf_clear(&m->patches); /* there were none before */
    buf_clear(&m->cuts);
    buf_clear(&p->corrections);
}

/* ---- spans ---- */

static void add_span(struct rdb_plan *p, const struct rdb_span *s)
{
    if (s->from < s->to)
        buf_append(&p->spans, s, sizeof *s);
}

static void cut_into_spans(struct rdb_plan *p, const struct rdb_image *m)
{
    uint64_t at = m->begin;
    bool whole = true; /* what came before ended with a record */
    for (size_t i = 0; i < blocks_count(&p->list); i++) {
        const struct listed_block *b = blocks_at(&p->list, i);
        bool sure = b->state >= BLOCK_GOOD;
        bool starts = sure || !b->unplaced;
        add_span(p, &(struct rdb_span){.from = at, .to = b->from, .trust = SPAN_DOUBTFUL,
                                       .adjoins = whole, .whole = starts});
        struct rdb_span s = {.from = b->from, .to = b->to, .has_db = true, .db = b->told.db,
                             .trust = sure ? SPAN_SURE : SPAN_DOUBTFUL, .block = b->number,
                             .adjoins = starts, .whole = starts, .keys = b->told.keys};
        add_span(p, &s);
        at = b->to;
        whole = starts;
    }
    add_span(p, &(struct rdb_span){.from = at, .to = p->list.rdb_end, .trust = SPAN_DOUBTFUL,
                                   .adjoins = whole});
}

void plan_look(struct rdb_plan *p, struct rdb_image *m)
{
    *p = (struct rdb_plan){0};
    read_header(p, m);
    look_for_traces(p, m);
    if (!m->open_end && p->announced)
        blocks_list(&p->list, m);
    else
        p->list.rdb_end = p->list.behind = m->end;
}

void plan_make(struct rdb_plan *p, struct rdb_image *m, uint64_t threads)
{
    plan_look(p, m);
    if (m->open_end || !p->announced)
        blocks_list(&p->list, m);
    blocks_verify(&p->list, m, threads);
    size_t n = blocks_count(&p->list);
    bool holds = n && !p->list.bad && blocks_at(&p->list, n - 1)->to == p->list.rdb_end;
    if (!holds && (n || p->announced))
        blocks_locate(&p->list, m);
    if (plan_has_blocks(p)) {
        correct_blocks(p, m);
        read_header(p, m);
        cut_into_spans(p, m);
        return;
    }
    check_whole(p, m);
    read_header(p, m);
    add_span(p, &(struct rdb_span){.from = m->begin, .to = m->end, .adjoins = p->header_ok,
                                   .trust = p->crc_ok      ? SPAN_SURE
                                            : p->announced ? SPAN_DOUBTFUL
                                                           : SPAN_UNSURE});
}

/* The list may come from an index behind a second copy of the file. */
uint64_t plan_end(const struct rdb_plan *p, struct rdb_image *m, uint64_t end_at, bool *index)
{
    uint64_t end = end_at;
    must(end_at > 0 && end_at <= m->end);
    *index = p->list.by_trailer && p->list.rdb_end == end_at;
    if (*index)
        return p->list.behind;
    *index = blocks_index_at(m, end_at, &end);
    return *index ? end : end_at;
}

void plan_free(struct rdb_plan *p)
{
    blocks_list_free(&p->list);
    buf_free(&p->spans);
    buf_free(&p->corrections);
}
