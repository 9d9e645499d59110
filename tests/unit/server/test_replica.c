/* SPDX-License-Identifier: BSD-3-Clause */
/* A server that is a replica, or becomes one: memory, and its link. */
#include <stdio.h>

#include "base/mem.h"
#include "server/config.h"
#include "server/memory_limit.h"
#include "server/role.h"
#include "tests/unit/server/served.h"
#include "tests/unit/unit.h"

enum { KEYS = 1000 };

static const struct command table[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE,
     .keys = {KEY_AT(KEY_OW, 1, 0, 1)}},
    {.name = "take", .run = served_take, .arity = 2, .flags = CMD_READONLY,
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = NULL}};

static uint64_t keys(void)
{
    return keyspace_count(server_keyspace(s));
}

static void set(const char *name, const char *value)
{
    struct fault f = {0};
    struct slice pair[2] = {slice_str(name), slice_str(value)}, bad;
    CHECK(config_set(server_config(s), 2, pair, &bad, &f));
}

static void fill(void)
{
    char key[16];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key:%d", i);
        db_set_string(keyspace_db(server_keyspace(s), 0), slice_str(key), SLICE_LIT("value"),
                      KEY_NO_EXPIRE);
    }
}

/* replica-ignore-maxmemory: what its primary keeps, it keeps, whatever memory there is; a replica
 * that does not, and a primary, evict. */
static void keeps_what_its_primary_keeps(void)
{
    for (int is_replica = 0; is_replica < 2; is_replica++)
        for (int keeps_all = 0; keeps_all < 2; keeps_all++) {
            serve(table);
            struct memory_limit *limit = memory_limit_new(s);
            struct peer p = join();
            bool stay = is_replica && keeps_all;
            server_role(s)->keeps_all = keeps_all;
            role_set_replica(server_role(s), is_replica);
            fill();
            set("maxmemory-policy", "allkeys-random");
            set("maxmemory-eviction-tenacity", "100");
            set("maxmemory", "1");
            say(&p, "take a\r\n");
            check_hears(&p, "$-1\r\n");
            CHECK_INT(keys(), stay ? KEYS : 0);
            if (stay) { /* a primary again */
                role_set_replica(server_role(s), false);
                say(&p, "take a\r\n");
                CHECK_INT(keys(), 0);
            }
            close(p.fd);
            memory_limit_free(limit);
            server_free(s);
        }
}

/* Of another primary it knows nothing yet, and a primary has no link. */
static void link_is_the_last_ones(void)
{
    serve(table);
    struct role *r = server_role(s);
    role_set_replica(r, true);
    CHECK(!r->link_up);
    r->link_up = true;
    role_set_replica(r, true); /* it is one */
    CHECK(r->link_up);
    role_set_replica(r, false);
    CHECK(!r->link_up);
    r->link_up = true;
    role_set_replica(r, true);
    CHECK(!r->link_up);
    server_free(s);
}

int main(void)
{
    mem_thread_enter();
    return UNIT_RUN(UNIT(keeps_what_its_primary_keeps), UNIT(link_is_the_last_ones));
}
