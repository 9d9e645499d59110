/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/mem.h"
#include "containers/listpack.h"
#include "tests/unit/unit.h"
#include "tools/stream_lost.h"

/* A node of entries without fields: their ids are the node's and what is added. */
static void put_node(struct stream_lost *l, uint64_t ms, size_t entries, size_t deleted)
{
    uint8_t *node = lp_new();
    node = lp_append_int(node, (int64_t)(entries - deleted));
    node = lp_append_int(node, (int64_t)deleted);
    node = lp_append_int(node, 0);
    node = lp_append_int(node, 0);
    for (size_t i = 0; i < entries; i++) {
        node = lp_append_int(node, i < deleted ? 3 : 2); /* deleted, and the node's fields */
        node = lp_append_int(node, 0);
        node = lp_append_int(node, (int64_t)i);
        node = lp_append_int(node, 3);
    }
    stream_lost_node(l, (struct stream_id){ms, 0}, lp_blob(node));
    mem_free(node);
}

static bool lost(struct stream_lost *l, uint64_t ms, uint64_t seq)
{
    return stream_lost_pending(l, (struct stream_id){ms, seq});
}

static void by_id(void)
{
    struct stream_lost l;
    stream_lost_begin(&l);
    stream_lost_key(&l);
    put_node(&l, 10, 5, 2);
    put_node(&l, 20, 3, 0);
    for (int group = 0; group < 2; group++) {
        stream_lost_group(&l);
        CHECK(lost(&l, 9, 0));
        CHECK(lost(&l, 10, 1));
        CHECK(!lost(&l, 10, 2));
        CHECK(!lost(&l, 20, 2));
        CHECK(lost(&l, 20, 3));
        CHECK(!lost(&l, 10, 4)); /* in another order, too */
    }
    CHECK_INT(l.lost, 6);
    stream_lost_key(&l); /* an empty stream */
    CHECK(lost(&l, 10, 2));
    CHECK_INT(l.lost, 7);
    stream_lost_end(&l);
}

/* More than are held, twice: what the first stream left in the file is not the second's. */
static void in_a_file(void)
{
    struct stream_lost l;
    stream_lost_begin(&l);
    for (uint64_t stream = 1; stream <= 3; stream++) {
        uint64_t nodes = stream == 2 ? 90 : 150, found = l.lost;
        stream_lost_key(&l);
        for (uint64_t n = 0; n < nodes; n++)
            put_node(&l, n * 10 + stream, 100, 1);
        for (int group = 0; group < 2; group++) {
            stream_lost_group(&l);
            for (uint64_t n = 0; n < nodes; n++) {
                CHECK(lost(&l, n * 10 + stream, 0));
                CHECK(!lost(&l, n * 10 + stream, 1));
                CHECK(!lost(&l, n * 10 + stream, 99));
                CHECK(lost(&l, n * 10 + stream, 100));
            }
        }
        CHECK_INT(l.lost - found, nodes * 4);
    }
    CHECK(!fault_is(&l.fault));
    stream_lost_end(&l);
}

int main(void)
{
    return UNIT_RUN(UNIT(by_id), UNIT(in_a_file));
}
