/* SPDX-License-Identifier: BSD-3-Clause */
/* backup create is killed at each of its disk calls, and each of them fails: the backups before are
 * whole all the time, and what is left over is told of and removed by the next run. */
#include <dirent.h>
#include <string.h>

#include "tests/unit/tools/ending_disk.h"

static int run(int at, bool fails, const char *word, const char *one, const char *two,
               const char *option)
{
    return run_words(at, fails, (const char *[]){"backup", word, one, two ? two : option,
                                                 two ? option : NULL, NULL});
}

/* ---- a data directory by hand ---- */

static void make_log(const char *data)
{
    char dir[512];
    snprintf(dir, sizeof dir, "%s/appendonlydir", data);
    CHECK(mkdir(data, 0700) == 0 && mkdir(dir, 0700) == 0);
    put_file(dir, "a.aof.1.base.aof",
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n"
        "$1\r\n1\r\n");
    put_file(dir, "a.aof.1.incr.aof",
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n"
        "$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nc"); /* torn */
    put_file(dir, "a.aof.manifest", "file a.aof.1.base.aof seq 1 type b\n"
        "file a.aof.1.incr.aof seq 1 type i\n");
}

static int count_backups(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void every_call(bool fails)
{
    char data[256], dir[256];
    snprintf(data, sizeof data, "%s/data%d", unit_tmpdir(), fails);
    snprintf(dir, sizeof dir, "%s/backups%d", unit_tmpdir(), fails);
    make_log(data);
    CHECK_INT(run(NEVER, false, "create", data, dir, NULL), 0);
    int whole = 1, interrupted = 0, code = -1, at = 1;
    for (; code != 0 || at < 40; at++) {
        CHECK(at < 1000);
        code = run(at, fails, "create", data, dir, NULL);
        CHECK(code == 0 || code == (fails ? code : KILLED));
        int now = count_backups(dir);
        /* One more when all but the last steps were done, whatever was said then. */
        CHECK(now == whole || now == whole + 1);
        CHECK(code != 0 || now == whole + 1);
        whole = now;
        CHECK_INT(run(NEVER, false, "verify", dir, NULL, "--backup=all"), 0);
        CHECK_INT(run(NEVER, false, "create", data, dir, NULL), 0);
        interrupted += strstr(output, "was interrupted") != NULL;
        CHECK_INT(count_backups(dir), ++whole);
        CHECK_INT(run(NEVER, false, "expire", dir, "--keep=1", "--yes"), 0);
        whole = 1;
        CHECK_INT(count_backups(dir), 1);
    }
    CHECK(fails || interrupted > 10);
}

/* What is restored has its name only when it is whole. */
static void every_call_of_a_restore(bool fails)
{
    char data[256], dir[256], out[256], manifest[512];
    snprintf(data, sizeof data, "%s/from%d", unit_tmpdir(), fails);
    snprintf(dir, sizeof dir, "%s/kept%d", unit_tmpdir(), fails);
    make_log(data);
    CHECK_INT(run(NEVER, false, "create", data, dir, NULL), 0);
    int code = -1;
    for (int at = 1; code != 0; at++) {
        CHECK(at < 1000);
        snprintf(out, sizeof out, "%s/out%d-%d", unit_tmpdir(), fails, at);
        snprintf(manifest, sizeof manifest, "%s/appendonlydir/a.aof.manifest", out);
        code = run(at, fails, "restore", dir, out, NULL);
        CHECK(code == 0 || fails || code == KILLED);
        struct stat st;
        CHECK(code != 0 || stat(manifest, &st) == 0);
        CHECK(stat(out, &st) != 0 || stat(manifest, &st) == 0);
        if (stat(out, &st) != 0)
            CHECK_INT(run(NEVER, false, "restore", dir, out, NULL), 0);
    }
}

static void a_restore_that_ends(void)
{
    every_call_of_a_restore(false);
    every_call_of_a_restore(true);
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
    return UNIT_RUN(UNIT(killed_at_every_call), UNIT(every_call_fails), UNIT(a_restore_that_ends));
}
