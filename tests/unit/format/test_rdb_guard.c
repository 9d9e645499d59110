/* SPDX-License-Identifier: BSD-3-Clause */
/* Block checksums, digest and trailer: what was written is verified; whatever single byte is
 * changed and wherever the file is cut, the reader finds it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/crc64.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "tests/unit/format/rdb_help.h"

static void begin(struct sink *s, const char *name, enum value_type type, uint64_t count)
{
    struct key_event k = {.name = slice_str(name), .type = type, .count = count, .db = count % 2,
                          .blocks = type == VALUE_LIST ? 1 : 0, .idle_s = KEY_NO_IDLE,
                          .freq = KEY_NO_FREQ};
    k.expire_ms = type == VALUE_HASH ? 4102444800000 : KEY_NO_EXPIRE;
    CHECK(s->ops->key(s, &k));
}

static void give_string(struct sink *s, const char *name, struct slice value)
{
    begin(s, name, VALUE_STRING, 0);
    s->ops->item(s, value);
    s->ops->end_key(s);
}

static void give_packed(struct sink *s, const char *name, enum value_type type, enum pack pack,
                        unsigned texts, unsigned step)
{
    char text[32];
    uint8_t *lp = lp_new();
    for (unsigned i = 0; i < texts; i++)
        lp = lp_append(lp, slice(text, (size_t)snprintf(text, sizeof text, "%u", i * 70)));
    begin(s, name, type, texts / step);
    if (!s->ops->packed(s, pack, lp_blob(lp)))
        sink_unpack(s, pack, lp_blob(lp));
    s->ops->end_key(s);
    mem_free(lp);
}

/* One key of each type, packed and not. */
static void give_small(struct sink *s)
{
    give_string(s, "int", SLICE_LIT("12345"));
    give_string(s, "text", SLICE_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
    give_packed(s, "list", VALUE_LIST, PACK_LIST, 3, 1);
    give_packed(s, "set", VALUE_SET, PACK_SET, 3, 1);
    give_packed(s, "hash", VALUE_HASH, PACK_HASH, 4, 2);
    give_packed(s, "zset", VALUE_ZSET, PACK_ZSET, 4, 2);
    begin(s, "big hash", VALUE_HASH, 2);
    s->ops->pair(s, SLICE_LIT("f"), SLICE_LIT("v"), KEY_NO_EXPIRE);
    s->ops->pair(s, SLICE_LIT("g"), SLICE_LIT(""), KEY_NO_EXPIRE);
    s->ops->end_key(s);
    begin(s, "big zset", VALUE_ZSET, 2);
    s->ops->score(s, SLICE_LIT("m"), 1.5);
    s->ops->score(s, SLICE_LIT("n"), -0.0);
    s->ops->end_key(s);
}

static void write_rdb(void (*give)(struct sink *), const struct rdb_write_options *opt,
                      struct buf *rdb)
{
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_writer_init(&w, &out, opt);
    rdb_writer_begin(&w);
    rdb_writer_aux(&w, "redis-ver", SLICE_LIT("7.2.4"));
    give(&w.sink);
    CHECK(rdb_writer_end(&w));
    *rdb = out.buf;
    rdb_writer_free(&w);
}

struct verdict {
    bool ok, digest_ok;
    enum rdb_trailer_state trailer;
    uint64_t blocks, keys, at, notes;
    struct fault fault;
};

static void count_note(void *arg, const char *text)
{
    (void)text;
    ++*(uint64_t *)arg;
}

static struct verdict verdict_of(struct slice rdb)
{
    struct in in;
    struct rdb_reader r;
    struct sink_count count;
    struct verdict v = {0};
    char hex[DIGEST_HEX];
    struct rdb_options opt = {.databases = 16, .keep_modules = true, .note = count_note,
                              .note_arg = &v.notes};
    in_init_memory(&in, rdb);
    sink_count_init(&count, 0);
    v.ok = rdb_open(&r, &in, &opt) && rdb_read_all(&r, &count.sink);
    v.digest_ok = rdb_digest_verified(&r, hex) != NULL;
    if (v.ok)
        v.trailer = rdb_trailer(&r);
    v.blocks = rdb_blocks_verified(&r);
    v.keys = count.keys;
    v.fault = in.fault;
    v.at = in_offset(&in);
    rdb_close(&r);
    return v;
}

static const struct rdb_write_options guarded = {.version = 11, .compress = true, .blocks = true,
                                                 .trailer = true};

static void is_verified(void)
{
    for (int version = 9; version <= 11; version++)
        for (int i = 0; i < 8; i++) {
            struct rdb_write_options opt = {.version = version, .compress = i & 1, .blocks = true,
                                            .no_checksum = i & 2, .trailer = i & 4};
            struct buf rdb = {0};
            write_rdb(give_small, &opt, &rdb);
            struct verdict v = verdict_of(buf_slice(&rdb));
            CHECK(v.ok);
            CHECK(v.digest_ok);
            CHECK_INT(v.trailer, opt.trailer ? RDB_TRAILER_OK : RDB_TRAILER_NONE);
            CHECK_INT((int64_t)v.blocks, 1);
            CHECK_INT((int64_t)v.keys, 8);
            CHECK_INT((int64_t)v.at, (int64_t)rdb.len);
            CHECK_INT((int64_t)v.notes, 0);
            buf_free(&rdb);
        }
}

/* Through reader and writer: the records of the first file do not end up in the second. */
static void a_copy_has_its_own(void)
{
    for (int version = 9; version <= 11; version++) {
        struct buf rdb = {0}, copy = {0};
        struct rdb_write_options opt = guarded;
        struct fault f = {0};
        opt.version = version;
        write_rdb(give_small, &guarded, &rdb);
        CHECK(rdb_rewrite(buf_slice(&rdb), &opt, &copy, &f));
        struct verdict v = verdict_of(buf_slice(&copy));
        CHECK(v.ok && v.digest_ok && v.trailer == RDB_TRAILER_OK);
        CHECK_INT((int64_t)v.blocks, 1);
        CHECK(rdb_rewrite(buf_slice(&rdb), &(struct rdb_write_options){.version = version}, &copy,
                          &f));
        CHECK(memmem(copy.data, copy.len, "hf-", 3) == NULL);
        buf_free(&rdb);
        buf_free(&copy);
    }
}

static void without_the_option_nothing_is_added(void)
{
    struct buf rdb = {0};
    write_rdb(give_small, &(struct rdb_write_options){.version = 11, .trailer = true}, &rdb);
    CHECK(memmem(rdb.data, rdb.len, "hf-", 3) == NULL);
    CHECK((uint8_t)rdb.data[rdb.len - 9] == RDB_OP_EOF);
    struct verdict v = verdict_of(buf_slice(&rdb));
    CHECK(v.ok && !v.digest_ok && v.blocks == 0 && v.trailer == RDB_TRAILER_NONE);
    buf_free(&rdb);
}

/* Found: a fault, or for bytes behind the RDB a trailer that is not right. */
static bool found(struct slice rdb, size_t rdb_bytes, size_t at)
{
    struct verdict v = verdict_of(rdb);
    if (at < rdb_bytes)
        return !v.ok && fault_is(&v.fault);
    return v.ok && v.trailer == (rdb.len <= at ? RDB_TRAILER_SHORT : RDB_TRAILER_BAD);
}

static size_t rdb_bytes_of(struct slice file)
{
    uint64_t blocks, bytes, crc;
    CHECK(rdb_trailer_end(slice_from(file, file.len - RDB_TRAILER_END), &blocks, &bytes, &crc));
    return (size_t)bytes;
}

static void check_flip(struct buf *rdb, size_t bytes, size_t at, uint8_t by)
{
    char old = rdb->data[at];
    rdb->data[at] = (char)(old ^ by);
    bool ok = found(buf_slice(rdb), bytes, at);
    if (!ok)
        printf("byte %zu of %zu, %02x to %02x\n", at, bytes, (uint8_t)old, (uint8_t)(old ^ by));
    rdb->data[at] = old;
    CHECK(ok);
}

/* With the file's checksum and without: then the blocks' find all but what lies behind them. */
static void every_flip_is_found(void)
{
    struct buf rdb = {0};
    write_rdb(give_small, &guarded, &rdb);
    size_t bytes = rdb_bytes_of(buf_slice(&rdb));
    for (size_t at = 0; at < rdb.len; at++)
        for (unsigned bit = 0; bit < 8; bit++)
            check_flip(&rdb, bytes, at, (uint8_t)(1u << bit));
    for (size_t at = 0; at < rdb.len; at += at < 12 ? 1 : 1 + rand_below(12))
        for (unsigned by = 1; by < 256; by++)
            check_flip(&rdb, bytes, at, (uint8_t)by);
    buf_free(&rdb);
}

static void every_flip_is_found_without_the_files_checksum(void)
{
    struct buf rdb = {0};
    struct rdb_write_options opt = guarded;
    opt.no_checksum = true;
    write_rdb(give_small, &opt, &rdb);
    size_t bytes = rdb_bytes_of(buf_slice(&rdb));
    for (size_t at = 0; at < rdb.len; at++)
        for (unsigned bit = 0; bit < 8; bit++)
            check_flip(&rdb, bytes, at, (uint8_t)(1u << bit));
    buf_free(&rdb);
}

static void every_cut_is_found(void)
{
    struct buf rdb = {0};
    write_rdb(give_small, &guarded, &rdb);
    size_t bytes = rdb_bytes_of(buf_slice(&rdb));
    for (size_t len = 0; len < rdb.len; len++) {
        char *copy = mem_copy(rdb.data, len + 1); /* the sanitizer sees a read behind the end */
        CHECK(found(slice(copy, len), bytes, len));
        mem_free(copy);
    }
    buf_free(&rdb);
}

/* ---- several blocks ---- */

enum { BIG_KEYS = 60, BIG_VALUE = 70000 };

static void give_big(struct sink *s)
{
    static char value[BIG_VALUE];
    char name[16];
    rand_seed(unit_seed());
    for (int i = 0; i < BIG_KEYS; i++) {
        for (size_t k = 0; k < sizeof value; k += 8) {
            uint64_t x = rand_u64();
            memcpy(value + k, &x, 8);
        }
        snprintf(name, sizeof name, "key %d", i);
        struct key_event k = {.name = slice_str(name), .type = VALUE_STRING, .db = i / 20 * 3u,
                              .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE,
                              .freq = KEY_NO_FREQ};
        CHECK(s->ops->key(s, &k));
        s->ops->item(s, slice(value, sizeof value));
        s->ops->end_key(s);
    }
}

static const struct rdb_block *blocks_of(struct slice file, struct buf *blocks)
{
    CHECK(rdb_trailer_parse(slice_from(file, rdb_bytes_of(file)), blocks));
    return (const struct rdb_block *)(const void *)blocks->data;
}

static void blocks_cover_every_byte(void)
{
    struct buf rdb = {0}, blocks = {0};
    write_rdb(give_big, &guarded, &rdb);
    const struct rdb_block *b = blocks_of(buf_slice(&rdb), &blocks);
    size_t n = blocks.len / sizeof *b;
    uint64_t at = 0, keys = 0;
    CHECK(n >= 4);
    for (size_t i = 0; i < n; i++) {
        CHECK(b[i].start == at);
        CHECK(crc64(0, rdb.data + at, b[i].len) == b[i].crc);
        CHECK_INT(b[i].db, keys ? (keys - 1) / 20 * 3 : 0);
        CHECK(i + 2 >= n || (b[i].len >= RDB_BLOCK_BYTES && b[i].len < RDB_BLOCK_BYTES + 80000));
        at += b[i].len;
        keys += b[i].keys;
    }
    CHECK_INT((int64_t)at, (int64_t)rdb_bytes_of(buf_slice(&rdb)));
    CHECK_INT((int64_t)keys, BIG_KEYS);
    struct verdict v = verdict_of(buf_slice(&rdb));
    CHECK(v.ok);
    CHECK_INT((int64_t)v.blocks, (int64_t)n - 1);
    buf_free(&rdb);
    buf_free(&blocks);
}

/* The reader tells between which offsets it is, at the end of the block and not of the file. */
static void damage_is_located(void)
{
    struct buf rdb = {0}, blocks = {0};
    write_rdb(give_big, &guarded, &rdb);
    const struct rdb_block *b = blocks_of(buf_slice(&rdb), &blocks);
    char want[100];
    size_t at = b[1].start + b[1].len / 2 + 100; /* inside a value: only a checksum sees it */
    rdb.data[at] ^= 1;
    struct verdict v = verdict_of(buf_slice(&rdb));
    CHECK(!v.ok);
    CHECK_INT(v.fault.code, FAULT_CRC);
    snprintf(want, sizeof want, "Block checksum wrong, damage between offset %" PRIu64, b[1].start);
    CHECK(strncmp(v.fault.what, want, strlen(want)) == 0);
    CHECK(v.at > b[2].start && v.at < b[2].start + 200);
    CHECK_INT((int64_t)v.blocks, 1);
    CHECK_INT((int64_t)v.notes, 1); /* that the first block is intact */
    buf_free(&rdb);
    buf_free(&blocks);
}

/* ---- lies ---- */

/* The first place of `from` after byte `at`, overwritten. */
static void overwrite(struct buf *rdb, size_t at, const char *from, const char *to)
{
    char *p = memmem(rdb->data + at, rdb->len - at, from, strlen(from));
    CHECK(p != NULL);
    memcpy(p, to, strlen(to));
}

static void lying_records_are_faults(void)
{
    static const char *const lies[] = {"99", "0 x", "-1", "0 -", "0  ", "18446744073709551616 "};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct buf rdb = {0};
        struct rdb_write_options opt = guarded;
        opt.no_checksum = true;
        write_rdb(give_small, &opt, &rdb);
        char *name = memmem(rdb.data, rdb.len, RDB_AUX_BLOCK, strlen(RDB_AUX_BLOCK));
        memcpy(name + strlen(RDB_AUX_BLOCK) + 1, lies[i], strlen(lies[i]));
        struct verdict v = verdict_of(buf_slice(&rdb));
        CHECK(!v.ok);
        CHECK_INT(v.fault.code, FAULT_CRC);
        buf_free(&rdb);
    }
}

/* A writer that is wrong about the data set, with every checksum right: only the digest sees it. */
static void give_wrong(struct sink *s)
{
    struct rdb_writer *w = (struct rdb_writer *)(void *)s;
    give_small(s);
    w->digest.total.low++;
}

static void a_wrong_digest_is_a_fault(void)
{
    struct buf rdb = {0};
    write_rdb(give_wrong, &guarded, &rdb);
    struct verdict v = verdict_of(buf_slice(&rdb));
    CHECK(!v.ok);
    CHECK(strstr(v.fault.what, "digest") != NULL);
    buf_free(&rdb);
}

static void give_promise(struct sink *s)
{
    rdb_writer_aux((struct rdb_writer *)(void *)s, RDB_AUX_INTEGRITY, SLICE_LIT("1 digest"));
    give_small(s);
}

/* What another program leaves of a file: blocks at the front, more keys behind. */
static void announced_and_missing_is_a_fault(void)
{
    struct buf rdb = {0};
    struct rdb_write_options opt = guarded;
    opt.no_checksum = true;
    write_rdb(give_small, &opt, &rdb);
    overwrite(&rdb, 30, RDB_AUX_DIGEST, "xx-digest");
    CHECK(!verdict_of(buf_slice(&rdb)).ok);
    buf_free(&rdb);
    write_rdb(give_promise, &(struct rdb_write_options){.version = 11}, &rdb);
    struct verdict v = verdict_of(buf_slice(&rdb));
    CHECK(!v.ok);
    CHECK_STR(v.fault.what, "The announced digest is missing");
    buf_free(&rdb);
}

static void unguarded_readers_pass_over_it(void)
{
    struct buf rdb = {0};
    struct in in;
    struct rdb_reader r;
    struct sink_count count;
    write_rdb(give_wrong, &guarded, &rdb);
    in_init_memory(&in, buf_slice(&rdb));
    sink_count_init(&count, 0);
    CHECK(rdb_open(&r, &in, &(struct rdb_options){.unguarded = true}));
    CHECK(rdb_read_all(&r, &count.sink));
    CHECK_INT(r.crc, RDB_CRC_OK);
    CHECK_INT(rdb_trailer(&r), RDB_TRAILER_NONE);
    CHECK_INT((int64_t)count.keys, 8);
    CHECK_INT((int64_t)in_offset(&in), (int64_t)rdb_bytes_of(buf_slice(&rdb)));
    rdb_close(&r);
    buf_free(&rdb);
}

static void block_texts(void)
{
    static const char *const bad[] = {
        "", "1 2 3 4", "1 2 3 4 0123456789abcde", "1 2 3 4 0123456789ABCDEF",
        "01 2 3 4 0123456789abcdef", "1 2 3 4 0123456789abcdef ", " 1 2 3 4 0123456789abcdef",
        "1 2 3 4294967296 0123456789abcdef", "1 18446744073709551615 3 4 0123456789abcdef",
        "+1 2 3 4 0123456789abcdef"};
    struct rdb_block b;
    char text[RDB_BLOCK_TEXT];
    CHECK(rdb_block_parse(SLICE_LIT("1 2 3 4 0123456789abcdef"), &b));
    CHECK(b.start == 1 && b.len == 2 && b.keys == 3 && b.db == 4 && b.crc == 0x123456789abcdefu);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!rdb_block_parse(slice_str(bad[i]), &b));
    b = (struct rdb_block){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT64_MAX};
    CHECK(rdb_block_format(&b, text) < RDB_BLOCK_TEXT);
}

/* Flipped or cut: never a crash, never taken for good. */
static void trailers_are_not_believed(void)
{
    struct buf rdb = {0}, blocks = {0};
    write_rdb(give_big, &guarded, &rdb);
    struct slice trailer = slice_from(buf_slice(&rdb), rdb_bytes_of(buf_slice(&rdb)));
    char *at = rdb.data + (rdb.len - trailer.len);
    CHECK(rdb_trailer_parse(trailer, &blocks));
    for (size_t i = 0; i < trailer.len; i++) {
        char old = at[i];
        at[i] = (char)(old ^ 1 << rand_below(8));
        CHECK(!rdb_trailer_parse(trailer, &blocks));
        at[i] = old;
        CHECK(!rdb_trailer_parse(slice(trailer.data, i), &blocks));
        CHECK(i == 0 || !rdb_trailer_parse(slice_from(trailer, i), &blocks));
    }
    buf_free(&rdb);
    buf_free(&blocks);
}

int main(void)
{
    hash_init(NULL);
    rand_seed(unit_seed());
    return UNIT_RUN(UNIT(is_verified), UNIT(a_copy_has_its_own),
                    UNIT(without_the_option_nothing_is_added),
                    UNIT(every_flip_is_found), UNIT(every_flip_is_found_without_the_files_checksum),
                    UNIT(every_cut_is_found), UNIT(blocks_cover_every_byte),
                    UNIT(damage_is_located), UNIT(lying_records_are_faults),
                    UNIT(a_wrong_digest_is_a_fault), UNIT(announced_and_missing_is_a_fault),
                    UNIT(unguarded_readers_pass_over_it), UNIT(block_texts),
                    UNIT(trailers_are_not_believed));
}
