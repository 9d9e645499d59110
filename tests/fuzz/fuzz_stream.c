/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a DUMP payload of a stream; another type byte is turned into one of a stream and the
 * footer is put right. What passes the reader's checks is walked by the writers, which trust it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/must.h"
#include "format/aof_write.h"
#include "format/json_write.h"
#include "format/rdb_payload.h"
#include "format/rdb_write.h"
#include "tests/fuzz/fuzz.h"

static const struct key_event key = {.name = {"k", 1}, .expire_ms = KEY_NO_EXPIRE,
                                     .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};

static bool to_sink(struct slice payload, struct sink *sink)
{
    struct fault f = {0};
    return rdb_payload_read(payload, &key, sink, &(struct rdb_options){0}, &f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t types[] = {RDB_STREAM_1, RDB_STREAM_2, RDB_STREAM_3};
    struct buf payload = {0};
    struct out text, bytes;
    struct json_writer json;
    struct aof_writer aof;
    struct rdb_writer w;
    if (size < 1 + RDB_PAYLOAD_FOOTER)
        return 0;
    hash_init(&(uint64_t){1});
    bool stream = data[0] == RDB_STREAM_1 || data[0] == RDB_STREAM_2 || data[0] == RDB_STREAM_3;
    buf_byte(&payload, stream ? data[0] : types[data[0] % 3]);
    buf_append(&payload, data + 1, size - 1 - RDB_PAYLOAD_FOOTER);
    rdb_payload_seal(&payload, 0, 11);
    out_init_memory(&text);
    out_init_memory(&bytes);
    json_writer_init(&json, &text);
    aof_writer_init(&aof, &text);
    rdb_payload_writer_init(&w, &bytes, 11);
    if (to_sink(buf_slice(&payload), &json.sink)) {
        must(to_sink(buf_slice(&payload), &aof.sink));
        must(to_sink(buf_slice(&payload), &w.sink));
        rdb_payload_seal(&bytes.buf, 0, 11);
        must(to_sink(buf_slice(&bytes.buf), &json.sink));
        must(to_sink(buf_slice(&bytes.buf), &aof.sink));
    }
    json_writer_free(&json);
    aof_writer_free(&aof);
    rdb_writer_free(&w);
    out_free(&text);
    out_free(&bytes);
    buf_free(&payload);
    return 0;
}

void fuzz_seeds(void)
{
    /* made by a real server */
    static const char node[] =
        "\x15" "\x01\x10\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x01\x2c"
        "\x2c\0\0\0\x11\0\x01\x01\x01\x01\x01\x01\x81" "a\x02\0\x01"
        "\x03\x01\0\x01\0\x01\x01\x01\x04\x01"
        "\0\x01\x02\x01\xdf\xff\x02\x01\x01\x81" "b\x02\x16\x01\x06\x01\xff"
        "\x01\x07\0\x07\0\x05\x01\x02\x01\x01g\x07\0\x02\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\x01\x01\x01" "c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0\0\0";
    static const char *const files[] = {"redis72-dump-payloads.jsonl",
                                        "corrupt/restore-payloads.jsonl"};
    static const char *const members[] = {"dump", "payload"};
    const char *given = getenv("FIXTURES_SHARED");
    char path[512];
    fuzz_add(node, sizeof node - 1);
    fuzz_add_base64("fixtures/payloads.jsonl", "payload");
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", given ? given : "../shared/fixtures", files[i]);
        fuzz_add_base64(path, members[i]);
    }
}
