/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/fresh.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

enum { KEYS = 20000, STEPS = 100000 };

static struct slice key_of(unsigned n, char room[16])
{
    return slice(room, (size_t)snprintf(room, 16, "k%u", n));
}

/* Never less than the truth, and for most keys just that. */
static void against_a_model(void)
{
    char room[16];
    struct fresh *f = mem_zalloc(sizeof *f);
    uint64_t *model = mem_zalloc(2 * KEYS * sizeof *model), all = 0;
    hash_init(NULL);
    rand_seed(unit_seed());
    for (uint64_t at = 1; at <= STEPS; at++) {
        unsigned key = (unsigned)rand_below(KEYS), db = (unsigned)rand_below(2);
        if (rand_below(20000) == 0) {
            fresh_touch_all(f, at);
            all = at;
        } else if (rand_below(100) == 0) {
            fresh_touch(f, db, key_of(key, room), at);
            model[2 * key + db] = at;
        }
        key = (unsigned)rand_below(KEYS);
        db = (unsigned)rand_below(2);
        uint64_t truth = model[2 * key + db] > all ? model[2 * key + db] : all;
        CHECK(fresh_position(f, db, key_of(key, room)) >= truth);
    }
    mem_free(model);
    mem_free(f);
}

static void few_keys_are_told_apart(void)
{
    char room[16];
    struct fresh *f = mem_zalloc(sizeof *f);
    hash_init(NULL);
    for (unsigned i = 0; i < 100; i++)
        fresh_touch(f, 0, key_of(i, room), 1000);
    unsigned waits = 0;
    for (unsigned i = 100; i < 1100; i++)
        waits += fresh_position(f, 0, key_of(i, room)) != 0;
    CHECK(waits < 100); /* about 2.4 % share a slot */
    waits = 0;
    for (unsigned i = 0; i < 100; i++)
        waits += fresh_position(f, 1, key_of(i, room)) != 0;
    CHECK(waits < 20);
    fresh_touch(f, 0, key_of(1, room), 7);
    CHECK_INT((int64_t)fresh_position(f, 0, key_of(1, room)), 1000); /* never back */
    mem_free(f);
}

int main(void)
{
    return UNIT_RUN(UNIT(against_a_model), UNIT(few_keys_are_told_apart));
}
