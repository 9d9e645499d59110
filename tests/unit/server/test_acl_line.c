/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "server/acl_line.h"
#include "server/config.h"
#include "tests/unit/unit.h"

/* "user bob" and these rules: "" and *rights, or the reason. */
static const char *read_line(const char *rules, unsigned *rights)
{
    static struct fault f;
    struct slice words[32];
    struct buf hold = {0};
    char line[300];
    int count;
    f = (struct fault){0};
    snprintf(line, sizeof line, "bob %s", rules);
    CHECK(config_split(slice_str(line), &hold, words, 32, &count));
    CHECK(acl_line_read(count, words, rights, &f) == !fault_is(&f));
    buf_free(&hold);
    const char *reason = strstr(f.what, "': ");
    return reason ? reason + 3 : f.what;
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void rights_follow_the_rules_in_order(void)
{
    static const struct {
        const char *rules;
        unsigned rights;
    } cases[] = {
        {"", 0},
        {"on", ACL_ON},
        {"ON off", 0},
        {"on nopass ~* &* +@all", ACL_ALL & ~ACL_PASSWORD},
        {"on nopass sanitize-payload allkeys allchannels allcommands", ACL_ALL & ~ACL_PASSWORD},
        {"nopass >a", ACL_PASSWORD},
        {">a nopass", ACL_NOPASS},
        {"#" HASH, ACL_PASSWORD},
        {">a resetpass", 0},
        {"allkeys resetkeys ~a %RW~b %r~* &c", 0},
        {"~a ~*", ACL_KEYS},
        {"allchannels resetchannels", 0},
        {"+@all -debug", 0},
        {"-debug +@all", ACL_COMMANDS},
        {"+@all nocommands +get +config|get -@admin +select|0", 0},
        {"on ~* +@all reset", 0},
        {"(~* +@all)", 0}, /* a selector's rights are its own */
        {"on ( ~* +@all -debug ) (%R~a) () clearselectors", ACL_ON},
        {"allkeys (~a)", ACL_KEYS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned rights;
        CHECK_STR(read_line(cases[i].rules, &rights), "");
        CHECK_INT(rights, cases[i].rights);
    }
}

static void malformed_rules_are_refused(void)
{
    static const char *const cases[] = {
        "frobnicate", "\"\"", "on on2", "%~a", "%X~a", "%", "\"~a b\"", "\"&a b\"", "\"%R~a b\"",
        ")", "(on)", "(>a)", "(frob)", "(nopass)", "(reset)",
    };
    unsigned rights;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_STR(read_line(cases[i], &rights), "Syntax error");
    CHECK_STR(read_line("(+get ~a", &rights), "Unmatched parenthesis in selector");
    CHECK_STR(read_line("(", &rights), "Unmatched parenthesis in selector");
    CHECK_STR(read_line("+@nosuch", &rights), "Unknown command or category name in ACL");
    CHECK_STR(read_line("(+@nosuch)", &rights), "Unknown command or category name in ACL");
    CHECK_STR(read_line("+config|get|x", &rights),
              "A subcommand cannot be allowed for some first arguments only");
    static const char *const no_hashes[] = {"#abc", "!abc", "#" HASH "0",
        "#0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"};
    for (size_t i = 0; i < sizeof no_hashes / sizeof *no_hashes; i++)
        CHECK_STR(read_line(no_hashes[i], &rights), "The password hash must be 64 digits "
                  "of base 16, those above 9 in lower case");
    CHECK(strncmp(read_line("allkeys ~a", &rights), "Adding a pattern after", 22) == 0);
    CHECK(strncmp(read_line("&* &a", &rights), "Adding a pattern after", 22) == 0);
    struct slice name = SLICE_LIT("b b");
    struct fault f = {0};
    CHECK(!acl_line_read(1, &name, &rights, &f));
    CHECK_STR(f.what, "Error in user declaration 'b b': Spaces not allowed in ACL usernames");
}

int main(void)
{
    return UNIT_RUN(UNIT(rights_follow_the_rules_in_order), UNIT(malformed_rules_are_refused));
}
