/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that waited for a key, run again: they may be refused as if they were said just then,
 * and when the server ends nobody is served any more. */
#include "base/mem.h"
#include "server/block.h"
#include "server/command.h"
#include "server/config.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/memory_limit.h"
#include "server/pause.h"
#include "server/route.h"
#include "server/server.h"
#include "server/wait_keys.h"
#include "store/offer.h"
#include "tests/unit/server/served.h"

#define MOVED "MOVED 1 127.0.0.1:1"

static struct peer *beside;
static const char *said; /* by it, in bpeek */

static bool waits(struct ctx *c)
{
    static const int at[] = {1};
    if (db_find(c->db, c->argv[1]))
        return false;
    wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                            .too_late = reply_null});
    return true;
}

static void btake(struct ctx *c)
{
    if (waits(c))
        return;
    db_remove(c->db, c->argv[1]);
    ctx_changed(c, 1);
    reply_status(c, "TAKEN");
}

/* bmaybe key yes|no: writes only if it says so */
static uint32_t flags_of_bmaybe(const struct ctx *c)
{
    return c->command->flags | (c->argv[2].data[0] == 'y' ? CMD_WRITE : 0);
}

static void bmaybe(struct ctx *c)
{
    if (!waits(c))
        reply_status(c, "HERE");
}

/* bkeep key large: puts the word there */
static void bkeep(struct ctx *c)
{
    char scratch[NUM_I64_TEXT];
    if (waits(c))
        return;
    struct entry *e = db_set_string(c->db, SLICE_LIT("kept"), c->argv[2], KEY_NO_EXPIRE);
    CHECK(entry_string(e, scratch).data == c->argv[2].data); /* its block, not a copy */
    ctx_changed(c, 1);
    reply_ok(c);
}

/* bpeek key: leaves it there, and looks around when it is served */
static void bpeek(struct ctx *c)
{
    if (waits(c))
        return;
    CHECK(write(beside->fd, said, strlen(said)) == (ssize_t)strlen(said));
    server_peek(c->server, "BUSY");
    reply_ok(c);
}

/* bnext key: waits for what comes to it from now on, whatever is there */
static void bnext(struct ctx *c)
{
    static const int at[] = {1};
    if (c->client->block)
        reply_status(c, "CAME");
    else
        wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                                .too_late = reply_null});
}

static void stop(struct ctx *c)
{
    clients_end_service(server_clients(c->server));
    reply_ok(c);
}

static void put_and_stop(struct ctx *c)
{
    served_put(c);
    clients_end_service(server_clients(c->server));
}

static void put_two(struct ctx *c)
{
    for (int i = 1; i < c->argc; i++)
        db_set_string(c->db, c->argv[i], SLICE_LIT("1"), KEY_NO_EXPIRE);
    reply_ok(c);
}

static void wake(struct ctx *c, void *arg, enum block_why why)
{
    (void)arg, (void)why;
    db_set_string(c->db, SLICE_LIT("woken"), SLICE_LIT("1"), KEY_NO_EXPIRE);
    reply_ok(c);
}

static void sleep_long(struct ctx *c)
{
    static const struct block_kind kind = {.wake = wake};
    block_client(c, 0, &kind, NULL);
}

static void pause_writes(struct ctx *c)
{
    pause_begin(server_pauses(c->server), PAUSE_ASKED, PAUSE_CHANGES, 1000000);
    reply_ok(c);
}

static const struct command commands[] = {
    {.name = "put", .run = served_put, .arity = 3,
     .flags = CMD_LOADING | CMD_ALLOW_BUSY},
    {.name = "btake", .run = btake, .arity = 2,
     .flags = CMD_WRITE | CMD_BLOCKING | CMD_DENYOOM, .keys = {KEY_AT(KEY_RW, 1, 0, 1)}},
    {.name = "bmaybe", .run = bmaybe, .arity = 3, .flags = CMD_BLOCKING,
     .flags_of = flags_of_bmaybe},
    {.name = "bkeep", .run = bkeep, .arity = 3, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "bpeek", .run = bpeek, .arity = 2, .flags = CMD_BLOCKING},
    {.name = "bnext", .run = bnext, .arity = 2, .flags = CMD_BLOCKING | CMD_ALLOW_BUSY},
    {.name = "stop", .run = stop, .arity = 1, .flags = CMD_ALLOW_BUSY},
    {.name = "putstop", .run = put_and_stop, .arity = 3},
    {.name = "puttwo", .run = put_two, .arity = 3},
    {.name = "sleep", .run = sleep_long, .arity = 1},
    {.name = "pausewrites", .run = pause_writes, .arity = 1},
    {.name = "write", .run = served_put, .arity = 3, .flags = CMD_WRITE},
    {.name = NULL}};

static bool there(const char *key)
{
    struct db *db = keyspace_db(server_keyspace(s), 0);
    return db_find_with(db, slice_str(key), DB_NOTOUCH | DB_NOSTATS) != NULL;
}

static const struct command_stats *stats_of(const char *name)
{
    return &commands_find(server_commands(s), slice_str(name))->stats;
}

/* ---- what may refuse it, and no more ---- */

static const char *elsewhere(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)arg, (void)c;
    return strcmp(e->name, "btake") == 0 ? MOVED : NULL;
}

static const char *no_writes(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)c, (void)e;
    ++*(int *)arg;
    return "NOPE no writes now";
}

static void without_rights(struct client *waiter, bool on)
{
    struct clients *cs = server_clients(s);
    LINK_FOR(pos, &cs->all)
        LINK_OF(pos, struct client, link)->flags |= CLIENT_AUTHENTICATED;
    cs->login = false;
    if (!on)
        return;
    cs->login = true;
    waiter->flags &= ~(uint64_t)CLIENT_AUTHENTICATED;
}

static void moved_away(struct client *waiter, bool on)
{
    (void)waiter;
    exec_set_route(server_exec(s), on ? elsewhere : NULL, NULL);
}

static void out_of_memory(struct client *waiter, bool on)
{
    struct fault f = {0};
    struct slice bad, pairs[] = {SLICE_LIT("maxmemory"), on ? SLICE_LIT("1") : SLICE_LIT("0")};
    (void)waiter;
    CHECK(config_set(server_config(s), 2, pairs, &bad, &f));
    mem_used(); /* as cron does: what is used about is known then */
}

static void loading(struct client *waiter, bool on)
{
    (void)waiter;
    server_set_loading(s, on);
}

static void busy(struct client *waiter, bool on)
{
    (void)waiter;
    CHECK(exec_set_busy(server_exec(s), on ? "BUSY with a script" : NULL));
}

static int asked;

static void listener(struct client *waiter, bool on)
{
    (void)waiter;
    hooks_set_admit(server_hooks(s), &asked, on ? CMD_WRITE : 0);
}

static struct memory_limit *limit;

static void begin(void)
{
    serve(commands);
    limit = memory_limit_new(s);
    asked = 0;
    hooks_on_admit(server_hooks(s), no_writes, &asked, 1 << FROM_CLIENT, 0);
}

static void end(struct peer *peers, int n)
{
    for (int i = 0; i < n; i++)
        close(peers[i].fd);
    memory_limit_free(limit);
    server_free(s);
}

/* ---- cases ---- */

static void it_is_admitted_like_a_first_run(void)
{
    static const struct {
        void (*set)(struct client *waiter, bool on);
        const char *heard;
    } each[] = {{without_rights, "-NOAUTH Authentication required.\r\n"},
                {moved_away, "-" MOVED "\r\n"},
                {out_of_memory, "-OOM command not allowed when used memory > 'maxmemory'.\r\n"},
                {loading, "-" LOADING_ERROR "\r\n"},
                {busy, "-BUSY with a script\r\n"},
                {listener, "-NOPE no writes now\r\n"}};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        begin();
        struct peer p[] = {join(), join()};
        say(&p[1], "btake k\r\n");
        each[i].set(p[1].client, true);
        say(&p[0], "put k 1\r\n");
        check_hears(&p[0], "+OK\r\n");
        check_hears(&p[1], each[i].heard); /* and waits no longer */
        CHECK(there("k"));
        CHECK_INT(server_clients(s)->blocked_count, 0);
        CHECK_INT(stats_of("btake")->rejected, 1);
        CHECK_INT(stats_of("btake")->calls, 0);
        each[i].set(p[1].client, false);
        say(&p[1], "btake k\r\n");
        check_hears(&p[1], "+TAKEN\r\n");
        CHECK_INT(stats_of("btake")->calls, 1);
        end(p, 2);
    }
}

/* What one of them may not have is there for the next. */
static void a_refusal_leaves_it_to_the_next(void)
{
    begin();
    struct peer p[] = {join(), join(), join()};
    say(&p[1], "btake k\r\n");
    say(&p[2], "btake k\r\n");
    without_rights(p[1].client, true);
    say(&p[0], "put k 1\r\n");
    check_hears(&p[1], "-NOAUTH Authentication required.\r\n");
    check_hears(&p[2], "+TAKEN\r\n");
    CHECK(!there("k"));
    end(p, 3);
}

/* By the flags of this very call, as it is by a client's first words. */
static void its_own_flags_count(void)
{
    begin();
    struct peer p[] = {join(), join(), join()};
    say(&p[1], "bmaybe k yes\r\n");
    say(&p[2], "bmaybe k no\r\n");
    listener(NULL, true);
    say(&p[0], "put k 1\r\n");
    check_hears(&p[1], "-NOPE no writes now\r\n");
    check_hears(&p[2], "+HERE\r\n");
    CHECK_INT(asked, 1);
    end(p, 3);
}

static void its_large_words_are_its_own(void)
{
    begin();
    struct peer p[] = {join(), join()};
    say_with_large(&p[1], "*3\r\n$5\r\nbkeep\r\n$1\r\nk\r\n", OFFER_MIN);
    say(&p[0], "put k 1\r\n");
    check_hears(&p[1], "+OK\r\n");
    CHECK(there("kept"));
    CHECK(!server_keyspace(s)->offered);
    end(p, 2);
}

/* Who comes to the line while it is served waits for the next event of the key. */
static void the_line_ends_where_it_ended(void)
{
    begin();
    struct peer p[] = {join(), join(), join(), join()};
    beside = &p[3];
    said = "bnext k\r\n";
    say(&p[1], "bpeek k\r\n");
    say(&p[2], "bmaybe k no\r\n");
    say(&p[0], "put k 1\r\n");
    check_hears(&p[1], "+OK\r\n");
    check_hears(&p[2], "+HERE\r\n");
    CHECK(p[3].client->block);
    check_hears(&p[3], "");
    say(&p[0], "put k 1\r\n");
    check_hears(&p[3], "+CAME\r\n");
    end(p, 4);
}

/* ---- the end of the server ---- */

/* What the unit made ready whose command ended it is left where it is. */
static void nobody_is_served_behind_the_end(void)
{
    begin();
    struct peer p[] = {join(), join()};
    say(&p[1], "btake k\r\n");
    say(&p[0], "putstop k 1\r\nput b 2\r\n");
    check_hears(&p[0], "+OK\r\n");
    check_hears(&p[1], "");
    CHECK(there("k") && !there("b"));
    CHECK_INT(stats_of("btake")->calls, 0);
    end(p, 2);
}

/* It ends while the first in the line is served: not the next in it, nor those of another key. */
static void nor_in_the_same_line(void)
{
    begin();
    struct peer p[] = {join(), join(), join(), join(), join()};
    beside = &p[1];
    said = "stop\r\n";
    say(&p[2], "bpeek k\r\n");
    say(&p[3], "btake k\r\n");
    say(&p[4], "btake l\r\n");
    say(&p[0], "puttwo k l\r\n");
    CHECK(server_clients(s)->over);
    CHECK(there("k") && there("l"));
    CHECK_INT(stats_of("btake")->calls, 0);
    for (int i = 2; i < 5; i++)
        check_hears(&p[i], "");
    end(p, 5);
}

/* Neither who is woken, nor who was held back. */
static void nor_who_waited_for_something_else(void)
{
    begin();
    struct peer p[] = {join(), join(), join()};
    say(&p[1], "sleep\r\n");
    say(&p[0], "pausewrites\r\n");
    say(&p[2], "write held 1\r\n");
    block_wake(p[1].client, BLOCK_READY);
    pause_end_soon(server_pauses(s), PAUSE_ASKED);
    clients_end_service(server_clients(s));
    for (int i = 0; i < 3; i++)
        loop_turn(server_loop(s), 0);
    CHECK(!there("woken") && !there("held"));
    check_hears(&p[1], "");
    check_hears(&p[2], "");
    end(p, 3);
}

int main(void)
{
    return UNIT_RUN(UNIT(it_is_admitted_like_a_first_run), UNIT(a_refusal_leaves_it_to_the_next),
                    UNIT(its_own_flags_count), UNIT(its_large_words_are_its_own),
                    UNIT(the_line_ends_where_it_ended),
                    UNIT(nobody_is_served_behind_the_end), UNIT(nor_in_the_same_line),
                    UNIT(nor_who_waited_for_something_else));
}
