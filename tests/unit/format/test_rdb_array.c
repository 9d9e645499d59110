/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays: what is read, what is refused, and what each consumer makes of one. */
#include "format/rdb_array.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/num.h"
#include "base/rand.h"
#include "format/aof_write.h"
#include "format/digest.h"
#include "tests/unit/format/rdb_help.h"

#define HEAD "REDIS0014\xfe\0"
#define TAIL "\xff\0\0\0\0\0\0\0\0"
#define GOOD \
    HEAD "\x1c\x01" "a" "\x03\x01\x09" "\x05\0\x02hi" "\x06\x01\xfe\xff\xff\xff\xff\xff\xff\xff" \
    "\x07\x02\0\0\0\0\0\0\xf8\x3f" TAIL

static void elements_become_json(void)
{
    struct buf json = {0};
    struct fault f = {0};
    CHECK(rdb_to_json(SLICE_LIT(GOOD), &json, &f));
    CHECK_STR(json.data, "{\"db\":0,\"key\":\"YQ==\",\"type\":\"array\",\"pexpireat\":null,"
                         "\"value\":[[5,\"aGk=\"],[6,\"LTI=\"],[7,\"MS41\"]]}\n");
    buf_free(&json);
}

static void check_refused(struct slice value, const char *why)
{
    struct buf rdb = {0}, json = {0};
    struct fault f = {0};
    buf_add(&rdb, SLICE_LIT(HEAD "\x1c\x01" "a"));
    buf_add(&rdb, value);
    buf_add(&rdb, SLICE_LIT(TAIL));
    CHECK(!rdb_to_json(buf_slice(&rdb), &json, &f));
    if (!strstr(f.what, why))
        CHECK_STR(f.what, why);
    CHECK_STR(f.key, "a");
    CHECK_INT(f.type, 28);
    buf_free(&rdb);
    buf_free(&json);
}

static void what_is_refused(void)
{
    check_refused(SLICE_LIT("\0\0"), "without elements");
    check_refused(SLICE_LIT("\x01\x02\x05\0\x01x"), "unknown flag 2");
    check_refused(SLICE_LIT("\x01\0\x81\xff\xff\xff\xff\xff\xff\xff\xff\0\x01x"), "reserved");
    check_refused(SLICE_LIT("\x01\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x01x"), "reserved");
    check_refused(SLICE_LIT("\x01\0\x05\x03\x01x"), "(tag 3) are not supported");
    check_refused(SLICE_LIT("\x01\0\x05\x04\x01x"), "unknown tag 4");
    check_refused(SLICE_LIT("\x02\0\x05\0\x01x\x05\0\x01y"), "the index 5 twice");
    check_refused(SLICE_LIT("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\0\x05\0\x01x"), "announced");
    check_refused(SLICE_LIT("\x05\0\x05\0\x01x"), "announced");
}

/* Who cannot carry one says so; the digest and the count take it. */
static void consumers(void)
{
    struct out out;
    struct aof_writer aof;
    struct digest digest;
    struct sink_count count;
    struct buf again = {0};
    struct fault f = {0};
    out_init_memory(&out);
    aof_writer_init(&aof, &out);
    CHECK(!rdb_to_sink(SLICE_LIT(GOOD), &aof.sink, &f));
    CHECK_STR(f.what, "An array cannot be written as commands");
    aof_writer_free(&aof);
    out_free(&out);
    f = (struct fault){0};
    CHECK(!rdb_rewrite(SLICE_LIT(GOOD), &(struct rdb_write_options){.version = 11}, &again, &f));
    CHECK_STR(f.what, "An array cannot be written at RDB version 11");
    buf_free(&again);
    digest_init(&digest);
    CHECK(rdb_to_sink(SLICE_LIT(GOOD), &digest.sink, &f));
    digest_free(&digest);
    sink_count_init(&count, 0);
    CHECK(rdb_to_sink(SLICE_LIT(GOOD), &count.sink, &f));
    CHECK_INT((int64_t)count.keys, 1);
    CHECK_STR(rdb_type_name(28), "array");
}

static void put_len(struct buf *to, uint64_t n)
{
    buf_byte(to, 0x81);
    store_be64(buf_reserve(to, 8), n);
    to->len += 8;
}

struct model {
    struct buf text;
    unsigned seen;
};

static void collect(void *arg, uint64_t index, struct slice value)
{
    struct model *m = arg;
    m->seen++;
    buf_printf(&m->text, "%" PRIu64 "=%.*s;", index, SLICE_ARG(value));
}

/* Arrays by chance against what they were made of; each cut of one is damaged. */
static void random_arrays(void)
{
    rand_seed(unit_seed());
    for (int round = 0; round < 200; round++) {
        struct buf bytes = {0};
        struct model want = {0}, got = {0}, cut = {0};
        unsigned n = 1 + (unsigned)rand_below(20);
        put_len(&bytes, n);
        buf_byte(&bytes, 0);
        for (unsigned i = 0; i < n; i++) {
            uint64_t index = (rand_u64() >> 8 << 8) + i;
            int64_t number = (int64_t)rand_u64();
            put_len(&bytes, index);
            if (rand_below(2)) {
                buf_append(&bytes, "\0\x03" "a\0b", 5);
                collect(&want, index, SLICE_LIT("a\0b"));
            } else {
                char text[NUM_I64_TEXT];
                buf_byte(&bytes, 1);
                store_le64(buf_reserve(&bytes, 8), (uint64_t)number);
                bytes.len += 8;
                collect(&want, index, slice(text, num_format_i64(text, number)));
            }
        }
        CHECK(array_each(buf_slice(&bytes), collect, &got));
        CHECK_INT(got.seen, n);
        CHECK_SLICE(buf_slice(&got.text), buf_slice(&want.text));
        CHECK(!array_each(slice(bytes.data, (size_t)rand_below(bytes.len)), collect, &cut));
        buf_free(&bytes);
        buf_free(&want.text);
        buf_free(&got.text);
        buf_free(&cut.text);
    }
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(elements_become_json), UNIT(what_is_refused), UNIT(consumers),
                    UNIT(random_arrays));
}
