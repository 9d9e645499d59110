/* SPDX-License-Identifier: BSD-3-Clause */
/* The count costs nothing on the hot path: jemalloc keeps per-thread totals of bytes allocated and
 * freed, and tells where they lie. mem_used adds up those of the registered threads (a block freed
 * by another thread than its maker cancels out in the sum), what finished threads left behind, and
 * what was cut from maps, which each thread counts for itself too. Under a sanitizer the C
 * library's allocator is used and a counter of usable sizes kept.
 */
#include "base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/must.h"

#ifndef MEM_SYSTEM
#include <jemalloc/jemalloc.h>
#endif

static _Atomic size_t held; /* of maps, backed by memory */

static _Noreturn void out_of_memory(size_t size)
{
    char line[96];
    snprintf(line, sizeof line, "Out Of Memory allocating %zu bytes!", size);
    must_failed(line, __FILE__, __LINE__);
}

#ifdef MEM_SYSTEM

static _Atomic size_t counted;

static void *count_in(void *p)
{
    if (p)
        counted += malloc_usable_size(p);
    return p;
}

void *mem_try_alloc(size_t size)
{
    return count_in(malloc(size ? size : 1));
}

void *mem_try_realloc(void *p, size_t size)
{
    size_t before = p ? malloc_usable_size(p) : 0;
    void *moved = realloc(p, size ? size : 1);
    if (moved)
        counted -= before;
    return count_in(moved);
}

void mem_free(void *p)
{
    if (p)
        counted -= malloc_usable_size(p);
    free(p);
}

void mem_free_sized(void *p, size_t size)
{
    (void)size;
    mem_free(p);
}

size_t mem_usable(const void *p)
{
    return malloc_usable_size((void *)(uintptr_t)p);
}

size_t mem_good_size(size_t size)
{
    return (size + 15) & ~(size_t)15;
}

size_t mem_used(void)
{
    return counted;
}

size_t mem_used_about(void)
{
    return counted;
}

void mem_count(int64_t bytes)
{
    counted += (size_t)bytes;
}

void mem_thread_enter(void) {}
void mem_thread_leave(void) {}
void mem_report(void (*put)(void *arg, const char *text), void *arg)
{
    put(arg, "Stats not supported for the current allocator");
}

void mem_nest_begin(struct mem_nest *n)
{
    *n = (struct mem_nest){0};
}

void mem_nest_warm(struct mem_nest *n, size_t bytes)
{
    (void)n, (void)bytes;
}

void mem_nest_end(struct mem_nest *n)
{
    (void)n;
}

void mem_purge(void) {}
void mem_decay(void) {}
void mem_keep_large(int ms)
{
    (void)ms;
}

int mem_ctl(const char *name, const int64_t *to, int64_t *was)
{
    (void)name, (void)to, (void)was;
    return ENOENT;
}

int mem_ctl_text(const char *name, const char *to, const char **was)
{
    (void)name, (void)to, (void)was;
    return ENOENT;
}

const char *mem_allocator(void)
{
    return "libc";
}

static void allocator_stats(struct mem_stats *out)
{
    out->allocated = mem_used();
    out->active = out->resident = out->allocated + held;
}

#else

enum { THREADS_MAX = 160 };
static struct {
    const uint64_t *allocated, *freed;
    const int64_t *counted;
} threads[THREADS_MAX];
_Thread_local int64_t mem_counted; /* cut from maps by this thread, minus put back */
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t left_behind; /* allocated minus freed by threads that are gone, modulo 2^64 */
static int threads_end; /* places from here on were never used */
static _Thread_local int my_thread = -1;
static _Thread_local uint64_t others; /* as this thread saw them last */

static const uint64_t *thread_counter(const char *name)
{
    uint64_t *at = NULL;
    size_t len = sizeof at;
    return mallctl(name, &at, &len, NULL, 0) == 0 ? at : NULL;
}

static uint64_t bytes_of(int i)
{
    return __atomic_load_n(threads[i].allocated, __ATOMIC_RELAXED) -
           __atomic_load_n(threads[i].freed, __ATOMIC_RELAXED) +
           (uint64_t)__atomic_load_n(threads[i].counted, __ATOMIC_RELAXED);
}

static void lock_threads(void)
{
    pthread_mutex_lock(&threads_lock);
}

static void unlock_threads(void)
{
    pthread_mutex_unlock(&threads_lock);
}

/* A child must not inherit the lock from a thread that is just starting. Runs once. */
static void guard_forks(void)
{
    pthread_atfork(lock_threads, unlock_threads, unlock_threads);
}

void mem_thread_enter(void)
{
    static pthread_once_t forks_guarded = PTHREAD_ONCE_INIT;
    pthread_once(&forks_guarded, guard_forks);
    must(my_thread < 0);
    const uint64_t *allocated = thread_counter("thread.allocatedp");
    const uint64_t *freed = thread_counter("thread.deallocatedp");
    if (!allocated || !freed)
        return;
    pthread_mutex_lock(&threads_lock);
    for (int i = 0; i < THREADS_MAX && my_thread < 0; i++) {
        if (!threads[i].allocated) {
            threads[i].allocated = allocated;
            threads[i].freed = freed;
            threads[i].counted = &mem_counted;
            my_thread = i;
            threads_end = i >= threads_end ? i + 1 : threads_end;
        }
    }
    pthread_mutex_unlock(&threads_lock);
}

void mem_thread_leave(void)
{
    if (my_thread < 0)
        return;
    pthread_mutex_lock(&threads_lock);
    must(threads[my_thread].counted == &mem_counted);
    left_behind += bytes_of(my_thread);
    threads[my_thread].allocated = threads[my_thread].freed = NULL;
    mem_counted = 0;
    pthread_mutex_unlock(&threads_lock);
    my_thread = -1;
}

size_t mem_used(void)
{
    if (my_thread < 0)
        mem_thread_enter();
    pthread_mutex_lock(&threads_lock);
    others = left_behind;
    for (int i = 0; i < threads_end; i++)
        others += i != my_thread && threads[i].allocated ? bytes_of(i) : 0;
    pthread_mutex_unlock(&threads_lock);
    return mem_used_about();
}

/* An unregistered thread's frees can outweigh: never show a wrapped number. */
size_t mem_used_about(void)
{
    uint64_t sum = others + (my_thread < 0 ? 0 : bytes_of(my_thread));
    return (int64_t)sum < 0 ? 0 : (size_t)sum;
}

void *mem_try_alloc(size_t size)
{
    return mallocx(size ? size : 1, 0);
}

void *mem_try_realloc(void *p, size_t size)
{
    return p ? rallocx(p, size ? size : 1, 0) : mem_try_alloc(size);
}

void mem_free(void *p)
{
    if (p)
        dallocx(p, 0);
}

void mem_free_sized(void *p, size_t size)
{
    if (p)
        sdallocx(p, size ? size : 1, 0);
}

size_t mem_usable(const void *p)
{
    return sallocx(p, 0);
}

size_t mem_good_size(size_t size)
{
    return nallocx(size ? size : 1, 0);
}

void mem_nest_begin(struct mem_nest *n)
{
    size_t len = sizeof n->arena;
    *n = (struct mem_nest){0};
    mallctl("thread.arena", &n->arena, &len, NULL, 0);
}

enum { NEST_PIECE = 128 << 10 };

static int nest_flags(const struct mem_nest *n)
{
    enum { ONE_PAGE = 4096 };
    return MALLOCX_ARENA(n->arena) | MALLOCX_TCACHE_NONE | MALLOCX_ALIGN(ONE_PAGE);
}

/* An extent that was freed is the first to be cut up for small blocks, if it is not very much
 * larger than they are (64 times). Neighbours grow together when they are free, so that every other
 * one is kept until the next time. */
void mem_nest_warm(struct mem_nest *n, size_t bytes)
{
    void *free[MEM_NEST_KEPT];
    size_t pairs = bytes / (2 * NEST_PIECE), got = 0;
    mem_nest_end(n);
    must(n->count == 0);
    for (pairs = pairs < MEM_NEST_KEPT ? pairs : MEM_NEST_KEPT; got < pairs; got++) {
        free[got] = mallocx(NEST_PIECE, nest_flags(n));
        void *kept = free[got] ? mallocx(NEST_PIECE, nest_flags(n)) : NULL;
        if (!free[got])
            break;
        mem_populate(free[got], NEST_PIECE);
        if (kept) {
            mem_populate(kept, NEST_PIECE);
            n->kept[n->count++] = kept;
        }
    }
    while (got > 0)
        sdallocx(free[--got], NEST_PIECE, nest_flags(n));
}

void mem_nest_end(struct mem_nest *n)
{
    must(n->count <= MEM_NEST_KEPT);
    while (n->count > 0)
        sdallocx(n->kept[--n->count], NEST_PIECE, nest_flags(n));
}

static void all_arenas(const char *verb)
{
    char name[48];
    snprintf(name, sizeof name, "arena.%u.%s", (unsigned)MALLCTL_ARENAS_ALL, verb);
    mallctl(name, NULL, NULL, NULL, 0);
}

void mem_report(void (*put)(void *arg, const char *text), void *arg)
{
    malloc_stats_print(put, arg, NULL);
}

void mem_purge(void)
{
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    all_arenas("purge");
}

void mem_decay(void)
{
    bool by_itself = false;
    size_t len = sizeof by_itself;
    if (mallctl("background_thread", &by_itself, &len, NULL, 0) == 0 && by_itself)
        return; /* a thread of the allocator's does it, and nobody waits meanwhile */
    all_arenas("decay");
}

/* Such blocks have an arena of their own, made with the first of them. */
void mem_keep_large(int ms)
{
    enum { LARGE = 8 << 20 };
    void *block = mem_alloc(LARGE);
    unsigned arena;
    size_t len = sizeof arena;
    if (mallctl("arenas.lookup", &arena, &len, &block, sizeof block) == 0) {
        char name[48];
        ssize_t keep = ms;
        size_t at_once = SIZE_MAX;
        snprintf(name, sizeof name, "arena.%u.dirty_decay_ms", arena);
        mallctl(name, NULL, NULL, &keep, sizeof keep);
        snprintf(name, sizeof name, "arena.%u.oversize_threshold", arena);
        mallctl(name, NULL, NULL, &at_once, sizeof at_once);
    }
    mem_free(block);
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *mem_allocator(void)
{
    return "jemalloc-" TEXT(JEMALLOC_VERSION_MAJOR) "." TEXT(JEMALLOC_VERSION_MINOR) "." TEXT(
        JEMALLOC_VERSION_BUGFIX);
}

/* Numbers have several widths, and their names do not say which: another than its own is refused
 * with EINVAL before anything is done. */
int mem_ctl(const char *name, const int64_t *to, int64_t *was)
{
    static const size_t widths[] = {8, 4, 1};
    int error = EINVAL;
    if (strstr(name, "hooks")) /* addresses of code */
        return EPERM;
    for (size_t i = 0; i < sizeof widths / sizeof *widths && error == EINVAL; i++) {
        uint64_t old = 0, new = to ? (uint64_t)*to : 0; /* the first bytes are the low ones */
        size_t len = widths[i];
        error = mallctl(name, &old, &len, to ? &new : NULL, to ? len : 0);
        if (!error)
            *was = (int64_t)old;
    }
    return error;
}

int mem_ctl_text(const char *name, const char *to, const char **was)
{
    static const char *const texts[] = {
        "version", "config.malloc_conf", "opt.metadata_thp", "opt.dss", "opt.percpu_arena",
        "opt.thp", "opt.zero_realloc", "opt.stats_print_opts", "opt.prof_prefix", "arena.0.dss"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t len = sizeof *was;
        if (!strcmp(name, texts[i]))
            return mallctl(name, was, &len, to ? &to : NULL, to ? sizeof to : 0);
    }
    return ENOENT;
}

static size_t stat_of(const char *name)
{
    size_t value = 0, len = sizeof value;
    return mallctl(name, &value, &len, NULL, 0) == 0 ? value : 0;
}

static void allocator_stats(struct mem_stats *out)
{
    uint64_t epoch = 1;
    mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
    out->allocated = mem_used(); /* without the blocks that lie in caches of threads */
    out->active = stat_of("stats.active") + held;
    out->resident = stat_of("stats.resident") + held;
    out->retained = stat_of("stats.retained");
}

#endif

void mem_stats(struct mem_stats *out)
{
    memset(out, 0, sizeof *out);
    allocator_stats(out);
    unsigned long pages = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm) {
        if (fscanf(statm, "%lu %lu", &pages, &resident) == 2)
            out->rss = resident * (size_t)sysconf(_SC_PAGESIZE);
        fclose(statm);
    }
}

void *mem_alloc(size_t size)
{
    void *p = mem_try_alloc(size);
    if (__builtin_expect(!p, 0))
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t size)
{
    return memset(mem_alloc(size), 0, size);
}

void *mem_realloc(void *p, size_t size)
{
    void *moved = mem_try_realloc(p, size);
    if (__builtin_expect(!moved, 0))
        out_of_memory(size);
    return moved;
}

void *mem_dup(const void *data, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return copy;
}

void *mem_copy(const void *data, size_t len)
{
    void *copy = mem_alloc(len);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

char *mem_strdup(const char *text)
{
    return mem_dup(text, strlen(text));
}

void *mem_map(size_t size, size_t align)
{
    must(size > 0 && align > 0 && (align & (align - 1)) == 0);
    size_t span = size + align;
    char *base = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        out_of_memory(size);
    char *start = (char *)(((uintptr_t)base + align - 1) & ~(uintptr_t)(align - 1));
    if (start > base)
        munmap(base, (size_t)(start - base));
    size_t behind = (size_t)(base + span - (start + size));
    if (behind)
        munmap(start + size, behind);
    return start;
}

void mem_populate(void *p, size_t size)
{
    must(size > 0 && (uintptr_t)p % 4096 == 0);
#ifdef MADV_POPULATE_WRITE
    madvise(p, size, MADV_POPULATE_WRITE);
#else
    (void)p, (void)size;
#endif
}

void mem_want_huge(void *p, size_t size)
{
#ifdef MADV_HUGEPAGE
    madvise(p, size, MADV_HUGEPAGE);
#else
    (void)p, (void)size;
#endif
}

void mem_unmap(void *p, size_t size)
{
    munmap(p, size);
}

void mem_discard(void *p, size_t size)
{
    madvise(p, size, MADV_DONTNEED);
}

void mem_hold(int64_t bytes)
{
    held += (size_t)bytes;
}
