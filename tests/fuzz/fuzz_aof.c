/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: an append-only file. What was read up to the good end must, when written again, be read
 * the same; and the part up to the good end must be without fault. */
#include "base/must.h"
#include "format/aof_read.h"
#include "format/aof_write.h"
#include "tests/fuzz/fuzz.h"

/* Commands go to copy, written anew. */
static enum aof_item read_all(struct slice bytes, struct buf *copy, uint64_t *good_end)
{
    struct in in;
    struct aof_reader r;
    enum aof_item what;
    in_init_memory(&in, bytes);
    aof_open(&r, &in, &(struct aof_limits){0});
    while ((what = aof_next(&r)) == AOF_COMMAND || what == AOF_ANNOTATION)
        if (what == AOF_COMMAND)
            aof_put_command(copy, r.argv, r.argc);
    must((what == AOF_FAULT) == in_bad(&in));
    *good_end = r.good_end;
    must(*good_end <= bytes.len);
    aof_close(&r);
    return what;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first = {0}, second = {0}, third = {0};
    uint64_t good, end;
    struct slice bytes = slice(data, size);
    enum aof_item what = read_all(bytes, &first, &good);
    must(what != AOF_END || good == size);
    must(read_all(slice(data, (size_t)good), &second, &end) == AOF_END);
    must(end == good && second.len <= first.len);
    if (what == AOF_END) {
        read_all(buf_slice(&first), &third, &end);
        must(slice_eq(buf_slice(&first), buf_slice(&third)));
    }
    buf_free(&first);
    buf_free(&second);
    buf_free(&third);
    return 0;
}

void fuzz_seeds(void)
{
    static const char text[] = "#TS:1700000000\r\n"
                               "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n"
                               "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*1\r\n$4\r\nEXEC\r\n#x";
    fuzz_add(text, sizeof text - 1);
    for (size_t cut = 1; cut < sizeof text; cut += 7)
        fuzz_add(text, cut);
    fuzz_add_path("../shared/fixtures/redis70-aof-respbase/appendonlydir");
}
