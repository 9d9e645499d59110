/* SPDX-License-Identifier: BSD-3-Clause */
/* Logs for tests of what reads them: units with a number each, plain or in batches with checksums,
 * and the damage that disks do. */
#ifndef TESTS_UNIT_TOOLS_LOG_MAKE_H
#define TESTS_UNIT_TOOLS_LOG_MAKE_H

#include <stdio.h>
#include <string.h>

#include "base/rand.h"
#include "format/aof_write.h"
#include "tests/unit/format/aof_lines.h"

enum made_kind { MADE_PLAIN, MADE_LONG, MADE_SMALL, MADE_MIXED, MADE_OLD,
                 MADE_SECOND, /* small ones of a unit each, one long line behind all */
                 MADE_KINDS };
enum { MADE_ID = 4711, MADE_UNITS_MAX = 8192 };

struct made {
    struct buf text;
    uint64_t id; /* 0: MADE_ID */
    size_t units;
    size_t from[MADE_UNITS_MAX], to[MADE_UNITS_MAX]; /* in text */
};

static inline uint64_t made_rand(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* SET k:<n> with a value of some length, or MULTI with a few; hostile: of what is RESP itself. */
static inline void made_unit(struct buf *to, size_t n, uint64_t *seed, bool hostile)
{
    char key[32], value[600];
    bool multi = made_rand(seed) % 8 == 0;
    unsigned count = multi ? 2 + (unsigned)(made_rand(seed) % 3) : 1;
    const struct slice begin[] = {SLICE_LIT("MULTI")}, end[] = {SLICE_LIT("EXEC")};
    if (multi)
        aof_put_command(to, begin, 1);
    for (unsigned i = 0; i < count; i++) {
        snprintf(key, sizeof key, "k:%zu:%u", n, i);
        size_t len = (size_t)(made_rand(seed) % 5 ? made_rand(seed) % 60 : made_rand(seed) % 600);
        for (size_t j = 0; j < len; j++)
            value[j] = (char)('a' + made_rand(seed) % 26);
        struct buf text = {0};
        if (hostile && made_rand(seed) % 3 == 0)
            for (unsigned j = 0; j <= made_rand(seed) % 4; j++) {
                const struct slice evil[] = {SLICE_LIT("SET"), SLICE_LIT("evil"), SLICE_LIT("yes")};
                buf_add(&text, SLICE_LIT("\r\n"));
                aof_put_command(&text, evil, 3);
            }
        else
            buf_append(&text, value, len);
        const struct slice argv[] = {SLICE_LIT("SET"), slice_str(key), buf_slice(&text)};
        aof_put_command(to, argv, 3);
        buf_free(&text);
    }
    if (multi)
        aof_put_command(to, end, 1);
}

static inline void made_seal(struct made *m, struct aof_chain *c, enum made_kind kind,
                             struct buf *body, uint64_t *seed)
{
    size_t before = m->text.len, first = m->units;
    bool small = (kind == MADE_SMALL || kind == MADE_SECOND ||
                  (kind == MADE_MIXED && made_rand(seed) % 2)) &&
                 aof_small_takes(buf_slice(body));
    if (kind == MADE_OLD)
        put_old_batch(&m->text, c, buf_slice(body), 0);
    else if (small)
        put_small(&m->text, c, buf_slice(body));
    else
        put_batch(&m->text, c, buf_slice(body), 0);
    size_t at = m->text.len - body->len - (small ? AOF_SMALL_LINE : 0);
    while (first > 0 && m->from[first - 1] == SIZE_MAX)
        first--;
    for (size_t i = first, done = 0; i < m->units; i++) { /* to held the length */
        m->from[i] = at + done;
        done += m->to[i];
        m->to[i] = at + done;
    }
    (void)before;
    buf_clear(body);
}

/* So many units. m is empty, but may be large: static or allocated. */
static inline void made_log(struct made *m, enum made_kind kind, size_t units, uint64_t *seed,
                            bool hostile)
{
    struct aof_chain c = {0};
    struct buf body = {0}, one = {0};
    m->units = 0;
    buf_clear(&m->text);
    if (kind != MADE_PLAIN)
        aof_chain_begin(&c, &(struct aof_session){.id = m->id ? m->id : MADE_ID, .seq = 1},
                        &m->text);
    for (size_t n = 0; n < units; n++) {
        do {
            buf_clear(&one);
            made_unit(&one, n, seed, hostile);
        } while (kind == MADE_SECOND && !aof_small_takes(buf_slice(&one)));
        if (kind == MADE_PLAIN) {
            m->from[n] = m->text.len;
            buf_add(&m->text, buf_slice(&one));
            m->to[n] = m->text.len;
            m->units++;
            continue;
        }
        m->from[n] = SIZE_MAX;
        m->to[n] = one.len;
        m->units++;
        buf_add(&body, buf_slice(&one));
        if (kind == MADE_SECOND || made_rand(seed) % 3 == 0 || n + 1 == units)
            made_seal(m, &c, kind, &body, seed);
        bool lines = kind == MADE_SMALL || kind == MADE_MIXED;
        if (!body.len && ((lines && n % 40 == 39) ||
                          ((lines || kind == MADE_SECOND) && n + 1 == units)))
            put_batch(&m->text, &c, SLICE_LIT(""), 0);
    }
    buf_free(&one);
    buf_free(&body);
}

enum made_fault { FLIP, ZEROED, LOST, DOUBLED, CUT_OFF, MADE_FAULTS };
static inline const char *made_fault_name(enum made_fault f)
{
    static const char *const names[] = {"bit flip", "zeroed page", "lost page", "doubled page",
                                        "truncation"};
    return names[f];
}

/* Somewhere in text. Returns where. */
static inline size_t made_damage(struct buf *text, enum made_fault fault, uint64_t *seed)
{
    enum { PAGE = 4096 };
    if (!text->len)
        return 0;
    size_t at = (size_t)(made_rand(seed) % text->len), page = at / PAGE * PAGE;
    if (fault == DOUBLED && text->len - page < PAGE && page)
        page -= PAGE; /* a whole one */
    size_t n = text->len - page < PAGE ? text->len - page : PAGE;
    struct buf copy = {0};
    switch (fault) {
    case FLIP: text->data[at] ^= (char)(1 << made_rand(seed) % 8); return at;
    case ZEROED: memset(text->data + page, 0, n); break;
    case LOST:
        memmove(text->data + page, text->data + page + n, text->len - page - n);
        text->len -= n;
        break;
    case DOUBLED:
        buf_append(&copy, text->data + page, text->len - page);
        text->len = page + n;
        buf_add(text, buf_slice(&copy));
        buf_free(&copy);
        break;
    default: text->len = at; return at;
    }
    return page;
}

#endif
