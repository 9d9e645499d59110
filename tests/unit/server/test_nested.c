/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that run others inside themselves: what may be done there stays within what may be done
 * around it, and whoever called goes on as if nothing had been called. */
#include <stdio.h>

#include "server/command.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/settings.h"
#include "tests/unit/server/served.h"

enum { LEVELS = 2, IDLE_S = 100 };
static struct client *inner;
static struct exec_call calls[LEVELS]; /* the outermost first */
static int level;

static bool call_next(struct ctx *c, int from)
{
    CHECK(level < LEVELS && from < c->argc);
    struct exec_call *mine = &calls[level++];
    bool ok = exec_call(c, mine, c->argc - from, c->argv + from);
    level--;
    return ok;
}

/* ---- what it may do ---- */

/* mark key word...: calls the words, and then changes the key itself */
static void mark(struct ctx *c)
{
    struct slice effect[] = {SLICE_LIT("MARK"), c->argv[1]};
    CHECK(call_next(c, 2));
    db_set_string(c->db, c->argv[1], SLICE_LIT("1"), KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    ctx_log_instead(c, 2, effect);
    reply_ok(c);
}

/* call word...: says how it ended */
static void call(struct ctx *c)
{
    call_next(c, 1);
    reply_int(c, calls[0].ended);
}

/* transact key: ends a transaction of the inner client, with one PUT */
static void transact(struct ctx *c)
{
    struct command_entry *put = commands_find(server_commands(c->server), SLICE_LIT("put"));
    struct slice words[] = {SLICE_LIT("put"), c->argv[1], SLICE_LIT("1")};
    struct slice end[] = {SLICE_LIT("exec")};
    multi_begin(inner);
    multi_queue(inner, put, 3, words, NULL);
    CHECK(exec_call(c, &calls[0], 1, end));
    reply_ok(c);
}

/* ---- what it leaves behind ---- */

static struct {
    struct offer *offered;
    bool no_touch;
} seen; /* by the command inside */

/* look key: changes of its client what a command can */
static void look(struct ctx *c)
{
    seen.offered = c->keyspace->offered;
    seen.no_touch = c->keyspace->no_touch;
    CHECK(db_find(c->db, c->argv[1]) != NULL);
    client_select(c->client, 3);
    c->client->resp = 3;
    ctx_changed(c, 1);
    reply_error(c, "ERR it has looked");
}

struct state {
    struct ctx ctx;
    struct offer *offered;
    bool no_touch;
    enum expire_mode expire_mode;
    int64_t now_ms;
    const struct ctx *running;
    struct client *client;
    struct command_entry *last_command;
    struct db *db;
    uint64_t flags;
    int resp, busy;
};

/* Compared as bytes: all of it is set. */
static void note_state(struct state *st, const struct ctx *c)
{
    memset(st, 0, sizeof *st);
    memcpy(&st->ctx, c, sizeof *c);
    st->offered = c->keyspace->offered;
    st->no_touch = c->keyspace->no_touch;
    st->expire_mode = c->keyspace->expire_mode;
    st->now_ms = c->keyspace->now_ms;
    st->running = server_clients(s)->running;
    st->client = c->client;
    st->last_command = c->client->last_command;
    st->db = c->client->db;
    st->flags = c->client->flags;
    st->resp = c->client->resp;
    st->busy = c->client->busy;
}

static bool was_touched(struct ctx *c, const char *key)
{
    struct db *db = keyspace_db(c->keyspace, 0);
    struct entry *e = db_find_with(db, slice_str(key), DB_NOTOUCH | DB_NOSTATS);
    CHECK(e != NULL);
    return entry_idle_ms(c->keyspace, e) < IDLE_S * 1000 / 2;
}

/* around large: calls what runs and what does not, each in its way; then reads a key, and keeps its
 * large word */
static void around(struct ctx *c)
{
    static const struct {
        int argc;
        struct slice argv[3];
        enum exec_call_end ended;
    } each[] = {{2, {SLICE_LIT("look"), SLICE_LIT("in")}, EXEC_RAN},
                {1, {SLICE_LIT("nosuch")}, EXEC_UNKNOWN},
                {1, {SLICE_LIT("look")}, EXEC_ARITY},
                {1, {SLICE_LIT("admin")}, EXEC_DENIED},
                {3, {SLICE_LIT("put"), SLICE_LIT("a"), SLICE_LIT("1")}, EXEC_REFUSED}};
    struct state before, after;
    char scratch[NUM_I64_TEXT];
    CHECK(c->keyspace->offered != NULL);
    note_state(&before, c);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        CHECK(!exec_call(c, &calls[0], each[i].argc, each[i].argv));
        CHECK_INT(calls[0].ended, each[i].ended);
        note_state(&after, c);
        CHECK(memcmp(&before, &after, sizeof before) == 0);
    }
    CHECK_INT(was_touched(c, "in"), !(inner->flags & CLIENT_NO_TOUCH));
    CHECK(db_find(c->db, SLICE_LIT("out")) != NULL);
    CHECK_INT(was_touched(c, "out"), !(c->client->flags & CLIENT_NO_TOUCH));
    struct entry *e = db_set_string(c->db, SLICE_LIT("large"), c->argv[1], KEY_NO_EXPIRE);
    CHECK(entry_string(e, scratch).data == c->argv[1].data); /* its block, not a copy */
    reply_ok(c);
}

static void ok(struct ctx *c)
{
    reply_ok(c);
}

static void multi(struct ctx *c)
{
    multi_begin(c->client);
    reply_ok(c);
}

static const struct command commands[] = {
    {.name = "whileloading", .run = ok, .arity = 1, .flags = CMD_LOADING},
    {.name = "whilestale", .run = ok, .arity = 1, .flags = CMD_STALE},
    {.name = "always", .run = ok, .arity = 1, .flags = CMD_LOADING | CMD_STALE},
    {.name = "multi", .run = multi, .arity = 1, .steers = STEERS_MULTI},
    {.name = "mark", .run = mark, .arity = -3},
    {.name = "call", .run = call, .arity = -2},
    {.name = "debug", .run = mark, .arity = -3, .flags = CMD_PROTECTED},
    {.name = "transact", .run = transact, .arity = 2},
    {.name = "exec", .run = exec_transaction, .arity = 1, .flags = CMD_LOADING | CMD_STALE,
     .flags_of = multi_flags, .steers = STEERS_EXEC},
    {.name = "look", .run = look, .arity = 2},
    {.name = "around", .run = around, .arity = 2},
    {.name = "admin", .run = served_take, .arity = 1, .flags = CMD_ADMIN},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE},
    {.name = NULL}};

static void begin(void)
{
    serve(commands);
    inner = server_fake_client(s);
    level = 0;
    for (int i = 0; i < LEVELS; i++)
        calls[i] = (struct exec_call){.as = inner, .from = FROM_SCRIPT, .scope = TO_ALL};
}

static void end(void)
{
    server_free_client(s, inner);
    server_free(s);
}

/* ---- cases ---- */

struct streams {
    struct buf log, replicas;
};

static void hear(void *arg, const struct commit_batch *batch)
{
    struct streams *h = arg;
    buf_add(&h->log, batch->log);
    buf_add(&h->replicas, batch->replicas);
}

static bool tells(const struct buf *b, const char *command, const char *key)
{
    char text[64];
    snprintf(text, sizeof text, "%s\r\n$1\r\n%s\r\n", command, key);
    return b->len && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* One inside another inside a third: each is told where it may be, and all around it may. */
static void no_scope_is_wider_than_that_around_it(void)
{
    struct streams heard = {0};
    begin();
    struct peer p = join();
    hooks_on_commit(server_hooks(s), TO_ALL, hear, &heard);
    for (unsigned a = 0; a <= TO_ALL; a++)
        for (unsigned b = 0; b <= TO_ALL; b++) {
            calls[0].scope = (enum commit_scope)a;
            calls[1].scope = (enum commit_scope)b;
            buf_clear(&heard.log);
            buf_clear(&heard.replicas);
            say(&p, "mark x mark y put z 1\r\n");
            check_hears(&p, "+OK\r\n");
            CHECK(tells(&heard.log, "MARK", "x") && tells(&heard.replicas, "MARK", "x"));
            CHECK_INT(tells(&heard.log, "MARK", "y"), (a & TO_LOG) != 0);
            CHECK_INT(tells(&heard.replicas, "MARK", "y"), (a & TO_REPLICAS) != 0);
            CHECK_INT(tells(&heard.log, "put", "z"), (a & b & TO_LOG) != 0);
            CHECK_INT(tells(&heard.replicas, "put", "z"), (a & b & TO_REPLICAS) != 0);
        }
    CHECK_INT(keyspace_count(server_keyspace(s)), 3);
    buf_free(&heard.log);
    buf_free(&heard.replicas);
    close(p.fd);
    end();
}

/* What EXEC does is told where EXEC may be. */
static void nor_is_that_of_a_transaction(void)
{
    struct streams heard = {0};
    begin();
    struct peer p = join();
    hooks_on_commit(server_hooks(s), TO_ALL, hear, &heard);
    for (unsigned scope = 0; scope <= TO_ALL; scope++) {
        calls[0].scope = (enum commit_scope)scope;
        buf_clear(&heard.log);
        buf_clear(&heard.replicas);
        say(&p, "transact k\r\n");
        check_hears(&p, "+OK\r\n");
        CHECK_INT(tells(&heard.log, "put", "k"), (scope & TO_LOG) != 0);
        CHECK_INT(tells(&heard.replicas, "put", "k"), (scope & TO_REPLICAS) != 0);
    }
    buf_free(&heard.log);
    buf_free(&heard.replicas);
    close(p.fd);
    end();
}

/* A listener may refuse what is called, whatever it lets through around it. */
static const char *refuse(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)arg, (void)c, (void)e;
    return "NOPE not in a script";
}

static void check_call(struct peer *p, const char *text, enum exec_call_end ended)
{
    char want[32];
    snprintf(want, sizeof want, ":%d\r\n", (int)ended);
    say(p, text);
    check_hears(p, want);
}

/* What the configuration keeps from clients is kept from what they call, too. */
static void protected_commands(void)
{
    begin();
    struct peer p = join();
    CHECK_INT(server_settings(s)->enable_debug, ALLOWED_NO);
    check_call(&p, "call debug k put a 1\r\n", EXEC_DENIED);
    CHECK_INT(keyspace_count(server_keyspace(s)), 0);
    server_settings(s)->enable_debug = ALLOWED_YES;
    check_call(&p, "call debug k put a 1\r\n", EXEC_RAN);
    CHECK_INT(keyspace_count(server_keyspace(s)), 2);
    close(p.fd);
    end();
}

static void refused_calls_are_counted(void)
{
    begin();
    struct peer p = join();
    const struct command_stats *put =
        &commands_find(server_commands(s), SLICE_LIT("put"))->stats;
    hooks_on_admit(server_hooks(s), refuse, NULL, 1 << FROM_SCRIPT, CMD_WRITE);
    check_call(&p, "call put a 1\r\n", EXEC_REFUSED);
    CHECK_INT(put->rejected, 1);
    CHECK_INT(put->calls, 0);
    say(&p, "put a 1\r\n");
    CHECK_INT(put->rejected, 1);
    CHECK_INT(put->calls, 1);
    close(p.fd);
    end();
}

static void note_call(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took)
{
    static const char *const from[FROM_COUNT] = {"client", "exec", "script", "module"};
    (void)took;
    buf_printf(arg, "%s of %s%s; ", e->name, from[c->from], c->client == inner ? ", inner" : "");
}

/* Each call by itself, the inner ones first, whoever made it. */
static void observers_see_each_level(void)
{
    struct buf seen_calls = {0};
    begin();
    struct peer p = join();
    exec_observe(server_exec(s), OBSERVE_ANSWERED | OBSERVE_AGAIN, 0, note_call, &seen_calls);
    calls[0].as = NULL;
    calls[1].from = FROM_MODULE;
    say(&p, "mark x mark y put z 1\r\n");
    CHECK_SLICE(buf_slice(&seen_calls), SLICE_LIT("put of module, inner; mark of script; "
                                                  "mark of client; "));
    buf_clear(&seen_calls);
    calls[0].as = inner;
    calls[0].from = FROM_MODULE;
    say(&p, "transact x\r\n");
    CHECK_SLICE(buf_slice(&seen_calls), SLICE_LIT("put of module, inner; exec of module, inner; "
                                                  "transact of client; "));
    exec_unobserve(server_exec(s), &seen_calls);
    buf_free(&seen_calls);
    close(p.fd);
    end();
}

static const char *note_flags(void *arg, struct ctx *c, const struct command_entry *e)
{
    if (e->row.steers == STEERS_EXEC)
        *(uint32_t *)arg = c->command_flags;
    return NULL;
}

/* EXEC may run when the server loads, or its data are old, if all may that is queued. */
static void exec_may_what_all_of_it_may(void)
{
    static const struct {
        const char *queued;
        uint32_t may;
    } each[] = {{"always\r\nalways\r\n", CMD_LOADING | CMD_STALE},
                {"whileloading\r\nalways\r\n", CMD_LOADING},
                {"always\r\nwhileloading\r\n", CMD_LOADING},
                {"whilestale\r\nalways\r\n", CMD_STALE},
                {"whilestale\r\nwhileloading\r\n", 0},
                {"put a 1\r\nalways\r\n", 0},
                {"always\r\nput a 1\r\n", 0}};
    uint32_t flags = 0;
    begin();
    struct peer p = join();
    hooks_on_admit(server_hooks(s), note_flags, &flags, 1 << FROM_CLIENT, ADMIT_EVERY);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        say(&p, "multi\r\n");
        say(&p, each[i].queued);
        check_hears(&p, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
        server_set_loading(s, true);
        say(&p, "exec\r\n");
        server_set_loading(s, false);
        CHECK_INT(flags & (CMD_LOADING | CMD_STALE), each[i].may);
        check_hears(&p, each[i].may & CMD_LOADING
                            ? "*2\r\n+OK\r\n+OK\r\n"
                            : "-EXECABORT Transaction discarded because of: " LOADING_ERROR "\r\n");
    }
    CHECK_INT(keyspace_count(server_keyspace(s)), 0);
    close(p.fd);
    end();
}

static const char *count(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)c, (void)e;
    ++*(int *)arg;
    return NULL;
}

/* Each is asked about what it named, also when another asks about the rest. */
static void listeners_side_by_side(void)
{
    int of_client = 0, of_script = 0, reads = 0;
    struct hooks *h;
    begin();
    h = server_hooks(s);
    struct peer p = join();
    hooks_on_admit(h, count, &of_client, 1 << FROM_CLIENT, CMD_WRITE);
    hooks_on_admit(h, count, &of_script, 1 << FROM_SCRIPT, CMD_WRITE);
    hooks_on_admit(h, count, &reads, 1 << FROM_CLIENT | 1 << FROM_SCRIPT, CMD_READONLY);
    say(&p, "put a 1\r\n");
    CHECK_INT(of_client, 1);
    CHECK_INT(of_script, 0);
    say(&p, "call put a 1\r\n");
    CHECK_INT(of_client, 1);
    CHECK_INT(of_script, 1);
    CHECK_INT(reads, 0);
    close(p.fd);
    end();
}

static void idle_key(const char *name)
{
    struct keyspace *ks = server_keyspace(s);
    entry_set_idle(ks, db_set_string(keyspace_db(ks, 0), slice_str(name), SLICE_LIT("text"),
                                     KEY_NO_EXPIRE), IDLE_S);
}

static void check_around(bool outer_no_touch, bool inner_no_touch)
{
    begin();
    struct peer p = join();
    idle_key("in");
    idle_key("out");
    hooks_on_admit(server_hooks(s), refuse, NULL, 1 << FROM_SCRIPT, CMD_WRITE);
    calls[0].deny = CMD_ADMIN;
    p.client->flags |= outer_no_touch ? CLIENT_NO_TOUCH : 0;
    inner->flags |= inner_no_touch ? CLIENT_NO_TOUCH : 0;
    say_with_large(&p, "*2\r\n$6\r\naround\r\n", 300 * 1024);
    check_hears(&p, "+OK\r\n");
    CHECK(!seen.offered); /* the large word was the outer's alone */
    CHECK_INT(seen.no_touch, inner_no_touch);
    CHECK_INT(inner->db->id, 3);
    close(p.fd);
    end();
}

static void who_called_finds_all_as_it_was(void)
{
    for (int i = 0; i < 4; i++)
        check_around(i & 1, i & 2);
}

/* Without a client of its own a call is the outer's, wherever that is. */
static void in_whose_database(void)
{
    begin();
    struct peer p = join();
    client_select(p.client, 1);
    client_select(inner, 2);
    say(&p, "mark m put a 1\r\n");
    calls[0].as = NULL;
    say(&p, "mark m put b 1\r\n");
    check_hears(&p, "+OK\r\n+OK\r\n");
    CHECK(db_find(keyspace_db(server_keyspace(s), 2), SLICE_LIT("a")));
    CHECK(db_find(keyspace_db(server_keyspace(s), 1), SLICE_LIT("b")));
    CHECK_INT(keyspace_count(server_keyspace(s)), 3);
    close(p.fd);
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(no_scope_is_wider_than_that_around_it),
                    UNIT(nor_is_that_of_a_transaction), UNIT(protected_commands),
                    UNIT(refused_calls_are_counted), UNIT(observers_see_each_level),
                    UNIT(exec_may_what_all_of_it_may), UNIT(listeners_side_by_side),
                    UNIT(who_called_finds_all_as_it_was), UNIT(in_whose_database));
}
