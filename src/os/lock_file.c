/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"

enum { FLAGS = O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY };
enum { LOOK_EVERY_US = 20000, ENDED_HOLDER_US = 2000000 };

/* A line of the kernel's table: "1: FLOCK  ADVISORY  WRITE 4711 fe:01:396521 0 EOF". */
static pid_t holder_of(int fd)
{
    struct stat st;
    char line[256];
    pid_t found = 0;
    FILE *locks = fopen("/proc/locks", "re");
    if (!locks || fstat(fd, &st) < 0)
        st.st_ino = 0;
    while (locks && fgets(line, sizeof line, locks)) {
        long pid;
        unsigned major_id, minor_id;
        unsigned long ino;
        if (sscanf(line, "%*d: FLOCK %*s WRITE %ld %x:%x:%lu", &pid, &major_id, &minor_id, &ino) ==
                4 && pid > 0 && ino == st.st_ino && major_id == major(st.st_dev) &&
            minor_id == minor(st.st_dev))
            found = (pid_t)pid;
    }
    if (locks)
        fclose(locks);
    return found;
}

static int take(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}

int lock_file_take(const char *path, pid_t *holder)
{
    *holder = 0;
    int err = -EBADF;
    /* Over NFS flock becomes a record lock, and that wants to be able to write. */
    static const int ways[] = {O_RDONLY, O_RDWR};
    for (int i = 0; i < 2 && err == -EBADF; i++) {
        int fd = open(path, ways[i] | FLAGS, 0666);
        if (fd < 0)
            return -errno;
        err = take(fd);
        if (err == 0)
            return fd;
        if (err == -EAGAIN)
            *holder = holder_of(fd);
        close(fd);
    }
    must(err < 0 && *holder >= 0);
    return err;
}

bool process_has_ended(pid_t pid)
{
    char path[64];
    struct buf text = {0};
    struct fault f = {0};
    must(pid > 0); /* others are not one process */
    if (kill(pid, 0) < 0 && errno == ESRCH)
        return true;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    bool zombie = false;
    if (file_slurp(path, 4096, &text, &f)) {
        const char *name_end = strrchr(buf_cstr(&text), ')');
        zombie = name_end && strncmp(name_end, ") Z", 3) == 0;
    }
    buf_free(&text);
    return zombie;
}

static int take_patiently(lock_file_taking *how, const char *path, pid_t *holder)
{
    int64_t end_us = clock_mono_us() + ENDED_HOLDER_US;
    int fd = how(path, holder);
    while (fd == -EAGAIN && (*holder == 0 || process_has_ended(*holder)) &&
           clock_mono_us() < end_us) {
        usleep(LOOK_EVERY_US);
        fd = how(path, holder);
    }
    return fd;
}

int lock_file_take_from_ended(const char *path, pid_t *holder)
{
    return take_patiently(lock_file_take, path, holder);
}

static int take_dir(const char *dir, pid_t *holder)
{
    *holder = 0;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
    if (err == 0)
        return fd;
    if (fd >= 0 && err == -EAGAIN)
        *holder = holder_of(fd);
    if (fd >= 0)
        close(fd);
    return err;
}

int lock_dir_take(const char *dir, pid_t *holder)
{
    return take_patiently(take_dir, dir, holder);
}
