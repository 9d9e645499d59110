/* SPDX-License-Identifier: BSD-3-Clause */
/* Sketches in strings (containers/hll.h has their bytes). A client may have set the string, so each
 * command asks whether it is a sketch, and is told when it is a damaged one.
 *
 * PFCOUNT keeps what it computed in the sketch: it reads, and yet changes bytes, and is logged
 * then. While a child lives it does not: pages stay shared. */
#include "commands/cmd_hll.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/must.h"
#include "containers/hll.h"
#include "server/notify.h"
#include "server/reply.h"
#include "store/str.h"

static void reply_damaged(struct ctx *c)
{
    reply_error(c, "INVALIDOBJ Corrupted HLL object detected");
}

/* The sketch of an entry. False: it is none, which was replied. */
static bool sketch_of(struct ctx *c, const struct entry *e, struct slice *sketch)
{
    char scratch[NUM_I64_TEXT]; /* a number is no sketch */
    *sketch = entry_string(e, scratch);
    if (hll_is(*sketch))
        return true;
    reply_error(c, "WRONGTYPE Key is not a valid HyperLogLog string value.");
    return false;
}

/* ---- a sketch that is changed ---- */

struct target {
    struct ctx *c;
    struct slice key;
    struct str *text; /* of the key */
    bool told;        /* the store has told of a change */
    struct hll_edit edit;
};

static void aim(struct target *t)
{
    must(t->text->len <= t->text->cap);
    t->edit = (struct hll_edit){.bytes = (uint8_t *)t->text->bytes, .len = t->text->len,
                                .cap = t->text->cap,
                                .sparse_max = t->c->keyspace->limits.hll_sparse_max};
}

static void make_room(struct target *t, size_t room)
{
    db_open_string(t->c->db, t->key, room, &t->text);
    t->told = true;
    aim(t);
}

static bool make_dense(struct target *t)
{
    uint8_t dense[HLL_DENSE_BYTES];
    if (!hll_to_dense(slice(t->text->bytes, t->text->len), dense))
        return false;
    make_room(t, sizeof dense);
    must(t->text->cap >= sizeof dense);
    memcpy(t->text->bytes, dense, sizeof dense);
    t->text->len = sizeof dense;
    aim(t);
    return true;
}

/* The entry of key, which holds a sketch, with a string that can be changed: who asks for its
 * encoding sees that a sketch was worked with. */
static struct entry *as_raw(struct ctx *c, struct slice key, struct entry *e)
{
    if (entry_encoding(e) == ENC_RAW)
        return e;
    db_string_as_raw(c->db, key);
    e = db_find_with(c->db, key, DB_NOTOUCH | DB_NOSTATS | DB_WRITE);
    must(e && entry_encoding(e) == ENC_RAW);
    return e;
}

/* e: the key's, which holds a sketch; NULL: a new one is made. */
static void open_target(struct target *t, struct ctx *c, struct slice key, struct entry *e)
{
    *t = (struct target){.c = c, .key = key};
    if (!e) {
        make_room(t, hll_room(HLL_EMPTY_BYTES));
        hll_init((uint8_t *)t->text->bytes);
        t->text->len = HLL_EMPTY_BYTES;
    } else {
        t->text = entry_val(as_raw(c, key, e)).ptr;
    }
    aim(t);
}

/* True: what was asked for can be done now, and is to be asked for again. */
static bool gave(struct target *t, enum hll_outcome *out)
{
    t->text->len = t->edit.len;
    if (*out == HLL_WANTS_ROOM) {
        make_room(t, hll_room(t->edit.len));
        return true;
    }
    if (*out == HLL_WANTS_DENSE) {
        if (make_dense(t))
            return true;
        *out = HLL_DAMAGED;
    }
    return false;
}

static void changed(struct target *t, uint64_t changes)
{
    hll_forget(t->edit.bytes);
    if (!t->told)
        db_changed(t->c->db, t->key);
    ctx_notify(t->c, NOTIFY_STRING, "pfadd", t->key); /* whatever the command is */
    ctx_changed(t->c, changes);
}

/* ---- PFADD ---- */

static enum hll_outcome add(struct target *t, struct slice element)
{
    enum hll_outcome out;
    do
        out = hll_add(&t->edit, element);
    while (gave(t, &out));
    return out;
}

void cmd_pfadd(struct ctx *c)
{
    struct entry *e;
    struct slice sketch;
    struct target t;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_STRING, &e) || (e && !sketch_of(c, e, &sketch)))
        return;
    /* All elements or none: one alone is refused by itself before anything was done. */
    if (e && c->argc > 3 && !hll_is_whole(sketch)) {
        as_raw(c, c->argv[1], e);
        reply_damaged(c);
        return;
    }
    open_target(&t, c, c->argv[1], e);
    uint64_t changes = e ? 0 : 1;
    for (int i = 2; i < c->argc; i++) {
        enum hll_outcome out = add(&t, c->argv[i]);
        if (out == HLL_DAMAGED) {
            must(c->argc == 3 && changes == 0);
            reply_damaged(c);
            return;
        }
        changes += out == HLL_CHANGED;
    }
    if (changes)
        changed(&t, changes);
    reply_int(c, changes > 0);
}

/* ---- PFCOUNT ---- */

static void keep_count(struct ctx *c, struct entry *e, uint64_t count)
{
    struct target t;
    must(!c->keyspace->held);
    open_target(&t, c, c->argv[1], e);
    hll_cache(t.edit.bytes, count);
    db_changed(c->db, c->argv[1]);
    ctx_changed(c, 1);
}

static void count_one(struct ctx *c)
{
    struct entry *e;
    struct slice sketch;
    uint64_t count = 0;
    if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e) || (e && !sketch_of(c, e, &sketch)))
        return;
    bool kept = !e || hll_cached(sketch, &count);
    if (!kept && !hll_count(sketch, &count)) {
        reply_damaged(c);
        return;
    }
    if (e && !c->keyspace->held) {
        if (!kept)
            keep_count(c, e, count);
        else
            as_raw(c, c->argv[1], e);
    }
    reply_int(c, (int64_t)count);
}

/* What all the keys from argv[1] on hold together. */
struct united {
    struct hll_registers all;
    bool any, dense; /* one is there; one of them is dense */
};

/* False after an error. */
static bool unite(struct ctx *c, struct united *u)
{
    *u = (struct united){0};
    for (int i = 1; i < c->argc; i++) {
        struct entry *e;
        struct slice sketch;
        if (!ctx_lookup(c, c->argv[i], VALUE_STRING, &e))
            return false;
        if (!e)
            continue;
        if (!sketch_of(c, e, &sketch))
            return false;
        u->any = true;
        u->dense = u->dense || hll_encoding(sketch) == HLL_DENSE;
        if (!hll_merge(&u->all, sketch)) {
            reply_damaged(c);
            return false;
        }
    }
    return true;
}

void cmd_pfcount(struct ctx *c)
{
    struct united u;
    if (c->argc == 2)
        count_one(c);
    else if (unite(c, &u))
        reply_int(c, u.any ? (int64_t)hll_count_registers(&u.all) : 0);
}

/* ---- PFMERGE ---- */

void cmd_pfmerge(struct ctx *c)
{
    struct united u;
    struct target t;
    if (!unite(c, &u))
        return;
    open_target(&t, c, c->argv[1], db_find_write(c->db, c->argv[1]));
    if (u.dense && hll_encoding(slice(t.edit.bytes, t.edit.len)) == HLL_SPARSE)
        make_dense(&t);
    enum hll_outcome out;
    unsigned next = 0;
    do
        out = hll_raise(&t.edit, &u.all, &next);
    while (gave(&t, &out));
    must(out <= HLL_CHANGED && next == HLL_REGISTERS); /* it was one of those that were united */
    changed(&t, 1);
    reply_ok(c);
}

/* ---- PFDEBUG ---- */

static void reply_registers(struct ctx *c, const struct target *t)
{
    struct hll_registers r = {{0}};
    bool whole = hll_merge(&r, slice(t->edit.bytes, t->edit.len));
    must(whole);
    reply_array(c, HLL_REGISTERS);
    for (size_t i = 0; i < HLL_REGISTERS && !reply_unheard(c); i++)
        reply_int(c, r.of[i]);
}

/* Short runs of zeros are z, long ones Z; of others the value and how many there are. */
static void reply_runs(struct ctx *c, struct slice sketch)
{
    struct buf text = {0};
    struct hll_run run;
    size_t at = HLL_HEADER;
    while (hll_next_run(sketch, &at, &run)) {
        const char *blank = text.len ? " " : "";
        if (run.value)
            buf_printf(&text, "%sv:%u,%u", blank, run.value, run.count);
        else
            buf_printf(&text, "%s%c:%u", blank, run.bytes > 1 ? 'Z' : 'z', run.count);
    }
    reply_bulk(c, buf_slice(&text));
    buf_free(&text);
}

/* GETREG, TODENSE: changes the encoding first. */
static void as_dense(struct ctx *c, struct entry *e, bool show)
{
    struct target t;
    open_target(&t, c, c->argv[2], e);
    bool sparse = hll_encoding(slice(t.edit.bytes, t.edit.len)) == HLL_SPARSE;
    if (sparse && !make_dense(&t)) {
        reply_damaged(c);
        return;
    }
    ctx_changed(c, sparse);
    if (show)
        reply_registers(c, &t);
    else
        reply_int(c, sparse);
}

void cmd_pfdebug(struct ctx *c)
{
    struct entry *e;
    struct slice sketch;
    if (!ctx_lookup_write(c, c->argv[2], VALUE_STRING, &e))
        return;
    if (!e) {
        reply_error(c, "ERR The specified key does not exist");
        return;
    }
    if (!sketch_of(c, e, &sketch))
        return;
    e = as_raw(c, c->argv[2], e); /* whatever is asked */
    const struct str *text = entry_val(e).ptr;
    sketch = slice(text->bytes, text->len);
    bool sparse = hll_encoding(sketch) == HLL_SPARSE;
    if (ctx_arg_is(c, 1, "getreg"))
        as_dense(c, e, true);
    else if (ctx_arg_is(c, 1, "todense"))
        as_dense(c, e, false);
    else if (ctx_arg_is(c, 1, "encoding"))
        reply_status(c, sparse ? "sparse" : "dense");
    else if (!ctx_arg_is(c, 1, "decode"))
        reply_errorf(c, "ERR Unknown PFDEBUG subcommand '%.*s'", SLICE_ARG(c->argv[1]));
    else if (sparse)
        reply_runs(c, sketch);
    else
        reply_error(c, "ERR HLL encoding is not sparse");
}

/* ---- PFSELFTEST ---- */

enum { TRIALS = 1000, ELEMENTS = 100000 };

/* Numbers without an order that are the same each time: no test that fails now and then. */
static uint64_t next_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Registers written to a dense sketch come back, and no other changes. */
static bool registers_hold(void)
{
    uint8_t empty[HLL_EMPTY_BYTES], dense[HLL_DENSE_BYTES];
    struct hll_registers want = {{0}};
    uint64_t state = 1;
    hll_init(empty);
    if (!hll_to_dense(slice(empty, sizeof empty), dense))
        return false;
    struct hll_edit e = {.bytes = dense, .len = sizeof dense, .cap = sizeof dense};
    for (int trial = 0; trial < TRIALS; trial++) {
        struct hll_registers one = {{0}}, got = {{0}};
        size_t at = (size_t)next_number(&state) % HLL_REGISTERS;
        unsigned next = 0;
        one.of[at] = (uint8_t)(next_number(&state) % HLL_VALUE_MAX + 1);
        want.of[at] = one.of[at] > want.of[at] ? one.of[at] : want.of[at];
        if (hll_raise(&e, &one, &next) > HLL_CHANGED || !hll_merge(&got, slice(e.bytes, e.len)) ||
            memcmp(&got, &want, sizeof got) != 0)
            return false;
    }
    return true;
}

/* The sparse and the dense sketch of the same elements agree, and are near the truth: within six
 * times the standard error, and one. */
static bool counts_are_near(void)
{
    static const double ERROR = 1.04 / 128; /* 1.04 / sqrt(HLL_REGISTERS) */
    uint8_t sparse[HLL_DENSE_BYTES], dense[HLL_DENSE_BYTES];
    hll_init(sparse);
    if (!hll_to_dense(slice(sparse, HLL_EMPTY_BYTES), dense))
        return false;
    struct hll_edit a = {sparse, HLL_EMPTY_BYTES, sizeof sparse, sizeof sparse, 0, 0};
    struct hll_edit b = {.bytes = dense, .len = sizeof dense, .cap = sizeof dense};
    uint64_t state = 1, step = 10;
    for (uint64_t i = 1; i <= ELEMENTS; i++) {
        uint8_t element[8];
        uint64_t count, other;
        store_le64(element, i << 31 ^ next_number(&state));
        struct slice bytes = slice(element, sizeof element);
        bool in_sparse = hll_encoding(slice(a.bytes, a.len)) == HLL_SPARSE && i <= TRIALS;
        if (hll_add(&b, bytes) > HLL_CHANGED || (in_sparse && hll_add(&a, bytes) > HLL_CHANGED))
            return false;
        if (i != step)
            continue;
        step *= 10;
        double off = 6 * ERROR * (double)i + 1;
        if (!hll_count(slice(b.bytes, b.len), &count) || count > (double)i + off ||
            count < (double)i - off)
            return false;
        if (in_sparse && (!hll_count(slice(a.bytes, a.len), &other) || other != count))
            return false;
    }
    return true;
}

void cmd_pfselftest(struct ctx *c)
{
    if (!registers_hold())
        reply_error(c, "ERR TESTFAILED a register did not keep its value");
    else if (!counts_are_near())
        reply_error(c, "ERR TESTFAILED a count is too far from the number of elements");
    else
        reply_ok(c);
}
