/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static char path[200];

/* What another process gets: 0 for a descriptor, or -errno. */
static int another(pid_t *holder)
{
    int ends[2], answer[2] = {0, 0};
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t told = 0;
        int fd = lock_file_take(path, &told);
        answer[0] = fd < 0 ? fd : 0;
        answer[1] = (int)told;
        _exit(write(ends[1], answer, sizeof answer) != sizeof answer);
    }
    CHECK(read(ends[0], answer, sizeof answer) == sizeof answer);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    *holder = answer[1];
    return answer[0];
}

static void held_until_closed(void)
{
    pid_t holder = 0;
    snprintf(path, sizeof path, "%s/lock", unit_tmpdir());
    int fd = lock_file_take(path, &holder);
    CHECK(fd >= 0);
    CHECK_INT(another(&holder), -EAGAIN);
    CHECK_INT(holder, getpid());
    close(fd);
    CHECK_INT(another(&holder), 0);
    CHECK_INT(another(&holder), 0); /* the one before has ended, and its lock with it */
}

/* The descriptor of one that closes it is nothing that keeps the lock. */
static void a_child_that_closes_it(void)
{
    pid_t holder = 0;
    int ends[2], closed[2];
    char byte = 0;
    snprintf(path, sizeof path, "%s/forked", unit_tmpdir());
    CHECK(pipe(ends) == 0 && pipe(closed) == 0);
    int fd = lock_file_take(path, &holder);
    CHECK(fd >= 0);
    pid_t child = fork();
    if (child == 0) {
        close(fd);
        close(ends[1]);
        _exit(write(closed[1], "x", 1) != 1 || read(ends[0], &byte, 1) != 0);
    }
    CHECK(read(closed[0], &byte, 1) == 1);
    CHECK_INT(another(&holder), -EAGAIN);
    close(fd);
    CHECK_INT(another(&holder), 0);
    close(ends[1]);
    waitpid(child, NULL, 0);
}

static void what_is_no_file_of_ours(void)
{
    pid_t holder;
    char target[220];
    struct stat st;
    snprintf(path, sizeof path, "%s/link", unit_tmpdir());
    snprintf(target, sizeof target, "%s/target", unit_tmpdir());
    CHECK(symlink(target, path) == 0);
    CHECK_INT(lock_file_take(path, &holder), -ELOOP);
    CHECK(stat(target, &st) < 0);
    snprintf(path, sizeof path, "%s/pipe", unit_tmpdir());
    CHECK(mkfifo(path, 0600) == 0);
    CHECK_INT(lock_file_take(path, &holder), -EINVAL);
    snprintf(path, sizeof path, "%s/none/lock", unit_tmpdir());
    CHECK_INT(lock_file_take(path, &holder), -ENOENT);
}

int main(void)
{
    return UNIT_RUN(UNIT(held_until_closed), UNIT(a_child_that_closes_it),
                    UNIT(what_is_no_file_of_ours));
}
