/* SPDX-License-Identifier: BSD-3-Clause */
/* Who listens to what, beside a matrix that says the same. */
#include "server/pubsub.h"

#include <limits.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "os/clock.h"
#include "server/publish.h"
#include "server/slots.h"
#include "tests/unit/server/served.h"

enum { CLIENTS = 6, NAMES = 9, STEPS = 20000 };

static const struct command no_commands[] = {{0}};
static const char *const names[NAMES] = {"", "a", "b", "ab", "news.it", "*", "a*", "n?ws*", "[ab]"};
static bool model[CLIENTS][PUBSUB_KINDS][NAMES];
static struct peer peers[CLIENTS];

static size_t listeners(int kind, int name)
{
    size_t n = 0;
    for (int i = 0; i < CLIENTS; i++)
        n += model[i][kind][name];
    return n;
}

static void count_name(void *arg, struct slice name)
{
    (void)name;
    ++*(size_t *)arg;
}

static void note_client(void *arg, struct client *c)
{
    for (int i = 0; i < CLIENTS; i++)
        ((bool *)arg)[i] |= peers[i].client == c;
}

static void check_all(struct pubsub *ps)
{
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        size_t different = 0, seen = 0;
        for (int n = 0; n < NAMES; n++) {
            bool heard[CLIENTS] = {false};
            size_t all = listeners(kind, n);
            different += all > 0;
            CHECK_INT(pubsub_subscribers(ps, (enum pubsub_kind)kind, slice_str(names[n])), all);
            CHECK_INT(pubsub_each_subscriber(ps, (enum pubsub_kind)kind, slice_str(names[n]),
                                             note_client, heard), all);
            for (int i = 0; i < CLIENTS; i++)
                CHECK_INT(heard[i], model[i][kind][n]);
        }
        CHECK_INT(pubsub_names(ps, (enum pubsub_kind)kind), different);
        pubsub_each_name(ps, (enum pubsub_kind)kind, count_name, &seen);
        CHECK_INT(seen, different);
    }
    for (int i = 0; i < CLIENTS; i++) {
        size_t any = 0;
        for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
            size_t mine = 0;
            for (int n = 0; n < NAMES; n++)
                mine += model[i][kind][n];
            CHECK_INT(pubsub_of_client(ps, peers[i].client, (enum pubsub_kind)kind), mine);
            CHECK_INT(pubsub_first(ps, peers[i].client, (enum pubsub_kind)kind).data != NULL,
                      mine > 0);
            any += mine;
        }
        CHECK_INT((peers[i].client->flags & CLIENT_PUBSUB) != 0, any > 0);
        CHECK(any == 0 || slots_memory(peers[i].client) > any * 64);
    }
}

static void as_a_matrix_says(void)
{
    rand_seed(unit_seed());
    serve(no_commands);
    struct pubsub *ps = server_pubsub(s);
    for (int i = 0; i < CLIENTS; i++)
        peers[i] = join();
    for (int step = 0; step < STEPS; step++) {
        int i = (int)rand_below(CLIENTS), kind = (int)rand_below(PUBSUB_KINDS);
        int n = (int)rand_below(NAMES);
        bool *have = &model[i][kind][n];
        struct client *c = peers[i].client;
        if (rand_below(2))
            CHECK_INT(pubsub_subscribe(ps, c, (enum pubsub_kind)kind, slice_str(names[n])), !*have);
        else
            CHECK_INT(pubsub_unsubscribe(ps, c, (enum pubsub_kind)kind, slice_str(names[n])),
                      *have);
        *have = pubsub_subscribers(ps, (enum pubsub_kind)kind, slice_str(names[n])) >
                listeners(kind, n) - *have;
        if (rand_below(500) == 0) { /* begins anew */
            client_reset(c);
            memset(model[i], 0, sizeof model[i]);
        }
        if (step % 50 == 0)
            check_all(ps);
    }
    for (int i = 0; i < CLIENTS; i++) { /* and goes */
        close(peers[i].fd);
        client_close_soon(peers[i].client);
    }
    clients_free_closing(server_clients(s));
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        CHECK_INT(pubsub_names(ps, (enum pubsub_kind)kind), 0);
    server_free(s);
}

static size_t bytes_of_many(struct pubsub *ps, struct client *c, enum pubsub_kind kind)
{
    enum { MANY = 1000 };
    char name[32];
    size_t before = mem_used();
    for (int i = 0; i < MANY; i++) {
        int len = snprintf(name, sizeof name, "[a-z]*:%06d:?", i);
        CHECK(pubsub_subscribe(ps, c, kind, slice(name, (size_t)len)));
    }
    size_t bytes = mem_used() - before;
    CHECK(slots_memory(c) <= bytes && slots_memory(c) > bytes / 2);
    client_reset(c);
    return bytes;
}

static void a_pattern_takes_no_more_than_a_channel(void)
{
    serve(no_commands);
    struct pubsub *ps = server_pubsub(s);
    struct peer one = join();
    bytes_of_many(ps, one.client, PUBSUB_CHANNEL); /* what stays is there */
    size_t channels = bytes_of_many(ps, one.client, PUBSUB_CHANNEL);
    CHECK_INT(bytes_of_many(ps, one.client, PUBSUB_PATTERN) <= channels + channels / 10, true);
    close(one.fd);
    server_free(s);
}

/* To both protocols from one encoding each; by its name and by patterns that fit. */
static void messages(void)
{
    serve(no_commands);
    struct pubsub *ps = server_pubsub(s);
    struct peer two = join(), three = join();
    three.client->resp = 3;
    pubsub_subscribe(ps, two.client, PUBSUB_CHANNEL, SLICE_LIT("c"));
    pubsub_subscribe(ps, three.client, PUBSUB_CHANNEL, SLICE_LIT("c"));
    pubsub_subscribe(ps, three.client, PUBSUB_PATTERN, SLICE_LIT("?"));
    pubsub_subscribe(ps, three.client, PUBSUB_PATTERN, SLICE_LIT("x*"));
    pubsub_subscribe(ps, two.client, PUBSUB_SHARD, SLICE_LIT("c"));
    CHECK_INT(publish(s, SLICE_LIT("c"), SLICE_LIT("hi")), 3);
    CHECK_INT(publish_shard(s, SLICE_LIT("c"), SLICE_LIT("")), 1);
    CHECK_INT(publish(s, SLICE_LIT("nobody"), SLICE_LIT("hi")), 0);
    CHECK_INT(publish_shard(s, SLICE_LIT("x"), SLICE_LIT("hi")), 0);
    loop_turn(server_loop(s), 0);
    check_hears(&two, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
                      "*3\r\n$8\r\nsmessage\r\n$1\r\nc\r\n$0\r\n\r\n");
    check_hears(&three, ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
                        ">4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\nc\r\n$2\r\nhi\r\n");
    close(two.fd);
    close(three.fd);
    server_free(s);
}

/* ---- a hundred thousand ---- */

/* Without sockets, for a machine has no such number of descriptors to give: each of them hears each
 * message, which is encoded once. */
static void a_hundred_thousand_listeners(void)
{
    enum { MANY = 100000, MESSAGES = 20, BYTES = 38 };
    static struct client *all[MANY];
    uint64_t heard = 0;
    serve(no_commands);
    size_t before = mem_used();
    for (int i = 0; i < MANY; i++) {
        all[i] = client_new(server_clients(s), INT_MAX);
        all[i]->wire = (struct wire){&served_swallowing, &heard};
    }
    size_t connected = mem_used();
    for (int i = 0; i < MANY; i++)
        pubsub_subscribe(server_pubsub(s), all[i], PUBSUB_CHANNEL, SLICE_LIT("news"));
    size_t subscribed = mem_used();
    int64_t began = clock_mono_us();
    for (int i = 0; i < MESSAGES; i++) {
        CHECK_INT(publish(s, SLICE_LIT("news"), SLICE_LIT("hello")), MANY);
        conn_flush_all(server_clients(s));
    }
    printf("figures: %d listeners: %.3f us a message and listener, %.0f bytes a client, %.0f a "
           "subscription\n", MANY, (double)(clock_mono_us() - began) / MANY / MESSAGES,
           (double)(connected - before) / MANY, (double)(subscribed - connected) / MANY);
    CHECK_INT(heard, (uint64_t)MANY * MESSAGES * BYTES);
    CHECK(subscribed - connected < (size_t)MANY * 320);
    printf("figures: and %.0f bytes each, when all has been sent\n",
           (double)(mem_used() - subscribed) / MANY);
    CHECK(mem_used() - subscribed < (size_t)MANY * 192); /* not one of the messages */
    server_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(as_a_matrix_says), UNIT(a_pattern_takes_no_more_than_a_channel),
                    UNIT(messages), UNIT(a_hundred_thousand_listeners));
}
