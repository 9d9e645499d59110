/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: an RDB file; the same bytes are tried as a DUMP payload, with a footer put right. What
 * passes the reader must pass the writers, and what they make must be read again. Checksums are
 * mended first, or mutations would stop at them. */
#include <stdio.h>
#include <stdlib.h>

#include <lz4frame.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "format/aof_write.h"
#include "format/json_write.h"
#include "format/rdb_payload.h"
#include "format/rdb_read.h"
#include "format/rdb_write.h"
#include "format/sink_count.h"
#include "tests/fuzz/fuzz.h"

static const struct rdb_options options = {.databases = 16, .keep_modules = true};

static bool read_rdb(struct slice rdb, struct sink *sink)
{
    struct in in;
    struct rdb_reader r;
    in_init_memory(&in, rdb);
    bool ok = rdb_open(&r, &in, &options) && rdb_read_all(&r, sink);
    must(ok || in_bad(&in) || sink_bad(sink));
    if (ok)
        rdb_trailer(&r);
    rdb_close(&r);
    in_free(&in);
    return ok;
}

/* The stored checksum becomes "none", where the file still ends in one. */
static void mend(struct buf *b)
{
    if (b->len >= 18 && (uint8_t)b->data[b->len - 9] == RDB_OP_EOF)
        memset(b->data + b->len - 8, 0, 8);
}

static void try_writers(struct slice rdb)
{
    struct out out;
    struct json_writer json;
    struct aof_writer aof;
    struct rdb_writer w;
    out_init_memory(&out);
    json_writer_init(&json, &out);
    bool ok = read_rdb(rdb, &json.sink);
    out_free(&out);
    json_writer_free(&json);
    if (!ok)
        return;
    struct out commands;
    out_init_memory(&out);
    out_init_memory(&commands);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.version = 11, .compress = true,
                                                            .blocks = true, .trailer = true});
    aof_writer_init(&aof, &commands);
    rdb_writer_begin(&w);
    read_rdb(rdb, &aof.sink);
    if (read_rdb(rdb, &w.sink) && rdb_writer_end(&w)) {
        struct sink_count count;
        sink_count_init(&count, 0);
        must(read_rdb(buf_slice(&out.buf), &count.sink));
    }
    rdb_writer_free(&w);
    aof_writer_free(&aof);
    out_free(&out);
    out_free(&commands);
}

static void try_trailer(struct slice bytes)
{
    struct buf blocks = {0};
    if (rdb_trailer_parse(bytes, &blocks))
        must(blocks.len % sizeof(struct rdb_block) == 0);
    buf_free(&blocks);
}

static void try_payload(struct slice bytes)
{
    struct buf payload = {0};
    struct out out;
    struct json_writer json;
    struct fault f = {0};
    struct key_event key = {.name = SLICE_LIT("k"), .expire_ms = KEY_NO_EXPIRE,
                            .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    buf_add(&payload, bytes);
    if (payload.len >= RDB_PAYLOAD_FOOTER)
        payload.len -= RDB_PAYLOAD_FOOTER;
    rdb_payload_seal(&payload, 0, 12);
    out_init_memory(&out);
    json_writer_init(&json, &out);
    bool ok = rdb_payload_read(buf_slice(&payload), &key, &json.sink, &options, &f);
    must(ok != fault_is(&f));
    f = (struct fault){0};
    rdb_payload_functions(buf_slice(&payload), &json.sink, &f);
    json_writer_free(&json);
    out_free(&out);
    buf_free(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf copy = {0};
    hash_init(&(uint64_t){1});
    buf_append(&copy, data, size);
    mend(&copy);
    try_trailer(slice((const char *)data, size));
    if (size > 5 && memcmp(data, "REDIS", 5) != 0 && memcmp(data, "VALKEY", 6) != 0 &&
        memcmp(data, "VKCS", 4) != 0)
        try_payload(buf_slice(&copy));
    else
        try_writers(buf_slice(&copy));
    buf_free(&copy);
    return 0;
}

static const char *shared(void)
{
    const char *given = getenv("FIXTURES_SHARED");
    return given ? given : "../shared/fixtures";
}

#define HEAD "REDIS0014\xfe\0"
#define TAIL "\xff\0\0\0\0\0\0\0\0"
static const char array_file[] =
    HEAD "\x1c\x01" "a" "\x03\x01\x09" "\x05\0\x02hi" "\x06\x01\xfe\xff\xff\xff\xff\xff\xff\xff"
    "\x07\x02\0\0\0\0\0\0\xf8\x3f" TAIL;
static const char function_file[] = HEAD "\xf6\x03lib\x03LUA\x01\x05words\x04" "code" TAIL;

/* The array in an envelope of two frames. */
static void add_envelope(void)
{
    char bytes[512] = "VKCS\x01\x01";
    size_t at = 8, half = sizeof array_file / 2;
    at += LZ4F_compressFrame(bytes + at, sizeof bytes - at, array_file, half, NULL);
    at += LZ4F_compressFrame(bytes + at, sizeof bytes - at, array_file + half,
                             sizeof array_file - 1 - half, NULL);
    fuzz_add(bytes, at);
}

static const char trailer[] = "#HF:blocks 1\r\n#HF:block 0 5 0 0 0123456789abcdef\r\n"
    "#HF:end 000000000001 00000000000000000005 20cf0c24420f8eed\r\n";

void fuzz_seeds(void)
{
    fuzz_add(trailer, sizeof trailer - 1);
    fuzz_add(array_file, sizeof array_file - 1);
    fuzz_add(array_file + 11, sizeof array_file - 1 - 11); /* as a payload */
    fuzz_add(function_file, sizeof function_file - 1);
    add_envelope();
    char path[512];
    static const char *const payloads[] = {"redis70-dump-payloads.jsonl",
                                           "redis72-dump-payloads.jsonl",
                                           "redis8-hash-field-expiry.dump-payloads.jsonl"};
    fuzz_add_path("fixtures/rdb");
    fuzz_add_base64("fixtures/payloads.jsonl", "payload");
    snprintf(path, sizeof path, "%s/handmade", shared());
    fuzz_add_path(path);
    snprintf(path, sizeof path, "%s/redis72-streams.rdb", shared());
    fuzz_add_path(path);
    snprintf(path, sizeof path, "%s/redis70-streams.rdb", shared());
    fuzz_add_path(path);
    snprintf(path, sizeof path, "%s/corrupt/rdb-files.jsonl", shared());
    fuzz_add_base64(path, "rdb");
    snprintf(path, sizeof path, "%s/corrupt/restore-payloads.jsonl", shared());
    fuzz_add_base64(path, "payload");
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        snprintf(path, sizeof path, "%s/%s", shared(), payloads[i]);
        fuzz_add_base64(path, "dump");
    }
}
