/* SPDX-License-Identifier: BSD-3-Clause */
/* fix --in-place is killed at each of its disk calls, and each of them fails: what was there is
 * there, or --undo puts it back, byte for byte. */
#include <string.h>

#include "base/buf.h"
#include "tests/unit/tools/ending_disk.h"

static const char base[] = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
static const char incr[] = "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n\xee\xee\xee garbage"
                           "*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n1\r\n";
static const char last[] = "*3\r\n$3\r\nSET\r\n$1\r\nd\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nc";
static const char old[] = "*3\r\n$3\r\nSET\r\n$1\r\ne\r\n$1\r\n1\r\n\xee\xee"
                          "*3\r\n$3\r\nSET\r\n$1\r\nf\r\n$1\r\n1\r\n";
static const char manifest[] = "file a.aof.2.base.aof seq 2 type b\n"
                               "file a.aof.1.incr.aof seq 1 type h size 56\n"
                               "file a.aof.2.incr.aof seq 2 type i\n"
                               "file a.aof.3.incr.aof seq 3 type i\n";
_Static_assert(sizeof old - 1 == 56, "as the manifest says");
static const struct {
    const char *name, *text;
} files[] = {{"a.aof.1.incr.aof", old}, {"a.aof.2.base.aof", base}, {"a.aof.2.incr.aof", incr},
             {"a.aof.3.incr.aof", last}, {"a.aof.manifest", manifest}};

static bool is_as_it_was(const char *dir)
{
    bool same = true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512], text[1024];
        snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
        FILE *f = fopen(path, "r");
        size_t n = f ? fread(text, 1, sizeof text, f) : 0;
        if (f)
            fclose(f);
        same = same && n == strlen(files[i].text) && memcmp(text, files[i].text, n) == 0;
    }
    return same;
}

static void every_call(bool fails)
{
    int code = -1, mended = 0, between = 0;
    for (int at = 1; code != 7 || at < 20; at++) {
        char dir[256];
        snprintf(dir, sizeof dir, "%s/log%d-%d", unit_tmpdir(), fails, at);
        CHECK(mkdir(dir, 0700) == 0 && at < 1000);
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            put_file(dir, files[i].name, files[i].text);
        code = run_words(at, fails, (const char *[]){"fix", "--salvage", "--in-place", "--yes", dir,
                                                     NULL});
        bool before = is_as_it_was(dir);
        CHECK(code != 7 || !before);
        CHECK(code != 7 || run_words(NEVER, false, (const char *[]){"check", dir, NULL}) == 0);
        mended += code == 7;
        between += code != 7 && !before;
        int undone = run_words(NEVER, false, (const char *[]){"fix", "--undo", "--yes", dir, NULL});
        CHECK(before || undone == 0 || undone == 7);
        CHECK(is_as_it_was(dir));
    }
    CHECK(mended > 0);
    CHECK(fails || between > 0); /* it was killed behind the first of the files, too */
}

static void killed_at_every_call(void)
{
    every_call(false);
}

static void every_call_fails(void)
{
    every_call(true);
}

int main(void)
{
    return UNIT_RUN(UNIT(killed_at_every_call), UNIT(every_call_fails));
}
