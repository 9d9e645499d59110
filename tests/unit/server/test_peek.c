/* SPDX-License-Identifier: BSD-3-Clause */
/* What may come of a look around from inside a command (server_peek), when others want to make the
 * worst of it: each case is a way in which the running command, or what it has done so far, could
 * be harmed. */
#include <sys/un.h>

#include "base/mem.h"
#include "server/block.h"
#include "server/commit.h"
#include "server/config.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/memory_limit.h"
#include "server/net.h"
#include "server/pause.h"
#include "server/push.h"
#include "server/shutdown.h"
#include "server/wait_keys.h"
#include "store/offer.h"
#include "tests/unit/server/served.h"

enum { IDLE_S = 100 };
static struct peer *beside;
static const char *said;
static struct client *subscriber;
static uint64_t keys_before, keys_after;
static bool squeeze, still_current;

static void set_option(const char *name, const char *value)
{
    struct fault f = {0};
    struct slice bad, pairs[] = {slice_str(name), slice_str(value)};
    CHECK(config_set(server_config(s), 2, pairs, &bad, &f));
}

static void tell_beside(const char *text)
{
    CHECK(write(beside->fd, text, strlen(text)) == (ssize_t)strlen(text));
}

/* slow key value: writes, then looks around while something is said beside it */
static void slow(struct ctx *c)
{
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    if (subscriber)
        push_bytes(subscriber, SLICE_LIT("+it is 1\r\n"));
    if (said)
        tell_beside(said);
    if (squeeze)
        set_option("maxmemory", "1");
    keys_before = keyspace_count(c->keyspace);
    for (int i = 0; i < 3; i++)
        server_peek(c->server, "BUSY");
    keys_after = keyspace_count(c->keyspace);
    still_current = server_clients(s)->running->client == c->client;
    reply_status(c, "SLOW");
}

/* Calls put as a script does, in front of a look around and behind it; says how these ended. */
static void script(struct ctx *c)
{
    struct slice words[] = {SLICE_LIT("put"), SLICE_LIT("a"), SLICE_LIT("1")};
    struct exec_call call = {.from = FROM_SCRIPT, .scope = TO_ALL};
    reply_array(c, 2);
    for (int i = 0; i < 2; i++) {
        exec_call(c, &call, 3, words);
        reply_int(c, call.ended == EXEC_REFUSED);
        tell_beside("ping\r\n");
        server_peek(c->server, "BUSY");
    }
}

static void ping(struct ctx *c)
{
    reply_status(c, "PONG");
}

/* note: a message to itself, in front of the reply */
static void note(struct ctx *c)
{
    push_bytes(c->client, SLICE_LIT("+two\r\n"));
    reply_status(c, "NOTED");
}

/* tell key value: changes the key, tells of it, and once more behind a look around */
static bool tells_first;

static void tell(struct ctx *c)
{
    served_put(c);
    if (tells_first)
        push_bytes(subscriber, SLICE_LIT("+one\r\n"));
    tell_beside("note\r\n");
    server_peek(c->server, "BUSY");
    push_bytes(subscriber, SLICE_LIT("+three\r\n"));
}

static void off(struct ctx *c)
{
    reply_int(c, shutdown_begin(server_shutdown(c->server), SHUTDOWN_NOSAVE));
}

static void pause_writes(struct ctx *c)
{
    pause_begin(server_pauses(c->server), PAUSE_ASKED, PAUSE_CHANGES, 1000000);
    reply_ok(c);
}

/* bpeek key: waits for it, and looks around when it is served */
static void bpeek(struct ctx *c)
{
    static const int at[] = {1};
    if (db_find_write(c->db, c->argv[1])) {
        db_remove(c->db, c->argv[1]);
        ctx_changed(c, 1);
        tell_beside("take three\r\nping\r\n");
        server_peek(c->server, "BUSY");
        reply_status(c, "TAKEN");
        return;
    }
    wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                            .too_late = reply_null});
}

/* bend key: the same, and meanwhile its client says that nothing more will come */
static void bend(struct ctx *c)
{
    static const int at[] = {1};
    if (!db_remove(c->db, c->argv[1])) {
        wait_for_keys(c, 0, &(struct wait_keys){.at = at, .count = 1, .type = VALUE_STRING,
                                                .too_late = reply_null});
        return;
    }
    ctx_changed(c, 1);
    CHECK_INT(shutdown(beside->fd, SHUT_WR), 0);
    server_peek(c->server, "BUSY");
    CHECK(!(c->client->flags & CLIENT_CLOSE_SOON));
    reply_status(c, "TAKEN");
}

static struct peer *goes[2];

/* Two hang up, each seen by a peek of its own; then somebody comes, and all places are taken. */
static void crowd(struct ctx *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, "sock");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    for (int i = 0; i < 2; i++) {
        close(goes[i]->fd);
        server_peek(c->server, "BUSY");
    }
    CHECK(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    server_peek(c->server, "BUSY");
    CHECK(server_clients(s)->count >= 3); /* nobody was freed meanwhile */
    close(fd);
    reply_ok(c);
}

/* large key word: looks around, then reads a key and keeps its word */
static void large(struct ctx *c)
{
    char scratch[NUM_I64_TEXT];
    struct offer *offered = c->keyspace->offered;
    CHECK(offered != NULL);
    tell_beside(said);
    for (int i = 0; i < 3; i++)
        server_peek(c->server, "BUSY");
    CHECK(c->keyspace->offered == offered);
    struct entry *e = db_find(c->db, c->argv[1]);
    CHECK_INT(entry_idle_ms(c->keyspace, e) < IDLE_S * 500, !(c->client->flags & CLIENT_NO_TOUCH));
    e = db_set_string(c->db, SLICE_LIT("kept"), c->argv[2], KEY_NO_EXPIRE);
    CHECK(entry_string(e, scratch).data == c->argv[2].data); /* its block, not a copy */
    reply_ok(c);
}

/* half key value: the rest of its reply comes behind a look around, in which its client gets
 * nothing */
static void half(struct ctx *c)
{
    db_set_string(c->db, c->argv[1], c->argv[2], KEY_NO_EXPIRE);
    ctx_changed(c, 1);
    reply_array(c, 2);
    reply_status(c, "ONE");
    for (int i = 0; i < 3; i++)
        server_peek(c->server, "BUSY");
    check_hears(beside, "");
    reply_status(c, "TWO");
}

static struct buf stages;

static void note_stage(void *arg)
{
    buf_printf(&stages, "%s ", (const char *)arg);
}

/* turn: which stages are there in a look around? */
static void turn(struct ctx *c)
{
    buf_clear(&stages);
    server_peek(c->server, "BUSY");
    reply_bulk(c, buf_slice(&stages));
}

static struct {
    struct offer *offered;
    bool no_touch;
    int count;
} seen;

/* see: what is there for a command that runs inside another */
static void see(struct ctx *c)
{
    seen.offered = c->keyspace->offered;
    seen.no_touch = c->keyspace->no_touch;
    seen.count++;
    reply_ok(c);
}

static const struct command commands[] = {
    {.name = "large", .run = large, .arity = 3, .flags = CMD_WRITE},
    {.name = "half", .run = half, .arity = 3, .flags = CMD_WRITE},
    {.name = "turn", .run = turn, .arity = 1},
    {.name = "see", .run = see, .arity = 1, .flags = CMD_ALLOW_BUSY},
    {.name = "slow", .run = slow, .arity = 3, .flags = CMD_WRITE},
    {.name = "ping", .run = ping, .arity = 1, .flags = CMD_ALLOW_BUSY},
    {.name = "note", .run = note, .arity = 1, .flags = CMD_ALLOW_BUSY},
    {.name = "tell", .run = tell, .arity = 3, .flags = CMD_WRITE},
    {.name = "off", .run = off, .arity = 1, .flags = CMD_ALLOW_BUSY},
    {.name = "pause", .run = pause_writes, .arity = 1},
    {.name = "crowd", .run = crowd, .arity = 1, .flags = CMD_WRITE},
    {.name = "bpeek", .run = bpeek, .arity = 2, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "bend", .run = bend, .arity = 2, .flags = CMD_WRITE | CMD_BLOCKING},
    {.name = "script", .run = script, .arity = 1},
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM},
    {.name = "take", .run = served_take, .arity = 2, .flags = CMD_READONLY},
    {.name = NULL}};

static void begin(void)
{
    serve(commands);
    beside = NULL;
    said = NULL;
    subscriber = NULL;
    squeeze = false;
}

static void hear(void *arg, const struct commit_batch *batch)
{
    buf_add(arg, batch->log);
}

static void current_is_who_runs(void)
{
    begin();
    struct peer p = join(), q = join();
    beside = &q;
    said = "ping\r\n";
    say(&p, "slow k 1\r\n");
    CHECK(still_current);
    server_free(s);
}

/* The large words and the NO-TOUCH of who runs are not those of who is served meanwhile, and come
 * back. */
static void each_has_its_own_words_and_touch(void)
{
    for (int i = 0; i < 4; i++) {
        begin();
        struct keyspace *ks = server_keyspace(s);
        struct peer p = join(), q = join();
        beside = &q;
        said = "see\r\n";
        seen.count = 0;
        p.client->flags |= i & 1 ? CLIENT_NO_TOUCH : 0;
        q.client->flags |= i & 2 ? CLIENT_NO_TOUCH : 0;
        entry_set_idle(ks, db_set_string(keyspace_db(ks, 0), SLICE_LIT("k"), SLICE_LIT("text"),
                                         KEY_NO_EXPIRE), IDLE_S);
        say_with_large(&p, "*3\r\n$5\r\nlarge\r\n$1\r\nk\r\n", OFFER_MIN);
        check_hears(&p, "+OK\r\n");
        check_hears(&q, "+OK\r\n");
        CHECK_INT(seen.count, 1);
        CHECK(!seen.offered);
        CHECK_INT(seen.no_touch, (i & 2) != 0);
        close(p.fd);
        close(q.fd);
        server_free(s);
    }
}

/* Who is served meanwhile gets replies, and what these wait for; nobody else's command runs. */
static void all_stages_but_waking(void)
{
    static char names[][8] = {"unblock", "log", "sync", "reply"};
    begin();
    for (int stage = 0; stage < STAGE_COUNT; stage++)
        hooks_on_stage(server_hooks(s), (enum stage)stage, note_stage, names[stage]);
    struct peer p = join();
    say(&p, "turn\r\n");
    check_hears(&p, "$15\r\nlog sync reply \r\n");
    buf_free(&stages);
    server_free(s);
}

static void no_key_is_evicted(void)
{
    begin();
    struct memory_limit *m = memory_limit_new(s);
    struct peer p = join(), q = join();
    struct db *db = keyspace_db(server_keyspace(s), 0);
    beside = &q;
    said = "ping\r\n";
    squeeze = true;
    for (int i = 0; i < 1000; i++) {
        char key[NUM_I64_TEXT];
        db_set_string(db, slice(key, num_format_i64(key, i)), SLICE_LIT("some value"),
                      KEY_NO_EXPIRE);
    }
    set_option("maxmemory-policy", "allkeys-random");
    set_option("maxmemory", "1000000000000");
    mem_used(); /* what is used about is known then, and over the limit that comes */
    say(&p, "slow k 1\r\n");
    CHECK_INT(keys_before, 1001);
    CHECK_INT(keys_after, 1001);
    memory_limit_free(m);
    server_free(s);
}

/* What a script may do is decided in front of it, whoever is served meanwhile. */
static void a_script_stays_out_of_memory(void)
{
    begin();
    struct memory_limit *m = memory_limit_new(s);
    struct peer p = join(), q = join();
    beside = &q;
    set_option("maxmemory", "1");
    mem_used();
    say(&p, "script\r\n");
    check_hears(&p, "*2\r\n:1\r\n:1\r\n");
    memory_limit_free(m);
    server_free(s);
}

static void the_primary_is_not_read(void)
{
    begin();
    struct peer p = join(), q = join();
    beside = &q;
    q.client->flags |= CLIENT_PRIMARY;
    said = "*3\r\n$3\r\nput\r\n$1\r\na\r\n$1\r\n9\r\n";
    say(&p, "slow k 1\r\n");
    check_hears(&p, "+SLOW\r\n");
    CHECK_INT(keys_after, 1);
    loop_turn(server_loop(s), 0);
    CHECK_INT(keyspace_count(server_keyspace(s)), 2);
    server_free(s);
}

/* What tells of the unit that is still open leaves when the unit may. */
static void a_message_waits_for_its_unit(void)
{
    for (int gated = 0; gated < 2; gated++) {
        uint64_t released = 0;
        struct buf log = {0};
        begin();
        hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
        if (gated)
            hooks_on_gate(server_hooks(s), gate, &released);
        struct peer p = join(), q = join();
        beside = &q;
        subscriber = q.client;
        said = "ping\r\n";
        say(&p, "slow k 1\r\n");
        if (gated) {
            check_hears(&q, "");
            released = UINT64_MAX;
            loop_turn(server_loop(s), 0);
        }
        check_hears(&q, "+it is 1\r\n+PONG\r\n");
        buf_free(&log);
        server_free(s);
    }
}

/* Those that waited behind a reply, in a peek, and those that did not: in the order in which they
 * were pushed, and all of them behind the gate. The reply, to a command that the unit does not
 * concern, waits for what stands in front of it only. */
static void messages_of_a_unit_stay_in_order(void)
{
    for (int way = 0; way < 4; way++) {
        uint64_t released = way & 1 ? 0 : UINT64_MAX;
        struct buf log = {0};
        begin();
        hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
        hooks_on_gate(server_hooks(s), gate, &released);
        struct peer p = join(), q = join();
        beside = &q;
        subscriber = q.client;
        tells_first = way & 2;
        say(&p, "tell k 1\r\n");
        if (way & 1) {
            check_hears(&q, tells_first ? "" : "+NOTED\r\n");
            released = UINT64_MAX;
            loop_turn(server_loop(s), 0);
        }
        check_hears(&q, tells_first      ? "+one\r\n+NOTED\r\n+two\r\n+three\r\n"
                        : way & 1 ? "+two\r\n+three\r\n"
                                  : "+NOTED\r\n+two\r\n+three\r\n");
        close(p.fd);
        close(q.fd);
        buf_free(&log);
        server_free(s);
    }
}

/* It is known to be owed something, by the command in front in its pipeline; what the unit has
 * changed so far has no position yet, so nothing but this keeps its reply behind a gate. */
static void half_a_reply_stays(void)
{
    for (int gated = 0; gated < 2; gated++) {
        uint64_t released = 0;
        struct buf log = {0};
        begin();
        hooks_on_commit(server_hooks(s), TO_LOG, hear, &log);
        if (gated)
            hooks_on_gate(server_hooks(s), gate, &released);
        struct peer p = join();
        beside = &p;
        say(&p, "take k\r\nhalf k 1\r\n");
        if (gated) {
            check_hears(&p, "$-1\r\n");
            released = UINT64_MAX;
            loop_turn(server_loop(s), 0);
        }
        check_hears(&p, gated ? "*2\r\n+ONE\r\n+TWO\r\n"
                              : "$-1\r\n*2\r\n+ONE\r\n+TWO\r\n");
        close(p.fd);
        buf_free(&log);
        server_free(s);
    }
}

static bool finished;

static enum shutdown_answer ready(void *arg, unsigned flags)
{
    (void)arg, (void)flags;
    return SHUTDOWN_READY;
}

static bool finish(void *arg, unsigned flags)
{
    (void)arg, (void)flags;
    finished = true;
    return true;
}

/* Behind the last writes nothing is acknowledged, also not what ran when they were made. */
static void a_shutdown_ends_it(void)
{
    begin();
    hooks_on_shutdown(server_hooks(s), ready, finish, NULL);
    struct peer p = join(), q = join();
    beside = &q;
    said = "off\r\n";
    CHECK(write(p.fd, "slow k 1\r\n", 10) == 10);
    server_run(s);
    CHECK(finished);
    check_hears(&p, "");
    server_free(s);
}

/* A pusher's pipeline lies on the stack while a waiter of its key is served. */
static void a_pipeline_below_is_left_alone(void)
{
    begin();
    struct peer p = join(), q = join();
    beside = &p;
    say(&q, "bpeek k\r\n");
    say(&p, "*3\r\n$3\r\nput\r\n$1\r\nk\r\n$1\r\n1\r\n*2\r\n$4\r\ntake\r\n$3\r\none\r\n"
            "*2\r\n$4\r\ntake\r\n$3\r\ntwo\r\n");
    check_hears(&q, "+TAKEN\r\n");
    check_hears(&p, "+OK\r\n$-1\r\n$-1\r\n$-1\r\n+PONG\r\n");
    server_free(s);
}

/* What comes from a client while its own command runs, later than it was read, is for behind it. */
static void who_was_woken_is_not_read(void)
{
    begin();
    struct peer p = join(), q = join(), r = join();
    beside = &q;
    said = "ping\r\n";
    say(&p, "pause\r\n");
    say(&q, "slow k 1\r\n");
    check_hears(&q, "");
    pause_end_soon(server_pauses(s), PAUSE_ASKED);
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
    check_hears(&q, "+SLOW\r\n+PONG\r\n");
    beside = &r;
    say(&r, "bend l\r\n");
    say(&p, "put l 1\r\n");
    check_hears(&r, "+TAKEN\r\n"); /* and not lost with what was taken */
    server_free(s);
}

static void nobody_is_freed(void)
{
    struct fault f = {0};
    CHECK_INT(chdir(unit_tmpdir()), 0);
    begin();
    CHECK(config_load_text(server_config(s), "the test",
                           SLICE_LIT("port 0\nunixsocket sock\nmaxclients 4\n"), &f));
    CHECK(server_configured(s, &f));
    CHECK(server_listen(s, &f));
    set_option("maxclients", "3");
    struct peer p = join(), q = join(), r = join();
    goes[0] = &q;
    goes[1] = &r;
    say(&p, "pause\r\ncrowd\r\n");
    pause_end_soon(server_pauses(s), PAUSE_ASKED);
    loop_turn(server_loop(s), 0);
    loop_turn(server_loop(s), 0);
    check_hears(&p, "+OK\r\n+OK\r\n");
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(current_is_who_runs), UNIT(all_stages_but_waking),
                    UNIT(each_has_its_own_words_and_touch),
                    UNIT(no_key_is_evicted),
                    UNIT(a_script_stays_out_of_memory), UNIT(the_primary_is_not_read),
                    UNIT(a_message_waits_for_its_unit),
                    UNIT(messages_of_a_unit_stay_in_order), UNIT(half_a_reply_stays),
                    UNIT(a_shutdown_ends_it),
                    UNIT(a_pipeline_below_is_left_alone), UNIT(who_was_woken_is_not_read),
                    UNIT(nobody_is_freed));
}
