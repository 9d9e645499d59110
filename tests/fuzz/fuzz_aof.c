/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: an append-only file. What was read up to the good end must, when written again, be read
 * the same; and the part up to the good end must be without fault. The same for its pieces put into
 * batches with checksums that are right, which no mutation would find. */
#include "base/must.h"
#include "format/aof_damage.h"
#include "format/aof_read.h"
#include "format/aof_write.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/format/aof_lines.h"

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

/* Behind the fault: must end, and count nothing that is not there. */
static void look_behind(struct slice bytes, uint64_t at)
{
    struct in in;
    struct aof_damage d;
    uint64_t id = 1;
    for (int known = 0; known <= 1; known++) {
        struct slice rest = slice_from(bytes, (size_t)at);
        in_init_memory(&in, rest);
        must(aof_damage_look(&in, at, known ? &id : NULL, &d));
        must(d.batches <= rest.len / AOF_SUM_LINE && d.commands <= rest.len / 4);
    }
}

static void check(struct slice bytes)
{
    struct buf first = {0}, second = {0}, third = {0};
    uint64_t good, end;
    size_t size = bytes.len;
    enum aof_item what = read_all(bytes, &first, &good);
    must(what != AOF_END || good == size);
    must(read_all(slice(bytes.data, (size_t)good), &second, &end) == AOF_END);
    must(end == good && second.len <= first.len);
    if (what == AOF_END) {
        read_all(buf_slice(&first), &third, &end);
        must(slice_eq(buf_slice(&first), buf_slice(&third)));
    }
    if (what == AOF_FAULT)
        look_behind(bytes, good);
    buf_free(&first);
    buf_free(&second);
    buf_free(&third);
}

/* A new batch, a small one where it can be, or one as older versions wrote them, at each line of
 * annotation; a new session at every seventh. */
static void seal(struct slice bytes, struct buf *to)
{
    struct aof_chain c = {0};
    for (unsigned n = 0; bytes.len; n++) {
        const char *end = bytes.len > 1 ? memchr(bytes.data + 1, '#', bytes.len - 1) : NULL;
        struct slice body = slice(bytes.data, end ? (size_t)(end - bytes.data) : bytes.len);
        if (n % 7 == 0)
            aof_chain_begin(&c, &(struct aof_session){.id = 1, .offset = to->len}, to);
        if (n % 3 > 0 && aof_small_takes(body))
            put_small(to, &c, body);
        else if (n % 3 == 2)
            put_old_batch(to, &c, body, to->len);
        else
            put_batch(to, &c, body, to->len);
        bytes = slice_from(bytes, body.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf sealed = {0};
    check(slice(data, size));
    seal(slice(data, size), &sealed);
    check(buf_slice(&sealed));
    buf_free(&sealed);
    return 0;
}

#define PING "*1\r\n$4\r\nPING\r\n"

void fuzz_seeds(void)
{
    static const char text[] = "#TS:1700000000\r\n"
                               "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n"
                               "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*1\r\n$4\r\nEXEC\r\n#x";
    fuzz_add(text, sizeof text - 1);
    for (size_t cut = 1; cut < sizeof text; cut += 7)
        fuzz_add(text, cut);
    struct buf sealed = {0};
    seal(slice(text, sizeof text - 1), &sealed);
    fuzz_add(sealed.data, sealed.len);
    buf_append(&sealed, text + 16, 23); /* and then another writer's SELECT */
    fuzz_add(sealed.data, sealed.len);
    buf_clear(&sealed);
    struct aof_chain c = {0};
    aof_chain_begin(&c, &(struct aof_session){.id = 1}, &sealed);
    for (int i = 0; i < 3; i++)
        put_small(&sealed, &c, SLICE_LIT(PING PING));
    put_batch(&sealed, &c, SLICE_LIT(""), 60);
    put_small(&sealed, &c, SLICE_LIT(PING));
    for (size_t cut = sealed.len; cut > sealed.len - 45; cut -= 3)
        fuzz_add(sealed.data, cut);
    buf_free(&sealed);
    fuzz_add_path("../shared/fixtures/redis70-aof-respbase/appendonlydir");
}
