/* SPDX-License-Identifier: BSD-3-Clause */
/* RDB files in an LZ4 envelope against the same files without, at every size of read; damaged ones;
 * and functions in the form of 7.0's release candidates. */
#include <errno.h>
#include <lz4frame.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/rand.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/format/rdb_help.h"

static void add_frame(struct buf *to, struct slice bytes, bool checksums)
{
    LZ4F_preferences_t how = {0};
    how.frameInfo.contentChecksumFlag = checksums ? LZ4F_contentChecksumEnabled : 0;
    how.frameInfo.blockChecksumFlag = checksums ? LZ4F_blockChecksumEnabled : 0;
    size_t room = LZ4F_compressFrameBound(bytes.len, &how);
    size_t len = LZ4F_compressFrame(buf_reserve(to, room), room, bytes.data, bytes.len, &how);
    CHECK(!LZ4F_isError(len));
    to->len += len;
}

/* In frames of at most frame bytes each. */
static void wrap(struct buf *to, struct slice rdb, bool checksums, size_t frame)
{
    buf_clear(to);
    buf_append(to, "VKCS\x01\x01", 6);
    buf_byte(to, checksums);
    buf_byte(to, 0);
    for (size_t at = 0; at < rdb.len; at += frame) {
        size_t n = rdb.len - at < frame ? rdb.len - at : frame;
        add_frame(to, slice(rdb.data + at, n), checksums);
    }
}

struct pieces {
    struct slice bytes;
    size_t at;
};

static ssize_t read_piece(void *arg, void *to, size_t n)
{
    struct pieces *p = arg;
    size_t left = p->bytes.len - p->at, most = 1 + (size_t)rand_below(100);
    n = n < left ? n : left;
    n = n < most ? n : most;
    memcpy(to, p->bytes.data + p->at, n);
    p->at += n;
    return (ssize_t)n;
}

static bool count_pieces(struct slice bytes, bool sized, uint64_t *keys, uint64_t *offset,
                         struct fault *f)
{
    struct in in;
    struct rdb_reader r;
    struct sink_count count;
    struct pieces p = {.bytes = bytes};
    in_init_callback(&in, read_piece, &p, sized ? bytes.len : IN_SIZE_UNKNOWN, 1024);
    sink_count_init(&count, 0);
    bool ok = rdb_open(&r, &in, &(struct rdb_options){.keep_modules = true}) &&
              rdb_read_all(&r, &count.sink);
    CHECK(ok == !in_bad(&in));
    *f = in.fault;
    *keys = count.keys;
    *offset = in_file_offset(&in);
    rdb_close(&r);
    in_free(&in);
    return ok;
}

static void check_file(const char *dir, const char *name)
{
    char path[512];
    struct buf rdb = {0}, wrapped = {0}, plain = {0}, json = {0};
    struct fault f = {0};
    uint64_t keys, offset;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK(corpus_slurp(path, &rdb));
    CHECK(rdb_to_json(buf_slice(&rdb), &plain, &f));
    for (int checksums = 0; checksums < 2; checksums++) {
        size_t frame = checksums ? 1 + (size_t)rand_below(rdb.len) : rdb.len;
        wrap(&wrapped, buf_slice(&rdb), checksums, frame);
        CHECK(rdb_to_json(buf_slice(&wrapped), &json, &f));
        check_same_text(buf_slice(&json), buf_slice(&plain));
        CHECK(count_pieces(buf_slice(&wrapped), checksums, &keys, &offset, &f));
        CHECK(offset > 8 && offset <= wrapped.len);
    }
    buf_free(&rdb);
    buf_free(&wrapped);
    buf_free(&plain);
    buf_free(&json);
}

static void real_files(void)
{
    rand_seed(unit_seed());
    CHECK(corpus_each("fixtures/rdb", ".rdb", check_file) >= 14);
}

#define SMALL "REDIS0009\xfe\0\0\x01" "a\x01" "1\xff\0\0\0\0\0\0\0\0"

static void check_head(struct slice head, const char *why)
{
    struct buf bytes = {0}, json = {0};
    struct fault f = {0};
    buf_add(&bytes, head);
    add_frame(&bytes, SLICE_LIT(SMALL), false);
    CHECK(rdb_to_json(buf_slice(&bytes), &json, &f) == !why);
    if (why) {
        CHECK_STR(f.what, why);
        CHECK_INT(f.code, FAULT_VERSION);
    }
    buf_free(&bytes);
    buf_free(&json);
}

static void heads(void)
{
#define CANNOT "Can't handle an envelope around the RDB file with "
    check_head(SLICE_LIT("VKCS\x01\x01\0\0"), NULL);
    check_head(SLICE_LIT("VKCS\x01\x01\x01\0"), NULL);
    check_head(SLICE_LIT("VKCS\x02\x01\0\0"), CANNOT "version 2");
    check_head(SLICE_LIT("VKCS\x01\x02\0\0"), CANNOT "codec 2");
    check_head(SLICE_LIT("VKCS\x01\x01\x03\0"), CANNOT "flags 3");
    check_head(SLICE_LIT("VKCS\x01\x01\0\x01"), CANNOT "kind 1");
}

/* No cut file is taken for a whole one; a flipped byte under checksums is found, and its fault's
 * place lies in the file. */
static void cuts_and_flips(void)
{
    struct buf bytes = {0}, json = {0};
    struct fault f;
    rand_seed(unit_seed());
    wrap(&bytes, SLICE_LIT(SMALL), true, 20);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        uint64_t keys, offset;
        f = (struct fault){0};
        bool whole = rdb_to_json(slice(bytes.data, cut), &json, &f);
        CHECK(!whole);
        CHECK(whole || f.offset <= cut || f.offset <= sizeof SMALL);
        CHECK(count_pieces(slice(bytes.data, cut), cut % 2, &keys, &offset, &f) == whole);
    }
    for (size_t at = 0; at < bytes.len; at++) {
        char flip = (char)(1 + rand_below(255));
        bytes.data[at] ^= flip;
        f = (struct fault){0};
        if (at != 6) /* whether there are checksums: LZ4 says it itself */
            CHECK(!rdb_to_json(buf_slice(&bytes), &json, &f));
        bytes.data[at] ^= flip;
    }
    buf_free(&bytes);
    buf_free(&json);
}

/* A frame of 64 MiB of zeros: the RDB reader stops at the first, and takes no memory for the
 * rest. */
static void bomb(void)
{
    struct buf zeros = {0}, bytes = {0}, json = {0};
    struct fault f = {0};
    memset(buf_reserve(&zeros, 64 << 20), 0, 64 << 20);
    zeros.len = 64 << 20;
    wrap(&bytes, buf_slice(&zeros), false, zeros.len);
    CHECK(!rdb_to_json(buf_slice(&bytes), &json, &f));
    CHECK_STR(f.what, "Wrong signature trying to load DB from file");
    buf_free(&zeros);
    buf_free(&bytes);
    buf_free(&json);
}

/* A length that the size of the file allows for is still not believed: memory grows as data
 * comes. */
static void lengths_are_not_believed(void)
{
    struct buf rdb = {0}, bytes = {0}, hold = {0};
    struct in in;
    struct rdb_reader r;
    enum { NOISE = 8 << 20, STATED = 1 << 30 };
    rand_seed(unit_seed());
    buf_add(&rdb, SLICE_LIT("REDIS0009"));
    for (size_t i = 0; i < NOISE / sizeof(uint64_t); i++) {
        uint64_t n = rand_u64();
        buf_append(&rdb, &n, sizeof n);
    }
    wrap(&bytes, buf_slice(&rdb), false, rdb.len);
    in_init_memory(&in, buf_slice(&bytes));
    CHECK(rdb_open(&r, &in, &(struct rdb_options){0}));
    CHECK(in_left(&in) > STATED);
    in_slice(&in, STATED, &hold);
    CHECK_INT(in.fault.code, FAULT_EOF);
    CHECK(hold.cap < (size_t)4 * NOISE);
    rdb_close(&r);
    in_free(&in);
    buf_free(&rdb);
    buf_free(&bytes);
    buf_free(&hold);
}

static void damage_has_its_name(void)
{
    struct buf bytes = {0}, json = {0};
    struct fault f = {0};
    wrap(&bytes, SLICE_LIT(SMALL), false, 1000);
    bytes.data[8] ^= 0x55; /* a frame's magic */
    CHECK(!rdb_to_json(buf_slice(&bytes), &json, &f));
    CHECK(strstr(f.what, "The LZ4 envelope is damaged: ") == f.what);
    CHECK_INT((int64_t)f.offset, 8);
    buf_free(&bytes);
    buf_free(&json);
}

/* ---- opcode 246 ---- */

struct library {
    struct sink sink;
    struct buf source;
};

static void take_function(struct sink *s, struct slice source)
{
    buf_add(&((struct library *)(void *)s)->source, source);
}

static void check_library(struct slice record, const char *want)
{
    static const struct sink_ops ops = {.function = take_function};
    struct library l = {.sink.ops = &ops};
    struct buf rdb = {0};
    struct fault f = {0};
    buf_add(&rdb, SLICE_LIT("REDIS0010"));
    buf_add(&rdb, record);
    buf_add(&rdb, SLICE_LIT("\xff\0\0\0\0\0\0\0\0"));
    CHECK(rdb_to_sink(buf_slice(&rdb), &l.sink, &f) == (want != NULL));
    if (want)
        CHECK_SLICE(buf_slice(&l.source), slice_str(want));
    buf_free(&l.source);
    buf_free(&rdb);
}

static void old_functions(void)
{
    check_library(SLICE_LIT("\xf6\x03lib\x03LUA\0\x04" "code"), "#!LUA name=lib\ncode");
    check_library(SLICE_LIT("\xf6\x03lib\x03LUA\x01\x05words\x04" "code"), "#!LUA name=lib\ncode");
    check_library(SLICE_LIT("\xf6\x03lib\x03LUA\x02\x05words\x04" "code"), NULL);
    check_library(SLICE_LIT("\xf6\x03lib\x03LUA\0\x10" "code"), NULL);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(real_files), UNIT(heads), UNIT(cuts_and_flips), UNIT(bomb),
                    UNIT(lengths_are_not_believed),
                    UNIT(damage_has_its_name), UNIT(old_functions));
}
