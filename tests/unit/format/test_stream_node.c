/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/stream_node.h"

#include "tests/unit/unit.h"

static struct stream_id id(uint64_t ms, uint64_t seq)
{
    return (struct stream_id){.ms = ms, .seq = seq};
}

/* As consumers keep them: with something of their own behind. */
struct kept {
    struct stream_pending_event event;
    int more;
};

static void pending_entries_ascend_and_are_found(void)
{
    struct buf all = {0};
    CHECK(stream_pending_ascends(&all, sizeof(struct kept), id(0, 0)));
    CHECK(stream_pending_find(&all, sizeof(struct kept), id(0, 0)) == NULL);
    for (int i = 1; i <= 9; i++) {
        struct kept k = {.event.id = id((uint64_t)i / 3, (uint64_t)i), .more = i};
        CHECK(stream_pending_ascends(&all, sizeof k, k.event.id));
        buf_append(&all, &k, sizeof k);
        CHECK(!stream_pending_ascends(&all, sizeof k, k.event.id));
    }
    CHECK(!stream_pending_ascends(&all, sizeof(struct kept), id(2, 100)));
    CHECK(!stream_pending_ascends(&all, sizeof(struct kept), id(3, 8)));
    CHECK(stream_pending_ascends(&all, sizeof(struct kept), id(3, 10)));
    for (int i = 1; i <= 9; i++) {
        struct kept *k = stream_pending_find(&all, sizeof *k, id((uint64_t)i / 3, (uint64_t)i));
        CHECK(k && k->more == i);
    }
    CHECK(stream_pending_find(&all, sizeof(struct kept), id(1, 6)) == NULL);
    buf_free(&all);
}

int main(void)
{
    return UNIT_RUN(UNIT(pending_entries_ascend_and_are_found));
}
