/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/diff_tell.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/num.h"

enum { TEXT_BYTES = 80 };
enum change { ADDED, REMOVED, CHANGED };
static const char *const change_names[] = {"added", "removed", "changed"};
static const char change_marks[] = {'+', '-', '~'};

/* An element to be told, its bytes behind it in a buffer. */
struct shown {
    enum change what;
    enum diff_row_kind kind;
    struct diff_row_element of[DIFF_SIDES];
    uint8_t element[16];
    size_t name_len, value_len[DIFF_SIDES];
};
struct tell {
    struct tool *t;
    const struct diff_tell_options *opt;
    /* the key */
    bool open;
    uint64_t id, told, keys;
    unsigned db;
    bool has[DIFF_SIDES];
    struct diff_row_key key[DIFF_SIDES];
    struct buf name;
    bool patched; /* its name is told to the patch */
    uint64_t counts[3], shown_count;
    bool has_at;
    uint64_t at; /* a list's or string's first difference */
    struct buf shown;
    /* a row of A's that may meet one of B's */
    bool waits;
    struct diff_row waiting;
    struct buf waiting_bytes;
    struct buf hold[2];
};

static enum value_type type_of(const struct tell *t)
{
    must(t->has[DIFF_A] || t->has[DIFF_B]);
    return (enum value_type)t->key[t->has[DIFF_B] ? DIFF_B : DIFF_A].type;
}

/* ---- the patch ---- */

static void begin_patch(struct tell *t)
{
    if (!t->patched)
        diff_patch_key(t->opt->patch, t->db, buf_slice(&t->name));
    t->patched = true;
}

static void patch_element(struct tell *t, enum change what, const struct diff_row *row)
{
    struct diff_patch *p = t->opt->patch;
    char number[NUM_DOUBLE_TEXT];
    bool gone = what == REMOVED;
    if (!p || row->kind != DIFF_ROW_ELEMENT)
        return;
    switch (type_of(t)) {
    case VALUE_SET:
        begin_patch(t);
        diff_patch_element(p, gone ? "SREM" : "SADD", row->name, NULL);
        break;
    case VALUE_ZSET: {
        struct slice score = slice(number, num_format_double(number, row->of.score));
        begin_patch(t);
        diff_patch_element(p, gone ? "ZREM" : "ZADD", gone ? row->name : score,
                           gone ? NULL : &row->name);
        break;
    }
    case VALUE_HASH:
        begin_patch(t);
        diff_patch_element(p, gone ? "HDEL" : "HSET", row->name, gone ? NULL : &row->value);
        if (!gone && row->of.expire_ms != KEY_NO_EXPIRE)
            diff_patch_field_expire(p, row->name, row->of.expire_ms);
        break;
    default:
        break;
    }
}

/* A key that was empty for a moment has lost its expiry: it is set again. */
static void end_patch(struct tell *t)
{
    if (!t->patched)
        return;
    diff_patch_flush(t->opt->patch);
    int64_t a = t->key[DIFF_A].expire_ms, b = t->key[DIFF_B].expire_ms;
    int64_t wanted = t->opt->ignore_expiry ? a : b;
    if (wanted != KEY_NO_EXPIRE || a != wanted)
        diff_patch_expire(t->opt->patch, wanted);
}

/* ---- elements ---- */

/* A string's from where it differs. */
static struct slice shown_of(const struct tell *t, const struct diff_row *row)
{
    struct slice value = row->value;
    if (type_of(t) == VALUE_STRING)
        value = slice_from(value, (size_t)(t->at - row->of.number));
    return value.len > DIFF_SHOWN_BYTES ? slice(value.data, DIFF_SHOWN_BYTES) : value;
}

static void show(struct tell *t, enum change what, const struct diff_row *a,
                 const struct diff_row *b)
{
    const struct diff_row *any = b ? b : a;
    bool string = type_of(t) == VALUE_STRING;
    struct shown s = {.what = string ? CHANGED : what, .kind = any->kind};
    if (t->shown_count >= DIFF_ELEMENTS || t->told >= t->opt->rows ||
        (string && (!t->opt->values || t->shown_count)))
        return;
    t->shown_count++;
    struct slice name = any->name.len > DIFF_SHOWN_BYTES ? slice(any->name.data, DIFF_SHOWN_BYTES)
                                                         : any->name;
    memcpy(s.element, any->element.data, sizeof s.element);
    s.name_len = name.len;
    const struct diff_row *rows[] = {a, b};
    struct slice values[DIFF_SIDES] = {{"", 0}, {"", 0}};
    for (int side = 0; side < DIFF_SIDES; side++) {
        if (!rows[side])
            continue;
        s.of[side] = rows[side]->of;
        values[side] = shown_of(t, rows[side]);
        s.value_len[side] = values[side].len;
    }
    buf_append(&t->shown, &s, sizeof s);
    buf_add(&t->shown, name);
    for (int side = 0; side < DIFF_SIDES; side++)
        buf_add(&t->shown, values[side]);
}

/* Where in a string's piece, or list. */
static void note_place(struct tell *t, const struct diff_row *a, const struct diff_row *b)
{
    uint64_t at = (a ? a : b)->of.number;
    if (t->has_at || (a ? a : b)->kind != DIFF_ROW_ELEMENT)
        return;
    if (type_of(t) == VALUE_STRING && a && b) {
        struct slice x = buf_slice(&t->waiting_bytes), y = b->value;
        size_t n = 0;
        while (n < x.len && n < y.len && x.data[n] == y.data[n])
            n++;
        at += n;
    }
    t->has_at = true;
    t->at = at;
}

static void change(struct tell *t, enum change what, const struct diff_row *a,
                   const struct diff_row *b)
{
    must(a || b);
    t->counts[what]++;
    if (type_of(t) == VALUE_STRING || type_of(t) == VALUE_LIST)
        note_place(t, a, b);
    show(t, what, a, b);
    patch_element(t, what, b ? b : a);
}

static void settle_waiting(struct tell *t)
{
    if (t->waits)
        change(t, REMOVED, &t->waiting, NULL);
    t->waits = false;
}

/* Its bytes are copied: they are there until the next row only. */
static void wait_for_other(struct tell *t, const struct diff_row *row)
{
    buf_clear(&t->waiting_bytes);
    buf_add(&t->waiting_bytes, row->value);
    buf_add(&t->waiting_bytes, row->name);
    buf_add(&t->waiting_bytes, row->element);
    const char *at = t->waiting_bytes.data;
    t->waiting = *row;
    t->waiting.value = slice(at, row->value.len);
    t->waiting.name = slice(at + row->value.len, row->name.len);
    t->waiting.element = slice(at + row->value.len + row->name.len, row->element.len);
    t->waiting_bytes.len = row->value.len; /* what note_place compares */
    t->waits = true;
}

static void take_element(struct tell *t, const struct diff_row *row)
{
    bool meet = t->waits && row->side == DIFF_B && row->kind == t->waiting.kind &&
                slice_eq(row->element, t->waiting.element);
    if (meet) {
        const struct diff_row_element *a = &t->waiting.of, *b = &row->of;
        if (memcmp(&a->value, &b->value, sizeof a->value) != 0 || a->expire_ms != b->expire_ms)
            change(t, CHANGED, &t->waiting, row);
        t->waits = false;
        return;
    }
    settle_waiting(t);
    must(!t->waits);
    if (row->side == DIFF_A)
        wait_for_other(t, row);
    else
        change(t, ADDED, NULL, row);
}

/* ---- telling ---- */

static const char *type_name(const struct diff_row_key *key)
{
    struct key_event e = {.type = (enum value_type)key->type, .rdb_type = key->array};
    return key->array ? "array" : key_type_name(&e);
}

static const char *what_name(enum diff_kind kind)
{
    static const char *const names[] = {"added", "removed", "changed", "expiry", "changed"};
    return names[kind];
}

static const char *element_word(const struct tell *t, const struct shown *s)
{
    static const char *const words[] = {"byte", "index", "member", "member", "field", "entry"};
    return s->kind == DIFF_ROW_GROUP ? "group" : s->kind == DIFF_ROW_INFO ? "numbers"
           : words[type_of(t)];
}

static const char *entry_id(const struct shown *s, struct buf *hold)
{
    buf_clear(hold);
    buf_printf(hold, "%" PRIu64 "-%" PRIu64, load_be64(s->element), load_be64(s->element + 8));
    return buf_cstr(hold);
}

static struct say_field number_or_null(const char *name, bool is, uint64_t n)
{
    return is ? (struct say_field){SAY_KIND_U64, name, {.u = n}}
              : (struct say_field){SAY_KIND_NULL, name, {.u = 0}};
}

static struct say_field bytes_or_null(const char *name, bool is, struct slice bytes)
{
    return is ? (struct say_field){SAY_KIND_BYTES, name, {.bytes = bytes}}
              : (struct say_field){SAY_KIND_NULL, name, {.u = 0}};
}

/* What is told of an element: its name or its place, and what each side has. */
struct told {
    bool has_name, has_place, has_value[DIFF_SIDES];
    struct slice name, value[DIFF_SIDES];
    uint64_t place;
    char score[DIFF_SIDES][NUM_DOUBLE_TEXT];
};

static void tell_what(struct tell *t, const struct shown *s, const char *bytes, struct told *to)
{
    enum value_type type = type_of(t);
    bool element = s->kind == DIFF_ROW_ELEMENT;
    const char *at = bytes + s->name_len;
    *to = (struct told){.name = slice(bytes, s->name_len)};
    to->has_place = element && (type == VALUE_LIST || type == VALUE_STRING);
    to->has_name = !to->has_place && s->kind != DIFF_ROW_INFO;
    to->place = type == VALUE_STRING ? t->at : s->of[s->what == REMOVED ? DIFF_A : DIFF_B].number;
    if (element && type == VALUE_STREAM)
        to->name = slice_str(entry_id(s, &t->hold[0]));
    for (int side = 0; side < DIFF_SIDES; side++) {
        to->value[side] = slice(at, s->value_len[side]);
        at += s->value_len[side];
        to->has_value[side] = element && s->what != (side == DIFF_A ? ADDED : REMOVED) &&
                              type != VALUE_SET && type != VALUE_STREAM &&
                              (type == VALUE_ZSET || t->opt->values);
        if (type == VALUE_ZSET)
            to->value[side] = slice(to->score[side],
                                    num_format_double(to->score[side], s->of[side].score));
    }
}

/* "field f: v -> w" */
static const char *element_line(struct tell *t, const struct shown *s, const struct told *e,
                                struct buf *line)
{
    struct buf hold = {0};
    buf_printf(line, "%s", element_word(t, s));
    if (e->has_place)
        buf_printf(line, " %" PRIu64, e->place);
    else if (e->has_name)
        buf_printf(line, " %s", say_text(&hold, e->name, TEXT_BYTES));
    const char *between = ": ";
    for (int side = 0; side < DIFF_SIDES; side++) {
        if (!e->has_value[side])
            continue;
        buf_printf(line, "%s%s", between, say_text(&hold, e->value[side], TEXT_BYTES));
        between = " -> ";
    }
    buf_free(&hold);
    return buf_cstr(line);
}

static void tell_element(struct tell *t, const struct shown *s, const char *bytes)
{
    struct told e;
    struct buf line = {0};
    tell_what(t, s, bytes, &e);
    say_row(&t->t->say, "elements",
            FIELDS(SAY_U64("db", t->db), SAY_BYTES("key", buf_slice(&t->name)),
                   SAY_TEXT("what", change_names[s->what]), SAY_TEXT("unit", element_word(t, s)),
                   bytes_or_null("element", e.has_name, e.name),
                   number_or_null("index", e.has_place, e.place),
                   bytes_or_null("from", e.has_value[DIFF_A], e.value[DIFF_A]),
                   bytes_or_null("to", e.has_value[DIFF_B], e.value[DIFF_B])),
            "    %c %s", change_marks[s->what], element_line(t, s, &e, &line));
    buf_free(&line);
}

static void tell_elements(struct tell *t)
{
    const char *at = t->shown.data, *end = at + t->shown.len;
    struct shown s;
    while (at < end) {
        memcpy(&s, at, sizeof s);
        tell_element(t, &s, at + sizeof s);
        at += sizeof s + s.name_len + s.value_len[DIFF_A] + s.value_len[DIFF_B];
    }
    must(at == end);
    uint64_t all = t->counts[ADDED] + t->counts[REMOVED] + t->counts[CHANGED];
    if (t->shown.len && all > t->shown_count && type_of(t) != VALUE_STRING)
        say_line(&t->t->say, "    ... and %" PRIu64 " more", all - t->shown_count);
}

static const char *expiry_text(char out[SAY_TIME_TEXT], int64_t ms)
{
    return ms == KEY_NO_EXPIRE ? "never" : say_time(out, ms);
}

/* What changed, for people. */
static const char *summary(struct tell *t, struct buf *to)
{
    const struct diff_row_key *a = &t->key[DIFF_A], *b = &t->key[DIFF_B];
    char from[SAY_TIME_TEXT], until[SAY_TIME_TEXT];
    buf_clear(to);
    if (!t->has[DIFF_A] || !t->has[DIFF_B])
        return buf_cstr(to);
    if (a->type != b->type) {
        buf_printf(to, ": was a %s", type_name(a));
    } else if (b->kind == DIFF_CHANGED && b->type == VALUE_STRING) {
        buf_printf(to, ": %" PRIu64 " -> %" PRIu64 " bytes, differs from byte %" PRIu64, a->bytes,
                   b->bytes, t->at);
    } else if (b->kind == DIFF_CHANGED && b->type <= VALUE_STREAM) {
        const char *comma = ":";
        for (int i = 0; i < 3; i++)
            if (t->counts[i]) {
                buf_printf(to, "%s %" PRIu64 " %s", comma, t->counts[i], change_names[i]);
                comma = ",";
            }
        if (t->has_at)
            buf_printf(to, ", from index %" PRIu64 " on", t->at);
    }
    if (a->expire_ms != b->expire_ms && !t->opt->ignore_expiry)
        buf_printf(to, "%s expires %s -> %s", to->len ? ";" : ":", expiry_text(from, a->expire_ms),
                   expiry_text(until, b->expire_ms));
    return buf_cstr(to);
}

static void tell_function(struct tell *t, enum diff_kind kind)
{
    say_row(&t->t->say, "functions",
            FIELDS(SAY_BYTES("name", buf_slice(&t->name)), SAY_TEXT("what", what_name(kind))),
            "%c library %s", kind == DIFF_ADDED ? '+' : kind == DIFF_REMOVED ? '-' : '~',
            say_text(&t->hold[0], buf_slice(&t->name), TEXT_BYTES));
}

static void tell_key(struct tell *t)
{
    const struct diff_row_key *a = t->has[DIFF_A] ? &t->key[DIFF_A] : NULL;
    const struct diff_row_key *b = t->has[DIFF_B] ? &t->key[DIFF_B] : NULL, *any = b ? b : a;
    enum diff_kind kind = (enum diff_kind)any->kind;
    static const char marks[] = {'+', '-', '~', 't', '~'};
    bool compared = kind == DIFF_CHANGED && any->type != VALUE_STRING && any->type <= VALUE_STREAM;
    say_row(&t->t->say, "differences",
            FIELDS(SAY_U64("db", t->db), SAY_BYTES("key", buf_slice(&t->name)),
                   SAY_TEXT("what", what_name(kind)), SAY_TEXT("type", type_name(any)),
                   SAY_TEXT("type_from", a && b && a->type != b->type ? type_name(a) : NULL),
                   number_or_null("added", compared, t->counts[ADDED]),
                   number_or_null("removed", compared, t->counts[REMOVED]),
                   number_or_null("changed", compared, t->counts[CHANGED]),
                   number_or_null("first_at", t->has_at, t->at),
                   SAY_TIME("expires_from", a ? a->expire_ms : -1),
                   SAY_TIME("expires_to", b ? b->expire_ms : -1)),
            "%c db %u %s (%s)%s", marks[kind], t->db,
            say_text(&t->hold[0], buf_slice(&t->name), TEXT_BYTES), type_name(any),
            summary(t, &t->hold[1]));
    tell_elements(t);
}

/* ---- keys ---- */

static void end_key(struct tell *t)
{
    if (!t->open)
        return;
    settle_waiting(t);
    end_patch(t);
    if (t->told < t->opt->rows) {
        t->told++;
        if (type_of(t) == (enum value_type)DIFF_FUNCTION)
            tell_function(t, (enum diff_kind)t->key[t->has[DIFF_B] ? DIFF_B : DIFF_A].kind);
        else
            tell_key(t);
    }
    t->keys++;
    t->open = false;
}

static void begin_key(struct tell *t, const struct diff_row *row)
{
    t->open = true;
    t->id = row->id;
    t->db = row->db;
    t->has[DIFF_A] = t->has[DIFF_B] = t->patched = t->has_at = t->waits = false;
    memset(t->counts, 0, sizeof t->counts);
    t->shown_count = t->at = 0;
    buf_clear(&t->shown);
    buf_clear(&t->name);
    buf_add(&t->name, row->name);
}

bool diff_tell(struct tool *tool, const struct diff_tell_options *opt, struct diff_sort *sorter,
               struct fault *f)
{
    struct tell t = {.t = tool, .opt = opt};
    struct diff_record r;
    struct diff_row row;
    while (diff_sort_next(sorter, &r)) {
        diff_row_of(&r, &row);
        if (!t.open || row.id != t.id) {
            end_key(&t);
            must(row.kind == DIFF_ROW_KEY); /* comes first */
            begin_key(&t, &row);
        }
        if (row.kind == DIFF_ROW_KEY) {
            t.has[row.side] = true;
            t.key[row.side] = row.key;
        } else {
            take_element(&t, &row);
        }
    }
    end_key(&t);
    if (t.keys > t.told)
        say_line(&tool->say, "... and %" PRIu64 " more", t.keys - t.told);
    *f = *diff_sort_fault(sorter);
    buf_free(&t.name);
    buf_free(&t.shown);
    buf_free(&t.waiting_bytes);
    for (int i = 0; i < 2; i++)
        buf_free(&t.hold[i]);
    return !fault_is(f);
}
