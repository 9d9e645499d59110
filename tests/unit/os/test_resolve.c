/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "os/resolve.h"
#include "tests/unit/unit.h"

static void knows_addresses(void)
{
    static const char *const yes[] = {"127.0.0.1", "::1", "1.2.3.4", "::ffff:1.2.3.4"};
    static const char *const no[] = {"localhost", "", "127.0.0.1:80", "a.b", "[::1]", "1.2.3.4.5"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        CHECK(resolve_is_address(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        CHECK(!resolve_is_address(no[i]));
}

static void finds_this_machine(void)
{
    struct resolved r;
    resolve_host("localhost", &r);
    CHECK(r.count >= 1 && r.count <= RESOLVED_MAX);
    for (int i = 0; i < r.count; i++)
        CHECK(resolve_is_address(r.address[i]));
    resolve_host("127.0.0.1", &r);
    CHECK_INT(r.count, 1);
    CHECK_STR(r.address[0], "127.0.0.1");
}

static void says_why_not(void)
{
    struct resolved r;
    char label[80];
    memset(label, 'x', sizeof label - 1); /* no name has parts that long: nobody is asked */
    label[sizeof label - 1] = '\0';
    resolve_host(label, &r);
    CHECK_INT(r.count, 0);
    CHECK(r.why[0] != '\0');
}

int main(void)
{
    return UNIT_RUN(UNIT(knows_addresses), UNIT(finds_this_machine), UNIT(says_why_not));
}
