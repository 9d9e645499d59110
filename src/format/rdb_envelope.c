/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands around things in some versions' files.
 *
 *   envelope      "VKCS" version 1, codec 1, flags, kind 0; then LZ4 frames, the RDB in them
 *   opcode 246    str name, str engine, len has-description, [str description], str code
 *
 * The envelope (Valkey 9.2) is a decoder under the reader's stream: offsets and the CRC are of the
 * RDB inside. Frames are decoded into the stream's block piece by piece, so a frame's size is
 * never believed; what LZ4 needs for itself is bounded by its largest block, 4 MiB. Functions of
 * 7.0's release candidates become what opcode 245 holds, with the line it begins with. */
#include <errno.h>
#include <lz4frame.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_parts.h"

enum { MAGIC_BYTES = 4, HEAD_BYTES = 8, LZ4_GROWTH_MAX = 255 };
enum { VERSION = 1, CODEC_LZ4 = 1, FLAG_CHECKSUMS = 1, KIND_RDB = 0 };

struct envelope {
    struct in_decoder decoder;
    LZ4F_dctx *lz4;
    bool in_frame;
};

static void envelope_free(struct in_decoder *d)
{
    struct envelope *e = (struct envelope *)(void *)d;
    LZ4F_freeDecompressionContext(e->lz4);
    mem_free(e);
}

/* Decodes from what stands in the window below. Bytes made; -EIO with the fault in in. */
static ssize_t decode_some(struct envelope *e, void *to, size_t n)
{
    struct in *in = &e->decoder.under;
    size_t made = n, used = (size_t)(in->end - in->at);
    size_t hint = LZ4F_decompress(e->lz4, to, &made, in->at, &used, NULL);
    if (LZ4F_isError(hint)) {
        in_fail(in, FAULT_FORMAT, "The LZ4 envelope is damaged: %s", LZ4F_getErrorName(hint));
        return -EIO;
    }
    must(made <= n);
    must(used <= (size_t)(in->end - in->at));
    in_skip(in, used);
    e->in_frame = hint != 0;
    return (ssize_t)made;
}

static ssize_t envelope_read(void *arg, void *to, size_t n)
{
    struct envelope *e = arg;
    struct in *in = &e->decoder.under;
    for (;;) {
        /* A frame that is complete may be the last one: then this is the end. What LZ4 holds back
         * inside a frame comes out without more input. */
        bool at_end = in_at_end(in);
        if (in_bad(in))
            return -EIO;
        if (at_end && !e->in_frame)
            return 0;
        ssize_t made = decode_some(e, to, n);
        if (made != 0)
            return made;
        if (at_end && e->in_frame) {
            in_fail(in, FAULT_EOF, "The LZ4 envelope ends inside a frame");
            return -EIO;
        }
    }
}

static void check_head(struct in *in, const uint8_t head[HEAD_BYTES])
{
    static const struct {
        const char *what;
        uint8_t known, free_bits;
    } rules[] = {{"version", VERSION, 0}, {"codec", CODEC_LZ4, 0}, {"flags", 0, FLAG_CHECKSUMS},
                 {"kind", KIND_RDB, 0}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        uint8_t byte = head[MAGIC_BYTES + i];
        if ((byte & ~rules[i].free_bits) != rules[i].known)
            in_fail(in, FAULT_VERSION, "Can't handle an envelope around the RDB file with %s %u",
                    rules[i].what, byte);
    }
}

void rdb_envelope(struct in *in)
{
    uint8_t head[HEAD_BYTES];
    if (!slice_eq(in_peek(in, MAGIC_BYTES), SLICE_LIT("VKCS")) || !in_bytes(in, head, sizeof head))
        return;
    check_head(in, head);
    if (in_bad(in))
        return;
    if (in_at_end(in)) {
        in_fail(in, FAULT_EOF, "Unexpected end of data");
        return;
    }
    struct envelope *e = mem_zalloc(sizeof *e);
    must(!LZ4F_isError(LZ4F_createDecompressionContext(&e->lz4, LZ4F_VERSION)));
    must(e->lz4 && !e->in_frame);
    e->decoder.free = envelope_free;
    in_decode(in, &e->decoder, envelope_read, LZ4_GROWTH_MAX);
}

void rdb_envelope_end(struct in *in)
{
    must(in_decoded(in));
    while (!in_at_end(in))
        in_skip(in, (uint64_t)(in->end - in->at));
}

void rdb_function_old(struct rdb_reader *r, struct rdb_record *rec)
{
    r->in->doing = "read-functions";
    rec->kind = RDB_REC_FUNCTION;
    struct slice name = rdb_str_kept(r, &r->first);
    rdb_stored_as(r, RDB_STORED_ID);
    struct slice engine = rdb_str_kept(r, &r->packed);
    uint64_t described = rdb_len(r);
    if (described > 1)
        in_fail(r->in, FAULT_FORMAT, "A function library that is neither described nor not");
    buf_clear(&r->second);
    buf_printf(&r->second, "#!");
    buf_add(&r->second, engine);
    buf_printf(&r->second, " name=");
    buf_add(&r->second, name);
    buf_byte(&r->second, '\n');
    if (described == 1)
        rdb_str(r, &r->first);
    rdb_stored_as(r, RDB_STORED_LIBRARY);
    buf_add(&r->second, rdb_str(r, &r->first));
    rec->value = buf_slice(&r->second);
}
