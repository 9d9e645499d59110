/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a manifest. What is read must be printed so that it is read the same again. */
#include "base/must.h"
#include "format/manifest.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m = {0}, again = {0};
    struct fault f = {0};
    if (manifest_parse(&m, slice(data, size), &f)) {
        struct buf text = {0}, second = {0};
        bool any = m.base.name || m.incr.count || m.history.count;
        bool fits = true;
        manifest_print(&m, &text);
        for (size_t i = 0, run = 0; i < text.len; i++) {
            run = text.data[i] == '\n' ? 0 : run + 1;
            fits = fits && run < MANIFEST_LINE_MAX; /* escapes make a name longer */
        }
        if (any && fits) {
            must(manifest_parse(&again, buf_slice(&text), &f));
            manifest_print(&again, &second);
            must(slice_eq(buf_slice(&text), buf_slice(&second)));
        }
        buf_free(&text);
        buf_free(&second);
    }
    manifest_free(&m);
    manifest_free(&again);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const texts[] = {
        "file appendonly.aof.2.base.rdb seq 2 type b\n"
        "file appendonly.aof.2.incr.aof seq 2 type i\n",
        "# x\nfile \"a \\x41\\\"\\n\" seq 1 type h\nfile 'b\\'c' seq 9 type i endoffset 7\n",
        "FILE a SEQ 1 TYPE base\r\n\tfile b seq 3 type incr \n",
        "file a seq 1 type b\nfile b seq 1 type b\n",
        "file a seq 1 type b id 0123456789abcdef size 12\nfile b seq 1 type i size 0\n",
        "\n", "", "file a/b seq 1 type b\n", "file \"a seq 1 type b\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fuzz_add(texts[i], strlen(texts[i]));
}
