/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/check_rdb_lines.h"

#include <inttypes.h>

#include "base/must.h"

/* Bytes that could move a terminal's cursor are escaped. */
static void add_text(struct buf *to, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < ' ' || c == 0x7f)
            buf_printf(to, "\\x%02x", c);
        else
            buf_append(to, s.data + i, 1);
    }
}

void check_rdb_record_line(struct buf *to, const struct rdb_record *rec, uint64_t base)
{
    char name[10];
    uint64_t offset = base + rec->offset;
    switch (rec->kind) {
    case RDB_REC_AUX:
        if (slice_eq(rec->name, SLICE_LIT(RDB_AUX_BLOCK)))
            break; /* one a megabyte: told as a number at the end */
        buf_printf(to, "[offset %" PRIu64 "] AUX FIELD ", offset);
        add_text(to, rec->name);
        buf_add(to, SLICE_LIT(" = '"));
        add_text(to, rec->value);
        buf_add(to, SLICE_LIT("'\n"));
        break;
    case RDB_REC_DB:
        buf_printf(to, "[offset %" PRIu64 "] Selecting DB ID %u\n", offset, rec->db);
        break;
    case RDB_REC_MODULE_AUX:
        buf_printf(to, "[offset %" PRIu64 "] MODULE AUX for: %s\n", offset,
                   rdb_module_name(rec->module_id, name));
        break;
    default:
        break;
    }
}

void check_rdb_count_lines(FILE *out, const struct check_rdb_counts *counts)
{
    must(counts->already_expired <= counts->expires && counts->expires <= counts->keys);
    fprintf(out, "[info] %" PRIu64 " keys read\n", counts->keys);
    fprintf(out, "[info] %" PRIu64 " expires\n", counts->expires);
    fprintf(out, "[info] %" PRIu64 " already expired\n", counts->already_expired);
    if (counts->subexpires)
        fprintf(out, "[info] %" PRIu64 " subexpires\n", counts->subexpires);
}

void check_rdb_good_lines(FILE *out, const struct check_rdb_result *r)
{
    static const char *const trailer[] = {
        [RDB_TRAILER_OK] = "Block index OK",
        [RDB_TRAILER_SHORT] = "The block index behind the RDB is cut off; the data is whole",
        [RDB_TRAILER_BAD] = "The block index behind the RDB is damaged; the data is whole"};
    must(r->trailer <= RDB_TRAILER_BAD);
    if (r->crc == RDB_CRC_OK)
        fprintf(out, "[offset %" PRIu64 "] Checksum OK\n", r->offset);
    if (r->crc == RDB_CRC_NONE)
        fprintf(out, "[offset %" PRIu64 "] RDB file was saved with checksum disabled: "
                     "no check performed.\n", r->offset);
    fprintf(out, "[offset %" PRIu64 "] \\o/ RDB looks OK! \\o/\n", r->offset);
    check_rdb_count_lines(out, &r->counts);
    if (r->blocks)
        fprintf(out, "[info] %" PRIu64 " blocks verified\n", r->blocks);
    if (r->digest)
        fprintf(out, "[info] Digest equal: %s\n", r->digest);
    if (r->trailer != RDB_TRAILER_NONE)
        fprintf(out, "[info] %s\n", trailer[r->trailer]);
}
