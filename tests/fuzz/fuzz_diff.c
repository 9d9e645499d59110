/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: an RDB. It equals itself; it is compared with copies of which one byte was changed, at
 * places that its bytes tell, and patches must be whole commands. Checksums are mended first, or no
 * change would be read. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "tests/fuzz/fuzz.h"
#include "tools/diff_tell.h"

static bool read_rdb(void *arg, struct sink *to, struct fault *f)
{
    const struct slice *bytes = arg;
    struct in in;
    struct rdb_reader r;
    in_init_memory(&in, *bytes);
    bool ok = rdb_open(&r, &in, &(struct rdb_options){.keep_modules = true, .unguarded = true}) &&
              rdb_read_all(&r, to);
    if (!ok)
        *f = in_bad(&in) ? in.fault : to->fault;
    must(ok || fault_is(f));
    rdb_close(&r);
    in_free(&in);
    return ok;
}

/* A patch is whole commands. */
static void check_patch(struct slice commands)
{
    struct in in;
    struct aof_reader r;
    enum aof_item item;
    in_init_memory(&in, commands);
    aof_open(&r, &in, &(struct aof_limits){0});
    while ((item = aof_next(&r)) == AOF_COMMAND)
        must(r.argc >= 2);
    must(item == AOF_END);
    aof_close(&r);
    in_free(&in);
}

static void look_closer(struct slice sides[DIFF_SIDES], struct diff_sort *wanted[DIFF_SIDES])
{
    struct out out;
    struct diff_patch patch;
    struct fault f = {0};
    struct diff_sort *rows = diff_sort_new(64 << 10);
    struct tool t = {0};
    FILE *nowhere = fopen("/dev/null", "w");
    must(nowhere);
    say_begin(&t.say, nowhere, wanted[DIFF_A] != NULL, false, "diff");
    out_init_memory(&out);
    diff_patch_init(&patch, &out);
    patch.restore_all = sides[DIFF_A].len & 1;
    struct diff_detail_options detail = {.functions = true, .values = true, .patch = &patch};
    struct diff_tell_options tell = {.rows = 100, .values = true, .patch = &patch};
    bool ok = true;
    for (int side = 0; ok && side < DIFF_SIDES; side++)
        ok = diff_detail_read(&detail, side, read_rdb, &sides[side], wanted[side], rows, &f);
    diff_sort_end(rows);
    if (ok && diff_tell(&t, &tell, rows, &f))
        check_patch(buf_slice(&out.buf));
    diff_patch_free(&patch);
    out_free(&out);
    diff_sort_free(rows);
    say_fields(&t.say, FIELDS(SAY_BOOL("good", ok)), NULL);
    say_end(&t.say, "differs", 8);
    say_free(&t.say);
    fclose(nowhere);
}

/* True: both were read, and they are the same. */
static bool compare(struct slice a, struct slice b)
{
    struct slice sides[DIFF_SIDES] = {a, b};
    struct diff_sort *wanted[DIFF_SIDES] = {NULL, NULL};
    struct diff_counts c = {0};
    struct fault f = {0};
    struct diff_keys *k = diff_keys_new(NULL, true);
    bool ok = diff_keys_read(k, DIFF_A, read_rdb, &sides[DIFF_A], &f) &&
              diff_keys_read(k, DIFF_B, read_rdb, &sides[DIFF_B], &f) &&
              diff_keys_match(k, false, &c, wanted, &f);
    bool differs = c.added || c.removed || c.changed || c.expiry || c.functions;
    diff_keys_free(k);
    if (ok && differs)
        look_closer(sides, wanted);
    diff_sort_free(wanted[DIFF_A]);
    diff_sort_free(wanted[DIFF_B]);
    return ok && !differs;
}

static bool is_readable(struct slice a)
{
    struct sink none = {.ops = &(const struct sink_ops){0}};
    struct fault f = {0};
    return read_rdb(&a, &none, &f);
}

/* The stored checksum becomes "none", where the file still ends in one. */
static void mend(struct buf *b)
{
    if (b->len >= 18 && (uint8_t)b->data[b->len - 9] == RDB_OP_EOF)
        memset(b->data + b->len - 8, 0, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PLACES = 3 };
    struct buf a = {0}, b = {0};
    hash_init((const uint64_t[]){1, 2});
    buf_append(&a, data, size);
    mend(&a);
    if (size && is_readable(buf_slice(&a))) {
        must(compare(buf_slice(&a), buf_slice(&a)));
        for (uint64_t i = 0; i < PLACES; i++) {
            uint64_t where = hash_fixed64(data, size, i);
            buf_clear(&b);
            buf_add(&b, buf_slice(&a));
            b.data[(where >> 8) % b.len] ^= (char)(where | 1);
            compare(buf_slice(&a), buf_slice(&b));
            compare(buf_slice(&b), buf_slice(&a));
        }
    }
    buf_free(&a);
    buf_free(&b);
    return 0;
}

void fuzz_seeds(void)
{
    fuzz_add_path("fixtures/rdb");
}
