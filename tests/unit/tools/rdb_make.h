/* SPDX-License-Identifier: BSD-3-Clause */
/* RDB files for tests of what reads damaged ones: as many string keys as wanted, with or without
 * block checksums, in memory and in a file without a name. */
#ifndef TESTS_UNIT_TOOLS_RDB_MAKE_H
#define TESTS_UNIT_TOOLS_RDB_MAKE_H

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/rdb_write.h"
#include "tests/unit/unit.h"
#include "tools/rdb_plan.h"

/* Keys k0 ... of that many bytes each; every tenth in database 1. */
static inline void make_rdb(struct buf *to, unsigned keys, size_t value_bytes, bool blocks)
{
    struct out out;
    struct rdb_writer w;
    char name[16];
    struct buf value = {0};
    struct key_event key = {.type = VALUE_STRING, .expire_ms = KEY_NO_EXPIRE,
                            .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.blocks = blocks, .trailer = blocks});
    rdb_writer_begin(&w);
    for (unsigned i = 0; i < keys; i++) {
        key.db = i % 10 == 9;
        key.name = slice(name, (size_t)snprintf(name, sizeof name, "k%u", i));
        buf_clear(&value);
        for (size_t k = 0; k < value_bytes; k++)
            buf_byte(&value, (unsigned char)('a' + (i * 31 + k * k * 7) % 26));
        sink_key(&w.sink, &key);
        SINK_EVENT(&w.sink, item, buf_slice(&value));
        sink_end_key(&w.sink);
    }
    CHECK(rdb_writer_end(&w));
    buf_clear(to);
    buf_add(to, buf_slice(&out.buf));
    rdb_writer_free(&w);
    out_free(&out);
    buf_free(&value);
}

static inline struct rdb_image image_of(const struct buf *bytes)
{
    struct rdb_image m = {.fd = memfd_create("test", MFD_CLOEXEC), .end = bytes->len};
    CHECK(m.fd >= 0 && write(m.fd, bytes->data, bytes->len) == (ssize_t)bytes->len);
    return m;
}

static inline void image_close(struct rdb_image *m)
{
    close(m->fd);
    image_free(m);
}

#endif
