/* SPDX-License-Identifier: BSD-3-Clause */
/* The file "backup" of a backup: any bytes, and any lines with a right sum. What is read prints as
 * what reads as the same. */
#include <string.h>

#include "base/must.h"
#include "base/sha.h"
#include "tests/fuzz/fuzz.h"
#include "tools/backup.h"

/* Leads out of the backup's directory. A name may have as many dots as it likes. */
static bool leads_out(const char *name)
{
    for (const char *at = name; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return name[0] == '/';
}

static void try_text(struct slice text)
{
    struct backup b, again;
    struct fault f = {0};
    struct buf out = {0}, twice = {0};
    if (!backup_parse(&b, text, &f)) {
        must(fault_is(&f));
        return;
    }
    for (size_t i = 0; i < b.count; i++)
        must(!leads_out(b.files[i].name));
    backup_print(&b, &out);
    must(backup_parse(&again, buf_slice(&out), &f));
    backup_print(&again, &twice);
    must(slice_eq(buf_slice(&out), buf_slice(&twice)));
    backup_free(&b);
    backup_free(&again);
    buf_free(&out);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice(data, size);
    struct buf text = {0};
    char sum[65];
    try_text(input);
    buf_add(&text, input);
    if (text.len && text.data[text.len - 1] != '\n')
        buf_byte(&text, '\n');
    sha256_hex(buf_slice(&text), sum);
    buf_printf(&text, "sum %s\n", sum);
    try_text(buf_slice(&text));
    buf_free(&text);
    return 0;
}

void fuzz_seeds(void)
{
    static const char text[] =
        "holdfast-backup 1\nkind log\nserver \"7.2.4 (Holdfast)\"\nsource 127.0.0.1:6379\n"
        "log-id 9f5a32799baf9df2\nposition 4:126\nbegun 1795981887278\nended 1795981887288\n"
        "times -1 -1\nkeys 10001\ncommands 6\n"
        "base-digest 0000000041806b9aec305470b991988598411ff4\nstate-digest -\n"
        "compression zstd\nfile appendonlydir/a.aof.2.base.rdb kind base size 208192 stored 40869 "
        "sha256 f2410c1f64dd2d4e2db9e0fcc0ed934c8875fe00887569d378cd4ff3165d7868\n"
        "file \"a \\\"b\" kind manifest size 327 stored 327 "
        "sha256 ac6aab6ffb84ec03b5e8f443017ca87bd11d2e3383805a1d104b6513985ac2b8\n";
    fuzz_add(text, sizeof text - 1);
}
