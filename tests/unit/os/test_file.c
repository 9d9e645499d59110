/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "tests/unit/unit.h"

static char log_text[64];
static int fail_at, interrupt;

static void log_call(char mark)
{
    size_t n = strlen(log_text);
    log_text[n] = mark;
    log_text[n + 1] = '\0';
}

#define FAKE(mark, call) \
    log_call(mark); \
    if (interrupt-- > 0) \
        return -EINTR; \
    if (fail_at && fail_at-- == 1) \
        return -EIO; \
    return call

static ssize_t fake_write(int fd, const void *from, size_t n)
{
    FAKE('w', file_calls_real.write(fd, from, n > 3 ? 3 : n)); /* short writes */
}

static int fake_fsync(int fd)
{
    FAKE('s', file_calls_real.fsync(fd));
}

static int fake_close(int fd)
{
    log_call('c');
    return file_calls_real.close(fd);
}

static int fake_rename(const char *from, const char *to)
{
    FAKE('r', file_calls_real.rename(from, to));
}

static int fake_unlink(const char *path)
{
    log_call('u');
    return file_calls_real.unlink(path);
}

static struct file_calls fake(void)
{
    struct file_calls t = file_calls_real;
    t.write = fake_write;
    t.fsync = fake_fsync;
    t.close = fake_close;
    t.rename = fake_rename;
    t.unlink = fake_unlink;
    log_text[0] = '\0';
    fail_at = interrupt = 0;
    return t;
}

static char path[200], tmp[210];

static void paths(void)
{
    snprintf(path, sizeof path, "%s/file", unit_tmpdir());
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
}

static void replace_in_order(void)
{
    struct fault f = {0};
    struct file_calls t = fake();
    struct buf got = {0};
    paths();
    file_use(&t);
    bool ok = file_replace(tmp, path, SLICE_LIT("content"), &f);
    file_use(NULL);
    CHECK(ok);
    CHECK_STR(log_text, "uwwwscrsc"); /* 3 short writes, sync, close, rename, directory synced */
    CHECK(!file_exists(tmp));
    CHECK(file_slurp(path, 7, &got, &f));
    CHECK_SLICE(buf_slice(&got), SLICE_LIT("content"));
    buf_clear(&got);
    CHECK(!file_slurp(path, 6, &got, &f));
    CHECK_INT(f.code, FAULT_LIMIT);
    buf_free(&got);
}

/* Whatever call fails: told, no temporary file left, and the old content stands unless the rename
 * had already been done. */
static void replace_fails(void)
{
    struct fault ignored = {0};
    paths();
    for (int n = 1; n <= 6; n++) {
        struct fault f = {0};
        struct buf got = {0};
        file_replace(tmp, path, SLICE_LIT("old"), &ignored);
        struct file_calls t = fake();
        fail_at = n;
        file_use(&t);
        bool ok = file_replace(tmp, path, SLICE_LIT("newbytes"), &f);
        file_use(NULL);
        CHECK(!ok);
        CHECK_INT(f.err, EIO);
        CHECK(!file_exists(tmp));
        CHECK(file_slurp(path, 100, &got, &ignored));
        CHECK_SLICE(buf_slice(&got), n < 6 ? SLICE_LIT("old") : SLICE_LIT("newbytes"));
        buf_free(&got);
    }
}

/* Who asks how it ended learns whether the new content may be there. */
static void put_tells(void)
{
    struct fault ignored = {0};
    paths();
    for (int n = 0; n <= 6; n++) {
        struct fault f = {0};
        file_replace(tmp, path, SLICE_LIT("old"), &ignored);
        struct file_calls t = fake();
        fail_at = n;
        file_use(&t);
        enum rename_end end = file_put(tmp, path, SLICE_LIT("newbytes"), &f);
        file_use(NULL);
        CHECK_INT(end, n == 0 ? RENAME_DONE : n < 6 ? RENAME_FAILED : RENAME_UNSURE);
        CHECK(fault_is(&f) == (n > 0));
    }
}

static void make(const char *name, const char *content)
{
    struct fault f = {0};
    CHECK(file_replace(tmp, name, slice_str(content), &f));
}

static void has(const char *name, const char *content)
{
    struct fault f = {0};
    struct buf got = {0};
    CHECK(file_slurp(name, 100, &got, &f));
    CHECK_STR(buf_cstr(&got), content);
    buf_free(&got);
}

static struct renamed rename_two(const struct renaming *list, int nth_fails)
{
    struct file_calls t = fake();
    fail_at = nth_fails;
    file_use(&t);
    struct renamed r = file_rename_durably(list, 2);
    file_use(NULL);
    return r;
}

/* In order, then one sync for each directory of a new name: or it tells how far it came. */
static void renamed_durably(void)
{
    char from[2][220], to[2][220], dir[210];
    paths();
    snprintf(dir, sizeof dir, "%s/sub", unit_tmpdir());
    CHECK_INT(file_mkdir(dir, 0755), 0);
    for (int two_dirs = 0; two_dirs < 2; two_dirs++)
        for (int n = 0; n <= 3 + two_dirs; n++) {
            for (int i = 0; i < 2; i++) {
                snprintf(from[i], sizeof from[i], "%s/from%d", unit_tmpdir(), i);
                snprintf(to[i], sizeof to[i], "%s/to%d", two_dirs && i ? dir : unit_tmpdir(), i);
                make(from[i], i ? "new1" : "new0");
                make(to[i], i ? "old1" : "old0");
            }
            struct renaming list[] = {{from[0], to[0]}, {from[1], to[1]}};
            struct renamed r = rename_two(list, n);
            CHECK_INT(r.end, n == 0 ? RENAME_DONE : n <= 2 ? RENAME_FAILED : RENAME_UNSURE);
            CHECK_INT(r.err, n == 0 ? 0 : -EIO);
            if (n)
                CHECK_INT(r.at, n <= 2 ? n - 1 : n - 3);
            has(to[0], n == 1 ? "old0" : "new0");
            has(to[1], n == 1 || n == 2 ? "old1" : "new1");
            if (n == 0)
                CHECK_STR(log_text, two_dirs ? "rrscsc" : "rrsc");
        }
}

/* What an earlier try left, open or not, is never written to again. */
static void created_anew(void)
{
    struct stat old, now;
    paths();
    int left = file_create(tmp, 0);
    CHECK(left >= 0 && file_fstat(left, &old) == 0);
    int fd = file_create(tmp, O_APPEND);
    CHECK(fd >= 0 && file_fstat(fd, &now) == 0);
    CHECK(old.st_ino != now.st_ino);
    CHECK_INT(file_close(fd), 0);
    CHECK_INT(file_close(left), 0);
    CHECK_INT(file_unlink(tmp), 0);
}

static bool count_names(void *arg, const char *name)
{
    int *n = arg;
    CHECK(name[0] != '.');
    return ++*n < 2;
}

static int no_names(const char *dir, bool (*visit)(void *arg, const char *name), void *arg)
{
    (void)dir;
    return visit(arg, "one") ? -EIO : 0;
}

/* Names of a directory come through the table too. */
static void names(void)
{
    struct file_calls t = file_calls_real;
    struct fault f = {0};
    int n = 0;
    char dir[100], inside[120], other[130];
    snprintf(dir, sizeof dir, "%s/names", unit_tmpdir());
    CHECK_INT(file_mkdir(dir, 0755), 0);
    CHECK_INT(file_each(dir, count_names, &n), 0);
    CHECK_INT(n, 0);
    for (int i = 0; i < 3; i++) {
        snprintf(inside, sizeof inside, "%s/%d", dir, i);
        snprintf(other, sizeof other, "%s.tmp", inside);
        CHECK(file_replace(other, inside, SLICE_LIT("x"), &f));
    }
    CHECK_INT(file_each(dir, count_names, &n), 0);
    CHECK_INT(n, 2); /* the visitor said stop */
    CHECK_INT(file_each(inside, count_names, &n), -ENOTDIR);
    t.each = no_names;
    n = 0;
    file_use(&t);
    CHECK_INT(file_each(dir, count_names, &n), -EIO);
    file_use(NULL);
    CHECK_INT(n, 1);
}

static void interrupted(void)
{
    struct fault f = {0};
    struct file_calls t = fake();
    paths();
    interrupt = 2;
    file_use(&t);
    bool ok = file_replace(tmp, path, SLICE_LIT("x"), &f);
    file_use(NULL);
    CHECK(ok);
    CHECK_STR(log_text, "uwwwscrsc");
}

static void errors(void)
{
    struct fault f = {0};
    struct buf b = {0};
    paths();
    CHECK_INT(file_open("/nonexistent/x", O_RDONLY, 0), -ENOENT);
    CHECK(!file_slurp("/nonexistent/x", 10, &b, &f));
    CHECK_INT(f.err, ENOENT);
    CHECK_INT(file_sync_dir("/nonexistent"), -ENOENT);
    CHECK_INT(file_sync_dir_of("relative"), 0);
    CHECK(file_is_dir(unit_tmpdir()) && !file_is_dir(path));
    int fd = file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK_INT(file_write_all(fd, "12345", 5, NULL), 0);
    CHECK_INT(file_truncate(fd, 2), 0);
    CHECK_INT(file_size(fd), 2);
    CHECK_INT(file_close(fd), 0);
    CHECK_INT(file_size(fd), -EBADF);
    CHECK_INT(file_unlink(path), 0);
    CHECK_INT(file_unlink(path), -ENOENT);
}

static void clocks(void)
{
    clock_refresh();
    int64_t before = clock_now.mono_us;
    CHECK(clock_mono_us() >= before);
    CHECK(clock_wall_ms() >= clock_now.wall_ms && clock_now.wall_ms > 1600000000000);
    CHECK(clock_cpu_used(CLOCK_OF_PROCESS).user_us >= 0);
}

int main(void)
{
    return UNIT_RUN(UNIT(replace_in_order), UNIT(replace_fails), UNIT(put_tells),
                    UNIT(renamed_durably), UNIT(created_anew),
                    UNIT(interrupted), UNIT(names), UNIT(errors), UNIT(clocks));
}
