/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "server/command.h"
#include "server/ctx.h"
#include "server/stats.h"
#include "tests/unit/unit.h"

static void run(struct ctx *c)
{
    (void)c;
}

static const struct command subs[] = {
    {.name = "get", .run = run, .arity = 3, .flags = CMD_ADMIN, .group = "server"},
    {.name = NULL}};
static const struct command table[] = {
    {.name = "get", .run = run, .arity = 2, .flags = CMD_READONLY | CMD_FAST, .group = "string",
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)}},
    {.name = "mset", .run = run, .arity = -3, .flags = CMD_WRITE, .group = "string",
     .keys = {KEY_AT(KEY_OW, 1, -1, 2)}},
    {.name = "rename", .run = run, .arity = 3, .flags = CMD_WRITE, .group = "generic",
     .keys = {KEY_AT(KEY_RW, 1, 0, 1), KEY_AT(KEY_OW, 2, 0, 1)}},
    {.name = "bitop", .run = run, .arity = -4, .flags = CMD_WRITE, .group = "bitmap",
     .keys = {KEY_AT(KEY_OW, 2, 0, 1), KEY_AT(KEY_RO, 3, -1, 1)}},
    {.name = "zunionstore", .run = run, .arity = -4, .flags = CMD_WRITE, .group = "sorted-set",
     .keys = {KEY_AT(KEY_OW, 1, 0, 1), KEY_NUM_AT(KEY_RO, 2)}},
    {.name = "xread", .run = run, .arity = -4, .flags = CMD_READONLY, .group = "stream",
     .keys = {{.flags = KEY_RO, .begin = KEY_BEGIN_KEYWORD, .keyword = "STREAMS", .begin_index = 1,
               .find = KEY_FIND_RANGE, .last = -1, .step = 1, .limit = 2}}},
    {.name = "wait", .run = run, .arity = 3, .group = "generic", .categories = CAT_CONNECTION},
    {.name = "config", .arity = -2, .group = "server", .subcommands = subs},
    {.name = NULL}};

static struct commands *registry(void)
{
    struct commands *cs = commands_new();
    commands_add(cs, table, NULL);
    return cs;
}

static void look_up(void)
{
    struct commands *cs = registry();
    CHECK_INT(commands_count(cs), 8);
    CHECK_STR(commands_find(cs, SLICE_LIT("GeT"))->name, "get");
    CHECK(!commands_find(cs, SLICE_LIT("ge")));
    CHECK(!commands_find(cs, SLICE_LIT("gett")));
    CHECK(!commands_find(cs, SLICE_LIT("get\0")));
    CHECK(!commands_find(cs, SLICE_LIT("")));
    CHECK(!commands_find(cs, SLICE_LIT("G\x05T")));
    struct command_entry *config = commands_find(cs, SLICE_LIT("config"));
    struct command_entry *get = command_find_sub(config, SLICE_LIT("GET"));
    CHECK_STR(get->name, "config|get");
    CHECK(get->owner == config && get->row.parent == &config->row);
    CHECK(!command_find_sub(config, SLICE_LIT("set")));
    commands_free(cs);
}

/* Each byte of names of all lengths, changed to each other one: only the other case is the same. */
static void each_byte_counts(void)
{
    static const struct command names[] = {
        {.name = "q", .run = run}, {.name = "re", .run = run}, {.name = "get", .run = run},
        {.name = "mset", .run = run}, {.name = "bitop", .run = run}, {.name = "z_add", .run = run},
        {.name = "evalsha", .run = run}, {.name = "a-word[]", .run = run},
        {.name = "georadius_ro", .run = run}, {.name = "bgrewriteaofxyzq", .run = run},
        {.name = "georadiusbymember", .run = run}, {.name = "georadiusbymember_ro", .run = run},
        {.name = NULL}};
    struct commands *cs = commands_new();
    commands_add(cs, names, NULL);
    for (const struct command *row = names; row->name; row++) {
        size_t len = strlen(row->name);
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char name[32], was = row->name[at];
                memcpy(name, row->name, len);
                name[at] = (char)byte;
                bool same = byte == (unsigned char)was ||
                            (was >= 'a' && was <= 'z' && byte == was - 'a' + 'A');
                CHECK((commands_find(cs, slice(name, len)) != NULL) == same);
            }
        }
    }
    commands_free(cs);
}

/* Many names, so that slots collide and the table grows. */
static void many(void)
{
    enum { N = 500 };
    static struct command rows[N + 1];
    static char names[N][12];
    struct commands *cs = commands_new();
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "c%dx", i * 7919);
        rows[i] = (struct command){.name = names[i], .run = run, .arity = i};
    }
    commands_add(cs, rows, NULL);
    for (int i = 0; i < N; i++)
        CHECK_INT(commands_find(cs, slice_str(names[i]))->row.arity, i);
    commands_free(cs);
}

static void renames(void)
{
    struct commands *cs = registry();
    CHECK(commands_rename(cs, SLICE_LIT("get"), SLICE_LIT("GET")));
    CHECK(!commands_find(cs, SLICE_LIT("get"))->row.renamed);
    CHECK(commands_rename(cs, SLICE_LIT("get"), SLICE_LIT("MyGet")));
    CHECK(!commands_find(cs, SLICE_LIT("get")));
    CHECK_STR(commands_find(cs, SLICE_LIT("MYGET"))->row.name, "get");
    CHECK(!commands_rename(cs, SLICE_LIT("mset"), SLICE_LIT("rename")));
    CHECK(!commands_rename(cs, SLICE_LIT("nosuch"), SLICE_LIT("x")));
    CHECK(commands_rename(cs, SLICE_LIT("mset"), SLICE_LIT("")));
    CHECK(!commands_find(cs, SLICE_LIT("mset")));
    CHECK_INT(commands_count(cs), 7);
    /* Logs say, and people are shown, what the tables say. */
    CHECK_STR(commands_find(cs, SLICE_LIT("myget"))->name, "get");
    CHECK_STR(commands_find_given(cs, SLICE_LIT("GET"))->renamed_to, "myget");
    CHECK_STR(commands_find_given(cs, SLICE_LIT("myget"))->name, "get");
    CHECK_STR(commands_find_given(cs, SLICE_LIT("mset"))->name, "mset");
    CHECK(!commands_find_given(cs, SLICE_LIT("nosuch")));
    CHECK(commands_rename(cs, SLICE_LIT("rename"), SLICE_LIT("get")));
    CHECK_STR(commands_find(cs, SLICE_LIT("get"))->name, "rename");
    CHECK_STR(commands_find_given(cs, SLICE_LIT("get"))->name, "get");
    commands_free(cs);
}

static void check_triple(struct commands *cs, const char *name, int first, int last, int step)
{
    struct command_entry *e = commands_find(cs, slice_str(name));
    CHECK_INT(e->first_key, first);
    CHECK_INT(e->last_key, last);
    CHECK_INT(e->key_step, step);
}

static void legacy_triples(void)
{
    struct commands *cs = registry();
    check_triple(cs, "get", 1, 1, 1);
    check_triple(cs, "mset", 1, -1, 2);
    check_triple(cs, "rename", 1, 2, 1);
    check_triple(cs, "bitop", 2, -1, 1);
    check_triple(cs, "zunionstore", 1, 1, 1);
    check_triple(cs, "xread", 0, 0, 0);
    CHECK(commands_find(cs, SLICE_LIT("xread"))->row.flags & CMD_MOVABLE_KEYS);
    CHECK(!(commands_find(cs, SLICE_LIT("mset"))->row.flags & CMD_MOVABLE_KEYS));
    commands_free(cs);
}

/* words: the call, blank-separated; want: "1,3", "" for none, or "-": it can't be told. */
static void check_keys(struct commands *cs, const char *words, const char *want)
{
    char copy[200], got[100] = "", *save = NULL;
    struct slice argv[20];
    int argc = 0;
    struct key_use uses[20];
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = slice_str(w);
    int n = command_key_uses(commands_find(cs, argv[0]), argc, argv, uses, 20);
    for (int i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", i ? "," : "",
                 uses[i].at);
    CHECK_STR(n < 0 ? "-" : got, want);
}

static void keys(void)
{
    struct commands *cs = registry();
    check_keys(cs, "get a", "1");
    check_keys(cs, "mset a 1 b 2", "1,3");
    check_keys(cs, "rename a b", "1,2");
    check_keys(cs, "bitop and d a b c", "2,3,4,5");
    check_keys(cs, "zunionstore d 2 a b weights 1 2", "1,3,4");
    check_keys(cs, "zunionstore d 9 a b", "-");
    check_keys(cs, "zunionstore d x a b", "-");
    check_keys(cs, "zunionstore d 9223372036854775807 a", "-");
    check_keys(cs, "xread count 2 streams a b 0 0", "4,5");
    check_keys(cs, "xread count 2 nothing a", "");
    check_keys(cs, "wait 1 2", "");
    commands_free(cs);
}

static void categories(void)
{
    struct commands *cs = registry();
    CHECK_INT(commands_find(cs, SLICE_LIT("get"))->categories, CAT_READ | CAT_STRING | CAT_FAST);
    CHECK_INT(commands_find(cs, SLICE_LIT("rename"))->categories,
              CAT_KEYSPACE | CAT_WRITE | CAT_SLOW);
    CHECK_INT(commands_find(cs, SLICE_LIT("wait"))->categories, CAT_CONNECTION | CAT_SLOW);
    struct command_entry *config = commands_find(cs, SLICE_LIT("config"));
    CHECK_INT(config->categories, CAT_SLOW);
    CHECK_INT(config->subs[0].categories, CAT_ADMIN | CAT_DANGEROUS | CAT_SLOW);
    CHECK_STR(command_flag_name(12), "fast");
    CHECK_STR(command_category_name(20), "scripting");
    CHECK(!command_flag_name(24) && !command_category_name(21));
    commands_free(cs);
}

static void latencies(void)
{
    struct latency *l = NULL;
    for (uint64_t us = 1; us <= 1000; us++)
        latency_add(&l, us);
    uint64_t p50 = latency_percentile(l, 50), p99 = latency_percentile(l, 99);
    CHECK(p50 >= 500 && p50 <= 531);
    CHECK(p99 >= 990 && p99 <= 1023);
    latency_add(&l, UINT64_MAX); /* beyond the last step */
    CHECK(latency_percentile(l, 100) > 1000000000);
    CHECK_INT(latency_percentile(NULL, 50), 0);
    latency_free(l);
}

/* Another owner's subcommands: with its arg, found as the container's own, renamed with it. */
static void subs_from_several_owners(void)
{
    static const struct command more[] = {
        {.name = "track", .run = run, .arity = 3, .flags = CMD_FAST, .group = "server"},
        {.name = "trackinfo", .run = run, .arity = 2, .group = "server"},
        {.name = NULL}};
    int owner;
    struct commands *cs = registry();
    commands_add_subs(cs, "config", more, &owner);
    struct command_entry *config = commands_find(cs, SLICE_LIT("config"));
    CHECK_INT(config->sub_count, 3);
    struct command_entry *get = command_find_sub(config, SLICE_LIT("GET"));
    struct command_entry *track = command_find_sub(config, SLICE_LIT("Track"));
    CHECK(get && track);
    CHECK_STR(get->name, "config|get");
    CHECK(get->arg == NULL);
    CHECK_STR(track->name, "config|track");
    CHECK(track->arg == &owner && track->owner == config && track->row.parent == &config->row);
    CHECK(track->categories & CAT_FAST);
    CHECK(track->id != get->id);
    CHECK(commands_rename(cs, SLICE_LIT("config"), SLICE_LIT("conf")));
    CHECK(track->row.renamed && get->row.renamed);
    commands_free(cs);
}

/* Modules may bring such. */
static void names_of_any_length(void)
{
#define LONG_NAME "module.a-name-that-is-longer-than-any-of-those-that-are-part-of-the-server"
    static const struct command sub[] = {
        {.name = LONG_NAME, .run = run, .arity = 2, .group = "server"}, {.name = NULL}};
    static const struct command long_ones[] = {
        {.name = LONG_NAME, .run = run, .arity = -2, .group = "server", .subcommands = sub},
        {.name = NULL}};
    struct commands *cs = registry();
    commands_add(cs, long_ones, NULL);
    struct command_entry *e = commands_find(cs, SLICE_LIT(LONG_NAME));
    CHECK(e);
    CHECK_STR(e->name, LONG_NAME);
    CHECK_STR(command_find_sub(e, SLICE_LIT(LONG_NAME))->name, LONG_NAME "|" LONG_NAME);
    commands_free(cs);
}

int main(void)
{
    return UNIT_RUN(UNIT(look_up), UNIT(each_byte_counts), UNIT(many), UNIT(renames),
                    UNIT(legacy_triples), UNIT(keys), UNIT(categories), UNIT(latencies),
                    UNIT(subs_from_several_owners), UNIT(names_of_any_length));
}
