/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/cpus.h"

#include "tests/unit/unit.h"

enum { SIZE = 16 };

/* "x" marks a CPU of the list. */
static void check_list(const char *list, const char *want)
{
    bool set[SIZE];
    char got[SIZE + 1] = {0};
    CHECK(cpus_parse(list, set, SIZE));
    for (int i = 0; i < SIZE; i++)
        got[i] = set[i] ? 'x' : '.';
    CHECK_STR(got, want);
}

static void lists_and_ranges(void)
{
    check_list("0", "x...............");
    check_list("0,2,3", "x.xx............");
    check_list("1-4", ".xxxx...........");
    check_list("0-7:2", "x.x.x.x.........");
    check_list("0-1,15", "xx.............x");
}

static void nonsense_is_refused(void)
{
    static const char *const lists[] = {"a", "1-", "-1", "3-1", "0-7:0", "1,,2", "0x", "1-2-3"};
    bool set[SIZE];
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        CHECK(!cpus_parse(lists[i], set, SIZE));
}

int main(void)
{
    return UNIT_RUN(UNIT(lists_and_ranges), UNIT(nonsense_is_refused));
}
