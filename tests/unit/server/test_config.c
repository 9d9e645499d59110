/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"
#include "server/config.h"
#include "tests/unit/unit.h"

struct thing {
    bool flag;
    int64_t count, size, mode;
    int word;
    char *text;
    bool guard, loaded;
    struct buf points; /* the words of "point" lines, joined */
    struct buf several, whole;
    int applied;
    bool refuse;
};

static bool apply(void *owner, struct fault *f)
{
    struct thing *t = owner;
    t->applied++;
    if (t->refuse)
        fault_set(f, FAULT_INVALID, "no");
    return !t->refuse;
}

static bool parse_points(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct thing *t = owner;
    if (argc == 1 && argv[0].len == 0)
        buf_clear(&t->points);
    else if (argc % 2) {
        fault_set(f, FAULT_INVALID, "two words");
        return false;
    }
    for (int i = 0; i + 1 < argc; i += 2)
        buf_printf(&t->points, "%s%.*s %.*s", t->points.len ? " " : "", SLICE_ARG(argv[i]),
                   SLICE_ARG(argv[i + 1]));
    return true;
}

static void clear_points(void *owner)
{
    buf_clear(&((struct thing *)owner)->points);
}

static void print_points(const void *owner, struct buf *out)
{
    buf_add(out, buf_slice(&((const struct thing *)owner)->points));
}

static void point_lines(const void *owner, struct buf *out)
{
    const struct thing *t = owner;
    char copy[200], *save = NULL;
    snprintf(copy, sizeof copy, "%.*s", SLICE_ARG(buf_slice(&t->points)));
    for (char *a = strtok_r(copy, " ", &save); a; a = strtok_r(NULL, " ", &save)) {
        char *b = strtok_r(NULL, " ", &save);
        buf_printf(out, "point %s %s\n", a, b ? b : "");
    }
}

/* One or more words, none of them empty. */
static bool parse_several(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct thing *t = owner;
    buf_clear(&t->several);
    for (int i = 0; i < argc; i++) {
        if (argv[i].len == 0)
            fault_set(f, FAULT_INVALID, "an empty one");
        buf_printf(&t->several, "%s%.*s", i ? " " : "", SLICE_ARG(argv[i]));
    }
    if (argc == 0)
        fault_set(f, FAULT_INVALID, "none");
    return !fault_is(f);
}

static void print_several(const void *owner, struct buf *out)
{
    buf_add(out, buf_slice(&((const struct thing *)owner)->several));
}

static bool parse_whole(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct thing *t = owner;
    if (argc != 1) {
        fault_set(f, FAULT_INVALID, "wrong number of arguments");
        return false;
    }
    buf_clear(&t->whole);
    buf_add(&t->whole, argv[0]);
    return true;
}

static void print_whole(const void *owner, struct buf *out)
{
    buf_add(out, buf_slice(&((const struct thing *)owner)->whole));
}

static const struct config_word words[] = {{"low", 1}, {"high", 2}, {NULL, 0}};
#define AT(field) .offset = offsetof(struct thing, field)
static const struct config_option options[] = {
    {.name = "flag", .kind = CONFIG_BOOL, AT(flag), .initial = "yes", .apply = apply},
    {.name = "count", .alias = "old-count", .kind = CONFIG_INT, AT(count), .initial = "5", .min = 1,
     .max = 10, .apply = apply},
    {.name = "size", .kind = CONFIG_SIZE, AT(size), .initial = "1mb", .flags = CONFIG_PERCENT},
    {.name = "mode", .kind = CONFIG_OCTAL, AT(mode), .initial = "0", .max = 0777},
    {.name = "word", .kind = CONFIG_ENUM, AT(word), .initial = "low", .words = words},
    {.name = "text", .kind = CONFIG_STRING, AT(text), .initial = "hello"},
    {.name = "point", .kind = CONFIG_CUSTOM, .flags = CONFIG_MULTI, .initial = "1 2",
     .parse = parse_points, .clear = clear_points, .print = print_points, .lines = point_lines},
    {.name = "guard", .kind = CONFIG_BOOL, AT(guard), .flags = CONFIG_HIDDEN | CONFIG_LATER,
     .initial = "no", .refusal = "nobody guards"},
    {.name = "several", .kind = CONFIG_CUSTOM, .flags = CONFIG_HIDDEN, .initial = "x",
     .parse = parse_several, .print = print_several},
    {.name = "whole", .kind = CONFIG_CUSTOM, .flags = CONFIG_HIDDEN | CONFIG_WHOLE, .initial = "w",
     .parse = parse_whole, .print = print_whole},
    {.name = "loaded", .kind = CONFIG_BOOL, AT(loaded), .initial = "no",
     .flags = CONFIG_HIDDEN | CONFIG_DENY_LOADING, .apply = apply},
    {.name = "fixed", .kind = CONFIG_INT, AT(count), .flags = CONFIG_IMMUTABLE | CONFIG_HIDDEN},
    {.name = NULL}};

static struct thing t;
static struct config *cfg;

static void begin(void)
{
    memset(&t, 0, sizeof t);
    cfg = config_new();
    config_add(cfg, options, &t);
}

static void end(void)
{
    config_release(cfg, &t);
    config_free(cfg);
    buf_free(&t.points);
    buf_free(&t.several);
    buf_free(&t.whole);
}

static struct fault load(const char *text)
{
    struct fault f = {0};
    config_load_text(cfg, "the test", slice_str(text), &f);
    return f;
}

static void collect(void *arg, struct slice name, struct slice value)
{
    buf_printf(arg, "%.*s=%.*s;", SLICE_ARG(name), SLICE_ARG(value));
}

static void check_get(const char *pattern, const char *want)
{
    struct buf out = {0};
    struct slice one = slice_str(pattern);
    config_get(cfg, 1, &one, collect, &out);
    CHECK_SLICE(buf_slice(&out), slice_str(want));
    buf_free(&out);
}

static void initial_values(void)
{
    begin();
    check_get("*", "flag=yes;count=5;old-count=5;size=1048576;mode=0;word=low;text=hello;"
                   "point=1 2;");
    check_get("FIXED", "FIXED=5;");
    check_get("c*t", "count=5;");
    end();
}

/* Each once, a name as it was asked for first. */
static void several_patterns(void)
{
    struct slice asked[] = {SLICE_LIT("Count"), SLICE_LIT("c*"), SLICE_LIT("*count"),
                            SLICE_LIT("OLD-count"), SLICE_LIT("nosuch"), SLICE_LIT("count\0x"),
                            SLICE_LIT("size"), SLICE_LIT("fixe?"), SLICE_LIT("")};
    struct buf out = {0};
    begin();
    config_get(cfg, sizeof asked / sizeof *asked, asked, collect, &out);
    CHECK_SLICE(buf_slice(&out), SLICE_LIT("Count=5;old-count=5;size=1048576;"));
    buf_free(&out);
    end();
}

static void lines(void)
{
    begin();
    struct fault f = load("# comment\n\n  flag no\r\nCOUNT 7\nsize 2gb\nmode 700\nword HIGH\n"
                          "text \"a b\\x41\"\npoint 3 4\npoint 5 6\nold-count 8");
    CHECK_STR(f.what, "");
    check_get("*", "flag=no;count=8;old-count=8;size=2147483648;mode=700;word=high;text=a bA;"
                   "point=3 4 5 6;");
    CHECK_INT(t.applied, 0);
    CHECK(config_apply_all(cfg, &f));
    CHECK_INT(t.applied, 1); /* one function, two options */
    CHECK_STR(load("size 50%\n").what, "");
    CHECK_INT(t.size, -50);
    CHECK_STR(load("size \"\"\nmode \"\"\n").what, "");
    CHECK_INT(t.size, 0);
    CHECK_INT(t.mode, 0);
    /* words in one, or one word */
    CHECK_STR(load("several \"a 'b c'\" \nwhole \"a 'b\"\n").what, "");
    check_get("several", "several=a b c;");
    check_get("whole", "whole=a 'b;");
    CHECK_STR(load("several a \"b\"\n").what, "");
    check_get("several", "several=a b;");
    /* lines add up, words in one and words apart; an empty one takes back those before */
    CHECK_STR(load("point \"7 8  9 1\"\n").what, "");
    check_get("point", "point=3 4 5 6 7 8 9 1;");
    CHECK_STR(load("point \"''\"\npoint \"1 1\"\n").what, "");
    check_get("point", "point=1 1;");
    /* names of old that nobody needs */
    CHECK_STR(load("list-max-ziplist-value 64\nlua-replicate-commands yes\n").what, "");
    end();
}

static void bad_lines(void)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"flag maybe", "argument must be 'yes' or 'no'"},
        {"count x", "argument couldn't be parsed into an integer"},
        {"count 11", "argument must be between 1 and 10 inclusive"},
        {"size 10x", "argument must be a memory or percent value"},
        {"size -1", "argument must be a memory or percent value"},
        {"mode 888", "argument couldn't be parsed as an octal number"},
        {"word middle", "argument(s) must be one of the following: low, high"},
        {"count 1 2", "wrong number of arguments"},
        {"count", "wrong number of arguments"},
        {"several", "none"},
        {"several \"''\"", "an empty one"},
        {"several \"a 'b\"", "Unbalanced quotes in configuration line"},
        {"lua-replicate-commands", "Bad directive or wrong number of arguments"},
        {"whole", "wrong number of arguments"},
        {"whole a b", "wrong number of arguments"},
        {"nosuch 1", "Bad directive or wrong number of arguments"},
        {"text \"a", "Unbalanced quotes in configuration line"},
        {"point 1 2 3", "two words"},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100], want[200];
        snprintf(text, sizeof text, "flag yes\n%s\n", cases[i].text);
        snprintf(want, sizeof want, "Reading the test, at line 2\n>>> '%s'\n%s", cases[i].text,
                 cases[i].want);
        CHECK_STR(load(text).what, want);
    }
    end();
}

static bool set(const char *a, const char *x, const char *b, const char *y, struct slice *bad,
                struct fault *f)
{
    struct slice pairs[4] = {slice_str(a), slice_str(x), slice_str(b), slice_str(y)};
    *f = (struct fault){0};
    return config_set(cfg, 4, pairs, bad, f);
}

/* All or nothing: whatever fails, at parsing or when it is applied, leaves the old values. */
static void set_is_atomic(void)
{
    struct slice bad;
    struct fault f;
    begin();
    CHECK(set("count", "6", "text", "", &bad, &f));
    check_get("count", "count=6;");
    check_get("text", "text=;");
    CHECK(!set("count", "7", "word", "x", &bad, &f));
    CHECK_SLICE(bad, SLICE_LIT("word"));
    check_get("count", "count=6;");
    t.refuse = true;
    CHECK(!set("point", "9 9", "flag", "no", &bad, &f));
    CHECK_STR(f.what, "no");
    check_get("point", "point=1 2;");
    check_get("flag", "flag=yes;");
    t.refuse = false;
    CHECK(!set("old-count", "7", "count", "x", &bad, &f));
    check_get("count", "count=6;");
    CHECK(set("old-count", "7", "count", "6", &bad, &f)); /* by both its names: the last acts */
    check_get("count", "count=6;");
    CHECK(!set("count", "7", "COUNT", "8", &bad, &f));
    CHECK_STR(f.what, "duplicate parameter");
    CHECK(!set("count", "7", "fixed", "8", &bad, &f));
    CHECK_STR(f.what, "can't set immutable config");
    CHECK(!set("count", "7", "nosuch", "8", &bad, &f));
    CHECK_INT(f.code, FAULT_UNKNOWN_NAME);
    check_get("count", "count=6;");
    CHECK(set("point", "7 8 9 10", "flag", "no", &bad, &f));
    check_get("point", "point=7 8 9 10;");
    /* put back as they were, quotes and blanks and all */
    CHECK(set("several", "a \"b", "whole", "c  \"d", &bad, &f));
    CHECK(!set("several", "e f", "word", "x", &bad, &f));
    CHECK(!set("whole", "e f", "word", "x", &bad, &f));
    check_get("several", "several=a \"b;");
    check_get("whole", "whole=c  \"d;");
    CHECK(!set("several", "", "flag", "no", &bad, &f));
    CHECK_STR(f.what, "none");
    end();
}

/* What would serve without what was asked for: the last word of all sources counts, and CONFIG SET
 * is refused. */
static void refusals(void)
{
    char *asks[] = {"--guard", "yes"}, *asks_not[] = {"--guard", "yes", "--guard", "no"};
    struct slice bad;
    struct fault f = {0};
    begin();
    CHECK(!config_load_args(cfg, 2, asks, &f));
    CHECK_STR(f.what, "guard can't be 'yes': nobody guards");
    f = (struct fault){0};
    CHECK(config_load_args(cfg, 4, asks_not, &f));
    CHECK(!set("count", "7", "guard", "yes", &bad, &f));
    CHECK_STR(f.what, "guard can't be 'yes': nobody guards");
    check_get("count", "count=5;");
    check_get("guard", "guard=no;");
    CHECK(set("count", "7", "guard", "no", &bad, &f));
    end();
}

/* Whoever asks can tell it from what will never do: the same words succeed a little later. */
static void not_while_loading(void)
{
    struct slice bad;
    struct fault f;
    begin();
    config_set_loading(cfg, true);
    CHECK(!set("count", "7", "loaded", "yes", &bad, &f));
    CHECK_INT(f.code, FAULT_NOT_NOW);
    CHECK_SLICE(bad, SLICE_LIT("loaded"));
    CHECK_STR(f.what, "loaded can't be set while loading");
    CHECK(!set("loaded", "what?", "count", "7", &bad, &f)); /* whatever it would be set to */
    CHECK_INT(f.code, FAULT_NOT_NOW);
    check_get("count", "count=5;");
    check_get("loaded", "loaded=no;");
    CHECK_INT(t.applied, 0);
    CHECK(set("count", "7", "word", "high", &bad, &f)); /* these may be */
    config_set_loading(cfg, false);
    CHECK(set("count", "8", "loaded", "yes", &bad, &f));
    check_get("loaded", "loaded=yes;");
    end();
}

static char path[200];

static void write_file(const char *text)
{
    struct fault f = {0};
    char tmp[220];
    snprintf(path, sizeof path, "%s/conf", unit_tmpdir());
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    CHECK(file_replace(tmp, path, slice_str(text), &f));
}

static void check_rewritten(const char *want)
{
    struct fault f = {0};
    struct buf now = {0};
    CHECK(config_rewrite(cfg, &f));
    CHECK(file_slurp(path, 10000, &now, &f));
    CHECK_SLICE(buf_slice(&now), slice_str(want));
    buf_free(&now);
}

static void rewrite(void)
{
    struct slice bad;
    struct fault f = {0};
    begin();
    CHECK(!config_rewrite(cfg, &f));
    CHECK_STR(f.what, "The server is running without a config file");
    f = (struct fault){0};
    write_file("# mine\n\nold-count 6\n# points\npoint 3 4\npoint 5 6\n\ntext x\n#end\n");
    CHECK(config_load_file(cfg, path, &f));
    CHECK(set("point", "3 4", "text", "a \"b\"\n", &bad, &f));
    CHECK(set("size", "3mb", "word", "high", &bad, &f));
    check_rewritten("# mine\n\ncount 6\n# points\npoint 3 4\n\ntext \"a \\\"b\\\"\\x0a\"\n#end\n"
                    "# Generated by CONFIG REWRITE\nsize 3mb\nword high\n");
    CHECK(set("point", "3 4 5 6", "word", "low", &bad, &f));
    check_rewritten("# mine\n\ncount 6\n# points\npoint 3 4\n\ntext \"a \\\"b\\\"\\x0a\"\n#end\n"
                    "# Generated by CONFIG REWRITE\nsize 3mb\nword low\npoint 5 6\n");
    end();
    begin(); /* what was written reads back */
    CHECK(config_load_file(cfg, path, &f));
    check_get("text", "text=a \"b\"\n;");
    check_get("size", "size=3145728;");
    end();
}

static void arguments(void)
{
    struct fault f = {0};
    char *argv[] = {path, "--count", "9", "--text", "a b", "--flag no", "--point", "8", "9"};
    begin();
    write_file("count 4\nword high\n");
    CHECK(config_load_args(cfg, 9, argv, &f));
    check_get("*", "flag=no;count=9;old-count=9;size=1048576;mode=0;word=high;text=a b;"
                   "point=8 9;");
    char *empty[] = {"--text", ""}, *missing[] = {"/nonexistent"};
    CHECK(config_load_args(cfg, 2, empty, &f));
    check_get("text", "text=;");
    CHECK(!config_load_args(cfg, 1, missing, &f));
    CHECK_STR(f.what,
              "Fatal error, can't open config file '/nonexistent': No such file or directory");
    end();
}

static void includes(void)
{
    struct fault f = {0};
    char text[500], other[220];
    begin();
    write_file("count 4\n");
    snprintf(other, sizeof other, "%s/other", unit_tmpdir());
    CHECK(rename(path, other) == 0);
    snprintf(text, sizeof text, "count 3\ninclude %s/oth*\n", unit_tmpdir());
    write_file(text);
    CHECK(config_load_file(cfg, path, &f));
    CHECK_INT(t.count, 4);
    CHECK(strstr(config_file(cfg), "/conf") != NULL);
    snprintf(text, sizeof text, "include %s\n", path);
    write_file(text); /* itself */
    CHECK(!config_load_file(cfg, path, &f));
    CHECK(strstr(f.what, "include is nested too deeply") != NULL);
    end();
}

static void reload(void)
{
    struct fault f = {0};
    end();
    begin();
    CHECK(config_load_file(cfg, path, &f));
    CHECK_STR(f.what, "");
}

/* Whatever is changed is what the files give when they are read again. */
static void rewrite_beside_includes(void)
{
    struct slice bad;
    struct fault f = {0};
    char text[600], other[220];
    begin();
    write_file("count 4\npoint 3 4\nword high\n");
    snprintf(other, sizeof other, "%s/part", unit_tmpdir());
    CHECK(rename(path, other) == 0);
    snprintf(text, sizeof text, "count 3\nflag no\npoint 1 1\ninclude %s\n# end\n", other);
    write_file(text);
    CHECK(config_load_file(cfg, path, &f));
    check_rewritten(text); /* nothing has changed */
    CHECK(set("count", "5", "flag", "yes", &bad, &f)); /* the built-in one, but the include has 4 */
    snprintf(text, sizeof text, "flag yes\npoint 1 1\ninclude %s\n# end\n"
             "# Generated by CONFIG REWRITE\ncount 5\n", other);
    check_rewritten(text);
    reload();
    check_get("*", "flag=yes;count=5;old-count=5;size=1048576;mode=0;word=high;text=hello;"
                   "point=1 1 3 4;");
    CHECK(set("point", "7 7", "word", "low", &bad, &f));
    snprintf(text, sizeof text, "flag yes\ninclude %s\n# end\n"
             "# Generated by CONFIG REWRITE\ncount 5\nword low\npoint \"\"\npoint 7 7\n", other);
    check_rewritten(text);
    reload();
    check_get("point", "point=7 7;");
    check_get("word", "word=low;");
    check_rewritten(text);
    end();
}

/* ---- words of the file that are no options, and change while the server runs ---- */
struct people {
    char names[100];
};

static bool parse_person(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct people *p = owner;
    (void)argc, (void)f;
    snprintf(p->names + strlen(p->names), sizeof p->names - strlen(p->names), "%.*s;",
             SLICE_ARG(argv[0]));
    return true;
}

static void person_lines(const void *owner, struct buf *out)
{
    const char *at = ((const struct people *)owner)->names;
    for (size_t n = strcspn(at, ";"); at[n]; at += n + 1, n = strcspn(at, ";"))
        buf_printf(out, "person %.*s\n", (int)n, at);
}

static const struct config_option people_options[] = {
    {.name = "person", .kind = CONFIG_CUSTOM,
     .flags = CONFIG_HIDDEN | CONFIG_IMMUTABLE | CONFIG_MULTI, .parse = parse_person,
     .lines = person_lines},
    {.name = NULL}};

static void directives_are_rewritten(void)
{
    struct people people = {""};
    struct fault f = {0};
    begin();
    config_add(cfg, people_options, &people);
    write_file("person ann\n# between\nperson bob\ncount 6\n");
    CHECK(config_load_file(cfg, path, &f));
    CHECK_STR(people.names, "ann;bob;");
    check_get("person", ""); /* a client does not see it */
    check_get("*p*r*n*", "");
    strcpy(people.names, "ann;");
    check_rewritten("person ann\n# between\ncount 6\n");
    strcpy(people.names, "eve;dan;cid;");
    check_rewritten("person eve\n# between\ncount 6\n# Generated by CONFIG REWRITE\n"
                    "person dan\nperson cid\n");
    config_release(cfg, &people);
    end();
}

/* ---- options of one that comes later ---- */
struct module {
    int64_t limit;
    char *title;
    bool starting;
    int applied;
};

static bool module_apply(void *owner, struct fault *f)
{
    struct module *m = owner;
    m->applied++;
    m->starting = config_is_starting(cfg);
    if (m->limit == 13)
        fault_set(f, FAULT_INVALID, "bad luck");
    return m->limit != 13;
}

static const struct config_option module_options[] = {
    {.name = "mod.limit", CONFIG_INT_AT(struct module, limit), .initial = "1", .max = 100,
     .apply = module_apply},
    {.name = "mod.title", CONFIG_STRING_AT(struct module, title), .initial = "none"},
    {.name = NULL}};

static void options_that_come_later(void)
{
    struct module m = {0};
    struct slice bad;
    struct fault f = {0};
    begin();
    write_file("mod.limit 7\nother.thing 1 2\ncount 3\nmod.title \"two words\"\nmod.limit 8\n");
    CHECK(config_load_file(cfg, path, &f));
    CHECK(config_apply_all(cfg, &f));
    CHECK(!config_all_claimed(cfg, &f));
    CHECK(strstr(f.what, "Reading the configuration file, at line 1\n>>> 'mod.limit'"));
    f = (struct fault){0};
    config_add(cfg, module_options, &m);
    CHECK_INT(m.limit, 1);
    CHECK(config_claim(cfg, &m, &f));
    CHECK_INT(m.limit, 8);
    CHECK_STR(m.title, "two words");
    CHECK(m.applied == 1 && !m.starting);
    CHECK(!config_all_claimed(cfg, &f));
    CHECK(strstr(f.what, "at line 2\n>>> 'other.thing'"));
    CHECK(set("mod.limit", "9", "count", "4", &bad, &f));
    check_rewritten("mod.limit 9\nother.thing 1 2\ncount 4\nmod.title \"two words\"\n");
    config_release(cfg, &m);
    end();
    /* not what the option can be; not what its owner takes */
    for (int i = 0; i < 2; i++) {
        begin();
        f = load(i ? "\nmod.limit 13\n" : "\nmod.limit 101\n");
        CHECK(!fault_is(&f));
        config_add(cfg, module_options, &m);
        CHECK(!config_claim(cfg, &m, &f));
        CHECK(strstr(f.what, i ? "bad luck" : "Reading the test, at line 2\n>>> 'mod.limit'\n"));
        config_release(cfg, &m);
        end();
    }
    begin(); /* an option without a dot is no module's, a name alone no line */
    f = load("mod.limit\n");
    CHECK(fault_is(&f));
    f = load("modlimit 1\n");
    CHECK(fault_is(&f));
    end();
}

/* Who claims gets its own lines: another may not be ready for its, though its options are there. */
static void each_claims_its_own(void)
{
    static const struct config_option others[] = {
        {.name = "other.limit", CONFIG_INT_AT(struct module, limit), .initial = "1", .max = 100,
         .apply = module_apply},
        {.name = NULL}};
    struct module mine = {0}, other = {0};
    begin();
    struct fault f = load("other.limit 5\nmod.limit 7\n");
    CHECK(!fault_is(&f));
    config_add(cfg, module_options, &mine);
    config_add(cfg, others, &other);
    CHECK(config_claim(cfg, &mine, &f));
    CHECK_INT(mine.limit, 7);
    CHECK_INT(mine.applied, 1);
    CHECK_INT(other.limit, 1);
    CHECK(!config_all_claimed(cfg, &f));
    CHECK(strstr(f.what, "at line 1\n>>> 'other.limit'"));
    f = (struct fault){0};
    CHECK(config_claim(cfg, &other, &f));
    CHECK(config_all_claimed(cfg, &f));
    CHECK_INT(other.limit, 5);
    CHECK_INT(other.applied, 1);
    CHECK_INT(mine.applied, 1);
    config_release(cfg, &mine);
    config_release(cfg, &other);
    end();
}

static bool note_start(void *owner, struct fault *f)
{
    (void)f;
    ((struct module *)owner)->starting = config_is_starting(cfg);
    return true;
}

static void start_and_change(void)
{
    static const struct config_option one[] = {
        {.name = "late", CONFIG_INT_AT(struct module, limit), .initial = "1", .max = 100,
         .apply = note_start},
        {.name = NULL}};
    struct module m = {0};
    struct slice bad;
    begin();
    config_add(cfg, one, &m);
    struct fault f = load("late 5\n");
    CHECK(config_apply_all(cfg, &f) && m.starting);
    CHECK(set("late", "6", "count", "4", &bad, &f) && !m.starting);
    config_release(cfg, &m);
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(initial_values), UNIT(lines), UNIT(bad_lines), UNIT(set_is_atomic),
                    UNIT(several_patterns), UNIT(refusals), UNIT(not_while_loading),
                    UNIT(rewrite), UNIT(arguments), UNIT(includes), UNIT(rewrite_beside_includes),
                    UNIT(directives_are_rewritten), UNIT(options_that_come_later),
                    UNIT(each_claims_its_own),
                    UNIT(start_and_change));
}
