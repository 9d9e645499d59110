/* SPDX-License-Identifier: BSD-3-Clause */
/* Ziplist and zipmap walkers on anything. An accepted block must hand over the same elements again,
 * as many as it says, all inside the block (or decimal text), and stop when it is told to. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/legacy.h"
#include "containers/listpack.h"
#include "tests/fuzz/fuzz.h"

typedef bool walker(struct slice, legacy_visit *, void *, size_t *, const char **);

struct collected {
    uint8_t *lp;
    size_t left; /* stop when it gets to 0 */
};

static bool collect(void *arg, struct slice element)
{
    struct collected *c = arg;
    c->lp = lp_append(c->lp, element);
    return --c->left > 0;
}

static void try_blob(walker *walk, struct slice blob)
{
    size_t count, again, stopped_at;
    const char *why = NULL;
    struct collected c = {lp_new(), SIZE_MAX}, half = {lp_new(), 0};
    bool ok = walk(blob, NULL, NULL, &count, &why);
    must(ok || why);
    must(walk(blob, collect, &c, &again, &why) == ok && again == count);
    must(lp_count(c.lp) == count && count <= blob.len);
    if (ok && count > 1) {
        half.left = count / 2;
        must(!walk(blob, collect, &half, &stopped_at, &why));
        must(strcmp(why, "stopped") == 0 && stopped_at == count / 2);
        must(memcmp(half.lp + 6, c.lp + 6, lp_bytes(half.lp) - 7) == 0);
    }
    mem_free(c.lp);
    mem_free(half.lp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_blob(ziplist_walk, slice(data, size));
    try_blob(zipmap_walk, slice(data, size));
    if (size < 11)
        return 0;
    uint8_t *framed = mem_dup(data, size);
    framed[size - 1] = 0xff;
    try_blob(zipmap_walk, slice(framed, size));
    store_le32(framed, (uint32_t)size);
    store_le16(framed + 8, 65535);
    try_blob(ziplist_walk, slice(framed, size));
    mem_free(framed);
    return 0;
}

void fuzz_seeds(void)
{
    static const uint8_t zl[] =
        "\x20\0\0\0\x1b\0\0\0\4\0\0\xf3\2\xf6\2\x0bHello World\r\xc0\xe8\3\xff";
    static const uint8_t zm[] = "\2\3foo\3\0bar\5hello\5\0world\xff";
    static const uint8_t ints[] = "\x2b\0\0\0\x28\0\0\0\7\0"
                                  "\0\xd0\1\2\3\4\6\xe0\1\2\3\4\5\6\7\x88\x0a\xf0\1\2\x83\5\xfe\x80"
                                  "\3\x40\1x\4\xf1\2\xfd\xff";
    fuzz_add(zl, sizeof zl - 1);
    fuzz_add(zm, sizeof zm - 1);
    fuzz_add(ints, sizeof ints - 1);
}
