/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes, whole and cut in pieces: the same commands, the same error (unless a line may be too
 * long), no byte outside touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "format/resp.h"
#include "tests/fuzz/fuzz.h"

static void cut(const uint8_t *data, size_t size, uint32_t cuts, bool small, struct buf *out)
{
    struct resp r;
    struct resp_command c;
    enum resp_got got = RESP_MORE;
    char *b = NULL;
    size_t len = 0;
    resp_init(&r, 1 << 20);
    r.unauthenticated = small;
    while (size && got != RESP_BAD) {
        size_t n = size;
        if (cuts) {
            cuts = cuts * 1103515245u + 12345u;
            n = 1 + (cuts >> 16) % (cuts & 1 ? 3 : 40);
            n = n > size ? size : n;
        }
        /* Every piece into a new block of the exact size, so that a step outside is seen. */
        size_t kept = len - r.start;
        char *next = mem_alloc(kept + n);
        if (kept)
            memcpy(next, b + r.start, kept);
        memcpy(next + kept, data, n);
        if (b)
            resp_moved(&r, b + r.start, next, r.start);
        mem_free(b);
        b = next;
        len = kept + n;
        data += n;
        size -= n;
        while ((got = resp_next(&r, b, len, &c)) == RESP_COMMAND) {
            const struct slice *argv = resp_argv(&r, &c);
            buf_printf(out, "%d:", c.argc);
            for (int i = 0; i < c.argc; i++) {
                buf_printf(out, "%zu ", argv[i].len);
                buf_add(out, argv[i]);
            }
            resp_batch_done(&r);
        }
        resp_batch_done(&r);
    }
    buf_printf(out, "end %s", got == RESP_BAD ? r.error : "");
    mem_free(b);
    resp_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0}, pieces = {0};
    uint32_t cuts = (uint32_t)size * 2654435761u + 1;
    bool small = size && data[0] & 1;
    cut(data, size, 0, small, &whole);
    cut(data, size, cuts, small, &pieces);
    if (size <= RESP_LINE_MAX && !slice_eq(buf_slice(&whole), buf_slice(&pieces))) {
        fprintf(stderr, "whole:  %.*s\npieces: %.*s\n", SLICE_ARG(buf_slice(&whole)),
                SLICE_ARG(buf_slice(&pieces)));
        abort();
    }
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const seeds[] = {
        "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n",
        "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$10\r\n0123456789\r\n",
        "PING\r\nset a \"b\\x41\" 'c d'\r\n",
        "*0\r\n*-1\r\n\r\n*1\r\nx\r\n",
        "*11\r\n$16385\r\n", "*1\r\n$1048577\r\n", "p 'a\\'b' \"\\\"\n*1\r\n$0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_add(seeds[i], strlen(seeds[i]));
}
