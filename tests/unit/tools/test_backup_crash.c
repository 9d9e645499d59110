/* SPDX-License-Identifier: BSD-3-Clause */
/* backup create is killed at each of its disk calls, and each of them fails: the backups before are
 * whole all the time, and what is left over is told of and removed by the next run. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"
#include "tests/unit/unit.h"
#include "tools/tool.h"
#include "tools/verbs.h"

enum { KILLED = 99, NEVER = 1 << 20 };

/* ---- a disk that ends ---- */

static struct disk {
    int calls, at;
    bool fails; /* in place of ending the process */
} disk;

static int due(void)
{
    if (++disk.calls != disk.at)
        return 0;
    if (!disk.fails)
        _exit(KILLED);
    return -EIO;
}

static int d_open(const char *path, int flags, mode_t mode)
{
    int err = due();
    return err ? err : file_calls_real.open(path, flags, mode);
}
static ssize_t d_read(int fd, void *to, size_t n)
{
    int err = due();
    return err ? err : file_calls_real.read(fd, to, n);
}
static ssize_t d_write(int fd, const void *from, size_t n)
{
    int err = due();
    return err ? err : file_calls_real.write(fd, from, n);
}
static int d_fsync(int fd)
{
    int err = due();
    return err ? err : file_calls_real.fsync(fd);
}
static int d_rename(const char *from, const char *to)
{
    int err = due();
    return err ? err : file_calls_real.rename(from, to);
}
static int d_unlink(const char *path)
{
    int err = due();
    return err ? err : file_calls_real.unlink(path);
}
static int d_link(const char *from, const char *to)
{
    int err = due();
    return err ? err : file_calls_real.link(from, to);
}
static int d_mkdir(const char *path, mode_t mode)
{
    int err = due();
    return err ? err : file_calls_real.mkdir(path, mode);
}

static void use_disk(int at, bool fails)
{
    static struct file_calls calls;
    calls = file_calls_real;
    calls.open = d_open;
    calls.read = d_read;
    calls.write = d_write;
    calls.fsync = d_fsync;
    calls.rename = d_rename;
    calls.unlink = d_unlink;
    calls.link = d_link;
    calls.mkdir = d_mkdir;
    disk = (struct disk){.at = at, .fails = fails};
    file_use(&calls);
}

/* ---- the tool in a process of its own ---- */

static char output[64 << 10];

static int run(int at, bool fails, const char *word, const char *one, const char *two,
               const char *option)
{
    char out[256];
    snprintf(out, sizeof out, "%s/out", unit_tmpdir());
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {"holdfast", "backup", (char *)(uintptr_t)word, (char *)(uintptr_t)one,
                        (char *)(uintptr_t)(two ? two : option), (char *)(uintptr_t)option, NULL};
        int argc = 4 + (two != NULL) + (option != NULL);
        argv[argc] = NULL;
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        use_disk(at, fails);
        _exit(tool_main(argc, argv, &(struct tool_env){.verbs = tool_verbs}));
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    FILE *f = fopen(out, "r");
    size_t n = fread(output, 1, sizeof output - 1, f);
    fclose(f);
    output[n] = '\0';
    return WEXITSTATUS(status);
}

/* ---- a data directory by hand ---- */

static void put(const char *dir, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void make_log(const char *data)
{
    char dir[512];
    snprintf(dir, sizeof dir, "%s/appendonlydir", data);
    CHECK(mkdir(data, 0700) == 0 && mkdir(dir, 0700) == 0);
    put(dir, "a.aof.1.base.aof", "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n"
        "$1\r\n1\r\n");
    put(dir, "a.aof.1.incr.aof", "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n"
        "$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nc"); /* torn */
    put(dir, "a.aof.manifest", "file a.aof.1.base.aof seq 1 type b\n"
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
