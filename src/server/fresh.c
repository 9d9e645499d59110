/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/fresh.h"

#include "base/hash.h"

static unsigned slot_of(unsigned db, struct slice key)
{
    return (unsigned)(hash_slice(key) + db * 0x9e3779b1u) % FRESH_SLOTS;
}

void fresh_touch(struct fresh *f, unsigned db, struct slice key, uint64_t position)
{
    uint64_t *slot = &f->slots[slot_of(db, key)];
    if (*slot < position)
        *slot = position;
}

void fresh_touch_all(struct fresh *f, uint64_t position)
{
    if (f->all < position)
        f->all = position;
}

uint64_t fresh_position(const struct fresh *f, unsigned db, struct slice key)
{
    uint64_t slot = f->slots[slot_of(db, key)];
    return slot > f->all ? slot : f->all;
}
