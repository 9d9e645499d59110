/* SPDX-License-Identifier: BSD-3-Clause */
/* What owners hang on to the server: DEBUG's words, numbers in INFO, state of clients. */
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "server/client.h"
#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/reply.h"
#include "server/server_frame.h"
#include "server/slots.h"
#include "tests/unit/unit.h"

static void words(struct ctx *c)
{
    reply_int(c, *(int *)c->arg + c->argc);
}

static struct slice debug(struct debug *d, struct buf *out, int argc, const char *a, const char *b)
{
    static const struct command row = {.name = "debug"};
    struct slice argv[3] = {SLICE_LIT("debug"), slice_str(a), slice_str(b)};
    struct ctx c = {.command = &row, .argc = argc, .argv = argv, .out = out, .resp = 2,
                    .out_most = SIZE_MAX};
    buf_clear(out);
    debug_run(d, &c);
    return buf_slice(out);
}

static void debug_words(void)
{
    static const struct debug_word first[] = {
        {"zoo", 2, 3, words, "ZOO [<x>]", "    Last."}, {"hidden", 2, 2, words, NULL, NULL}, {0}};
    static const struct debug_word second[] = {{"ant", 3, 3, words, "ANT <x>", "    First."}, {0}};
    int ten = 10, twenty = 20;
    struct buf out = {0};
    struct debug *d = debug_new();
    debug_add(d, first, &ten);
    debug_add(d, second, &twenty);
    CHECK_SLICE(debug(d, &out, 2, "Zoo", ""), SLICE_LIT(":12\r\n"));
    CHECK_SLICE(debug(d, &out, 3, "ant", "x"), SLICE_LIT(":23\r\n"));
    CHECK_SLICE(debug(d, &out, 2, "hidden", ""), SLICE_LIT(":12\r\n"));
    CHECK_SLICE(debug(d, &out, 2, "ant", ""),
                SLICE_LIT("-ERR unknown subcommand or wrong number of arguments for 'ant'. "
                          "Try DEBUG HELP.\r\n"));
    CHECK_SLICE(debug(d, &out, 2, "help", ""),
                SLICE_LIT("*7\r\n+DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
                          "\r\n+ANT <x>\r\n+    First.\r\n+ZOO [<x>]\r\n+    Last.\r\n"
                          "+HELP\r\n+    Prints this help.\r\n"));
    debug_free(d);
    buf_free(&out);
}

static uint64_t read_number(const void *arg)
{
    return *(const uint64_t *)arg;
}

static void section(void *arg, struct info_out *o)
{
    (void)arg;
    info_provided(o, "there");
    info_provided(o, "missing");
}

static void provided_numbers(void)
{
    uint64_t n = 5;
    struct buf text = {0};
    struct info *info = info_new();
    info_add(info, "Things", INFO_DEFAULT, section, NULL);
    info_provide(info, "there", read_number, &n);
    info_render(info, 0, NULL, &text);
    CHECK_SLICE(buf_slice(&text), SLICE_LIT("# Things\r\nthere:5\r\nmissing:0\r\n"));
    info_free(info);
    buf_free(&text);
}

/* A section that somebody takes over is shown where it stood, once, and by nobody else; who comes
 * later may add to it. */
static void put_name(void *arg, struct info_out *o)
{
    info_str(o, "by", arg);
}

static void sections_taken_over(void)
{
    struct buf text = {0};
    struct slice late = SLICE_LIT("late");
    struct info *info = info_new();
    info_add(info, "A", INFO_DEFAULT, put_name, "a1");
    info_add(info, "B", INFO_DEFAULT, put_name, "b");
    info_add(info, "A", INFO_DEFAULT, put_name, "a2");
    info_add(info, "C", INFO_DEFAULT, put_name, "c");
    info_take_over(info, "A", INFO_DEFAULT, put_name, "new");
    info_take_over(info, "C", INFO_ALL, put_name, "new");
    info_take_over(info, "late", INFO_DEFAULT, put_name, "first");
    info_add(info, "A", INFO_DEFAULT, put_name, "a3");
    info_render(info, 0, NULL, &text);
    CHECK_SLICE(buf_slice(&text), SLICE_LIT("# A\r\nby:new\r\nby:a3\r\n\r\n# B\r\nby:b\r\n\r\n"
                                            "# late\r\nby:first\r\n"));
    buf_clear(&text);
    info_render(info, 1, &late, &text);
    CHECK_SLICE(buf_slice(&text), SLICE_LIT("# late\r\nby:first\r\n"));
    info_free(info);
    buf_free(&text);
}

static int released;
static void release(struct client *c, void *state)
{
    (void)c;
    released += *(int *)state;
}

/* State of a feature in a client costs nothing until it has some. */
static void slots_of_clients(void)
{
    static const uint64_t seed[4] = {1, 2, 3, 4};
    hash_init(seed);
    struct server *s = server_new();
    int a = slots_reserve(server_slots(s), sizeof(int), NULL);
    int b = slots_reserve(server_slots(s), sizeof(int), release);
    struct client *c = server_fake_client(s);
    CHECK(!c->slots && !slot_peek(c, b));
    *(int *)slot_get(c, b) = 7;
    CHECK_INT(*(int *)slot_peek(c, b), 7);
    CHECK(!slot_peek(c, a));
    slot_drop(c, b);
    CHECK_INT(released, 7);
    CHECK(!slot_peek(c, b));
    *(int *)slot_get(c, b) = 1;
    server_free_client(s, c);
    CHECK_INT(released, 8);
    server_free(s);
}

static int configured;

static bool note_configured(void *arg, struct fault *f)
{
    struct server *s = arg;
    CHECK_INT(server_keyspace(s)->count, 3); /* the configuration acts already */
    configured++;
    if (configured == 2)
        fault_set(f, FAULT_INVALID, "no such file of mine");
    return configured != 2;
}

/* Once, when all sources are read and applied; one that cannot begin keeps the server from it. */
static void start_of_features(void)
{
    struct fault f = {0};
    struct server *s = server_new();
    CHECK(config_load_text(server_config(s), "the test", SLICE_LIT("databases 3\n"), &f));
    hooks_on_configured(server_hooks(s), note_configured, s);
    CHECK(server_configured(s, &f));
    CHECK_INT(configured, 1);
    server_free(s);
    s = server_new();
    CHECK(config_load_text(server_config(s), "the test", SLICE_LIT("databases 3\n"), &f));
    hooks_on_configured(server_hooks(s), note_configured, s);
    hooks_on_configured(server_hooks(s), note_configured, s);
    CHECK(!server_configured(s, &f));
    CHECK_STR(f.what, "no such file of mine");
    CHECK_INT(configured, 2);
    server_free(s);
}

struct module {
    struct server *server;
    int64_t limit;
};

static const struct config_option module_options[] = {
    {.name = "mod.limit", CONFIG_INT_AT(struct module, limit), .initial = "1", .max = 100},
    {.name = NULL}};

static bool come(void *arg, struct fault *f)
{
    struct module *m = arg;
    config_add(server_config(m->server), module_options, m);
    return config_claim(server_config(m->server), m, f);
}

/* A module that is loaded when all is configured gets the lines that were for it; a line that is
 * nobody's then keeps the server from starting. */
static void options_of_features_that_start(void)
{
    for (int comes = 0; comes < 2; comes++) {
        struct fault f = {0};
        struct module m = {.server = server_new()};
        CHECK(config_load_text(server_config(m.server), "the test", SLICE_LIT("mod.limit 7\n"),
                               &f));
        if (comes)
            hooks_on_configured(server_hooks(m.server), come, &m);
        CHECK_INT(server_configured(m.server, &f), comes);
        CHECK_INT(fault_is(&f), !comes);
        CHECK_INT(m.limit, comes ? 7 : 0);
        config_release(server_config(m.server), &m);
        server_free(m.server);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(debug_words), UNIT(provided_numbers), UNIT(sections_taken_over),
                    UNIT(slots_of_clients), UNIT(start_of_features),
                    UNIT(options_of_features_that_start));
}
