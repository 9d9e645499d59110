/* SPDX-License-Identifier: BSD-3-Clause */
/* One span:
 *
 *   enter --> step --record--> (held back in an unsure span) --> ops->record
 *              |  \--end of the span, of the RDB
 *              fault: what is held is doubtful; rdb_footing from the first held record on
 *                |-- found: the hole ends there, step goes on
 *                '-- not found: the hole reaches to the span's end */
#include "tools/rdb_rescue.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/must.h"
#include "tools/key_twice.h"
#include "tools/library_text.h"

enum { MAGIC = RESCUE_MAGIC };
#define NO_DB UINT_MAX
enum step { STEP_RECORD, STEP_END, STEP_FAULT };

/* ---- the stream ---- */

static void leave(struct rescue *x)
{
    if (x->open)
        in_free(&x->in);
    x->open = false;
}

static void enter(struct rescue *x, uint64_t at)
{
    leave(x);
    image_stream(&x->stream, &x->in, x->image, at, x->span->to, 0);
    x->open = true;
    rdb_resume(&x->reader, &x->in, x->db);
}

static uint64_t place(const struct rescue *x)
{
    return image_place(&x->stream, in_offset(&x->in));
}

/* The header comes from the plan: the file's own may be damaged. */
static bool begin(struct rescue *x)
{
    /* Who is given all events or hashes searches as well, and needs memory for it. */
    bool few = x->also || x->search;
    const struct rdb_options opt = {.databases = x->databases, .keep_modules = true,
                                    .unguarded = true,
                                    .distinct_max = few ? RDB_DISTINCT_FEW : RDB_DISTINCT_MAX,
                                    .search = x->search, .pending = &x->pending.ops};
    pending_file_begin(&x->pending, PENDING_FILE_HELD);
    int n = snprintf(x->magic, sizeof x->magic, x->plan->valkey ? "VALKEY%03d" : "REDIS%04d",
                     x->plan->version);
    must(n == MAGIC);
    in_init_memory(&x->head, slice(x->magic, MAGIC));
    digest_init(&x->digest);
    return rdb_open(&x->reader, &x->head, &opt);
}

/* ---- what may lie in a hole ---- */

/* A selection and its size begin a database anew. */
static void count_record(struct rescue *x, const struct rdb_record *rec, const struct rescued *r)
{
    struct rescue_db *d = &x->current;
    if (rec->kind == RDB_REC_DB) {
        *d = (struct rescue_db){.selected = true};
        x->db_lost = false;
    } else if (rec->kind == RDB_REC_RESIZE) {
        d->sized = true;
        d->keys_due = rec->keys;
    } else if (rec->kind == RDB_REC_KEY) {
        d->keys++;
        d->bytes += r->to - r->from;
    }
}

/* Could a selection lie in it? Not when the keys that are still due to this database would by far
 * not have fitted in front of it; HIDDEN: bytes that may be missing besides those that are seen.
 * Nobody can tell where a writer does not say how many keys a database has: that is passed over. */
static bool may_hide_selection(struct rescue *x)
{
    enum { HIDDEN = 4 << 10, TIMES = 4, KEY_BYTES_MIN = 4 };
    struct rescue_db *d = &x->current;
    d->hole_bytes += x->hole.to - x->hole.from + HIDDEN;
    if (!d->sized)
        return !d->selected && d->keys == 0;
    uint64_t due = d->keys_due > d->keys ? d->keys_due - d->keys : 0;
    double each = d->keys ? (double)d->bytes / (double)d->keys : KEY_BYTES_MIN;
    return (double)due * each < (double)d->hole_bytes * TIMES;
}

/* ---- records on their way ---- */

static void close_hole(struct rescue *x, const char *after)
{
    if (!x->hole_open)
        return;
    x->hole_open = false;
    x->hole.has_after = after != NULL;
    memcpy(x->hole.after, after ? after : "", after ? strlen(after) + 1 : 1);
    if (x->ops->hole)
        x->ops->hole(x->arg, &x->hole);
}

static void emit(struct rescue *x, const struct rescued *r)
{
    bool key = r->kind == RDB_REC_KEY;
    x->keys += key;
    x->doubtful += key && r->doubtful;
    if (key && !r->doubtful) {
        x->names.any_odd |= r->odd;
        x->names.longest = r->name_len > x->names.longest ? r->name_len : x->names.longest;
    }
    if (!x->stopped && !x->ops->record(x->arg, r))
        x->stopped = true;
}

/* A library with RESCUE_BEFORE others or keys behind it has swallowed none of them. */
static void doubt_held(struct rescue *x)
{
    size_t behind = 0;
    for (size_t i = x->held_count; i-- > 0;) {
        struct rescued *r = &x->held[i];
        bool key = r->kind == RDB_REC_KEY, library = r->kind == RDB_REC_FUNCTION;
        r->doubtful |= key || (library && behind < RESCUE_BEFORE);
        behind += key || library;
    }
}

static void let_go(struct rescue *x, bool doubtful)
{
    if (doubtful)
        doubt_held(x);
    for (size_t i = 0; i < x->held_count; i++)
        emit(x, &x->held[i]);
    x->held_count = x->held_keys = 0;
}

/* Of a key: may it be misread, as it stands behind a hole? RESCUE_BEHIND are; and when one of them
 * has an odd name, in a file where no name was odd before, as many behind it. */
static bool is_wary(struct rescue *x, const struct rescued *r)
{
    if (x->wary == 0)
        return false;
    if (r->odd && !x->names.any_odd)
        x->wary = RESCUE_BEHIND;
    else
        x->wary--;
    return true;
}

/* Keys come in order, but for a few that are read again behind a hole. */
static bool is_behind_border(struct rescue *x, uint64_t at)
{
    size_t n = x->borders ? rdb_borders_count(x->borders) : 0;
    while (x->border < n && rdb_borders_at(x->borders, x->border)->to <= at)
        x->border++;
    return x->border < n && rdb_borders_at(x->borders, x->border)->from <= at;
}

static void pass_on(struct rescue *x, struct rescued *r)
{
    if (r->kind == RDB_REC_KEY) {
        x->span_keys++;
        bool wary = is_wary(x, r), behind = is_behind_border(x, r->from);
        r->doubtful = x->span->trust == SPAN_DOUBTFUL || wary || x->db_lost || behind;
        r->db_unsure |= behind;
        close_hole(x, r->key);
        memcpy(x->last_key, r->key, sizeof x->last_key);
        x->has_last = true;
    } else if (r->kind == RDB_REC_FUNCTION) {
        r->doubtful = x->span->trust == SPAN_DOUBTFUL || x->wary > 0;
    }
    if (x->span->trust != SPAN_UNSURE) {
        emit(x, r);
        return;
    }
    x->held_keys += r->kind == RDB_REC_KEY;
    while (x->held_count == RESCUE_HELD || x->held_keys > RESCUE_BEFORE) {
        x->held_keys -= x->held[0].kind == RDB_REC_KEY;
        emit(x, &x->held[0]);
        memmove(x->held, x->held + 1, --x->held_count * sizeof *x->held);
    }
    x->held[x->held_count++] = *r;
}

/* ---- one step ---- */

static bool is_integrity(struct slice name)
{
    return slice_eq_str(name, RDB_AUX_INTEGRITY) || slice_eq_str(name, RDB_AUX_BLOCK) ||
           slice_eq_str(name, RDB_AUX_DIGEST);
}

static void describe(const struct rdb_record *rec, struct rescued *r)
{
    struct fault printable = {0};
    r->kind = rec->kind;
    r->opcode = rec->opcode;
    if (rec->kind == RDB_REC_KEY) {
        fault_set_key(&printable, rec->key.name);
        r->type = rec->key.rdb_type;
        r->db = rec->key.db;
        r->expire_ms = rec->key.expire_ms;
        r->name_len = rec->key.name.len;
        r->odd = rdb_name_is_odd(rec->key.name);
        r->hash = key_twice_hash(rec->key.name, r->db);
    } else if (rec->kind == RDB_REC_DB) {
        r->selects = rec->db;
    } else if (rec->kind == RDB_REC_RESIZE) {
        r->keys = rec->keys;
    } else if (rec->kind == RDB_REC_FUNCTION) {
        fault_set_key(&printable, library_name(rec->value));
        r->hash = key_twice_hash(library_name(rec->value), NO_DB);
    } else if (rec->kind == RDB_REC_AUX) {
        fault_set_key(&printable, rec->name);
        r->integrity = is_integrity(rec->name);
    }
    memcpy(r->key, printable.key, sizeof r->key);
}

/* Attributes that stood in front of something else than a key wait for the next one. */
static void note_waiting(const struct rescue *x, struct rescued *r)
{
    const struct rdb_reader *reader = &x->reader;
    r->before = (struct key_event){.expire_ms = reader->expire_ms, .idle_s = reader->idle_s,
                                   .freq = reader->freq};
    r->before_has = reader->expire_ms != KEY_NO_EXPIRE || reader->idle_s != KEY_NO_IDLE ||
                    reader->freq != KEY_NO_FREQ;
}

/* Attributes in front of what is no key's record are not a part of it. */
static uint64_t behind_attributes(struct rescue *x, uint64_t at)
{
    uint8_t p[2];
    while (image_read(x->image, at, x->span->to, p, 2) == 2) {
        unsigned len = p[0] == RDB_OP_EXPIRE_MS  ? 9
                       : p[0] == RDB_OP_EXPIRE_S ? 5
                       : p[0] == RDB_OP_FREQ     ? 2
                       : p[0] != RDB_OP_IDLE     ? 0
                       : p[1] < 0x40             ? 2
                       : p[1] < 0x80             ? 3
                       : p[1] == 0x80            ? 6
                                                 : 10;
        if (len == 0)
            break;
        at = image_ahead(x->image, at, len);
    }
    return at;
}

/* Attributes that stand in front of the end, where a key would be due: place is the end's. */
static bool end_follows(struct rescue *x, uint64_t from, uint64_t *at)
{
    uint8_t opcode;
    *at = behind_attributes(x, from);
    return *at > from && image_read(x->image, *at, x->span->to, &opcode, 1) == 1 &&
           opcode == RDB_OP_EOF;
}

/* A key without a name may be; two in a row are zeros. */
static bool is_zeros(struct rescue *x, const struct rdb_record *rec)
{
    if (x->span->trust == SPAN_SURE || rec->kind != RDB_REC_KEY || rec->key.name.len)
        return false;
    return rdb_zeros_follow(&x->in);
}

static void fail_here(struct rescue *x, enum fault_code code, const char *what)
{
    in_fail(&x->in, code, "%s", what);
}

/* All bytes of the RDB so far were one stream, and the checksum that stands behind this end is
 * theirs: it is the end, whatever follows (servers pass over that, too). */
static bool is_checked_end(struct rescue *x, struct slice head)
{
    uint8_t end = RDB_OP_EOF;
    if (x->reader.version < RDB_VERSION_CRC || head.len < 9 || x->span_holes ||
        x->span->from != x->image->begin)
        return false;
    uint64_t crc = image_crc(x->image, 0, x->span->from, x->stream.from);
    crc = crc64(crc64_combine(crc, in_crc(&x->in), in_offset(&x->in)), &end, 1);
    return load_le64((const uint8_t *)head.data + 1) == crc;
}

static bool find_footing(struct rescue *x, uint64_t from, uint64_t *at)
{
    x->footing.image = x->image;
    x->footing.reader = &x->reader;
    x->footing.to = x->span->to;
    x->footing.whole = x->span->whole;
    x->footing.db = x->db;
    x->footing.names = &x->names;
    bool trusted = x->reader.opt.trust_distinct;
    x->reader.opt.trust_distinct = false;
    bool found = rdb_footing(&x->footing, from, at);
    x->reader.opt.trust_distinct = trusted;
    return found;
}

/* Without a checksum an end in front of other bytes is one when nothing was wrong before it, and no
 * records lie behind. */
static bool is_plain_end(struct rescue *x, struct slice head, uint64_t end)
{
    static const char none[8];
    uint64_t at;
    if (x->span_holes || x->span->from != x->image->begin || head.len < end ||
        memcmp(head.data + 1, none, (size_t)end - 1) != 0)
        return false;
    return !find_footing(x, image_ahead(x->image, place(x), 1), &at);
}

/* Opcode 255 stands next: the end, or a hole. */
static bool takes_end(struct rescue *x, struct slice head)
{
    uint64_t left = in_left(&x->in), end = x->reader.version >= RDB_VERSION_CRC ? 9 : 1;
    x->end_short = left < end;
    x->end_checked = is_checked_end(x, head);
    bool ends = x->end_short || rdb_ends_here(x->reader.version, head, left) || x->end_checked ||
                x->span->trust == SPAN_SURE || x->image->open_end ||
                is_plain_end(x, head, end);
    if (!ends)
        return false;
    in_skip(&x->in, x->end_short ? left : end);
    x->ended = true;
    x->end_at = place(x);
    return true;
}

/* Attributes that belong to no key, and an end. Where a checksum tells that they were written so
 * they cost nothing, and servers pass over them; elsewhere a key may be missing behind them. */
static enum step end_behind_attributes(struct rescue *x, uint64_t at)
{
    enter(x, at);
    struct slice head = in_peek(&x->in, FOOTING_END_HEAD);
    x->in.doing = "read-type";
    if ((x->span->trust == SPAN_SURE || is_checked_end(x, head)) && takes_end(x, head))
        return STEP_END;
    fail_here(x, FAULT_FORMAT, "An end of file behind a key's attributes");
    return STEP_FAULT;
}

static enum step at_border(struct rescue *x)
{
    if (x->span->whole)
        return STEP_END;
    fail_here(x, FAULT_EOF, "The file ends here, before its RDB does");
    return STEP_FAULT;
}

static enum step step(struct rescue *x, struct rescued *r)
{
    struct rdb_record rec;
    struct hash128 before = x->digest.total;
    uint64_t end;
    *r = (struct rescued){.from = place(x), .block = x->span->block, .db = x->reader.db,
                          .templates = rdb_templates_known(&x->reader), .number = ++x->records,
                          .expire_ms = KEY_NO_EXPIRE, .db_unsure = x->db_unsure};
    rec.kind = RDB_REC_END;
    x->in.doing = "read-type";
    if (in_at_end(&x->in) && !in_bad(&x->in))
        return at_border(x);
    struct slice head = in_peek(&x->in, FOOTING_END_HEAD);
    if (head.len && (uint8_t)head.data[0] == RDB_OP_EOF) {
        if (takes_end(x, head))
            return STEP_END;
        fail_here(x, FAULT_FORMAT, "An end of file in the middle of it");
        return STEP_FAULT;
    }
    note_waiting(x, r);
    if (!rdb_next(&x->reader, &rec)) {
        r->kind = RDB_REC_OTHER; /* if it is a key's, its name could not be read */
        return end_follows(x, r->from, &end) ? end_behind_attributes(x, end) : STEP_FAULT;
    }
    describe(&rec, r);
    if (is_zeros(x, &rec))
        fail_here(x, FAULT_FORMAT, "Zeros where keys should be");
    if (rec.kind == RDB_REC_FUNCTION && x->ops->library)
        r->refused = !x->ops->library(x->arg, rec.value, r->from);
    bool ok = !in_bad(&x->in);
    struct sink *sink = x->also ? x->also : x->digests ? &x->digest.sink : NULL;
    if (ok && rec.kind == RDB_REC_KEY && x->ops->key)
        x->ops->key(x->arg, rec.key.offset, image_place(&x->stream, rec.key.offset));
    ok = ok && (sink ? rdb_body(&x->reader, &rec, sink) : rdb_skip(&x->reader, &rec));
    if (!ok)
        return STEP_FAULT;
    if (rec.opcode != RDB_OP_FUNCTION_OLD) /* which no digest of a file counts */
        r->digest = digest_between(before, x->digest.total);
    if (rec.kind != RDB_REC_KEY)
        r->from = behind_attributes(x, r->from);
    r->to = place(x);
    count_record(x, &rec, r);
    if (rec.kind == RDB_REC_DB)
        x->db_unsure = false;
    x->db = x->reader.db;
    return STEP_RECORD;
}

/* ---- holes ---- */

static void open_hole(struct rescue *x, const struct rescued *r)
{
    close_hole(x, NULL);
    x->hole = (struct rescue_hole){.from = r->from, .to = x->span->to, .span = x->span,
                                   .block = x->span->block, .fault = x->in.fault, .has_db = true,
                                   .db = x->reader.db, .has_before = x->has_last};
    x->hole.fault.offset = place(x);
    memcpy(x->hole.before, x->last_key, sizeof x->hole.before);
    x->hole_open = true;
    x->span_holes = true;
}

/* What is held and reaches beyond the place where several records follow was misread. */
static void drop_behind(struct rescue *x, uint64_t at)
{
    while (x->held_count && x->held[x->held_count - 1].to > at) {
        x->held_count--;
        x->hole.from = x->held[x->held_count].from;
        rdb_templates_forget(&x->reader, x->held[x->held_count].templates);
        x->held_keys -= x->held[x->held_count].kind == RDB_REC_KEY;
        x->span_keys -= x->held[x->held_count].kind == RDB_REC_KEY;
    }
}

/* A value that was found at its end to have an element twice is whole otherwise: what can be read
 * behind it does not lie within it. */
static bool goes_on_behind(struct rescue *x, uint64_t *at)
{
    uint64_t end = place(x);
    return x->reader.searched == RDB_SEARCH_TWICE && find_footing(x, end, at) && *at == end;
}

/* True: reading goes on. A file that only ends too early has its last records whole. */
static bool over_the_hole(struct rescue *x, const struct rescued *r)
{
    uint64_t from = x->held_count ? x->held[0].from : r->from, at;
    bool cut = x->in.fault.code == FAULT_EOF, behind = goes_on_behind(x, &at);
    open_hole(x, r);
    if (r->kind == RDB_REC_KEY && x->ops->broken)
        x->ops->broken(x->arg, r);
    bool found = behind || find_footing(x, image_ahead(x->image, from, 1), &at);
    if (found)
        drop_behind(x, at);
    let_go(x, found || !cut);
    x->hole.at_end = !found;
    if (!found) {
        leave(x);
        return false;
    }
    x->hole.to = at > x->hole.from ? at : x->hole.from;
    x->db_unsure = true;
    x->db_lost |= x->span->trust == SPAN_UNSURE && may_hide_selection(x);
    unsigned few = x->footing.keys;
    x->wary = x->span->trust != SPAN_UNSURE ? 0 : few > RESCUE_BEHIND ? few : RESCUE_BEHIND;
    enter(x, at);
    return true;
}

/* ---- spans ---- */

static void begin_span(struct rescue *x, const struct rdb_span *s)
{
    x->span = s;
    x->span_keys = 0;
    x->span_holes = false;
    x->wary = 0;
    x->reader.opt.trust_distinct = s->trust == SPAN_SURE;
    if (s->has_db) {
        x->db = s->db;
        x->db_unsure = x->db_lost = false;
        x->current = (struct rescue_db){0};
    }
}

/* The magic is not a record. Where it should be and is not, what follows may be anything. */
static uint64_t behind_magic(const struct rescue *x, const struct rdb_span *s)
{
    if (s->from != x->image->begin)
        return s->from;
    uint64_t at = image_ahead(x->image, s->from, MAGIC);
    return at < s->to ? at : s->to;
}

static bool enter_span(struct rescue *x, const struct rdb_span *s)
{
    uint64_t at = behind_magic(x, s);
    struct rescued r = {.kind = RDB_REC_OTHER, .from = at};
    if (s->adjoins) {
        enter(x, at);
        return true;
    }
    enter(x, at);
    in_fail(&x->in, FAULT_FORMAT, "Nothing tells where a record begins");
    return over_the_hole(x, &r);
}

static void read_span(struct rescue *x, const struct rdb_span *s)
{
    struct rescued r;
    begin_span(x, s);
    bool on = enter_span(x, s);
    while (on && !x->stopped) {
        enum step did = step(x, &r);
        if (did == STEP_RECORD)
            pass_on(x, &r);
        bool failed = fault_is(&x->pending.fault); /* that is no damage */
        x->stopped |= failed;
        on = did == STEP_RECORD || (did == STEP_FAULT && !failed && over_the_hole(x, &r));
        if (x->ops->at)
            x->ops->at(x->arg, r.from);
    }
    let_go(x, false);
    if (x->ended || s->to == x->plan->list.rdb_end)
        close_hole(x, NULL);
    if (x->ops->span)
        x->ops->span(x->arg, s, x->span_keys, x->span_holes);
}

void rescue_run(struct rescue *x)
{
    must(x->ops->record);
    bool ok = begin(x);
    must(ok);
    for (size_t i = 0; i < plan_spans(x->plan) && !x->stopped && !x->ended; i++)
        read_span(x, plan_span(x->plan, i));
    close_hole(x, NULL);
    x->empty_skipped = x->reader.empty_skipped;
}

bool rescue_again(struct rescue *x, const struct rescued *r, struct sink *sink)
{
    struct rdb_record rec;
    struct image_stream s;
    struct in in;
    size_t known = rdb_templates_known(&x->reader);
    image_stream(&s, &in, x->image, r->from, x->span->to, 0);
    rdb_resume(&x->reader, &in, r->db);
    if (rdb_next(&x->reader, &rec) && rec.kind == RDB_REC_KEY)
        rdb_body(&x->reader, &rec, sink);
    in_free(&in);
    rdb_templates_forget(&x->reader, known);
    return rdb_elements_distinct(&x->reader);
}

void rescue_free(struct rescue *x)
{
    leave(x);
    x->reader.ended = false;
    rdb_close(&x->reader);
    pending_file_end(&x->pending);
    in_free(&x->head);
    rdb_footing_free(&x->footing);
    digest_free(&x->digest);
}
