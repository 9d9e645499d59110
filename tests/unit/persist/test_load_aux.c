/* SPDX-License-Identifier: BSD-3-Clause */
/* A feature that keeps state beside the keys, as functions and modules do: libraries, a field, data
 * of a module, a type of values. It comes back out of each kind of file, whole or not at all. */
#include "persist/load_aux.h"

#include <stdio.h>
#include <unistd.h>

#include "format/in.h"
#include "format/out.h"
#include "persist/aof.h"
#include "persist/aof_state.h"
#include "persist/boot.h"
#include "persist/persist_setup.h"
#include "persist/replace.h"
#include "persist/rewrite.h"
#include "persist/snapshot.h"
#include "store/aside.h"
#include "store/db.h"
#include "tests/unit/server/served.h"
#include "tests/unit/store/thing.h"

#define SHELF_ID (0x123456789abcdull << 10)
#define MODULE_DATA SLICE_LIT("\2\2\5\4data") /* behind the keys, a text; the literal's 0 ends it */

static struct persist *p;

/* ---- the feature ---- */

struct shelf {
    char libraries[64]; /* their sources, one behind the other */
    bool field, data;
};
static struct shelf shelf, before;
static int begun, ended;
static bool was_beside;

static void add_library(struct slice source)
{
    size_t len = strlen(shelf.libraries);
    CHECK(len + source.len < sizeof shelf.libraries);
    memcpy(shelf.libraries + len, source.data, source.len);
    shelf.libraries[len + source.len] = '\0';
}

static void save_shelf(void *arg, struct sink *sink, enum aux_purpose purpose)
{
    (void)arg, (void)purpose;
    if (shelf.field)
        SINK_EVENT(sink, aux, SLICE_LIT("shelf-field"), SLICE_LIT("yes"));
    if (shelf.data)
        SINK_EVENT(sink, module_aux, SHELF_ID, slice(MODULE_DATA.data, MODULE_DATA.len + 1));
    if (shelf.libraries[0])
        SINK_EVENT(sink, function, slice_str(shelf.libraries));
}

static void begin_shelf(void *arg, bool comes_beside)
{
    (void)arg;
    was_beside = comes_beside;
    before = shelf;
    shelf = (struct shelf){0};
    begun++;
}

static bool load_field(void *arg, struct slice name, struct slice value, struct fault *f)
{
    (void)arg;
    if (!slice_eq(name, SLICE_LIT("shelf-field")))
        return false;
    shelf.field = slice_eq(value, SLICE_LIT("yes"));
    if (!shelf.field)
        fault_set(f, FAULT_FORMAT, "shelf-field says %.*s", SLICE_ARG(value));
    return true;
}

static bool load_library(void *arg, struct slice source, struct fault *f)
{
    (void)arg;
    if (source.len && source.data[0] == '?')
        return false;
    if (source.len && source.data[0] == '!')
        fault_set(f, FAULT_FORMAT, "no library of mine");
    else
        add_library(source);
    return true;
}

static bool load_data(void *arg, uint64_t module_id, struct slice bytes, struct fault *f)
{
    (void)arg, (void)f;
    if (module_id != SHELF_ID)
        return false;
    shelf.data = slice_eq(bytes, slice(MODULE_DATA.data, MODULE_DATA.len + 1));
    return true;
}

static void end_shelf(void *arg, bool ok)
{
    (void)arg;
    if (!ok)
        shelf = before;
    ended++;
}

static const struct aux_loader loader = {begin_shelf, load_field, load_library, load_data,
                                         end_shelf};

/* As the log holds them: FUNCTION LOAD source, THING key number name. */
static void run_function(struct ctx *c)
{
    add_library(c->argv[2]);
    reply_ok(c);
}

static void run_thing(struct ctx *c)
{
    uint64_t number = 0;
    char name[30] = "";
    CHECK(num_parse_u64(c->argv[2], &number) && c->argv[3].len < sizeof name);
    memcpy(name, c->argv[3].data, c->argv[3].len);
    db_add_val(c->db, c->argv[1], foreign_val(&thing_type, thing_new((uint8_t)number, name)));
    ctx_changed(c, 1);
    reply_ok(c);
}

/* All lies in database 0. */
static void run_select(struct ctx *c)
{
    reply_ok(c);
}

static const struct command commands[] = {
    {.name = "function", .arity = 3, .flags = CMD_WRITE, .run = run_function},
    {.name = "thing", .arity = 4, .flags = CMD_WRITE, .run = run_thing,
     .keys = {KEY_AT(KEY_RW | KEY_UPDATE, 1, 0, 1)}},
    {.name = "select", .arity = 2, .run = run_select},
    {0},
};

/* ---- cases ---- */

static void set_state(void)
{
    struct keyspace *ks = server_keyspace(s);
    shelf = (struct shelf){.libraries = "#!lua name=x", .field = true, .data = true};
    db_flush_all(ks, false);
    db_add_val(keyspace_db(ks, 0), SLICE_LIT("k"), foreign_val(&thing_type, thing_new(9, "nine")));
    begun = ended = 0;
}

static void lose_state(void)
{
    shelf = (struct shelf){.libraries = "other"};
    db_flush_all(server_keyspace(s), false);
}

static void begin(void)
{
    struct fault f = {0};
    if (!s) {
        CHECK_INT(chdir(unit_tmpdir()), 0);
        serve(commands);
        p = persist_new(s);
        hooks_on_aux(server_hooks(s), save_shelf, &loader, NULL);
        foreign_add(&server_keyspace(s)->foreign, &thing_type);
        CHECK(server_configured(s, &f));
        CHECK(persist_start(p, &f));
    }
    set_state();
}

static void check_back(bool beside)
{
    struct entry *e = db_find(keyspace_db(server_keyspace(s), 0), SLICE_LIT("k"));
    CHECK(e && entry_type(e) == VALUE_MODULE);
    const struct foreign *f = entry_val(e).ptr;
    CHECK_STR(((const struct thing *)f->value)->name, "nine");
    CHECK_STR(shelf.libraries, "#!lua name=x");
    CHECK(shelf.field == beside && shelf.data == beside);
    CHECK(begun == 1 && ended == 1);
}

static void out_of_a_dump(void)
{
    begin();
    struct fault f = {0};
    bool exists;
    CHECK(snapshot_save(p->snapshot, &f));
    lose_state();
    CHECK(boot_load_rdb(p, &exists, &f));
    check_back(true);
}

/* Once with an RDB as its base, once with commands, which name no fields and no data. */
static void out_of_a_log(void)
{
    for (int preamble = 0; preamble < 2; preamble++) {
        begin();
        struct fault f = {0};
        p->aof->use_rdb_preamble = preamble;
        CHECK(rewrite_now(p->aof, &f));
        lose_state();
        CHECK(boot_load_aof(p, &f));
        check_back(preamble);
        aof_switch_off(p->aof);
    }
}

static bool names(const struct fault *f, const char *what)
{
    return strstr(f->what, what) != NULL;
}

/* A dump and a log that are without a value are none: what was there before stays. */
static void a_value_that_cannot_be_saved(void)
{
    begin();
    struct fault f = {0};
    struct db *db = keyspace_db(server_keyspace(s), 0);
    bool exists;
    CHECK(snapshot_save(p->snapshot, &f));
    db_add_val(db, SLICE_LIT("l"), foreign_val(&thing_type, thing_new(THING_UNSAVABLE, "l")));
    CHECK(!snapshot_save(p->snapshot, &f));
    CHECK(names(&f, "A value of type thing-tst could not be saved"));
    fault_clear(&f);
    p->aof->use_rdb_preamble = true;
    CHECK(!rewrite_now(p->aof, &f));
    CHECK(names(&f, "A value of type thing-tst could not be saved"));
    CHECK(p->aof->state == AOF_OFF);
    fault_clear(&f);
    lose_state();
    CHECK(boot_load_rdb(p, &exists, &f) && exists);
    check_back(true);
    CHECK_INT(db_count(db), 1);
}

static void make(struct buf *to)
{
    struct fault f = {0};
    struct out out;
    out_init_memory(&out);
    CHECK(snapshot_stream(p->snapshot, &(struct snapshot_stream){.purpose = AUX_SYNC}, &out, &f));
    buf_clear(to);
    buf_add(to, buf_slice(&out.buf));
    out_free(&out);
}

static bool read_stream(struct slice bytes, struct keyspace *into, struct fault *f)
{
    struct in in;
    *f = (struct fault){0};
    in_init_memory(&in, bytes);
    bool ok = boot_read(p, &in, &(struct boot_source){.name = "it", .into = into}, f);
    in_free(&in);
    return ok;
}

/* Each refusal ends the load, and what was before counts again. */
static void refused(void)
{
    static const struct {
        const char *libraries, *says;
    } rows[] = {
        {"!mine", "it: no library of mine"},
        {"?whose", "it: This server cannot hold function libraries yet: ?whose"},
    };
    struct buf stream = {0};
    struct fault f;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin();
        snprintf(shelf.libraries, sizeof shelf.libraries, "%s", rows[i].libraries);
        make(&stream);
        lose_state();
        CHECK(!read_stream(buf_slice(&stream), NULL, &f));
        CHECK(names(&f, rows[i].says));
        CHECK_STR(shelf.libraries, "other");
        CHECK(begun == 1 && ended == 1);
    }
    buf_free(&stream);
}

/* A half stream, in place of the data set: all is as before. */
static void replaced_or_not(void)
{
    begin();
    struct buf stream = {0};
    make(&stream);
    for (int whole = 0; whole < 2; whole++) {
        struct fault f = {0};
        struct in in;
        lose_state();
        begun = ended = 0;
        in_init_memory(&in, slice(stream.data, stream.len - (whole ? 0 : 20)));
        bool ok = persist_replace(p, &in, &(struct boot_source){.name = "it"}, REPLACE_BESIDE, &f);
        CHECK_INT(ok, whole);
        if (ok)
            check_back(true);
        else
            CHECK_STR(shelf.libraries, "other");
        CHECK(begun == 1 && ended == 1);
        in_free(&in);
    }
    buf_free(&stream);
}

/* Beside what is here: the feature is told that this counts on until the end. */
static void into_another(void)
{
    begin();
    struct buf stream = {0};
    struct fault f;
    struct keyspace other;
    make(&stream);
    for (int whole = 0; whole < 2; whole++) {
        keyspace_begin_beside(&other, server_keyspace(s));
        lose_state();
        begun = ended = 0;
        size_t len = stream.len - (whole ? 0 : 20);
        CHECK_INT(read_stream(slice(stream.data, len), &other, &f), whole);
        CHECK(begun == 1 && ended == 1 && was_beside);
        CHECK_INT(keyspace_count(&other), 1);
        CHECK_INT(keyspace_count(server_keyspace(s)), 0);
        CHECK_STR(shelf.libraries, whole ? "#!lua name=x" : "other");
        CHECK(!p->beside && !p->loading && !server_is_loading(s));
        keyspace_drop_beside(&other);
    }
    was_beside = true;
    CHECK(read_stream(buf_slice(&stream), NULL, &f));
    CHECK(!was_beside);
    buf_free(&stream);
}

int main(void)
{
    int failed = UNIT_RUN(UNIT(out_of_a_dump), UNIT(out_of_a_log),
                          UNIT(a_value_that_cannot_be_saved), UNIT(refused), UNIT(replaced_or_not),
                          UNIT(into_another));
    persist_free(p);
    server_free(s);
    return failed;
}
