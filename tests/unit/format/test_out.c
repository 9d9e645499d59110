/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/out.h"

#include <errno.h>

#include "base/crc64.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

struct target {
    struct buf got;
    int calls, fail_at;
};

static int write_target(void *arg, const void *from, size_t n)
{
    struct target *t = arg;
    if (++t->calls == t->fail_at)
        return -ENOSPC;
    buf_append(&t->got, from, n);
    return 0;
}

static void writes_numbers(void)
{
    struct out out;
    out_init_memory(&out);
    out_byte(&out, 1);
    out_le16(&out, 0x0302);
    out_le32(&out, 0x04030201);
    out_be32(&out, 0x01020304);
    out_le64(&out, 0x0807060504030201);
    out_be64(&out, 0x0102030405060708);
    out_le_double(&out, 1.5);
    out_printf(&out, "%d-%s", 7, "x");
    CHECK_SLICE(buf_slice(&out.buf),
                SLICE_LIT("\x01\x02\x03\x01\x02\x03\x04\x01\x02\x03\x04"
                          "\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08"
                          "\0\0\0\0\0\0\xf8\x3f" "7-x"));
    CHECK(out_flush(&out));
    CHECK_INT((int64_t)out_offset(&out), 38);
    out_free(&out);
}

static void keeps_its_first_fault(void)
{
    struct target t = {.fail_at = 2};
    struct out out;
    out_init_callback(&out, write_target, &t, 4);
    out_bytes(&out, "abcd", 4);
    CHECK(out_flush(&out));
    out_bytes(&out, "efgh", 4);
    CHECK(!out_flush(&out));
    CHECK_INT(out.fault.code, FAULT_IO);
    CHECK_INT(out.fault.err, ENOSPC);
    CHECK_INT((int64_t)out.fault.offset, 4);
    out_bytes(&out, "ijkl", 4);
    CHECK(!out_flush(&out));
    CHECK_SLICE(buf_slice(&t.got), SLICE_LIT("abcd"));
    out_free(&out);
    buf_free(&t.got);
}

static void model(void)
{
    for (int round = 0; round < 40; round++) {
        struct target t = {0};
        struct buf want = {0};
        struct out out;
        rand_seed(unit_seed() + (uint64_t)round);
        out_init_callback(&out, write_target, &t, 1 + rand_below(600));
        out_crc_start(&out);
        for (int i = 0; i < 200; i++) {
            char bytes[1000];
            size_t n = rand_below(rand_below(4) ? 20 : sizeof bytes);
            memset(bytes, (int)rand_u64(), n);
            out_bytes(&out, bytes, n);
            buf_append(&want, bytes, n);
            CHECK_INT((int64_t)out_offset(&out), (int64_t)want.len);
            if (rand_below(20) == 0)
                CHECK(out_crc(&out) == crc64(0, want.data, want.len));
        }
        CHECK(out_flush(&out));
        CHECK_SLICE(buf_slice(&t.got), buf_slice(&want));
        CHECK(out_crc(&out) == crc64(0, want.data, want.len));
        out_free(&out);
        buf_free(&t.got);
        buf_free(&want);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(writes_numbers), UNIT(keeps_its_first_fault), UNIT(model));
}
