/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a verb in a process whose disk ends, or fails, at a call of one's choice. */
#ifndef TESTS_UNIT_TOOLS_ENDING_DISK_H
#define TESTS_UNIT_TOOLS_ENDING_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "tests/unit/unit.h"
#include "tools/tool.h"
#include "tools/verbs.h"

enum { KILLED = 99, NEVER = 1 << 20 };

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

static char output[64 << 10];

/* `holdfast` with these words (NULL ends them); at: the call at which the disk ends. The exit code;
 * what it said is in output. */
static int run_words(int at, bool fails, const char *const *words)
{
    char out[256];
    snprintf(out, sizeof out, "%s/out", unit_tmpdir());
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[16] = {"holdfast"};
        int argc = 1;
        for (; words[argc - 1]; argc++)
            argv[argc] = (char *)(uintptr_t)words[argc - 1];
        int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        use_disk(at, fails);
        _exit(tool_main(argc, argv, &(struct tool_env){.verbs = tool_verbs}));
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    FILE *f = fopen(out, "r");
    size_t n = fread(output, 1, sizeof output - 1, f);
    fclose(f);
    output[n] = '\0';
    if (!WIFEXITED(status))
        printf("at call %d: %s\n", at, output);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static inline void put_file(const char *dir, const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

#endif
