/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/foreign.h"

#include "base/hash.h"
#include "base/mem.h"
#include "format/aof_write.h"
#include "format/digest.h"
#include "format/rdb_read.h"
#include "format/rdb_write.h"
#include "store/db.h"
#include "store/load.h"
#include "store/walk.h"
#include "tests/unit/store/thing.h"
#include "tests/unit/unit.h"

/* Knows neither how large its values are nor what freeing takes, and has no commands. */
static const struct foreign_type other_type = {
    0x123456789abceull << 10 | 1, "other-tst", mem_free, thing_copy, NULL, NULL, thing_save,
    thing_load, NULL};

static void open_keyspace(struct keyspace *ks)
{
    keyspace_init(ks, 1);
    foreign_add(&ks->foreign, &thing_type);
    foreign_add(&ks->foreign, &other_type);
}

static struct entry *add(struct keyspace *ks, const char *key, const struct foreign_type *type,
                         unsigned char number)
{
    struct val v = foreign_val(type, thing_new(number, key));
    return db_add_val(keyspace_db(ks, 0), slice_str(key), v);
}

static void types_are_found_by_their_letters(void)
{
    struct foreign_types types = {0};
    CHECK(!foreign_find(&types, thing_type.rdb_id));
    foreign_add(&types, &thing_type);
    foreign_add(&types, &other_type);
    CHECK(foreign_find(&types, thing_type.rdb_id) == &thing_type);
    CHECK(foreign_find(&types, thing_type.rdb_id ^ 0x3ff) == &thing_type);
    CHECK(foreign_find(&types, other_type.rdb_id) == &other_type);
    CHECK(!foreign_find(&types, thing_type.rdb_id ^ 1 << 20));
    foreign_release(&types);
}

static void values_are_held(void)
{
    size_t before = mem_used();
    struct keyspace ks;
    open_keyspace(&ks);
    struct entry *e = add(&ks, "k", &thing_type, 7);
    struct val v = entry_val(e), copy = val_copy(v);
    const struct foreign *f = v.ptr, *g = copy.ptr;
    CHECK_STR(entry_type_name(entry_type(e)), "module");
    CHECK(f->type == &thing_type && g->type == &thing_type && f->value != g->value);
    CHECK_INT(((struct thing *)g->value)->number, 7);
    CHECK_INT(val_count(v), 7);
    CHECK(entry_memory(e, 0) > mem_usable(f->value) + mem_usable(f));
    val_free(copy);
    v = entry_val(add(&ks, "l", &other_type, 7));
    CHECK_INT(val_count(v), 1);
    db_rename(keyspace_db(&ks, 0), SLICE_LIT("k"), keyspace_db(&ks, 0), SLICE_LIT("m"));
    CHECK(db_remove(keyspace_db(&ks, 0), SLICE_LIT("l")));
    keyspace_release(&ks);
    CHECK_INT(mem_used(), before);
}

/* Nothing in it is no reason for a key to go. */
static void an_empty_one_stays(void)
{
    struct keyspace ks;
    open_keyspace(&ks);
    struct entry *e = add(&ks, "k", &thing_type, 1);
    struct val v = entry_val(e);
    struct foreign *f = v.ptr;
    ((struct thing *)f->value)->number = 0;
    CHECK_INT(val_count(v), 0);
    CHECK(!val_is_nothing(v));
    CHECK(db_put_val(keyspace_db(&ks, 0), e, v) == e);
    CHECK(db_find(keyspace_db(&ks, 0), SLICE_LIT("k")) == e);
    keyspace_release(&ks);
}

static void count_jobs(void *arg, uint64_t values, void (*job)(void *job_arg), void *job_arg)
{
    CHECK_INT(values, 1);
    ++*(int *)arg;
    job(job_arg);
}

static void large_ones_are_freed_elsewhere(void)
{
    struct keyspace ks;
    int jobs = 0;
    open_keyspace(&ks);
    ks.defer = count_jobs;
    ks.defer_arg = &jobs;
    add(&ks, "small", &thing_type, 3);
    add(&ks, "large", &thing_type, 200);
    CHECK(db_remove_as(keyspace_db(&ks, 0), SLICE_LIT("small"), KEY_REMOVED, true));
    CHECK_INT(jobs, 0);
    CHECK(db_remove_as(keyspace_db(&ks, 0), SLICE_LIT("large"), KEY_REMOVED, true));
    CHECK_INT(jobs, 1);
    keyspace_release(&ks);
}

/* ---- through an RDB ---- */

static bool save(struct keyspace *ks, struct buf *rdb, struct fault *f)
{
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.version = 11});
    rdb_writer_begin(&w);
    bool ok = walk_keyspace(ks, &w.sink, NULL) && rdb_writer_end(&w);
    *f = w.sink.fault;
    buf_clear(rdb);
    buf_add(rdb, buf_slice(&out.buf));
    rdb_writer_free(&w);
    out_free(&out);
    return ok;
}

static bool load(struct keyspace *ks, struct slice rdb, struct fault *f)
{
    struct in in;
    struct rdb_reader r;
    struct load l;
    struct rdb_options opt = {.databases = 1, .keep_modules = true};
    in_init_memory(&in, rdb);
    load_init(&l, ks, 0, 0);
    CHECK(rdb_open(&r, &in, &opt));
    bool ok = rdb_read_all(&r, &l.sink);
    ok = load_finish(&l) && ok;
    *f = l.sink.fault;
    load_release(&l);
    rdb_close(&r);
    in_free(&in);
    return ok;
}

static void values_go_through_an_rdb(void)
{
    size_t before = mem_used();
    struct keyspace from, to;
    struct buf rdb = {0};
    struct fault f;
    open_keyspace(&from);
    open_keyspace(&to);
    db_set_expire(keyspace_db(&from, 0), add(&from, "first", &thing_type, 41), 99);
    add(&from, "second", &other_type, 42);
    add(&from, "empty", &thing_type, 0);
    CHECK(save(&from, &rdb, &f));
    to.expire_mode = EXPIRE_IGNORE;
    thing_version_loaded = 0;
    CHECK(load(&to, buf_slice(&rdb), &f));
    CHECK(thing_version_loaded == THING_VERSION || thing_version_loaded == 1);
    CHECK_INT(keyspace_count(&to), 3);
    struct entry *e = db_find(keyspace_db(&to, 0), SLICE_LIT("first"));
    struct foreign *got = entry_val(e).ptr;
    CHECK_INT(entry_expire(e), 99);
    CHECK(got->type == &thing_type);
    CHECK_INT(((struct thing *)got->value)->number, 41);
    CHECK_STR(((struct thing *)got->value)->name, "first");
    got = entry_val(db_find(keyspace_db(&to, 0), SLICE_LIT("second"))).ptr;
    CHECK(got->type == &other_type);
    keyspace_release(&from);
    keyspace_release(&to);
    buf_free(&rdb);
    CHECK_INT(mem_used(), before);
}

static void refusals_name_the_key(void)
{
    struct keyspace from, none, one;
    struct buf rdb = {0};
    struct fault f;
    open_keyspace(&from);
    add(&from, "key", &thing_type, 1);
    CHECK(save(&from, &rdb, &f));

    keyspace_init(&none, 1);
    CHECK(!load(&none, buf_slice(&rdb), &f));
    CHECK_INT(f.code, FAULT_CANNOT_HOLD);
    CHECK_STR(f.key, "key");
    keyspace_release(&none);

    keyspace_init(&one, 1);
    foreign_add(&one.foreign, &other_type);
    CHECK(!load(&one, buf_slice(&rdb), &f));
    CHECK_INT(f.code, FAULT_CANNOT_HOLD);
    CHECK_STR(f.key, "key");
    CHECK_INT(keyspace_count(&one), 0);
    keyspace_release(&one);

    /* The type itself does not want it. */
    db_remove(keyspace_db(&from, 0), SLICE_LIT("key"));
    add(&from, "key", &thing_type, THING_UNLOADABLE);
    CHECK(save(&from, &rdb, &f));
    open_keyspace(&one);
    CHECK(!load(&one, buf_slice(&rdb), &f));
    CHECK_INT(f.code, FAULT_FORMAT);
    CHECK_STR(f.what, "thirteen");
    CHECK_STR(f.key, "key");
    CHECK_INT(keyspace_count(&one), 0);
    keyspace_release(&one);

    keyspace_release(&from);
    buf_free(&rdb);
}

/* One value that its type cannot save is a fault of the whole, whoever takes the events. */
static void what_cannot_be_saved(void)
{
    struct keyspace ks;
    struct buf rdb = {0};
    struct fault f;
    struct digest d;
    open_keyspace(&ks);
    add(&ks, "key", &thing_type, THING_UNSAVABLE);
    CHECK(!save(&ks, &rdb, &f));
    CHECK_INT(f.code, FAULT_CANNOT_HOLD);
    CHECK_STR(f.what, "A value of type thing-tst could not be saved");

    digest_init(&d);
    CHECK(!walk_keyspace(&ks, &d.sink, NULL));
    CHECK_INT(d.sink.fault.code, FAULT_CANNOT_HOLD);
    digest_free(&d);

    db_remove(keyspace_db(&ks, 0), SLICE_LIT("key"));
    CHECK(save(&ks, &rdb, &f));
    keyspace_release(&ks);
    buf_free(&rdb);
}

/* ---- as commands ---- */

static bool write_commands(struct keyspace *ks, struct buf *text, struct fault *f)
{
    struct out out;
    struct aof_writer w;
    out_init_memory(&out);
    aof_writer_init(&w, &out);
    bool ok = walk_keyspace(ks, &w.sink, NULL) && aof_writer_end(&w);
    *f = w.sink.fault;
    buf_clear(text);
    buf_add(text, buf_slice(&out.buf));
    aof_writer_free(&w);
    out_free(&out);
    return ok;
}

static void values_go_as_commands(void)
{
    struct keyspace ks;
    struct buf text = {0};
    struct fault f;
    open_keyspace(&ks);
    db_set_expire(keyspace_db(&ks, 0), add(&ks, "key", &thing_type, 41), 4000000000000);
    CHECK(write_commands(&ks, &text, &f));
    CHECK_SLICE(buf_slice(&text),
                SLICE_LIT("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
                          "*4\r\n$5\r\nTHING\r\n$3\r\nkey\r\n$2\r\n41\r\n$3\r\nkey\r\n"
                          "*3\r\n$9\r\nPEXPIREAT\r\n$3\r\nkey\r\n$13\r\n4000000000000\r\n"));

    db_remove(keyspace_db(&ks, 0), SLICE_LIT("key"));
    add(&ks, "dumb", &other_type, 1);
    CHECK(!write_commands(&ks, &text, &f));
    CHECK_INT(f.code, FAULT_CANNOT_HOLD);
    CHECK_STR(f.key, "dumb");
    keyspace_release(&ks);
    buf_free(&text);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(types_are_found_by_their_letters), UNIT(values_are_held),
                    UNIT(an_empty_one_stays), UNIT(large_ones_are_freed_elsewhere),
                    UNIT(values_go_through_an_rdb), UNIT(refusals_name_the_key),
                    UNIT(what_cannot_be_saved), UNIT(values_go_as_commands));
}
