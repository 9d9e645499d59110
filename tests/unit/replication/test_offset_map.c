/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rand.h"
#include "replication/offset_map.h"
#include "tests/unit/unit.h"

static void both_go_on_alike(void)
{
    struct offset_map m;
    offset_map_start(&m, 1000, 50);
    offset_map_note(&m, 1100, 150);
    offset_map_note(&m, 1130, 180);
    CHECK_INT(offset_map_needed(&m, 1100), 150);
    CHECK_INT(offset_map_needed(&m, 1130), 180);
    CHECK_INT(offset_map_sendable(&m, 1100), 150);
    CHECK_INT(offset_map_sendable(&m, 1130), 180);
    CHECK_INT(offset_map_needed(&m, 7), 50); /* what was before it */
    CHECK_INT(offset_map_held(&m, 49), 0);
    CHECK_INT(offset_map_held(&m, 50), 1000);
    CHECK_INT(offset_map_held(&m, 177), 1127);
    CHECK_INT(offset_map_held(&m, 9999), 1130);
}

/* GETACK must not be waited for by whoever wrote before it: the answer tells of what was before. */
static void what_only_replicas_get_is_not_waited_for(void)
{
    struct offset_map m;
    offset_map_start(&m, 0, 0);
    offset_map_note(&m, 100, 100);
    for (int i = 1; i <= 1000; i++) {
        offset_map_note(&m, 100, 100 + 37 * i);
        CHECK_INT(offset_map_needed(&m, 100), 100);
        CHECK_INT(offset_map_sendable(&m, 100), 100 + 37 * i);
    }
    offset_map_note(&m, 150, 37150);
    CHECK_INT(offset_map_needed(&m, 150), 37150);
    CHECK_INT(offset_map_needed(&m, 100), 100);
    CHECK_INT(offset_map_sendable(&m, 149), 37149);
}

static void what_only_the_log_gets_makes_nothing_early(void)
{
    struct offset_map m;
    offset_map_start(&m, 0, 0);
    offset_map_note(&m, 100, 100);
    CHECK_INT(offset_map_needed(&m, 300), 100); /* 200 bytes for the log alone */
    offset_map_note(&m, 310, 110);
    CHECK_INT(offset_map_needed(&m, 100), 100);
    CHECK_INT(offset_map_needed(&m, 310), 110);
    CHECK_INT(offset_map_sendable(&m, 300), 100);
    CHECK_INT(offset_map_sendable(&m, 309), 100);
    CHECK_INT(offset_map_sendable(&m, 310), 110);
    CHECK_INT(offset_map_held(&m, 109), 100); /* of what the log got alone it knows only the end */
    CHECK_INT(offset_map_held(&m, 110), 310);
}

/* Units that end at a position and an offset each: what is said of each of them is right or on the
 * safe side, exact for the latest. */
enum { UNITS = 5000, EXACT = 50 };

static void safe_always_and_exact_at_the_end(void)
{
    static struct {
        uint64_t position;
        int64_t before, behind; /* offsets: where it ends, and the last byte at its position */
    } units[UNITS];
    struct offset_map m;
    uint64_t position = 500;
    int64_t offset = 100, sent = 100;
    int count = 0;
    rand_seed(unit_seed());
    offset_map_start(&m, position, offset);
    while (count < UNITS) {
        uint64_t what = rand_below(10), n = 1 + rand_below(100);
        position += what < 8 ? n : 0;               /* the log gets it */
        offset += what < 6 || what > 7 ? (int64_t)n : 0; /* replicas do */
        offset += what == 0 ? 14 : 0;
        if (what < 6 || what > 7)
            offset_map_note(&m, position, offset);
        if (what < 6) {
            units[count].position = position;
            units[count++].before = offset;
        }
        if (count)
            units[count - 1].behind = units[count - 1].position == position
                                          ? offset : units[count - 1].behind;
        int i = count ? count - 1 - (int)rand_below((uint64_t)count) : 0;
        if (!count)
            continue;
        CHECK(offset_map_needed(&m, units[i].position) >= units[i].before);
        CHECK(offset_map_needed(&m, units[i].position) <= offset);
        if (i > count - EXACT)
            CHECK_INT(offset_map_needed(&m, units[i].position), units[i].before);
        /* Never more than is there, and all of it with the latest. */
        uint64_t held = offset_map_held(&m, units[i].before);
        CHECK(!held || offset_map_needed(&m, held) <= units[i].before);
        CHECK(i <= count - EXACT || held >= units[i].position);
        i = count - 1 - (int)rand_below(count < 20 ? (uint64_t)count : 20);
        int64_t may = offset_map_sendable(&m, units[i].position);
        CHECK(may >= sent && may <= (sent > units[i].behind ? sent : units[i].behind));
        CHECK(may >= units[i].before);
        sent = may;
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(both_go_on_alike), UNIT(what_only_replicas_get_is_not_waited_for),
                    UNIT(what_only_the_log_gets_makes_nothing_early),
                    UNIT(safe_always_and_exact_at_the_end));
}
