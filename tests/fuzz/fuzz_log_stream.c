/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a file of the append log, with lines that tell how the stream of replicas goes along. What
 * is made of it is exactly as long as is counted, and whole commands. Or with those of a replica:
 * then the other knows nothing. */
#include <string.h>

#include "base/must.h"
#include "replication/log_held.h"
#include "replication/log_stream.h"
#include "tests/fuzz/fuzz.h"

/* Returns how often it was broken. Of what came behind the last such place out has all. */
static int read_all(struct slice bytes, struct log_stream *s, struct buf *out)
{
    struct in in;
    struct aof_reader r;
    enum aof_item item;
    int broken = 0;
    in_init_memory(&in, bytes);
    aof_open(&r, &in, &(struct aof_limits){.loose = true});
    struct log_held held;
    log_stream_begin(s);
    log_held_begin(&held);
    while ((item = aof_next(&r)) == AOF_COMMAND || item == AOF_ANNOTATION) {
        int64_t before = s->offset;
        size_t len = out ? out->len : 0;
        enum log_stream_got got = log_stream_read(s, &r, item, out);
        log_held_read(&held, &r, item);
        must(!held.known || held.in_unit || held.offset >= 0);
        must(!held.known || !s->known);
        must(s->offset >= 0 && s->offset >= (got == LOG_STREAM_BEGINS ? 0 : before));
        broken += got == LOG_STREAM_BROKEN;
        if (got == LOG_STREAM_ON && s->known && out)
            must((int64_t)(out->len - len) == s->offset - before);
        if (got != LOG_STREAM_ON)
            must(!out || got == LOG_STREAM_BROKEN || out->len == len);
        if (out && !s->known)
            buf_clear(out);
        if (out && out->len > (1 << 20)) /* it is not to be slow */
            buf_clear(out);
    }
    aof_close(&r);
    in_free(&in);
    return broken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log_stream s, counted;
    struct buf out = {0};
    struct slice bytes = slice((const char *)data, size);
    int made = read_all(bytes, &s, &out), only = read_all(bytes, &counted, NULL);
    /* A command in another spelling is found by whoever makes it. */
    if (made == 0 && only == 0) {
        must(s.known == counted.known);
        must(!s.known || (s.offset == counted.offset && s.in_unit == counted.in_unit));
    }
    buf_free(&out);
    return 0;
}

void fuzz_seeds(void)
{
#define ID "0123456789abcdef0123456789abcdef01234567"
#define SET "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"
#define SELECT "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
    static const char *const seeds[] = {
        "#REPL!" ID " 0000000000000005 00000000\r\n" SELECT SET "#REPL+e\r\n" SET,
        "#REPL!" ID " 0000000000000005 00000000\r\n#REPL*3c\r\n" SELECT SET SET "#REPL-\r\n" SET,
        "#REPL:" ID " 0000000000000000 00000000\r\n#REPL*25\r\n" MULTI SET SET EXEC
        "#REPL+1c\r\n" SET
        "#REPL:" ID " 00000000000000e4 00000000\r\n" SET,
        "#REPL=" ID " 0000000000000005 00000000 00000003\r\n" SET
        "#REPL~ffffffffffffffff 00000000\r\n" MULTI SET EXEC SELECT SET "#REPL-\r\n" SET};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_add(seeds[i], strlen(seeds[i]));
    fuzz_add_path("fixtures");
}
