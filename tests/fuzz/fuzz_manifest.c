/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a manifest. What is read must be printed so that it is read the same again. */
#include "base/mem.h"
#include "base/must.h"
#include "format/manifest.h"
#include "tests/fuzz/fuzz.h"

static bool reads(const struct manifest *m)
{
    struct manifest again = {0};
    struct fault f = {0};
    struct buf text = {0};
    manifest_print(m, &text);
    bool ok = manifest_parse(&again, buf_slice(&text), &f);
    manifest_free(&again);
    buf_free(&text);
    return ok;
}

/* What a server makes of it: increments and rewrites, as long as there are numbers and names. */
static void go_on(struct manifest *m)
{
    for (int i = 0; i < 4; i++) {
        int64_t base = manifest_next_base(m), incr = manifest_next_incr(m);
        must(base >= 0 && incr >= 0);
        if (!base || !incr)
            return;
        char *b = manifest_base_name("a", base, i % 2), *n = manifest_incr_name("a", incr);
        bool used = manifest_names(m, b) || manifest_names(m, n);
        if (!used) {
            manifest_add_incr(m, n, incr);
            manifest_set_base(m, b, base);
            manifest_retire_incr(m, 1);
            must(reads(m));
        }
        mem_free(b);
        mem_free(n);
        if (used)
            return;
    }
}

/* No file is named twice: what is history is deleted. */
static void named_once(const struct manifest *m)
{
    for (size_t i = 0; i < m->history.count; i++) {
        const char *name = m->history.files[i].name;
        must(!m->base.name || strcmp(m->base.name, name) != 0);
        for (size_t k = 0; k < m->incr.count; k++)
            must(strcmp(m->incr.files[k].name, name) != 0);
    }
}

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
            named_once(&m);
            go_on(&m);
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
        "file a seq 2 type b from 3\nfile b seq 1 type h from 1\nfile c seq 3 type i from 0\n",
        "file a seq 9223372036854775807 type b\nfile b seq 9223372036854775806 type i\n",
        "file a.1.incr.aof seq 1 type i\nfile a.1.incr.aof seq 1 type h\n",
        "file a.2.base.rdb seq 1 type b\nfile a.2.incr.aof seq 1 type i\n",
        "\n", "", "file a/b seq 1 type b\n", "file \"a seq 1 type b\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fuzz_add(texts[i], strlen(texts[i]));
}
