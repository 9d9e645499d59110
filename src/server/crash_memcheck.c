/* SPDX-License-Identifier: BSD-3-Clause */
/* Every word is turned over and back. So the other threads must stand still first: one of them may
 * be writing to a file from the very memory. Each gets a signal whose handler never returns; when
 * one does not come to it, nothing is tested. Only pages that are in memory are touched, and not
 * the mapping in which this code's own stack lies. */
#include "server/crash_memcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/mem_test.h"
#include "base/must.h"
#include "server/crash.h"

enum { PAGES_AT_ONCE = 4096, TEST_SECONDS = 20, WAIT_STEPS = 100 };

struct result {
    size_t bad, bytes;
    struct timespec began;
    bool over; /* the time is */
};

/* ---- the other threads ---- */

static void stand_still(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    atomic_fetch_add((atomic_int *)info->si_value.sival_ptr, 1);
    for (;;)
        pause();
}

/* A line of getdents64, as the kernel writes it. */
struct entry_of_dir {
    uint64_t inode;
    int64_t next;
    unsigned short len;
    unsigned char type;
    char name[];
};

static int signal_one(const char *name, atomic_int *still)
{
    pid_t me = (pid_t)syscall(SYS_gettid), thread = (pid_t)strtol(name, NULL, 10);
    if (thread <= 0 || thread == me)
        return 0;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGUSR2;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_value.sival_ptr = still;
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, SIGUSR2, &info) == 0;
}

/* opendir would allocate. How many were told. */
static int signal_others(atomic_int *still)
{
    _Alignas(8) char list[8192];
    int told = 0;
    int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    long got;
    while ((got = syscall(SYS_getdents64, fd, list, sizeof list)) > 0) {
        for (long at = 0; at < got;) {
            const struct entry_of_dir *e = (const struct entry_of_dir *)(void *)(list + at);
            told += signal_one(e->name, still);
            at += e->len;
        }
    }
    close(fd);
    return told;
}

static bool stop_others(void)
{
    static const struct timespec step = {.tv_nsec = 10000000};
    struct sigaction act = {.sa_sigaction = stand_still, .sa_flags = SA_SIGINFO};
    atomic_int still = 0;
    sigfillset(&act.sa_mask);
    sigaction(SIGUSR2, &act, NULL);
    int told = signal_others(&still);
    for (int i = 0; i < WAIT_STEPS && told >= 0 && still < told; i++)
        nanosleep(&step, NULL);
    return told >= 0 && still == told;
}

/* ---- the memory ---- */

static bool time_is_over(const struct result *r)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - r->began.tv_sec >= TEST_SECONDS;
}

static void test_range(char *from, char *to, struct result *r)
{
    unsigned char in_memory[PAGES_AT_ONCE];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    must(from < to && (size_t)(to - from) % page == 0);
    while (from < to && !r->over) {
        size_t pages = (size_t)(to - from) / page;
        pages = pages < PAGES_AT_ONCE ? pages : PAGES_AT_ONCE;
        if (mincore(from, pages * page, in_memory) < 0)
            return;
        for (size_t i = 0; i < pages; i++) {
            if (!(in_memory[i] & 1))
                continue;
            r->bad += mem_test_flip((volatile uint64_t *)(void *)(from + i * page),
                                    page / sizeof(uint64_t));
            r->bytes += page;
        }
        from += pages * page;
        r->over = time_is_over(r);
    }
}

/* A line of /proc/self/maps: private memory that no file is behind. */
static void test_map(const char *line, struct result *r)
{
    unsigned long from, to, inode;
    char rights[5], name[16] = "";
    char *here = (char *)&from;
    if (sscanf(line, "%lx-%lx %4s %*x %*s %lu %15s", &from, &to, rights, &inode, name) < 4)
        return;
    bool is_own = (unsigned long)(uintptr_t)here >= from && (unsigned long)(uintptr_t)here < to;
    bool is_kernels = name[0] == '[' && strcmp(name, "[heap]") != 0 && strcmp(name, "[anon") != 0;
    if (strcmp(rights, "rw-p") == 0 && inode == 0 && !is_own && !is_kernels)
        test_range((char *)(uintptr_t)from, (char *)(uintptr_t)to, r);
}

/* The list is read whole before the first map is touched. False: there is none, or it is longer. */
static bool test_maps(struct result *r)
{
    static const size_t room = 64 * 1024;
    char text[64 * 1024 + 1];
    size_t len = 0;
    ssize_t got = 1;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (got > 0 && len < room) {
        got = read(fd, text + len, room - len);
        len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    text[len] = '\0';
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        test_map(line, r);
    }
    return len > 0;
}

static void tell(void *arg)
{
    const bool *on = arg;
    struct result r = {0};
    int64_t off = 0, was;
    char line[160];
    if (!*on) {
        log_raw(LOG_WARNING_LEVEL, "crash-memcheck-enabled is no\n");
        return;
    }
    mem_ctl("background_thread", &off, &was); /* the allocator's own hears no signal */
    if (!stop_others()) {
        log_raw(LOG_WARNING_LEVEL, "A thread does not stand still: nothing was tested\n");
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &r.began);
    if (!test_maps(&r)) {
        log_raw(LOG_WARNING_LEVEL, "Where the memory lies can't be told: nothing was tested\n");
        return;
    }
    snprintf(line, sizeof line, "%s %zu MB were tested%s, %zu words failed\n",
             r.bad ? "!!! MEMORY ERROR DETECTED! Check your memory ASAP !!!"
                   : "Fast memory test PASSED, which --test-memory can be surer of.",
             r.bytes >> 20, r.over ? " before the time was over" : "", r.bad);
    log_raw(LOG_WARNING_LEVEL, line);
}

void crash_memcheck_register(const bool *on)
{
    crash_add_reporter("FAST MEMORY TEST", tell, (void *)(uintptr_t)on);
}
