/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/log_places.h"
#include "tests/unit/unit.h"

static void find(void)
{
    struct log_places p = {0};
    CHECK(!log_places_find(&p, 5));
    for (int64_t i = 0; i < 10; i++)
        log_places_add(&p, &(struct aof_place){.seq = 1 + i / 5, .at = (uint64_t)(i % 5)}, 10 * i);
    CHECK_INT(log_places_find(&p, 0)->offset, 0);
    CHECK_INT(log_places_find(&p, 9)->offset, 0);
    CHECK_INT(log_places_find(&p, 10)->offset, 10);
    CHECK_INT(log_places_find(&p, 1000)->offset, 90);
    CHECK_INT(log_places_find(&p, 59)->at.seq, 2);
    log_places_forget(&p, 0);
    CHECK_INT(p.count, 10);
    log_places_forget(&p, 1);
    CHECK_INT(p.count, 5);
    CHECK(!log_places_find(&p, 49));
    CHECK_INT(log_places_find(&p, 50)->at.at, 0);
    log_places_free(&p);
    CHECK_INT(p.count, 0);
}

/* A log without end: memory is bounded, the oldest stays, and none is much further from the next
 * than the others. */
static void bounded(void)
{
    struct log_places p = {0};
    enum { ALL = 100 * LOG_PLACES_MAX };
    for (int64_t i = 0; i < ALL; i++) {
        log_places_add(&p, &(struct aof_place){.seq = 1, .at = (uint64_t)i}, i);
        CHECK(p.count <= LOG_PLACES_MAX);
    }
    CHECK(p.count > LOG_PLACES_MAX / 4);
    CHECK_INT(p.places[0].offset, 0);
    int64_t most = 0;
    for (size_t i = 1; i < p.count; i++) {
        int64_t gap = p.places[i].offset - p.places[i - 1].offset;
        CHECK(gap > 0);
        most = gap > most ? gap : most;
    }
    CHECK(most <= 4 * ALL / LOG_PLACES_MAX);
    for (int64_t i = 0; i < ALL; i += 997)
        CHECK(log_places_find(&p, i)->offset <= i);
    log_places_free(&p);
}

int main(void)
{
    return UNIT_RUN(UNIT(find), UNIT(bounded));
}
