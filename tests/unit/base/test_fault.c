/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "base/fault.h"
#include "tests/unit/unit.h"

static void keeps_the_first(void)
{
    struct fault f = {0};
    char text[512];
    CHECK(!fault_is(&f));
    fault_set(&f, FAULT_FORMAT, "bad %s %d", "byte", 7);
    fault_set(&f, FAULT_EOF, "later");
    fault_io(&f, ENOENT, "open", "later still");
    CHECK(fault_is(&f));
    CHECK_INT(f.code, FAULT_FORMAT);
    CHECK_INT(f.err, 0);
    CHECK_STR(fault_text(&f, text, sizeof text), "bad byte 7");
    fault_clear(&f);
    CHECK(!fault_is(&f));
    fault_set(&f, FAULT_EOF, "now");
    CHECK_STR(f.what, "now");
}

static void tells_where(void)
{
    struct fault f = {0};
    char text[512];
    fault_set(&f, FAULT_EOF, "ends early");
    f.offset = 1234;
    f.doing = "read-key";
    f.has_type = true;
    f.type = 17;
    fault_set_key(&f, slice("a\"b\0\xff", 5));
    CHECK_STR(fault_text(&f, text, sizeof text),
              "ends early (offset 1234), doing read-key, type 17, key \"a\\\"b\\x00\\xff\"");
    char tiny[8];
    CHECK_STR(fault_text(&f, tiny, sizeof tiny), "ends ea");
}

static void cuts_long_texts(void)
{
    struct fault f = {0};
    char name[600];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fault_io(&f, ENOSPC, "write", "cannot write %s", name);
    CHECK_INT(f.code, FAULT_IO);
    CHECK_INT(f.err, ENOSPC);
    size_t len = strlen(f.what);
    CHECK(len < sizeof f.what);
    /* The reason survives the cut. */
    CHECK_STR(f.what + len - strlen("No space left on device"), "No space left on device");
    memset(name, '\n', sizeof name);
    fault_set_key(&f, slice(name, sizeof name));
    len = strlen(f.key);
    CHECK(len < sizeof f.key && len > 100);
    CHECK_STR(f.key + len - 3, "...");
    fault_set_key(&f, slice(name, 0));
    CHECK_STR(f.key, "");
}

int main(void)
{
    return UNIT_RUN(UNIT(keeps_the_first), UNIT(tells_where), UNIT(cuts_long_texts));
}
