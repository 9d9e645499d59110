/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/file_cut.h"

#include <errno.h>
#include <stdio.h>

#include "os/file.h"
#include "tests/unit/unit.h"

static void put(char path[512], const char *content)
{
    struct fault f = {0};
    char tmp[512];
    snprintf(path, 512, "%s/log", unit_tmpdir());
    snprintf(tmp, sizeof tmp, "%s/tmp", unit_tmpdir());
    CHECK(file_replace(tmp, path, slice_str(content), &f));
}

static void holds(const char *path, const char *content)
{
    struct buf text = {0};
    struct fault f = {0};
    CHECK(file_slurp(path, 1 << 20, &text, &f));
    CHECK_SLICE(buf_slice(&text), slice_str(content));
    buf_free(&text);
}

static void keeps_what_it_cuts(void)
{
    char path[512];
    struct buf kept = {0};
    struct fault f = {0};
    put(path, "0123456789");
    CHECK(file_cut(path, 10, 99, &kept, &f));
    CHECK_INT((int64_t)kept.len, 0);
    CHECK(file_cut(path, 7, 99, &kept, &f));
    CHECK(strstr(buf_cstr(&kept), "/log.cut-7-99"));
    holds(path, "0123456");
    holds(buf_cstr(&kept), "789");
    put(path, "abcdefghi");
    buf_clear(&kept);
    CHECK(file_cut(path, 7, 99, &kept, &f)); /* the name is taken */
    CHECK(strstr(buf_cstr(&kept), "/log.cut-7-99.1"));
    holds(buf_cstr(&kept), "hi");
    CHECK(!file_cut("/nowhere/at/all", 7, 99, &kept, &f));
    CHECK_INT(f.err, ENOENT);
    buf_free(&kept);
}

static int no_sync(int fd)
{
    (void)fd;
    return -EIO;
}

static void cuts_nothing_that_it_could_not_keep(void)
{
    char path[512];
    struct buf kept = {0};
    struct fault f = {0};
    put(path, "0123456789");
    struct file_calls calls = file_calls_real;
    calls.fsync = no_sync;
    file_use(&calls);
    bool ok = file_cut(path, 3, 100, &kept, &f);
    file_use(NULL);
    CHECK(!ok && f.err == EIO && kept.len == 0);
    holds(path, "0123456789");
    char name[600];
    snprintf(name, sizeof name, "%s.cut-3-100", path);
    CHECK(!file_exists(name));
    buf_free(&kept);
}

int main(void)
{
    return UNIT_RUN(UNIT(keeps_what_it_cuts), UNIT(cuts_nothing_that_it_could_not_keep));
}
