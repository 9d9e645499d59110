/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/leftovers.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "tests/unit/unit.h"

static void names(void)
{
    static const struct {
        const char *name;
        int pid;
    } rows[] = {
        {"temp-1.rdb", 1}, {"temp-123456.rdb", 123456}, {"temp-rewriteaof-77.aof", 77},
        {"temp-rewriteaof-bg-77.aof", 77}, {"temp-.rdb", 0}, {"temp-0.rdb", 0},
        {"temp-01.rdb", 0}, {"temp--1.rdb", 0}, {"temp-+1.rdb", 0}, {"temp- 1.rdb", 0},
        {"temp-1.rdb.bak", 0}, {"temp-1.rd", 0}, {"temp-1", 0}, {"xtemp-1.rdb", 0},
        {"temp-1x.rdb", 0}, {"temp-1234567890.rdb", 0}, {"temp-rewriteaof-1.rdb", 0},
        {"temp-rewriteaof-.aof", 0}, {"temp-rewriteaof-bg-.aof", 0}, {"temp-1.aof", 0},
        {"temp-appendonly.aof.incr", 0}, {"dump.rdb", 0}, {"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_INT(leftovers_pid(rows[i].name), rows[i].pid);
}

static const char *path_of(char room[512], pid_t pid)
{
    snprintf(room, 512, "%s/temp-%ld.rdb", unit_tmpdir(), (long)pid);
    return room;
}

static void make(const char *path)
{
    int fd = file_open(path, O_WRONLY | O_CREAT, 0644);
    CHECK(fd >= 0);
    file_close(fd);
}

/* Of a process that is gone, of one that ended and was not waited for, of us, of one that lives. */
static void only_of_the_dead(void)
{
    char gone[512], zombie[512], ours[512], parents[512];
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    pid_t unwaited = fork();
    if (unwaited == 0)
        _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)unwaited, &info, WEXITED | WNOWAIT);
    make(path_of(gone, dead));
    make(path_of(zombie, unwaited));
    make(path_of(ours, getpid()));
    make(path_of(parents, getppid()));
    leftovers_remove(unit_tmpdir());
    CHECK(!file_exists(gone));
    CHECK(!file_exists(zombie));
    CHECK(!file_exists(ours));
    CHECK(file_exists(parents));
    waitpid(unwaited, NULL, 0);
}

int main(void)
{
    return UNIT_RUN(UNIT(names), UNIT(only_of_the_dead));
}
