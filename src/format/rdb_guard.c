/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reader does about block checksums, digest and trailer (rdb_block.h). The running checksum
 * is looked at in front of each AUX record, since one may end a block; nothing is read twice.
 *
 *   hf-integrity        from here on the digest is computed
 *   hf-block            the block up to this record must be what it says
 *   hf-digest           the digest so far must be that
 *   end                 what was announced must have come, the last block record just before
 *   rdb_trailer         the bytes behind the end must be those that follow from the blocks */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/must.h"
#include "format/rdb_parts.h"
#include "format/rdb_read.h"

/* Behind an AUX record that ends no file yet. */
static void guard_must_hold(const struct rdb_reader *r)
{
    const struct rdb_guard *g = &r->guard;
    must(g->blocks.now.start <= g->mark_at);
    must(!g->covered || (g->blocks.count > 0 && g->blocks.now.keys == 0));
    must(!g->digest_due || r->out[RDB_OUT_ALL] == &g->digest.sink);
    must(!g->digest_ok || !g->digest_wrong);
    must(g->blocks.now.keys <= r->keys);
}

void rdb_guard_begin(struct rdb_reader *r)
{
    r->guard = (struct rdb_guard){.begin = in_offset(r->in)};
    rdb_blocks_begin(&r->guard.blocks, NULL);
}

void rdb_guard_mark(struct rdb_reader *r)
{
    must(in_offset(r->in) > r->guard.begin);
    r->guard.mark_at = in_offset(r->in) - 1 - r->guard.begin;
    r->guard.mark_crc = in_crc_before(r->in);
}

static bool has_word(struct slice text, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.len; i++) {
        bool starts = i == 0 || text.data[i - 1] == ' ';
        bool ends = i + n == text.len || text.data[i + n] == ' ';
        if (starts && ends && memcmp(text.data + i, word, n) == 0)
            return true;
    }
    return false;
}

static void take_announcement(struct rdb_reader *r, struct slice text)
{
    struct rdb_guard *g = &r->guard;
    if (!has_word(text, "1") || g->blocks.now.keys || g->blocks.count)
        return; /* another version's, or not where it belongs: as if it were not there */
    g->blocks_due = has_word(text, "block");
    g->trailer_due = has_word(text, "trailer");
    g->digest_due = has_word(text, "digest");
    if (g->digest_due)
        digest_init(&g->digest);
    r->out[RDB_OUT_ALL] = g->digest_due ? &g->digest.sink : NULL;
}

static void take_block(struct rdb_reader *r, struct slice text)
{
    struct rdb_guard *g = &r->guard;
    struct rdb_block told, is = rdb_blocks_open(&g->blocks, g->mark_at, g->mark_crc);
    r->in->doing = "check-block";
    if (!rdb_block_parse(text, &told) || told.start != is.start || told.len != is.len ||
        told.keys != is.keys || told.db != is.db || told.crc != is.crc) {
        in_fail(r->in, FAULT_CRC, "Block checksum wrong, damage between offset %" PRIu64
                " and %" PRIu64, g->begin + is.start, in_offset(r->in));
        return;
    }
    rdb_blocks_close(&g->blocks, g->mark_at, g->mark_crc, r->db);
    g->covered = true;
    must(g->blocks.now.start == g->mark_at);
}

/* A wrong one is a fault at the end only: the last block's checksum, still to come, tells more. */
static void take_digest(struct rdb_reader *r, struct slice text)
{
    char is[DIGEST_HEX];
    if (!r->out[RDB_OUT_ALL])
        return;
    r->guard.digest_due = false;
    r->guard.digest_ok = slice_eq(text, slice_str(digest_text(&r->guard.digest, is)));
    r->guard.digest_wrong = !r->guard.digest_ok;
}

void rdb_guard_aux(struct rdb_reader *r, const struct rdb_record *rec)
{
    r->guard.covered = false;
    bool ours = rec->name.len > 3 && memcmp(rec->name.data, "hf-", 3) == 0;
    if (!ours || r->opt.unguarded || in_bad(r->in))
        return;
    if (slice_eq(rec->name, SLICE_LIT(RDB_AUX_BLOCK)))
        take_block(r, rec->value);
    else if (slice_eq(rec->name, SLICE_LIT(RDB_AUX_INTEGRITY)))
        take_announcement(r, rec->value);
    else if (slice_eq(rec->name, SLICE_LIT(RDB_AUX_DIGEST)))
        take_digest(r, rec->value);
    guard_must_hold(r);
}

void rdb_guard_end(struct rdb_reader *r, uint64_t crc, uint64_t stored)
{
    struct rdb_guard *g = &r->guard;
    uint8_t last[8];
    char is[DIGEST_HEX];
    if (in_bad(r->in))
        return;
    must(!r->ended && g->verified == 0);
    must(!g->covered || g->blocks.now.keys == 0);
    g->verified = g->blocks.count; /* what comes below only the trailer tells of */
    if (g->blocks_due && !g->covered)
        in_fail(r->in, FAULT_CRC, "Announced block checksums are missing behind offset %" PRIu64,
                g->begin + g->blocks.now.start);
    else if (g->digest_due)
        in_fail(r->in, FAULT_CRC, "The announced digest is missing");
    else if (g->digest_wrong)
        in_fail(r->in, FAULT_CRC, "The digest of the data set is %s, not what the file says",
                digest_text(&g->digest, is));
    if (!g->trailer_due)
        return;
    store_le64(last, stored);
    rdb_blocks_close(&g->blocks, in_offset(r->in) - g->begin, crc64(crc, last, sizeof last), r->db);
    must(g->blocks.count == g->verified + 1);
}

uint64_t rdb_blocks_verified(const struct rdb_reader *r)
{
    must(r->guard.verified <= r->guard.blocks.count);
    return r->ended ? r->guard.verified : r->guard.blocks.count;
}

const char *rdb_digest_verified(const struct rdb_reader *r, char room[DIGEST_HEX])
{
    return r->guard.digest_ok ? digest_text(&r->guard.digest, room) : NULL;
}

void rdb_guard_tell(struct rdb_reader *r)
{
    struct rdb_guard *g = &r->guard;
    if (g->told || g->blocks.count == 0 || !in_bad(r->in))
        return;
    g->told = true;
    rdb_note(r, "%" PRIu64 " blocks up to offset %" PRIu64 " are intact: what is wrong lies behind",
             g->blocks.count, g->begin + g->blocks.now.start);
}

/* Exactly as many bytes are taken as the trailer must have, and no more than there are: an append
 * log goes on behind it. */
enum rdb_trailer_state rdb_trailer(struct rdb_reader *r)
{
    struct rdb_guard *g = &r->guard;
    char end[RDB_TRAILER_END];
    if (!r->ended || !g->trailer_due)
        return RDB_TRAILER_NONE;
    g->trailer_due = false;
    uint64_t want = g->blocks.lines_crc, crc = 0, left = g->blocks.lines_len + sizeof end;
    rdb_blocks_end(&g->blocks, g->blocks.now.start, end);
    want = crc64(want, end, sizeof end);
    while (left > 0 && !in_at_end(r->in)) {
        enum { PART = 1024 };
        struct slice part = in_peek(r->in, left < PART ? (size_t)left : PART);
        crc = crc64(crc, part.data, part.len);
        left -= part.len;
        in_skip(r->in, part.len);
    }
    if (in_bad(r->in))
        return RDB_TRAILER_BAD;
    return left ? RDB_TRAILER_SHORT : crc == want ? RDB_TRAILER_OK : RDB_TRAILER_BAD;
}
