/* SPDX-License-Identifier: BSD-3-Clause */
/* Long strings come in parts that make up the whole, raw or compressed, and damage ends as it does
 * when they are read whole. */
#include <string.h>

#include "base/rand.h"
#include "format/digest.h"
#include "format/rdb_read.h"
#include "format/rdb_write.h"
#include "tests/unit/unit.h"

struct collect {
    struct sink sink;
    struct buf text;
    int parts, items, ends;
};
static void on_item(struct sink *s, struct slice text)
{
    struct collect *c = (struct collect *)(void *)s;
    buf_add(&c->text, text);
    c->items++;
}
static void on_part(struct sink *s, struct slice text, uint64_t left)
{
    struct collect *c = (struct collect *)(void *)s;
    buf_add(&c->text, text);
    c->parts++;
    CHECK(text.len <= 512 << 10);
    if (left == 0)
        c->ends++;
}
static const struct sink_ops whole_ops = {.item = on_item};
static const struct sink_ops part_ops = {.item = on_item, .part = on_part};

static void make(struct buf *value, size_t n, bool repeats)
{
    for (size_t i = 0; i < n; i++)
        buf_byte(value, repeats ? (unsigned char)("abcdefghijklmnop"[i % 16] + (i % 997 == 0))
                                : (unsigned char)rand_below(256));
}

static void write_file(struct out *out, struct slice value)
{
    struct rdb_writer w;
    struct key_event key = {.name = SLICE_LIT("k"), .type = VALUE_STRING, .count = 1,
                            .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE,
                            .freq = KEY_NO_FREQ};
    out_init_memory(out);
    rdb_writer_init(&w, out, &(struct rdb_write_options){.compress = true, .blocks = true,
                                                         .trailer = true});
    rdb_writer_begin(&w);
    sink_key(&w.sink, &key);
    w.sink.ops->item(&w.sink, value);
    sink_end_key(&w.sink);
    CHECK(rdb_writer_end(&w));
    rdb_writer_free(&w);
}

static bool read_file(struct slice file, struct collect *c, const struct sink_ops *ops,
                      enum fault_code *code)
{
    struct in in;
    struct rdb_reader r;
    *c = (struct collect){.sink = {.ops = ops}};
    in_init_memory(&in, file);
    bool ok = rdb_open(&r, &in, &(struct rdb_options){0}) && rdb_read_all(&r, &c->sink);
    *code = in.fault.code;
    rdb_close(&r);
    return ok;
}

static void parts_make_up_the_whole(void)
{
    static const size_t sizes[] = {SINK_PART_MAX, SINK_PART_MAX + 1, 3 * SINK_PART_MAX + 12345};
    rand_seed(unit_seed());
    for (int repeats = 0; repeats < 2; repeats++)
        for (size_t i = 0; i < 3; i++) {
            struct buf value = {0};
            struct out file;
            struct collect c;
            enum fault_code code;
            make(&value, sizes[i], repeats);
            write_file(&file, buf_slice(&value));
            CHECK(repeats ? file.buf.len < value.len / 4 : file.buf.len > value.len);
            /* The digest in the file was made of the whole: it is verified on the way. */
            CHECK(read_file(buf_slice(&file.buf), &c, &part_ops, &code));
            CHECK_SLICE(buf_slice(&c.text), buf_slice(&value));
            CHECK_INT(c.items, i == 0);
            CHECK_INT(c.ends, i != 0);
            buf_free(&c.text);
            CHECK(read_file(buf_slice(&file.buf), &c, &whole_ops, &code));
            CHECK_SLICE(buf_slice(&c.text), buf_slice(&value));
            CHECK_INT(c.parts, 0);
            buf_free(&c.text);
            buf_free(&value);
            out_free(&file);
        }
}

/* Byte for byte the same, written in parts: but not compressed. */
static void written_in_parts(void)
{
    struct buf value = {0};
    struct out file, again;
    struct rdb_writer w;
    struct in in;
    struct rdb_reader r;
    struct collect c;
    enum fault_code code;
    make(&value, 2 * SINK_PART_MAX + 7, false);
    write_file(&file, buf_slice(&value));
    out_init_memory(&again);
    rdb_writer_init(&w, &again, &(struct rdb_write_options){.blocks = true, .trailer = true});
    rdb_writer_begin(&w);
    in_init_memory(&in, buf_slice(&file.buf));
    CHECK(rdb_open(&r, &in, &(struct rdb_options){0}) && rdb_read_all(&r, &w.sink));
    rdb_close(&r);
    CHECK(rdb_writer_end(&w));
    rdb_writer_free(&w);
    CHECK(read_file(buf_slice(&again.buf), &c, &whole_ops, &code));
    CHECK_SLICE(buf_slice(&c.text), buf_slice(&value));
    buf_free(&c.text);
    buf_free(&value);
    out_free(&file);
    out_free(&again);
}

static void damage_ends_the_same_way(void)
{
    struct buf value = {0};
    struct out file;
    make(&value, SINK_PART_MAX + 100, true);
    write_file(&file, buf_slice(&value));
    for (int i = 0; i < 300; i++) {
        struct collect c;
        enum fault_code in_parts, whole;
        size_t at = (size_t)rand_below(file.buf.len), cut = i % 3 ? file.buf.len : at;
        char was = file.buf.data[at];
        file.buf.data[at] ^= (char)(1 + rand_below(255));
        bool one = read_file(slice(file.buf.data, cut), &c, &part_ops, &in_parts);
        CHECK(c.text.len <= value.len + (1 << 20));
        buf_free(&c.text);
        bool other = read_file(slice(file.buf.data, cut), &c, &whole_ops, &whole);
        buf_free(&c.text);
        CHECK_INT(one, other);
        CHECK((in_parts == FAULT_NONE) == (whole == FAULT_NONE));
        file.buf.data[at] = was;
    }
    buf_free(&value);
    out_free(&file);
}

int main(void)
{
    return UNIT_RUN(UNIT(parts_make_up_the_whole), UNIT(written_in_parts),
                    UNIT(damage_ends_the_same_way));
}
