/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: the head of a file of an append log. Whatever it says must be what a file that says that
 * would look like. */
#include "base/must.h"
#include "format/aof_parts.h"
#include "format/aof_sum.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aof_origin o = aof_part_origin(slice(data, size < AOF_PART_HEAD ? size : AOF_PART_HEAD));
    if (o.id && size && data[0] == '#') {
        struct aof_chain chain = {0};
        struct aof_session s = {.id = o.id, .seq = (uint32_t)o.seq};
        struct buf line = {0};
        aof_chain_begin(&chain, &s, &line);
        must(size >= line.len && memcmp(data, line.data, line.len) == 0);
        buf_free(&line);
    }
    return 0;
}

void fuzz_seeds(void)
{
    static const char rdb[] = "REDIS0011\xfa\x09redis-ver\x05" "7.2.4\xfa\x08" "aof-base\xc0\x01"
                              "\xfa\x06hf-log\x12" "0123456789abcdef 7\xfe\x00";
    struct aof_chain chain = {0};
    struct aof_session s = {.id = 0x1234, .seq = 7};
    struct buf line = {0};
    aof_chain_begin(&chain, &s, &line);
    fuzz_add(line.data, line.len);
    fuzz_add(rdb, sizeof rdb - 1);
    fuzz_add("*1\r\n$4\r\nPING\r\n", 14);
    buf_free(&line);
}
