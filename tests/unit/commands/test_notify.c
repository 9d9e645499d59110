/* SPDX-License-Identifier: BSD-3-Clause */
/* What each command tells of its keys: a whole server over a socket pair, with the command tables
 * that main/serve.c adds. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "commands/cmd_bitmap.h"
#include "commands/cmd_connection.h"
#include "commands/cmd_geo.h"
#include "commands/cmd_hash.h"
#include "commands/cmd_hll.h"
#include "commands/cmd_key.h"
#include "commands/cmd_list.h"
#include "commands/cmd_server.h"
#include "commands/cmd_set.h"
#include "commands/cmd_sort.h"
#include "commands/cmd_stream.h"
#include "commands/cmd_string.h"
#include "commands/cmd_transaction.h"
#include "commands/cmd_zset.h"
#include "os/clock.h"
#include "server/exec.h"
#include "server/replay.h"
#include "server/command.h"
#include "server/notify.h"
#include "store/db.h"
#include "tests/unit/commands/notify_collections.h"
#include "tests/unit/commands/notify_hll_geo.h"
#include "tests/unit/commands/notify_rows.h"
#include "tests/unit/commands/notify_streams.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

enum { EVERYTHING = NOTIFY_ALL | NOTIFY_KEY_MISS | NOTIFY_NEW };

static struct peer p;
static struct buf told;

static const char *class_name(enum notify_class what)
{
    switch (what) {
    case NOTIFY_GENERIC: return "generic";
    case NOTIFY_STRING: return "string";
    case NOTIFY_LIST: return "list";
    case NOTIFY_SET: return "set";
    case NOTIFY_HASH: return "hash";
    case NOTIFY_ZSET: return "zset";
    case NOTIFY_STREAM: return "stream";
    case NOTIFY_EXPIRED: return "expired";
    case NOTIFY_EVICTED: return "evicted";
    case NOTIFY_KEY_MISS: return "keymiss";
    case NOTIFY_LOADED: return "loaded";
    case NOTIFY_NEW: return "new";
    default: return "?";
    }
}

static void hear(void *arg, struct db *db, enum notify_class what, const char *event,
                 struct slice key)
{
    struct buf *b = arg;
    buf_printf(b, "%s%s:%s %.*s", b->len ? " " : "", class_name(what), event, SLICE_ARG(key));
    if (db->id)
        buf_printf(b, "@%u", db->id);
}

static struct notify *notify(void)
{
    return server_notify(s);
}

static struct db *db0(void)
{
    return keyspace_db(server_keyspace(s), 0);
}

static void begin(uint32_t classes)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    static const struct command *const families[] = {
        cmd_connection_commands, cmd_server_commands, cmd_transaction_commands, cmd_key_commands,
        cmd_string_commands, cmd_list_commands, cmd_set_commands, cmd_hash_commands,
        cmd_zset_commands, cmd_bitmap_commands, cmd_sort_commands, cmd_hll_commands,
        cmd_geo_commands, cmd_stream_commands,
    };
    hash_init(seed);
    s = server_new();
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        commands_add(server_commands(s), families[i], NULL);
    buf_clear(&told);
    if (classes)
        notify_on(notify(), classes, hear, &told);
    p = join();
}

static void end(void)
{
    buf_free(&told);
    close(p.fd);
    server_free(s);
}

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 4000000}, NULL);
}

/* Inline commands, joined by "; "; "sleep" lets what has a millisecond end. Errors: how many. */
static int say_all(const char *commands)
{
    int errors = 0;
    char line[1024], reply[8192];
    for (const char *next; *commands; commands = next) {
        const char *end_of = strstr(commands, "; ");
        int len = end_of ? (int)(end_of - commands) : (int)strlen(commands);
        next = commands + len + (end_of ? 2 : 0);
        if (len == 5 && !strncmp(commands, "sleep", 5)) {
            wait_a_little();
            continue;
        }
        snprintf(line, sizeof line, "%.*s\r\n", len, commands);
        say(&p, line);
        ssize_t n = read(p.fd, reply, sizeof reply);
        CHECK(n > 0);
        errors += reply[0] == '-';
    }
    return errors;
}

static void check_told(const char *want)
{
    CHECK_SLICE(buf_slice(&told), slice_str(want));
    buf_clear(&told);
}

static void check_row(const struct notify_row *row)
{
    struct buf got = {0}, want = {0};
    notify_on(notify(), 0, hear, &told);
    CHECK_INT(say_all("select 0; flushall"), 0);
    CHECK_INT(say_all(row->setup), 0);
    CHECK_INT(told.len, 0);
    notify_on(notify(), EVERYTHING, hear, &told);
    say_all(row->run);
    buf_printf(&got, "[%s] %s -> ", row->setup, row->run);
    buf_add(&want, buf_slice(&got));
    buf_add(&got, buf_slice(&told));
    buf_add(&want, slice_str(row->events));
    CHECK_SLICE(buf_slice(&got), buf_slice(&want));
    buf_clear(&told);
    buf_free(&got);
    buf_free(&want);
}

static void keys_tell(void)
{
    begin(0);
    for (size_t i = 0; i < sizeof notify_key_rows / sizeof *notify_key_rows; i++)
        check_row(&notify_key_rows[i]);
    end();
}

static void collections_tell(void)
{
    begin(0);
    for (size_t i = 0; i < sizeof notify_collection_rows / sizeof *notify_collection_rows; i++)
        check_row(&notify_collection_rows[i]);
    end();
}

static void sketches_and_places_tell(void)
{
    begin(0);
    for (size_t i = 0; i < sizeof notify_hll_geo_rows / sizeof *notify_hll_geo_rows; i++)
        check_row(&notify_hll_geo_rows[i]);
    end();
}

static void streams_tell(void)
{
    begin(0);
    for (size_t i = 0; i < sizeof notify_stream_rows / sizeof *notify_stream_rows; i++)
        check_row(&notify_stream_rows[i]);
    end();
}

/* ---- who hears what ---- */
#define SOME "set k v ex 100; lpush l a; lpop l; get nosuch; sadd s a; hset h f v; zadd z 1 a"

static void only_what_is_asked_for(void)
{
    static const struct {
        uint32_t classes;
        const char *events;
    } rows[] = {
        {0, ""},
        {NOTIFY_KEYSPACE | NOTIFY_KEYEVENT, ""},
        {NOTIFY_GENERIC, "generic:expire k generic:del l"},
        {NOTIFY_STRING, "string:set k"},
        {NOTIFY_LIST, "list:lpush l list:lpop l"},
        {NOTIFY_SET, "set:sadd s"},
        {NOTIFY_HASH, "hash:hset h"},
        {NOTIFY_ZSET, "zset:zadd z"},
        {NOTIFY_KEY_MISS, "keymiss:keymiss nosuch"},
        {NOTIFY_NEW, "new:new k new:new l new:new s new:new h new:new z"},
        {NOTIFY_EXPIRED | NOTIFY_EVICTED | NOTIFY_STREAM | NOTIFY_MODULE, ""},
        {NOTIFY_LIST | NOTIFY_GENERIC,
         "generic:expire k list:lpush l list:lpop l generic:del l"},
    };
    begin(EVERYTHING);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        say_all("flushall");
        notify_on(notify(), rows[i].classes, hear, &told);
        CHECK_INT(server_keyspace(s)->notify, rows[i].classes);
        CHECK_INT(say_all(SOME), 0);
        check_told(rows[i].events);
    }
    end();
}

struct leaver {
    int heard;
    struct buf later;
};

/* Leaves at the first event, and sends another in its place. */
static void leave(void *arg, struct db *db, enum notify_class what, const char *event,
                  struct slice key)
{
    struct leaver *l = arg;
    (void)db, (void)what, (void)event, (void)key;
    l->heard++;
    notify_on(notify(), 0, leave, l);
    notify_on(notify(), NOTIFY_LIST, hear, &l->later);
}

static void listeners_come_and_go(void)
{
    struct leaver l = {0};
    begin(0);
    notify_on(notify(), NOTIFY_STRING | NOTIFY_LIST, leave, &l);
    notify_on(notify(), NOTIFY_STRING, hear, &told);
    CHECK_INT(server_keyspace(s)->notify, NOTIFY_STRING | NOTIFY_LIST);
    say_all("set a 1; rpush b x; set a 2");
    CHECK_INT(l.heard, 1);
    check_told("string:set a string:set a");
    CHECK_SLICE(buf_slice(&l.later), SLICE_LIT("list:rpush b"));
    notify_on(notify(), 0, hear, &told);
    CHECK_INT(server_keyspace(s)->notify, NOTIFY_LIST);
    notify_on(notify(), 0, hear, &told); /* who is not there leaves in peace */
    notify_on(notify(), 0, hear, &l.later);
    CHECK_INT(server_keyspace(s)->notify, 0);
    say_all("set a 3; rpush b y");
    check_told("");
    buf_free(&l.later);
    end();
}

/* ---- what no command says ---- */
static void keys_go_by_themselves(void)
{
    begin(EVERYTHING);
    struct keyspace *ks = server_keyspace(s);
    say_all("set a 1 px 1; set b 1; set c 1 px 1; select 1; set d 1 px 1");
    buf_clear(&told);
    wait_a_little();
    say_all("ping"); /* the clock is read */
    exec_begin_loose(server_exec(s));
    CHECK_INT(db_expire_due(db0(), 1), 1);
    CHECK_INT(db_expire_due(db0(), 10), 1);
    CHECK(told.len == strlen("expired:expired a expired:expired c"));
    buf_clear(&told);
    CHECK_INT(db_expire_due(keyspace_db(ks, 1), 10), 1);
    check_told("expired:expired d@1");
    CHECK(db_remove_as(db0(), SLICE_LIT("b"), KEY_EVICTED, false));
    check_told("evicted:evicted b");
    CHECK(!db_remove_as(db0(), SLICE_LIT("b"), KEY_EVICTED, false));
    exec_end_loose(server_exec(s));
    say_all("flushall");
    check_told("");
    end();
}

static bool load_key(const char *key)
{
    return db_load_string(db0(), slice_str(key), hash_slice(slice_str(key)), SLICE_LIT("v"),
                          KEY_NO_EXPIRE);
}

/* As from a dump file. */
static void loaded_keys_are_not_new(void)
{
    begin(EVERYTHING);
    CHECK(load_key("k"));
    check_told("");
    notify_on(notify(), EVERYTHING | NOTIFY_LOADED, hear, &told);
    CHECK(load_key("l"));
    CHECK(!load_key("l"));
    check_told("loaded:loaded l");
    say_all("set n 1");
    check_told("new:new n string:set n");
    end();
}

static void failed(void *arg, const struct replay_failure *failure)
{
    (void)failure;
    ++*(int *)arg;
}

/* As in Redis, the log's commands tell what they do; but what the log holds does not expire. */
static void replay_tells(void)
{
    int failures = 0;
    begin(EVERYTHING);
    struct replay r = {server_fake_client(s), failed, &failures};
    struct slice set[] = {SLICE_LIT("SET"), SLICE_LIT("k"), SLICE_LIT("v"), SLICE_LIT("PXAT"),
                          SLICE_LIT("5")};
    struct slice push[] = {SLICE_LIT("RPUSH"), SLICE_LIT("l"), SLICE_LIT("a")};
    struct slice pop[] = {SLICE_LIT("LPOP"), SLICE_LIT("l")};
    struct slice append[] = {SLICE_LIT("APPEND"), SLICE_LIT("k"), SLICE_LIT("w")};
    server_set_loading(s, true);
    replay_command(s, &r, 5, set);
    replay_command(s, &r, 3, push);
    replay_command(s, &r, 2, pop);
    replay_command(s, &r, 3, append);
    server_set_loading(s, false);
    CHECK_INT(failures, 0);
    check_told("new:new k string:set k generic:expire k new:new l list:rpush l list:lpop l "
               "generic:del l string:append k");
    server_free_client(s, r.client);
    end();
}

/* A key whose time is over and that a pause keeps is written over: it goes first. */
static void hidden_keys_expire_when_written_over(void)
{
    begin(EVERYTHING);
    say_all("set k v px 1");
    buf_clear(&told);
    wait_a_little();
    server_keyspace(s)->expire_mode = EXPIRE_PAUSE;
    say(&p, "get k\r\n");
    check_hears(&p, "$-1\r\n");
    check_told("keymiss:keymiss k");
    say_all("set k w");
    check_told("expired:expired k new:new k string:set k");
    server_keyspace(s)->expire_mode = EXPIRE_DELETE;
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(keys_tell), UNIT(collections_tell), UNIT(sketches_and_places_tell),
                    UNIT(streams_tell), UNIT(only_what_is_asked_for),
                    UNIT(listeners_come_and_go), UNIT(keys_go_by_themselves),
                    UNIT(loaded_keys_are_not_new), UNIT(replay_tells),
                    UNIT(hidden_keys_expire_when_written_over));
}
