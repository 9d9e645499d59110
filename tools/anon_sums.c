/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums of an RDB whose content was replaced. Each covers those before it, so they are made in
 * the order of the file: a block's goes into the record behind it, then the file's, which the last
 * block has, then the index. One that was wrong stays as it is, and is wrong. */
#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/num.h"
#include "tools/anon_rdb.h"

enum { CRC_DIGITS = 16, LINE_MAX_ = 256 };

static void put_digits(struct anon_rdb *x, uint64_t at, uint64_t crc)
{
    char hex[CRC_DIGITS];
    num_put_hex(hex, CRC_DIGITS, crc);
    anon_file_put(x->work, at, hex, CRC_DIGITS);
    anon_file_flush(x->work);
}

/* The record of a block, which stands behind it: where its checksum's digits are. */
static bool find_record(struct anon_rdb *x, const struct rdb_block *told, uint64_t at,
                        uint64_t *digits)
{
    enum { HEAD = 1 + 1 + 8 + 1 };
    static const char head[] = "\xfa\x08" RDB_AUX_BLOCK;
    char record[HEAD + RDB_BLOCK_TEXT];
    struct rdb_block b;
    size_t got = anon_file_get(x->work, at, record, sizeof record);
    if (got < HEAD || memcmp(record, head, HEAD - 1) != 0)
        return false;
    size_t len = (uint8_t)record[HEAD - 1];
    if (len > 63 || len < CRC_DIGITS || got < HEAD + len ||
        !rdb_block_parse(slice(record + HEAD, len), &b) || b.start != told->start ||
        b.len != told->len || b.crc != told->crc)
        return false;
    *digits = at + HEAD + len - CRC_DIGITS;
    return true;
}

static void renew_block_records(struct anon_rdb *x, struct rdb_image *out)
{
    for (size_t i = 0; i < blocks_count(&x->plan.list); i++) {
        const struct listed_block *b = blocks_at(&x->plan.list, i);
        uint64_t digits, to = image_ahead(out, b->from, b->told.len);
        if (b->state >= BLOCK_GOOD && find_record(x, &b->told, image_ahead(out, to, 0), &digits))
            put_digits(x, digits, image_crc(out, 0, b->from, b->to));
    }
}

static void renew_file_crc(struct anon_rdb *x, struct rdb_image *out)
{
    uint8_t bytes[8];
    if (!x->rescue.ended || x->rescue.end_short || x->plan.version < RDB_VERSION_CRC)
        return;
    uint64_t at = x->rescue.end_at - sizeof bytes;
    if (image_read(x->in, at, x->in->end, bytes, sizeof bytes) != sizeof bytes)
        return;
    uint64_t stored = load_le64(bytes);
    if (stored == 0 || image_crc(x->in, 0, x->in->begin, at) != stored)
        return;
    store_le64(bytes, image_crc(out, 0, out->begin, at));
    anon_file_put(x->work, at, bytes, sizeof bytes);
    anon_file_flush(x->work);
}

/* ---- the index ---- */

static bool line_at(struct anon_rdb *x, uint64_t at, char line[LINE_MAX_], size_t *len)
{
    size_t got = anon_file_get(x->work, at, line, LINE_MAX_);
    const char *end = got > 4 && memcmp(line, "#HF:", 4) == 0 ? memchr(line, '\n', got) : NULL;
    *len = end ? (size_t)(end - line) + 1 : 0;
    return end && *len >= 2 + CRC_DIGITS - 4;
}

static void renew_block_line(struct anon_rdb *x, struct rdb_image *out, uint64_t at,
                             struct slice line)
{
    static const char word[] = "#HF:block ";
    struct rdb_block b;
    size_t head = sizeof word - 1;
    if (line.len < head + 2 || memcmp(line.data, word, head) != 0 ||
        !rdb_block_parse(slice(line.data + head, line.len - head - 2), &b) ||
        b.start > x->in->end || b.len > x->in->end - b.start)
        return;
    uint64_t from = image_ahead(x->in, x->in->begin, b.start), to = image_ahead(x->in, from, b.len);
    for (size_t i = 0; i < blocks_count(&x->plan.list); i++) {
        const struct listed_block *l = blocks_at(&x->plan.list, i);
        if (l->told.start == b.start && l->told.crc == b.crc && l->state >= BLOCK_GOOD) {
            put_digits(x, at + line.len - 2 - CRC_DIGITS, image_crc(out, 0, l->from, l->to));
            return;
        }
    }
    if (image_crc(x->in, 0, from, to) == b.crc)
        put_digits(x, at + line.len - 2 - CRC_DIGITS, image_crc(out, 0, from, to));
}

static void renew_index(struct anon_rdb *x, struct rdb_image *out, uint64_t at)
{
    char line[LINE_MAX_];
    size_t len;
    uint64_t was = 0, is = 0, blocks, bytes, crc;
    while (line_at(x, at, line, &len)) {
        if (rdb_trailer_end(slice(line, len), &blocks, &bytes, &crc)) {
            if (crc == was)
                put_digits(x, at + len - 2 - CRC_DIGITS, is);
            x->end_at = at + len;
            return;
        }
        was = crc64(was, line, len);
        renew_block_line(x, out, at, slice(line, len));
        anon_file_get(x->work, at, line, len);
        is = crc64(is, line, len);
        at += len;
    }
}

void anon_sums(struct anon_rdb *x, struct rdb_image *out)
{
    renew_block_records(x, out);
    renew_file_crc(x, out);
    renew_index(x, out, x->end_at ? x->end_at : x->plan.list.rdb_end);
}
