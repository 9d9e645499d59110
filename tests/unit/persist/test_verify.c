/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that is not what was written is found, whatever the difference. */
#include "persist/verify.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/hash.h"
#include "format/rdb_write.h"
#include "os/file.h"
#include "tests/unit/unit.h"

enum { KEYS = 50 };

static void write_file(const char *path, bool guarded, struct buf *bytes)
{
    struct out out;
    struct rdb_writer w;
    char name[16];
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.blocks = guarded, .trailer = true});
    rdb_writer_begin(&w);
    for (int i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "key %d", i);
        struct key_event k = {.name = slice_str(name), .type = VALUE_STRING,
                              .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE,
                              .freq = KEY_NO_FREQ};
        w.sink.ops->key(&w.sink, &k);
        w.sink.ops->item(&w.sink, SLICE_LIT("some value"));
        w.sink.ops->end_key(&w.sink);
    }
    CHECK(rdb_writer_end(&w));
    *bytes = out.buf;
    rdb_writer_free(&w);
    struct fault f = {0};
    CHECK(file_replace(path, path, buf_slice(bytes), &f));
}

static bool verified(const char *path, size_t bytes, uint64_t keys, bool guarded)
{
    struct fault f = {0};
    bool ok = verify_rdb(path, bytes, keys, guarded, NULL, &f);
    CHECK(ok != fault_is(&f));
    return ok;
}

static const char *path_of(char room[512])
{
    snprintf(room, 512, "%s/x.rdb", unit_tmpdir());
    return room;
}

static void put(const char *path, struct slice bytes)
{
    int fd = file_open(path, O_WRONLY | O_TRUNC, 0);
    CHECK(fd >= 0 && file_write_all(fd, bytes.data, bytes.len, NULL) == 0);
    file_close(fd);
}

static void good_and_wrong(void)
{
    char room[512];
    const char *path = path_of(room);
    for (int guarded = 0; guarded < 2; guarded++) {
        struct buf bytes = {0};
        write_file(path, guarded, &bytes);
        CHECK(verified(path, bytes.len, KEYS, guarded));
        CHECK(!verified(path, bytes.len, KEYS - 1, guarded));
        CHECK(!verified(path, bytes.len - 1, KEYS, guarded));
        CHECK(!verified(path, bytes.len, KEYS, !guarded)); /* not what was asked for */
        CHECK(!verified("/nowhere/x", bytes.len, KEYS, guarded));
        buf_free(&bytes);
    }
}

static void every_byte_counts(void)
{
    char room[512];
    const char *path = path_of(room);
    for (int guarded = 0; guarded < 2; guarded++) {
        struct buf bytes = {0};
        write_file(path, guarded, &bytes);
        for (size_t at = 0; at < bytes.len; at++) {
            bytes.data[at] ^= 4;
            put(path, buf_slice(&bytes));
            CHECK(!verified(path, bytes.len, KEYS, guarded));
            bytes.data[at] ^= 4;
        }
        buf_byte(&bytes, 'x');
        put(path, buf_slice(&bytes));
        CHECK(!verified(path, bytes.len, KEYS, guarded));
        buf_free(&bytes);
    }
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(good_and_wrong), UNIT(every_byte_counts));
}
