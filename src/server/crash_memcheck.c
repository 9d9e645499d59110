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

static atomic_int still; /* how many stand; one that comes late finds it, too */

static void stand_still(int number)
{
    (void)number;
    atomic_fetch_add(&still, 1);
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

static int signal_one(const char *name)
{
    pid_t me = (pid_t)syscall(SYS_gettid), thread = (pid_t)strtol(name, NULL, 10);
    if (thread <= 0 || thread == me)
        return 0;
    return syscall(SYS_tgkill, getpid(), thread, SIGUSR2) == 0;
}

/* opendir would allocate. How many were told. */
static int signal_others(void)
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
            told += signal_one(e->name);
            at += e->len;
        }
    }
    close(fd);
    return told;
}

static bool stop_others(void)
{
    static const struct timespec step = {.tv_nsec = 10000000};
    struct sigaction act = {.sa_handler = stand_still};
    sigfillset(&act.sa_mask);
    sigaction(SIGUSR2, &act, NULL);
    int told = signal_others();
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
    bool is_kernels = name[0] == '[' && strcmp(name, "[heap]") != 0 &&
                      strncmp(name, "[anon", 5) != 0;
    if (strcmp(rights, "rw-p") == 0 && inode == 0 && !is_own && !is_kernels)
        test_range((char *)(uintptr_t)from, (char *)(uintptr_t)to, r);
}

/* How many bytes of text were whole lines. */
static size_t test_lines(char *text, size_t len, struct result *r)
{
    char *line = text, *end;
    while ((end = memchr(line, '\n', len - (size_t)(line - text)))) {
        *end = '\0';
        test_map(line, r);
        line = end + 1;
    }
    return (size_t)(line - text);
}

/* False: there is no list, or its end was not come to. Nothing here makes the list another. */
static bool test_maps(struct result *r)
{
    char text[16 * 1024];
    size_t len = 0, lines = 1;
    ssize_t got = 1;
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while (got > 0 && lines && !r->over) {
        got = read(fd, text + len, sizeof text - len);
        len += got > 0 ? (size_t)got : 0;
        lines = test_lines(text, len, r);
        len -= lines;
        memmove(text, text + lines, len);
    }
    close(fd);
    return r->over || got == 0;
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
        log_raw(LOG_WARNING_LEVEL, "Not all of the memory was found: this says nothing\n");
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
