/* SPDX-License-Identifier: BSD-3-Clause */
/* Users' rules: what each does, what is refused, that what is shown makes the same user again, and
 * what is decided by them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha.h"
#include "server/acl_check.h"
#include "server/acl_rules.h"
#include "server/acl_user.h"
#include "server/config.h"
#include "tests/unit/server/acl_commands.h"
#include "tests/unit/unit.h"

static struct commands *cs;
static struct acl_rules rules;

static void begin(void)
{
    cs = commands_new();
    commands_add(cs, acl_commands, NULL);
    rules = (struct acl_rules){.commands = cs};
}

/* Says a line of rules to the user: "" or the reason. */
static const char *say(struct acl_user *u, const char *line)
{
    static struct fault f;
    struct slice words[32];
    struct buf hold = {0}, bad = {0};
    int count;
    f = (struct fault){0};
    CHECK(config_split(slice_str(line), &hold, words, 32, &count));
    CHECK(acl_rules_say(&rules, u, count, words, &bad, &f) == !fault_is(&f));
    CHECK((bad.len == 0) == !fault_is(&f));
    buf_free(&hold);
    buf_free(&bad);
    return f.what;
}

static const char *shown(const struct acl_user *u)
{
    static char text[1000];
    struct buf out = {0};
    acl_rules_print(u, &out, buf_add);
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&out)));
    buf_free(&out);
    return text;
}

/* After these rules it is shown as that, and that makes the same. */
static void check_shown(const char *line, const char *want)
{
    struct acl_user *u = acl_user_new(SLICE_LIT("u"), rules.open_channels);
    CHECK_STR(say(u, line), "");
    CHECK_STR(shown(u) + 2, want);
    struct acl_user *again = acl_user_new(SLICE_LIT("u"), false);
    CHECK_STR(say(again, want), "");
    CHECK_STR(shown(again) + 2, want);
    struct acl_user *copy = acl_user_copy(u);
    CHECK_STR(shown(copy) + 2, want);
    CHECK(copy->unrestricted == u->unrestricted && again->unrestricted == u->unrestricted);
    acl_user_free(u);
    acl_user_free(again);
    acl_user_free(copy);
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NONE " resetchannels -@all"

static void rules_are_shown_as_they_count(void)
{
    begin();
    check_shown("", "off sanitize-payload" NONE);
    check_shown("on", "on sanitize-payload" NONE);
    check_shown("ON off", "off sanitize-payload" NONE);
    check_shown("on nopass ~* &* +@all", "on nopass sanitize-payload ~* &* +@all");
    check_shown("nopass allkeys allchannels allcommands",
                "off nopass sanitize-payload ~* &* +@all");
    check_shown("nopass #" HASH, "off sanitize-payload #" HASH NONE);
    check_shown("#" HASH " nopass", "off nopass sanitize-payload" NONE);
    check_shown("#" HASH " #" HASH, "off sanitize-payload #" HASH NONE);
    check_shown("#" HASH " !" HASH, "off sanitize-payload" NONE);
    check_shown(">a <a", "off sanitize-payload" NONE);
    check_shown("sanitize-payload", "off sanitize-payload" NONE);
    check_shown("skip-sanitize-payload", "off skip-sanitize-payload" NONE);
    check_shown("~a ~b resetkeys %R~c %W~d %RW~e %rW~e", "off sanitize-payload %R~c %W~d ~e" NONE);
    check_shown("%R~a %W~a", "off sanitize-payload ~a" NONE);
    check_shown("%RW~* ~a", "off sanitize-payload %RW~* ~a" NONE);
    check_shown("~a ~*", "off sanitize-payload ~*" NONE);
    check_shown("&a &b &a", "off sanitize-payload resetchannels &a &b -@all");
    check_shown("+get -get +get", "off sanitize-payload" NONE " +get");
    check_shown("+@read -get +set -@READ", "off sanitize-payload" NONE " -get +set -@read");
    check_shown("+@all -@admin +config|get",
                "off sanitize-payload resetchannels +@all -@admin +config|get");
    check_shown("+config|get +config", "off sanitize-payload" NONE " +config");
    check_shown("+config -config|set +CONFIG|SET",
                "off sanitize-payload" NONE " +config +config|set");
    check_shown("+select|0 +select|1 +SELECT|0",
                "off sanitize-payload" NONE " +select|0 +select|1");
    check_shown("+select|0 +select", "off sanitize-payload" NONE " +select");
    check_shown("+get nocommands +set", "off sanitize-payload" NONE " +set");
    check_shown("on (~a +get) (%R~b &c -@all +set) ( )",
                "on sanitize-payload" NONE " (~a" NONE " +get) (%R~b resetchannels &c -@all +set) "
                "(resetchannels -@all)");
    check_shown("( ~a +get )", "off sanitize-payload" NONE " (~a" NONE " +get)");
    check_shown("(~a) (~b) clearselectors (~c)", "off sanitize-payload" NONE " (~c" NONE ")");
    check_shown("on nopass ~a &b +get (~c) reset", "off sanitize-payload" NONE);
    rules.open_channels = true;
    check_shown("reset (~a)", "off sanitize-payload &* -@all (~a &* -@all)");
    commands_free(cs);
}

static void wrong_rules_are_refused(void)
{
    static const struct {
        const char *reason, *lines[24];
    } cases[] = {
        {"Syntax error",
         {"frobnicate", "on on2", "%~a", "%X~a", "%", "%RR~a", "\"~a b\"", "\"&a b\"", "\"%R~a b\"",
          ")", "(on)", "(>a)", "(frob)", "(nopass)", "(reset)", "(~a))", "+select|", "+config|",
          "(+get (x)", "\"~a\\x00b\""}},
        {"Unknown command or category name in ACL",
         {"+@nosuch", "-@nosuch", "+@", "(+@nosuch)", "+nosuch", "-nosuch", "+", "-", "+|x",
          "+config|nosuch", "-config|nosuch", "+get|a|b", "-select|0", "+mod.cmd",
          "+config|get||"}},
        {"Allowing first-arg of a subcommand is not supported", {"+config|get|x"}},
        {"The password you are trying to remove from the user does not exist", {"<a", "!" HASH}},
        {"The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
         "characters", {"#abc", "!abc", "#" HASH "0", "#",
          "#0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"}},
    };
    struct acl_user *u = acl_user_new(SLICE_LIT("u"), false);
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; cases[i].lines[k]; k++)
            CHECK_STR(say(u, cases[i].lines[k]), cases[i].reason);
    CHECK_STR(say(u, "+get|"), "Syntax error");
    CHECK_STR(say(u, "(+get ~a"), "Unmatched parenthesis in acl selector starting at '(+get'.");
    CHECK_STR(say(u, "("), "Unmatched parenthesis in acl selector starting at '('.");
    CHECK(strncmp(say(u, "allkeys ~a"), "Adding a pattern after", 22) == 0);
    CHECK(strncmp(say(u, "resetkeys ~* %R~a"), "Adding a pattern after", 22) == 0);
    CHECK(strncmp(say(u, "&* &a"), "Adding a pattern after", 22) == 0);
    CHECK(!acl_rules_name_ok(SLICE_LIT("b b")) && !acl_rules_name_ok(SLICE_LIT("b\0b")));
    CHECK(acl_rules_name_ok(SLICE_LIT("")) && acl_rules_name_ok(SLICE_LIT("b\xff")));
    rules.modules_later = true;
    CHECK_STR(say(u, "+mod.cmd -mod.cmd|x +mod.cmd|x|y +get|mod.x"), "");
    acl_user_free(u);
    commands_free(cs);
}

static void passwords_are_kept_as_hashes(void)
{
    struct acl_user *u = acl_user_new(SLICE_LIT("u"), false);
    begin();
    CHECK_STR(say(u, ">secret >other >secret > \">\\x00\\xff\""), "");
    CHECK_INT((int64_t)u->password_count, 4);
    CHECK(acl_user_has_password(u, SLICE_LIT("secret")));
    CHECK(acl_user_has_password(u, SLICE_LIT("")) && acl_user_has_password(u, SLICE_LIT("\0\xff")));
    CHECK(!acl_user_has_password(u, SLICE_LIT("secre")) && !strstr(shown(u), "secret"));
    CHECK_STR(say(u, "<secret"), "");
    CHECK(!acl_user_has_password(u, SLICE_LIT("secret")));
    CHECK(acl_user_has_password(u, SLICE_LIT("other")));
    CHECK_STR(say(u, "resetpass"), "");
    CHECK(!acl_user_has_password(u, SLICE_LIT("other")));
    acl_user_free(u);
    commands_free(cs);
}

/* "" when the user made of these rules may say the call; else what is missing, and which word. */
static const char *decide(const char *line, const char *call)
{
    static char text[300];
    struct acl_user *u = acl_user_new(SLICE_LIT("u"), false);
    struct slice argv[16];
    struct buf hold = {0}, out = {0};
    int argc;
    CHECK_STR(say(u, line), "");
    CHECK(config_split(slice_str(call), &hold, argv, 16, &argc));
    struct command_entry *e = commands_find(cs, argv[0]);
    e = e->sub_count ? command_find_sub(e, argv[1]) : e;
    struct acl_decision d = acl_check(u, e, argc, argv);
    /* The quick answer is never wrong. */
    CHECK(!acl_check_quick(u, e, argv) || d.reason == ACL_ALLOWED);
    if (d.reason == ACL_ALLOWED && e->only_key && u->selector_count == 1 &&
        acl_has_command(u->own, e->id))
        CHECK(acl_check_quick(u, e, argv));
    if (d.reason)
        acl_check_tell(u, e, d, argv[d.at], true, &out);
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&out)));
    buf_free(&hold);
    buf_free(&out);
    acl_user_free(u);
    return text;
}

#define NO_KEY(key) "User u has no permissions to access the '" key "' key"
#define NO_CHANNEL(name) "User u has no permissions to access the '" name "' channel"
#define NO_COMMAND(name) "User u has no permissions to run the '" name "' command"

static void decisions(void)
{
    static const char *const cases[][3] = {
        {"~* +get", "get a", ""}, {"+get", "get a", NO_KEY("a")},
        {"~a", "get a", NO_COMMAND("get")},
        {"~ab +get", "get ab", ""}, {"~ab +get", "get abc", NO_KEY("abc")},
        {"~ab* +get", "get abcdefghijk", ""}, {"~ab* +get", "get a", NO_KEY("a")},
        {"~longer-than-eight:* +get", "get longer-than-eight:1", ""},
        {"~longer-than-eight:* +get", "get longer-than-nine:12", NO_KEY("longer-than-nine:12")},
        {"~longer-than-eight:* +get", "get longer-t", NO_KEY("longer-t")},
        {"~x* ~a?c* +get", "get abcdefghijk", ""}, {"%RW~* +get", "get \"\"", NO_KEY("")},
        {"~ +get", "get \"\"", ""}, {"allkeys +get", "get \"\"", ""},
        {"%R~a %W~b +@all", "get a", ""}, {"%R~a %W~b +@all", "set a 1", NO_KEY("a")},
        {"%R~a %W~b +@all", "set b 1", ""}, {"%R~a %W~b +@all", "get b", NO_KEY("b")},
        {"%R~a %W~b +@all", "exists b", ""}, {"%R~a %W~a +@all", "set a 1", ""},
        {"%W~a* +del", "del a1 a2 b a3", NO_KEY("b")},
        {"+@all allkeys -get", "get a", NO_COMMAND("get")}, {"allkeys +@read", "get a", ""},
        {"allkeys +@read", "set a 1", NO_COMMAND("set")},
        {"allkeys +@write -@string +get", "del a", ""},
        {"+config|get", "config get", ""}, {"+config|get", "config set", NO_COMMAND("config|set")},
        {"+config -config|set", "config get", ""}, {"+@admin", "config set", ""},
        {"+select|0", "select 0", ""}, {"+select|0", "select 1", NO_COMMAND("select")},
        {"+select|0 -select", "select 0", NO_COMMAND("select")}, {"+select|a", "select A", ""},
        {"", "auth x", ""},
        {"&ch* +publish", "publish ch1", ""}, {"&ch* +publish", "publish x", NO_CHANNEL("x")},
        {"&ch* +psubscribe", "psubscribe ch1", NO_CHANNEL("ch1")},
        {"&ch* +psubscribe", "psubscribe ch* ch*", ""}, {"&* +psubscribe", "psubscribe ch*", ""},
        {"~a +get (~b +set)", "get a", ""}, {"~a +get (~b +set)", "set b 1", ""},
        {"~a +get (~b +set)", "set a 1", NO_KEY("a")}, {"~a +get (~b +get)", "get c", NO_KEY("c")},
        {"~a +del (~a ~b +del)", "del a b c", NO_KEY("c")},
        {"(allkeys +@all)", "publish x", NO_CHANNEL("x")},
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_STR(decide(cases[i][0], cases[i][1]), cases[i][2]);
    commands_free(cs);
}

static void renamed_commands_keep_their_rules(void)
{
    begin();
    CHECK(commands_rename(cs, SLICE_LIT("get"), SLICE_LIT("fetch")));
    CHECK(commands_rename(cs, SLICE_LIT("set"), SLICE_LIT("")));
    struct acl_user *u = acl_user_new(SLICE_LIT("u"), false);
    CHECK_STR(say(u, "+get -set +@read"), "");
    CHECK_STR(say(u, "+fetch"), "Unknown command or category name in ACL");
    CHECK_STR(decide("allkeys +get", "fetch a"), "");
    acl_user_free(u);
    commands_free(cs);
}

static void who_may_do_everything_is_known(void)
{
    static const struct {
        const char *line;
        bool all;
    } cases[] = {{"+@all ~* &*", true}, {"+@all ~*", false}, {"+@all ~* &* -get", false},
                 {"+@all ~* &* -get +get", false}, {"+@all ~* &* +@all", true},
                 {"+get (allkeys allchannels allcommands)", true},
                 {"+@all ~* &* resetkeys", false}};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct acl_user *u = acl_user_new(SLICE_LIT("u"), false);
        CHECK_STR(say(u, cases[i].line), "");
        CHECK(u->unrestricted == cases[i].all);
        acl_user_free(u);
    }
    commands_free(cs);
}

static void channels_that_are_kept(void)
{
    static const struct {
        const char *before, *now;
        bool kept;
    } cases[] = {{"&a", "&a &b", true}, {"&a &b", "&a", false}, {"&a", "&*", true},
                 {"&*", "&a", false}, {"&a", "&a*", false}, {"&a (&b)", "&b (&a)", true},
                 {"", "", true}, {"&a (&b)", "&a", false}};
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct acl_user *before = acl_user_new(SLICE_LIT("u"), false);
        struct acl_user *now = acl_user_new(SLICE_LIT("u"), false);
        CHECK_STR(say(before, cases[i].before), "");
        CHECK_STR(say(now, cases[i].now), "");
        CHECK(acl_check_keeps_channels(before, now) == cases[i].kept);
        acl_user_free(before);
        acl_user_free(now);
    }
    commands_free(cs);
}

int main(void)
{
    return UNIT_RUN(UNIT(rules_are_shown_as_they_count), UNIT(wrong_rules_are_refused),
                    UNIT(passwords_are_kept_as_hashes), UNIT(decisions),
                    UNIT(renamed_commands_keep_their_rules), UNIT(who_may_do_everything_is_known),
                    UNIT(channels_that_are_kept));
}
