/* SPDX-License-Identifier: BSD-3-Clause */
/* A block's checksum is never computed by itself: the running checksum of the file at its start and
 * at its end tell it (crc64_combine). The trailer's text is a function of the blocks, so a reader
 * knows length and checksum of the one that must follow. */
#include "format/rdb_block.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crc64.h"
#include "base/must.h"
#include "base/num.h"

#define HEAD_LINE "#HF:blocks 1\r\n"
#define BLOCK_WORD "#HF:block "
#define END_WORD "#HF:end "

size_t rdb_block_format(const struct rdb_block *b, char out[RDB_BLOCK_TEXT])
{
    int n = snprintf(out, RDB_BLOCK_TEXT, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %u %016" PRIx64,
                     b->start, b->len, b->keys, b->db, b->crc);
    must(n > 0 && n < RDB_BLOCK_TEXT);
    return (size_t)n;
}

/* A word up to the next blank or the end; what follows stays in *text. */
static struct slice next_word(struct slice *text)
{
    const char *blank = text->len ? memchr(text->data, ' ', text->len) : NULL;
    size_t len = blank ? (size_t)(blank - text->data) : text->len;
    struct slice word = slice(text->data, len);
    *text = slice_from(*text, blank ? len + 1 : len);
    return word;
}

/* One way to write each block: what is parsed must be what would be written. */
bool rdb_block_parse(struct slice text, struct rdb_block *b)
{
    struct slice rest = text;
    uint64_t db;
    char again[RDB_BLOCK_TEXT];
    if (!num_parse_u64(next_word(&rest), &b->start) || !num_parse_u64(next_word(&rest), &b->len) ||
        !num_parse_u64(next_word(&rest), &b->keys) || !num_parse_u64(next_word(&rest), &db) ||
        !num_parse_hex(next_word(&rest), &b->crc))
        return false;
    b->db = (unsigned)db;
    return b->len <= UINT64_MAX - b->start &&
           slice_eq(text, slice(again, rdb_block_format(b, again)));
}

/* ---- one pass ---- */

static void add_line(struct rdb_blocks *b, const char *line, size_t len)
{
    b->lines_len += len;
    b->lines_crc = crc64(b->lines_crc, line, len);
    if (b->lines)
        buf_append(b->lines, line, len);
    must(!b->lines || b->lines->len == b->lines_len);
}

void rdb_blocks_begin(struct rdb_blocks *b, struct buf *lines)
{
    must(!lines || lines->len == 0);
    *b = (struct rdb_blocks){.lines = lines};
    add_line(b, HEAD_LINE, sizeof HEAD_LINE - 1);
}

struct rdb_block rdb_blocks_open(const struct rdb_blocks *b, uint64_t at, uint64_t crc)
{
    struct rdb_block block = b->now;
    must(at >= block.start);
    block.len = at - block.start;
    block.crc = crc64_combine(b->crc_at_start, crc, block.len);
    return block;
}

void rdb_blocks_close(struct rdb_blocks *b, uint64_t at, uint64_t crc, unsigned db)
{
    char line[sizeof BLOCK_WORD + RDB_BLOCK_TEXT + 2] = BLOCK_WORD;
    struct rdb_block block = rdb_blocks_open(b, at, crc);
    size_t word = sizeof BLOCK_WORD - 1, len = word + rdb_block_format(&block, line + word);
    struct rdb_block again;
    must(rdb_block_parse(slice(line + word, len - word), &again));
    must(again.start == block.start && again.len == block.len && again.crc == block.crc);
    must(len + 2 <= sizeof line);
    memcpy(line + len, "\r\n", 2);
    add_line(b, line, len + 2);
    b->count++;
    b->now = (struct rdb_block){.start = at, .db = db};
    b->crc_at_start = crc;
}

void rdb_blocks_end(struct rdb_blocks *b, uint64_t rdb_bytes, char out[RDB_TRAILER_END])
{
    char line[RDB_TRAILER_END + 1];
    uint64_t count, bytes, crc;
    must(b->now.start == rdb_bytes && b->now.keys == 0); /* all are closed */
    int n = snprintf(line, sizeof line, END_WORD "%012" PRIu64 " %020" PRIu64 " %016" PRIx64 "\r\n",
                     b->count, rdb_bytes, b->lines_crc);
    must(n == RDB_TRAILER_END);
    must(rdb_trailer_end(slice(line, RDB_TRAILER_END), &count, &bytes, &crc));
    must(count == b->count && bytes == rdb_bytes && crc == b->lines_crc);
    memcpy(out, line, RDB_TRAILER_END);
}

/* ---- from the end of a file ---- */

static bool parse_padded(struct slice digits, uint64_t *n)
{
    *n = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.data[i] - '0');
        if (digit > 9 || *n > (UINT64_MAX - digit) / 10)
            return false;
        *n = *n * 10 + digit;
    }
    return true;
}

bool rdb_trailer_end(struct slice line, uint64_t *blocks, uint64_t *rdb_bytes, uint64_t *crc)
{
    enum { COUNT_AT = 8, BYTES_AT = COUNT_AT + 13, CRC_AT = BYTES_AT + 21, CRLF_AT = CRC_AT + 16 };
    const char *at = line.data;
    return line.len == RDB_TRAILER_END && memcmp(at, END_WORD, COUNT_AT) == 0 &&
           at[BYTES_AT - 1] == ' ' && at[CRC_AT - 1] == ' ' &&
           memcmp(at + CRLF_AT, "\r\n", 2) == 0 && parse_padded(slice(at + COUNT_AT, 12), blocks) &&
           parse_padded(slice(at + BYTES_AT, 20), rdb_bytes) &&
           num_parse_hex(slice(at + CRC_AT, 16), crc);
}

static bool take_line(struct slice *text, struct slice *line)
{
    const char *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->data) : 0;
    if (len == 0 || end[-1] != '\r')
        return false;
    *line = slice(text->data, len - 1);
    *text = slice_from(*text, len + 1);
    return true;
}

bool rdb_trailer_parse(struct slice trailer, struct buf *blocks)
{
    uint64_t count, rdb_bytes, crc, at = 0;
    size_t word = sizeof BLOCK_WORD - 1;
    struct slice line;
    if (trailer.len < RDB_TRAILER_END)
        return false;
    struct slice lines = slice(trailer.data, trailer.len - RDB_TRAILER_END);
    if (!rdb_trailer_end(slice_from(trailer, lines.len), &count, &rdb_bytes, &crc) ||
        crc64(0, lines.data, lines.len) != crc || !take_line(&lines, &line) ||
        line.len + 2 != sizeof HEAD_LINE - 1)
        return false;
    for (; count > 0 && take_line(&lines, &line); count--) {
        struct rdb_block b;
        if (line.len < word || memcmp(line.data, BLOCK_WORD, word) != 0 ||
            !rdb_block_parse(slice_from(line, word), &b) || b.start != at)
            return false;
        at += b.len;
        buf_append(blocks, &b, sizeof b);
    }
    return count == 0 && lines.len == 0 && at == rdb_bytes;
}
