/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/unpack.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "base/must.h"

enum { BLOCK = 128 << 10, WINDOW_LOG_MAX = 23, GZIP_WINDOW = 15 + 16 /* zlib: gzip's head */ };

enum compression compression_of(struct slice head)
{
    if (head.len >= 3 && memcmp(head.data, "\x1f\x8b\x08", 3) == 0)
        return COMPRESSION_GZIP;
    if (head.len >= 4 && memcmp(head.data, "\x28\xb5\x2f\xfd", 4) == 0)
        return COMPRESSION_ZSTD;
    return COMPRESSION_NONE;
}

enum compression compression_of_name(const char *path)
{
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
        return COMPRESSION_GZIP;
    return n > 4 && strcmp(path + n - 4, ".zst") == 0 ? COMPRESSION_ZSTD : COMPRESSION_NONE;
}

const char *compression_name(enum compression c)
{
    return c == COMPRESSION_GZIP ? "gzip" : c == COMPRESSION_ZSTD ? "zstd" : "none";
}

bool compression_called(struct slice name, enum compression *c)
{
    for (int i = COMPRESSION_NONE; i <= COMPRESSION_ZSTD; i++)
        if (slice_eq_str(name, compression_name((enum compression)i))) {
            *c = (enum compression)i;
            return true;
        }
    return false;
}

/* ---- reading ---- */

struct unpacker {
    enum compression c;
    in_read *read;
    void *arg;
    uint8_t *block;
    size_t at, len; /* packed bytes of block not yet taken */
    bool source_ended, inside, damaged;
    z_stream zlib;
    ZSTD_DCtx *zstd;
    size_t asks; /* zstd: bytes it would have next; 0: of a new frame */
};

struct unpacker *unpacker_new(enum compression c, in_read *read, void *arg)
{
    struct unpacker *u = mem_zalloc(sizeof *u);
    must(c != COMPRESSION_NONE);
    *u = (struct unpacker){.c = c, .read = read, .arg = arg, .block = mem_alloc(BLOCK)};
    if (c == COMPRESSION_GZIP) {
        must(inflateInit2(&u->zlib, GZIP_WINDOW) == Z_OK);
    } else {
        u->zstd = ZSTD_createDCtx();
        must(u->zstd);
        must(!ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)));
    }
    return u;
}

void unpacker_free(struct unpacker *u)
{
    if (!u)
        return;
    if (u->c == COMPRESSION_GZIP)
        inflateEnd(&u->zlib);
    ZSTD_freeDCtx(u->zstd);
    mem_free(u->block);
    mem_free(u);
}

void unpacker_rebind(struct unpacker *u, void *arg)
{
    u->arg = arg;
}

bool unpacker_damaged(const struct unpacker *u)
{
    return u->damaged;
}

bool unpacker_cut(const struct unpacker *u)
{
    return u->source_ended && u->inside;
}

/* Bytes made, also in front of damage; 0: more input is needed. */
static ssize_t inflate_some(struct unpacker *u, void *to, size_t n)
{
    u->zlib.next_in = u->block + u->at;
    u->zlib.avail_in = (uInt)u->len;
    u->zlib.next_out = to;
    u->zlib.avail_out = n < UINT32_MAX ? (uInt)n : UINT32_MAX;
    size_t room = u->zlib.avail_out;
    int rc = inflate(&u->zlib, Z_NO_FLUSH);
    size_t used = u->len - u->zlib.avail_in;
    u->at += used;
    u->len -= used;
    u->inside = rc != Z_STREAM_END && (u->inside || used > 0);
    if (rc == Z_STREAM_END) /* another member may follow */
        must(inflateReset(&u->zlib) == Z_OK);
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        u->damaged = true;
    return (ssize_t)(room - u->zlib.avail_out);
}

/* No more than it asks for, a block at a time: a call that meets damage forgets what it made. */
static ssize_t zstd_some(struct unpacker *u, void *to, size_t n)
{
    size_t want = u->asks ? u->asks : 1;
    ZSTD_inBuffer in = {u->block + u->at, want < u->len ? want : u->len, 0};
    ZSTD_outBuffer out = {to, n, 0};
    size_t hint = ZSTD_decompressStream(u->zstd, &out, &in);
    must(in.pos <= u->len);
    u->at += in.pos;
    u->len -= in.pos;
    u->damaged = ZSTD_isError(hint);
    if (u->damaged)
        return 0;
    u->inside = hint != 0;
    u->asks = hint;
    return (ssize_t)out.pos;
}

static ssize_t unpack_some(struct unpacker *u, void *to, size_t n)
{
    return u->c == COMPRESSION_GZIP ? inflate_some(u, to, n) : zstd_some(u, to, n);
}

/* False at the end; *err: -errno. */
static bool fetch(struct unpacker *u, ssize_t *err)
{
    must(u->len == 0);
    ssize_t got = u->read(u->arg, u->block, BLOCK);
    u->at = 0;
    u->len = got > 0 ? (size_t)got : 0;
    u->source_ended = got == 0;
    *err = got < 0 ? got : 0;
    return got > 0;
}

/* Damage is -EBADMSG. */
static ssize_t read_more(struct unpacker *u, void *to, size_t n)
{
    ssize_t err = 0;
    must(n > 0);
    if (u->damaged)
        return -EBADMSG;
    for (;;) {
        /* Also without input: what is held back inside may fill to's room only now. */
        ssize_t made = u->len || u->inside ? unpack_some(u, to, n) : 0;
        if (made != 0)
            return made;
        if (u->damaged)
            return -EBADMSG;
        if (u->len == 0 && !fetch(u, &err))
            return err;
    }
}

ssize_t unpacker_read(void *arg, void *to, size_t n)
{
    ssize_t got = read_more(arg, to, n);
    return got == -EBADMSG ? 0 : got;
}

/* ---- writing ---- */

struct packer {
    enum compression c;
    out_write *write;
    void *arg;
    uint8_t *block;
    z_stream zlib;
    ZSTD_CCtx *zstd;
};

struct packer *packer_new(enum compression c, int level, out_write *write, void *arg)
{
    struct packer *p = mem_zalloc(sizeof *p);
    must(c != COMPRESSION_NONE);
    *p = (struct packer){.c = c, .write = write, .arg = arg, .block = mem_alloc(BLOCK)};
    if (c == COMPRESSION_GZIP) {
        must(deflateInit2(&p->zlib, level ? level : Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
                          8, Z_DEFAULT_STRATEGY) == Z_OK);
    } else {
        p->zstd = ZSTD_createCCtx();
        must(p->zstd);
        ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level ? level : 3);
        ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
    }
    return p;
}

void packer_free(struct packer *p)
{
    if (!p)
        return;
    if (p->c == COMPRESSION_GZIP)
        deflateEnd(&p->zlib);
    ZSTD_freeCCtx(p->zstd);
    mem_free(p->block);
    mem_free(p);
}

static int deflate_all(struct packer *p, const void *from, size_t n, bool last)
{
    int rc, err = 0;
    must(n <= UINT32_MAX);
    p->zlib.next_in = (Bytef *)(uintptr_t)from;
    p->zlib.avail_in = (uInt)n;
    do {
        p->zlib.next_out = p->block;
        p->zlib.avail_out = BLOCK;
        rc = deflate(&p->zlib, last ? Z_FINISH : Z_NO_FLUSH);
        must(rc != Z_STREAM_ERROR);
        if (p->zlib.avail_out < BLOCK)
            err = p->write(p->arg, p->block, BLOCK - p->zlib.avail_out);
    } while (err == 0 && (last ? rc != Z_STREAM_END : p->zlib.avail_in > 0));
    return err;
}

static int zstd_all(struct packer *p, const void *from, size_t n, bool last)
{
    ZSTD_inBuffer in = {from, n, 0};
    int err = 0;
    size_t left;
    do {
        ZSTD_outBuffer out = {p->block, BLOCK, 0};
        left = ZSTD_compressStream2(p->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return -EIO;
        if (out.pos)
            err = p->write(p->arg, p->block, out.pos);
    } while (err == 0 && (last ? left > 0 : in.pos < in.size));
    return err;
}

static int pack_all(struct packer *p, const void *from, size_t n, bool last)
{
    return p->c == COMPRESSION_GZIP ? deflate_all(p, from, n, last) : zstd_all(p, from, n, last);
}

int packer_write(void *arg, const void *from, size_t n)
{
    enum { PIECE = 1 << 30 };
    struct packer *p = arg;
    const char *at = from;
    int err = 0;
    for (size_t left = n, part; left && err == 0; left -= part, at += part) {
        part = left < PIECE ? left : PIECE;
        err = pack_all(p, at, part, false);
    }
    return err;
}

int packer_end(struct packer *p)
{
    return pack_all(p, NULL, 0, true);
}
