/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/rdb_tell.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "format/rdb.h"
#include "tools/library_text.h"

enum { ROWS_MAX = 1000 };

void rdb_tell_begin(struct rdb_tell *t, struct findings *to, struct rdb_image *m,
                    const struct rdb_plan *p, const char *file)
{
    *t = (struct rdb_tell){.to = to, .image = m, .plan = p, .file = file};
}

static struct say *say_of(const struct rdb_tell *t)
{
    return &t->to->tool->say;
}

/* ---- the file as a whole ---- */

/* Nothing of the data is lost, as salvage can put it right. */
static void tell_correctable(struct rdb_tell *t, const struct plan_correction *p)
{
    const struct correction *c = &p->done;
    char what[160];
    if (c->cut_to)
        snprintf(what, sizeof what, "%" PRIu64 " bytes stand there twice", c->cut_to - c->at);
    else
        snprintf(what, sizeof what, "%u flipped bit%s, as the checksum tells: byte %" PRIu64
                 " xor 0x%02x", c->bits, c->bits == 1 ? "" : "s", c->at, c->flips[0]);
    finding_add(t->to, &(struct finding){
        .cost = TOOL_DAMAGED, .file = t->file, .from = c->at,
        .to = c->cut_to ? c->cut_to : c->at + 1,
        .unit = p->block ? "block" : NULL, .number = p->block, .what = what,
        .costs = "holdfast salvage puts it right; nothing is lost"});
}

static void tell_correction(struct rdb_tell *t, const struct plan_correction *p)
{
    const struct correction *c = &p->done;
    char what[160];
    if (c->cut_to) {
        snprintf(what, sizeof what, "%" PRIu64 " bytes stand there twice; they are read once",
                 c->cut_to - c->at);
    } else {
        snprintf(what, sizeof what, "%u flipped bit%s, found by the checksum, put right: byte "
                 "%" PRIu64 " xor 0x%02x%s", c->bits, c->bits == 1 ? "" : "s", c->at, c->flips[0],
                 c->flips[1] | c->flips[2] | c->flips[3] ? " and those behind it" : "");
    }
    if (t->only_looks) {
        tell_correctable(t, p);
        return;
    }
    say_row(say_of(t), "corrections",
            FIELDS(SAY_U64("offset", c->at), SAY_U64("to", c->cut_to ? c->cut_to : c->at + 1),
                   SAY_U64("block", p->block), SAY_U64("bits", c->bits),
                   SAY_U64("xor", c->flips[0] | (uint64_t)c->flips[1] << 8 |
                                  (uint64_t)c->flips[2] << 16 | (uint64_t)c->flips[3] << 24),
                   SAY_TEXT("what", what)),
            "%s: offset %" PRIu64 ": %s", t->file, c->at, what);
}

static void add(struct rdb_tell *t, enum tool_exit cost, uint64_t at, const char *unit,
                const char *what)
{
    finding_add(t->to, &(struct finding){.cost = cost, .file = t->file, .from = at, .to = at,
                                         .unit = unit, .what = what});
}

/* Where no block checksums tell that what stands behind it is right, nothing does. */
static void tell_header(struct rdb_tell *t)
{
    char what[100];
    if (t->plan->unknown >= 0) {
        snprintf(what, sizeof what, "RDB version %d is none of those this program knows; version "
                 "11 is assumed", t->plan->unknown);
        add(t, TOOL_NEWER, t->image->begin, "header", what);
    } else {
        add(t, plan_has_blocks(t->plan) ? TOOL_DAMAGED : TOOL_LOSS, t->image->begin, "header",
            "The header is damaged; version 11 is assumed");
    }
}

void rdb_tell_file(struct rdb_tell *t)
{
    const struct rdb_plan *p = t->plan;
    size_t n = p->corrections.len / sizeof(struct plan_correction);
    const struct plan_correction *c = (const struct plan_correction *)(void *)p->corrections.data;
    for (size_t i = 0; i < n; i++)
        tell_correction(t, &c[i]);
    if (!p->header_ok)
        tell_header(t);
    if (plan_has_blocks(p) && !p->list.by_trailer && p->trailer_due)
        add(t, TOOL_DAMAGED, t->image->end, "trailer",
            "The block index behind the RDB is missing or damaged; the records between the keys "
            "tell of the blocks");
    if (t->image->unreadable)
        add(t, TOOL_CANNOT_OPEN, t->image->begin, NULL,
            "The disk can't read some pages: they are taken for zeros");
}

/* ---- libraries of functions ---- */

void rdb_tell_record(struct rdb_tell *t, const struct rescued *r)
{
    bool doubtful = r->kind == RDB_REC_FUNCTION && r->doubtful;
    t->span_libraries += doubtful;
    t->libraries_doubtful += doubtful;
}

static void tell_lost_library(struct rdb_tell *t, struct slice name, uint64_t at, struct buf *what)
{
    enum { NAMED_MAX = 20 };
    if (++t->libraries_lost <= NAMED_MAX)
        buf_printf(what, "; the library of functions '%.*s' lies in it, at offset %" PRIu64,
                   SLICE_ARG(name), at);
    if (!t->only_looks && t->libraries_lost <= ROWS_MAX)
        say_row(say_of(t), "lost_libraries",
                FIELDS(SAY_BYTES("name", name), SAY_U64("offset", at)), NULL);
}

/* Records of libraries whose first bytes can be told in the hole. */
static void look_for_libraries(struct rdb_tell *t, const struct rescue_hole *h, struct buf *what)
{
    enum { WINDOW = 64 << 10 };
    struct buf window = {0};
    for (uint64_t at = h->from; at < h->to;) {
        size_t left = h->to - at < WINDOW ? (size_t)(h->to - at) : WINDOW;
        buf_clear(&window);
        ssize_t got = image_read(t->image, at, h->to, buf_reserve(&window, left), left);
        if (got <= 0)
            break;
        struct slice all = slice(window.data, (size_t)got), name;
        bool last = image_ahead(t->image, at, all.len) >= h->to;
        size_t end = last || all.len <= LIBRARY_RECORD_HEAD ? all.len
                                                            : all.len - LIBRARY_RECORD_HEAD;
        for (size_t i = 0; i < end; i++)
            if (library_record_begins(slice_from(all, i), &name))
                tell_lost_library(t, name, image_ahead(t->image, at, i), what);
        at = image_ahead(t->image, at, end);
    }
    buf_free(&window);
}

/* They stand in front of all keys, in files that have such a thing. */
static void put_libraries(struct rdb_tell *t, const struct rescue_hole *h, struct buf *what)
{
    uint64_t before = t->libraries_lost;
    if (h->has_before || (!t->plan->valkey && t->plan->version < RDB_VERSION_FUNCTIONS))
        return;
    look_for_libraries(t, h, what);
    buf_printf(what, "; %slibraries of functions may have stood in it, as it lies in front of all "
               "keys", t->libraries_lost > before ? "other " : "");
    t->libraries_unsure = true;
}

/* ---- holes and spans ---- */

static void put_neighbours(struct buf *to, const struct rescue_hole *h)
{
    if (h->has_before)
        buf_printf(to, "; the last key before it is '%s'", h->before);
    if (h->has_after)
        buf_printf(to, "; the first behind it '%s'", h->after);
    else if (h->at_end)
        buf_printf(to, "; no key was found behind it");
    if (h->has_after && !h->block)
        buf_printf(to, "; keys behind it are taken for database %u's, and may be another's", h->db);
}

/* A fault's key is printable text already. */
static void tell_one(struct rdb_tell *t, const struct rescue_hole *h, enum tool_exit cost)
{
    struct buf what = {0};
    buf_printf(&what, "%s: nothing can be read up to offset %" PRIu64, h->fault.what, h->to);
    put_neighbours(&what, h);
    put_libraries(t, h, &what);
    finding_add(t->to, &(struct finding){
        .cost = cost, .file = t->file, .from = h->from, .to = h->to,
        .unit = h->block ? "block" : NULL, .number = h->block, .doing = h->fault.doing,
        .what = buf_cstr(&what), .has_db = h->has_db, .db = h->db, .has_key = h->fault.has_key,
        .key = slice_str(h->fault.key)});
    buf_free(&what);
}

void rdb_tell_hole(struct rdb_tell *t, const struct rescue_hole *h)
{
    bool end = h->at_end && h->fault.code == FAULT_EOF && h->to == t->image->end;
    bool newer = h->fault.code == FAULT_CANNOT_HOLD;
    t->holes++;
    t->truncated |= end;
    tell_one(t, h, newer ? TOOL_NEWER : end ? TOOL_TRUNCATED : TOOL_LOSS);
}

static void tell_block(struct rdb_tell *t, const struct rdb_span *s, uint64_t keys)
{
    struct buf what = {0};
    uint64_t lost = s->keys > keys ? s->keys - keys : 0;
    char costs[200], libraries[80] = "";
    if (t->span_libraries)
        snprintf(libraries, sizeof libraries, "; so %s %" PRIu64 " librar%s of functions",
                 t->span_libraries == 1 ? "is" : "are", t->span_libraries,
                 t->span_libraries == 1 ? "y" : "ies");
    snprintf(costs, sizeof costs, "%" PRIu64 " keys were in it; %" PRIu64 " can be read, and are "
             "doubtful%s", s->keys, keys, libraries);
    buf_printf(&what, "The block's checksum is wrong");
    finding_add(t->to, &(struct finding){
        .cost = s->keys || t->span_libraries ? TOOL_LOSS : TOOL_DAMAGED,
        .file = t->file, .from = s->from, .to = s->to,
        .unit = "block", .number = s->block, .what = buf_cstr(&what), .has_db = true, .db = s->db,
        .costs = costs, .keys_lost = lost});
    t->keys_lost += lost;
    buf_free(&what);
}

/* Between blocks: what no record tells of. Only keys there cost something: to a salvage, which
 * leaves them out of its product. Where the file is cut off behind them, and nothing else is wrong
 * with it, a load up to there gives them all. */
static void tell_gap(struct rdb_tell *t, const struct rdb_span *s, uint64_t keys)
{
    char costs[120];
    bool only_cut = t->only_looks && t->truncated && t->holes == 1 && s->to == t->image->end;
    snprintf(costs, sizeof costs, "%" PRIu64 " keys can be read there, and are doubtful", keys);
    finding_add(t->to, &(struct finding){
        .cost = only_cut ? TOOL_TRUNCATED : TOOL_LOSS, .file = t->file,
        .from = s->from, .to = s->to,
        .what = "No block checksum tells of these bytes", .costs = costs});
}

void rdb_tell_span(struct rdb_tell *t, const struct rdb_span *s, uint64_t keys, bool holes)
{
    if (s->trust == SPAN_DOUBTFUL && s->block)
        tell_block(t, s, keys);
    else if (s->trust == SPAN_DOUBTFUL && (keys || holes || t->span_libraries))
        tell_gap(t, s, keys);
    t->span_libraries = 0;
}

void rdb_tell_borders(struct rdb_tell *t, const struct rdb_borders *b)
{
    char what[160];
    t->borders = rdb_borders_count(b);
    for (size_t i = 0; i < t->borders; i++) {
        const struct rdb_border *is = rdb_borders_at(b, i);
        snprintf(what, sizeof what, "The file's checksum is wrong, and %" PRIu64 " keys are read "
                 "where it says %" PRIu64, is->keys, is->due);
        finding_add(t->to, &(struct finding){
            .cost = TOOL_LOSS, .file = t->file, .from = is->from, .to = is->from,
            .unit = "record", .what = what, .has_db = true, .db = is->db,
            .costs = is->keys > is->due
                         ? "A change of database is lost among them: from here on they may be "
                           "another's, and are doubtful"
                         : "Bytes are gone, and a change of database may be one of them: they may "
                           "be another's, and are doubtful"});
    }
}

/* Where a checksum of its own tells that the RDB is whole, what is around it costs nothing. */
static void tell_wrapping(struct rdb_tell *t, const struct fault *cut, bool ended, bool checked)
{
    must(fault_is(cut));
    bool whole = ended && !t->holes && (checked || cut->code == FAULT_EOF);
    struct finding is = {.cost = cut->code == FAULT_EOF ? TOOL_TRUNCATED
                                 : whole                ? TOOL_DAMAGED
                                                        : TOOL_LOSS,
                         .file = t->file, .from = t->image->end, .to = t->image->end,
                         .unit = "compression", .what = cut->what,
                         .costs = whole   ? "The RDB in it is whole: nothing of the data is lost"
                                  : ended ? "The RDB in it can be read to its end, and no checksum "
                                            "tells whether it is what was written"
                                          : "What came out before that is all there is"};
    finding_add(t->to, &is);
}

void rdb_tell_end(struct rdb_tell *t, const struct rescue *x, const struct fault *cut)
{
    const struct rdb_plan *p = t->plan;
    bool checked = plan_has_blocks(p) || p->crc_ok || x->end_checked;
    if (fault_is(cut))
        tell_wrapping(t, cut, x->ended, checked);
    if (x->ended && x->end_short)
        add(t, TOOL_TRUNCATED, x->end_at, "trailer",
            "The file's checksum is cut off; nothing of the data is");
    else if (x->ended && p->has_crc && !checked && !t->holes && !t->borders)
        add(t, TOOL_LOSS, p->crc_at, "trailer",
            "The file's checksum is wrong, and nothing shows where: some value is not what was "
            "written");
}

/* ---- keys ---- */

void rdb_tell_library(struct rdb_tell *t, const struct rescued *r)
{
    say_row(say_of(t), "doubtful_libraries",
            FIELDS(SAY_TEXT("name", r->key), SAY_U64("offset", r->from)),
            "doubtful: offset %" PRIu64 ", library of functions '%s'", r->from, r->key);
}

void rdb_tell_doubtful(struct rdb_tell *t, const struct rescued *r)
{
    if (++t->doubtful <= ROWS_MAX)
        say_row(say_of(t), "doubtful_keys",
                FIELDS(SAY_U64("db", r->db), SAY_TEXT("key", r->key), SAY_U64("offset", r->from),
                       SAY_U64("block", r->block)),
                "doubtful: offset %" PRIu64 ", db %u%s, key '%s'", r->from, r->db,
                r->db_unsure ? " (or another)" : "", r->key);
}

void rdb_tell_partial(struct rdb_tell *t, const struct rescued *r, uint64_t elements)
{
    say_row(say_of(t), "partial_keys",
            FIELDS(SAY_U64("db", r->db), SAY_TEXT("key", r->key), SAY_U64("offset", r->from),
                   SAY_U64("elements", elements)),
            "breaks off: offset %" PRIu64 ", db %u, key '%s': %" PRIu64 " elements before the "
            "damage", r->from, r->db, r->key, elements);
}
