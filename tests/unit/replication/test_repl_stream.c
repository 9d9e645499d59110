/* SPDX-License-Identifier: BSD-3-Clause */
/* The history: what is committed goes to it, who may go on where, what becomes of its ids. */
#include "base/mem.h"
#include "replication/backlog.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/role.h"
#include "tests/unit/server/served.h"

#define PUT_K_V "*3\r\n$3\r\nput\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define SELECT_0 "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"
#define OTHER_ID "0123456789012345678901234567890123456789"

static const struct command table[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = NULL}};

static struct repl *r;
static struct peer p;
static int breaks;

static void broken(void *arg)
{
    (void)arg;
    breaks++;
}

static void begin(void)
{
    serve(table);
    r = mem_zalloc(sizeof *r);
    r->server = s;
    r->role = server_role(s);
    r->config = repl_config_new(s);
    repl_stream_init(r);
    repl_stream_on_break(r, broken, NULL);
    breaks = 0;
    p = join();
}

static void end(void)
{
    close(p.fd);
    repl_stream_free(r);
    repl_config_free(r->config);
    mem_free(r);
    server_free(s);
}

static void put(void)
{
    say(&p, PUT_K_V);
    check_hears(&p, "+OK\r\n");
}

/* All that the backlog has. */
static void check_backlog(const char *want)
{
    struct backlog_cursor c = {0};
    struct iovec parts[8];
    struct buf got = {0};
    backlog_seek(r->backlog, &c, backlog_first(r->backlog));
    int n = backlog_parts(r->backlog, &c, SIZE_MAX, parts, 8);
    for (int i = 0; i < n; i++)
        buf_append(&got, parts[i].iov_base, parts[i].iov_len);
    CHECK_SLICE(buf_slice(&got), slice_str(want));
    backlog_release(r->backlog, &c);
    buf_free(&got);
}

static void nothing_is_kept_before_it_begins(void)
{
    begin();
    put();
    CHECK_INT(role_offset(r->role), 0);
    CHECK_INT((int64_t)commit_position(server_commit(s)), 0); /* nobody listens */
    CHECK(!repl_stream_is_kept(r));
    CHECK(!repl_stream_has(r, slice_str(r->role->id), 1));
    end();
}

static void what_is_committed_follows(void)
{
    const int64_t len = sizeof SELECT_0 PUT_K_V - 1;
    begin();
    char before[ROLE_ID_SIZE];
    memcpy(before, r->role->id, sizeof before);
    repl_stream_begin(r);
    CHECK(repl_stream_is_own(r));
    CHECK(strcmp(before, r->role->id) != 0);
    put();
    CHECK_INT(role_offset(r->role), len);
    check_backlog(SELECT_0 PUT_K_V);
    repl_stream_say(r, 1, (struct slice[]){SLICE_LIT("PING")});
    check_backlog(SELECT_0 PUT_K_V PING);
    /* who wrote does not wait for what was said behind it */
    CHECK_INT(repl_stream_needed(r, p.client->write_position), len);
    CHECK_INT(repl_stream_sendable(r), len + 14);
    CHECK(repl_stream_has(r, slice_str(r->role->id), 1));
    CHECK(repl_stream_has(r, slice_str(r->role->id), len + 15));
    CHECK(!repl_stream_has(r, slice_str(r->role->id), len + 16));
    CHECK(!repl_stream_has(r, slice_str(r->role->id), 0));
    CHECK(!repl_stream_has(r, SLICE_LIT(OTHER_ID), 1));
    repl_stream_end(r);
    CHECK(!repl_stream_is_kept(r) && !repl_stream_is_own(r));
    put();
    CHECK_INT(role_offset(r->role), len + 14);
    end();
}

static void a_gate_holds_it_back(void)
{
    uint64_t durable;
    begin();
    repl_stream_begin(r);
    put();
    durable = commit_position(server_commit(s));
    hooks_on_gate(server_hooks(s), gate, &durable);
    int64_t then = role_offset(r->role);
    say(&p, PUT_K_V);
    check_hears(&p, "");
    CHECK_INT(repl_stream_sendable(r), then);
    durable = commit_position(server_commit(s));
    CHECK_INT(repl_stream_sendable(r), role_offset(r->role));
    say(&p, "");
    check_hears(&p, "+OK\r\n");
    hooks_off_gate(server_hooks(s), &durable);
    end();
}

/* A replica's history is its primary's; when it leads, replicas of both may go on with it. */
static void from_replica_to_primary(void)
{
    begin();
    role_set_replica(r->role, true);
    CHECK_INT(breaks, 1);
    repl_stream_adopt(r, OTHER_ID, 1000);
    CHECK_INT(breaks, 2);
    put(); /* a writable one's own affair */
    CHECK_INT(role_offset(r->role), 1000);
    repl_stream_add(r, SLICE_LIT(PING));
    CHECK_INT(role_offset(r->role), 1014);
    check_backlog(PING);
    CHECK(repl_stream_has(r, SLICE_LIT(OTHER_ID), 1001));
    CHECK(!repl_stream_has(r, SLICE_LIT(OTHER_ID), 1000));
    repl_stream_lead(r);
    role_set_replica(r->role, false);
    CHECK_INT(breaks, 3);
    CHECK_STR(r->role->old_id, OTHER_ID);
    CHECK_INT(r->role->old_id_until, 1014);
    put();
    check_backlog(PING SELECT_0 PUT_K_V);
    CHECK(repl_stream_has(r, SLICE_LIT(OTHER_ID), 1015));
    CHECK(!repl_stream_has(r, SLICE_LIT(OTHER_ID), 1016)); /* that is the new one's */
    CHECK(repl_stream_has(r, slice_str(r->role->id), 1016));
    end();
}

static void a_primary_that_goes_on_under_another_id(void)
{
    begin();
    role_set_replica(r->role, true);
    repl_stream_adopt(r, OTHER_ID, 5);
    repl_stream_rename(r, OTHER_ID);
    CHECK_INT(breaks, 2); /* it is the same */
    repl_stream_rename(r, "abcdefabcdefabcdefabcdefabcdefabcdefabcd");
    CHECK_INT(breaks, 3);
    CHECK_STR(r->role->old_id, OTHER_ID);
    CHECK(repl_stream_has(r, SLICE_LIT(OTHER_ID), 6));
    CHECK(repl_stream_has(r, slice_str(r->role->id), 6));
    end();
}

/* For tests. A replica's primary goes on knowing it by the id it had. */
static void another_id(void)
{
    begin();
    repl_stream_begin(r);
    put();
    char before[ROLE_ID_SIZE];
    int64_t offset = role_offset(r->role);
    memcpy(before, r->role->id, sizeof before);
    repl_stream_change_id(r);
    CHECK_INT(breaks, 0);
    CHECK_INT(role_offset(r->role), offset);
    CHECK(!repl_stream_has(r, slice_str(before), offset + 1));
    CHECK(repl_stream_has(r, slice_str(r->role->id), offset + 1));
    CHECK_STR(repl_stream_primary_id(r), r->role->id);
    end();
    begin();
    role_set_replica(r->role, true);
    repl_stream_adopt(r, OTHER_ID, 5);
    repl_stream_change_id(r);
    CHECK(strcmp(r->role->id, OTHER_ID) != 0);
    CHECK_STR(repl_stream_primary_id(r), OTHER_ID);
    memcpy(before, r->role->id, sizeof before);
    repl_stream_rename(r, OTHER_ID);
    CHECK_STR(r->role->id, before); /* it is the same, to the primary */
    repl_stream_lead(r);
    CHECK_STR(r->role->old_id, before);
    CHECK_STR(repl_stream_primary_id(r), r->role->id);
    end();
}

static void what_a_dump_tells(void)
{
    begin();
    repl_stream_restore(r, OTHER_ID, 77);
    CHECK(strcmp(r->role->id, OTHER_ID) != 0);
    CHECK(repl_stream_has(r, SLICE_LIT(OTHER_ID), 78));
    CHECK(!repl_stream_has(r, SLICE_LIT(OTHER_ID), 77));
    put();
    CHECK(!repl_stream_has(r, SLICE_LIT(OTHER_ID), 79));
    CHECK_INT(role_offset(r->role), 77 + (int64_t)sizeof SELECT_0 PUT_K_V - 1);
    end();
    begin();
    role_set_replica(r->role, true);
    repl_stream_restore(r, OTHER_ID, 77); /* of its primary, which it asks to go on */
    CHECK_STR(r->role->id, OTHER_ID);
    CHECK_INT(role_offset(r->role), 77);
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(nothing_is_kept_before_it_begins), UNIT(what_is_committed_follows),
                    UNIT(a_gate_holds_it_back), UNIT(from_replica_to_primary),
                    UNIT(a_primary_that_goes_on_under_another_id), UNIT(another_id),
                    UNIT(what_a_dump_tells));
}
