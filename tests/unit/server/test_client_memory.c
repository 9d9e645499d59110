/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client holds is what memory grows by for it; and who is closed when all hold too much. */
#include "server/client_memory.h"

#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "server/multi.h"
#include "server/pubsub.h"
#include "server/stats.h"
#include "server/tracking.h"
#include "tests/unit/server/served.h"

enum { MANY = 20000 };

static const struct command no_commands[] = {{0}};

typedef void take_one(struct client *c, struct slice name);

static void subscribes(struct client *c, struct slice name)
{
    CHECK(pubsub_subscribe(server_pubsub(s), c, PUBSUB_CHANNEL, name));
}

static void subscribes_to_shards(struct client *c, struct slice name)
{
    CHECK(pubsub_subscribe(server_pubsub(s), c, PUBSUB_SHARD, name));
}

static void watches(struct client *c, struct slice name)
{
    multi_watch(c, name);
}

static void takes(struct client *c, take_one *take)
{
    char name[64];
    for (int i = 0; i < MANY; i++) {
        int len = snprintf(name, sizeof name, "a rather usual name:%08d", i);
        take(c, slice(name, (size_t)len));
    }
}

/* Once before it is measured: tables that have grown stay. About all of it is the client's. */
static void check_counted(take_one *take)
{
    serve(no_commands);
    struct peer one = join();
    takes(one.client, take);
    client_reset(one.client);
    size_t before = client_memory(one.client), used = mem_used();
    takes(one.client, take);
    size_t grown = mem_used() - used, counted = client_memory(one.client) - before;
    CHECK(grown > MANY * 32);
    CHECK(counted <= grown && counted > grown / 100 * 80);
    client_reset(one.client);
    CHECK(client_memory(one.client) < before + 1024);
    close(one.fd);
    server_free(s);
}

static void channels(void)
{
    check_counted(subscribes);
    check_counted(subscribes_to_shards);
}

static void watched_keys(void)
{
    check_counted(watches);
}

/* What two watch each is charged with: neither is found small because of the other. */
static void a_key_that_two_watch(void)
{
    serve(no_commands);
    struct peer one = join(), two = join();
    char name[1000] = "k";
    size_t before = client_memory(two.client);
    for (int i = 0; i < 2; i++) { /* the second time is no other watch */
        multi_watch(one.client, slice(name, sizeof name));
        multi_watch(two.client, slice(name, sizeof name));
    }
    size_t after = client_memory(two.client);
    CHECK(after >= before + sizeof name && after < before + 2 * sizeof name);
    multi_unwatch(one.client);
    CHECK_INT(client_memory(two.client), after);
    multi_unwatch(two.client);
    CHECK(client_memory(two.client) < after - sizeof name);
    close(one.fd);
    close(two.fd);
    server_free(s);
}

static void prefixes(void)
{
    enum { PREFIXES = 64, EACH = 16384 };
    static char text[EACH];
    serve(no_commands);
    struct tracking *t = server_tracking(s);
    struct peer one = join();
    size_t before = client_memory(one.client), used = mem_used();
    tracking_on(t, one.client, TRACKING_BCAST, 0);
    for (int i = 0; i < PREFIXES; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        text[0] = (char)('0' + i);
        tracking_add_prefix(t, one.client, slice(text, sizeof text));
    }
    size_t grown = mem_used() - used, counted = client_memory(one.client) - before;
    CHECK(counted > PREFIXES * EACH);
    CHECK(counted > grown / 100 * 80 && counted < grown / 100 * 120);
    tracking_off(t, one.client);
    CHECK(client_memory(one.client) < before + 1024);
    close(one.fd);
    server_free(s);
}

static void texts(void)
{
    static char text[100000];
    serve(no_commands);
    struct peer one = join();
    struct client *c = one.client;
    size_t before = client_memory(c);
    char **all[] = {&c->name, &c->lib_name, &c->lib_ver};
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 3; i++) {
        client_set_text(c, all[i], slice(text, sizeof text));
        client_set_text(c, all[i], slice(text, sizeof text)); /* in its place, not beside it */
        CHECK(client_memory(c) >= before + (i + 1) * sizeof text);
        CHECK(client_memory(c) < before + (i + 1) * sizeof text * 5 / 4);
    }
    for (size_t i = 0; i < 3; i++)
        client_set_text(c, all[i], (struct slice){0});
    CHECK_INT(client_memory(c), before);
    client_set_text(c, &c->name, slice(text, sizeof text));
    client_reset(c);
    CHECK_INT(client_memory(c), before);
    close(one.fd);
    server_free(s);
}

/* Names of random lengths. Those that hold most go, and no more of them than must. */
static void who_holds_most_goes(void)
{
    enum { CLIENTS = 60 };
    static char text[200000];
    struct peer peers[CLIENTS];
    size_t total = 0, least_closed = SIZE_MAX, most_kept = 0, kept = 0;
    serve(no_commands);
    rand_seed(unit_seed());
    memset(text, 'x', sizeof text);
    for (int i = 0; i < CLIENTS; i++) {
        peers[i] = join();
        struct client *c = peers[i].client;
        size_t len = rand_below(sizeof text >> rand_below(12));
        client_set_text(c, &c->name, slice(text, len));
        total += client_memory(c);
    }
    struct client_memory m = {0};
    CHECK(client_memory_look(&m, server_clients(s), 65536));
    CHECK_INT(m.all, total);
    size_t limit = total / 10 * (1 + rand_below(9));
    log_set_level(LOG_WARNING_LEVEL); /* names and all */
    client_memory_limit(&m, server_clients(s), limit, false);
    for (int i = 0; i < CLIENTS; i++) {
        size_t bytes = client_memory(peers[i].client);
        if (!(peers[i].client->flags & CLIENT_CLOSE_SOON)) {
            kept += bytes;
            most_kept = bytes > most_kept ? bytes : most_kept;
        } else if (bytes < least_closed) {
            least_closed = bytes;
        }
    }
    CHECK(kept <= limit && kept + least_closed > limit);
    CHECK(most_kept <= least_closed && least_closed < SIZE_MAX);
    CHECK_INT(m.all, kept);
    CHECK_INT(m.closing, total - kept);
    for (int i = 0; i < CLIENTS; i++)
        close(peers[i].fd);
    server_free(s);
}

/* Who has gone by himself is no reason to close others, whatever was counted before. */
static void a_new_limit_counts_anew(void)
{
    static char text[1000000];
    serve(no_commands);
    struct peer large = join(), small = join();
    struct client_memory m = {0};
    memset(text, 'x', sizeof text);
    client_set_text(large.client, &large.client->name, slice(text, sizeof text));
    CHECK(client_memory_look(&m, server_clients(s), 1 << 30));
    client_set_text(large.client, &large.client->name, (struct slice){0});
    CHECK(!client_memory_look(&m, server_clients(s), 1 << 30));
    client_memory_forget(&m);
    CHECK(client_memory_look(&m, server_clients(s), 1 << 30));
    client_memory_limit(&m, server_clients(s), 500000, false);
    CHECK(!((large.client->flags | small.client->flags) & CLIENT_CLOSE_SOON));
    close(large.fd);
    close(small.fd);
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(channels), UNIT(watched_keys), UNIT(a_key_that_two_watch),
                    UNIT(prefixes), UNIT(texts), UNIT(who_holds_most_goes),
                    UNIT(a_new_limit_counts_anew));
}
