/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"
#include "tools/sorted_map.h"

/* n entries with gaps; looked up forwards, and here and there; changed, and looked up again. */
static void check_map(uint64_t n)
{
    struct sorted_map *m = sorted_map_new();
    bool ok = true;
    for (uint64_t i = 0; i < n; i++)
        sorted_map_append(m, 3 * i + 1, i);
    sorted_map_end(m);
    CHECK_INT((int64_t)sorted_map_count(m), (int64_t)n);
    for (uint64_t i = 0; ok && i < n; i++) {
        uint64_t *value = sorted_map_find(m, 3 * i + 1);
        ok = value && *value == i && !sorted_map_find(m, 3 * i) &&
             !sorted_map_find(m, 3 * i + 2);
        if (ok && (value = sorted_map_find(m, 3 * i + 1))) {
            *value += 7;
            sorted_map_changed(m);
        }
    }
    CHECK(ok);
    for (uint64_t i = 0, at = 0; ok && i < n && i < 20000; i++) {
        at = (at * 48271 + 11) % n;
        uint64_t *value = sorted_map_find(m, 3 * at + 1);
        ok = value && *value == at + 7;
    }
    CHECK(ok);
    CHECK(!sorted_map_find(m, UINT64_MAX));
    CHECK(!fault_is(sorted_map_fault(m)));
    sorted_map_free(m);
}

static void in_memory(void)
{
    check_map(0);
    check_map(1);
    check_map(1024);
    check_map(65535);
}

static void in_a_file(void)
{
    check_map(65536);
    check_map(65537);
    check_map(300000);
}

int main(void)
{
    sorted_map_free(NULL);
    return UNIT_RUN(UNIT(in_memory), UNIT(in_a_file));
}
