/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#include "tests/unit/unit.h"

static void copies_and_sizes(void)
{
    char *text = mem_strdup("abc");
    CHECK_STR(text, "abc");
    char *copy = mem_dup("a\0b", 3);
    CHECK(memcmp(copy, "a\0b", 4) == 0);
    unsigned char *zeros = mem_zalloc(1000);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(zeros[i], 0);
    CHECK(mem_usable(zeros) >= 1000);
    CHECK(mem_good_size(1000) >= 1000);
    mem_free(text);
    mem_free(copy);
    mem_free_sized(zeros, 1000);
    mem_free(NULL);
    mem_free_sized(NULL, 10);
}

/* The size was checked before, but there is no memory: no abort. */
static void trying_may_fail(void)
{
#ifdef __SANITIZE_ADDRESS__
    return; /* it ends the process instead */
#endif
    CHECK(mem_try_alloc((size_t)1 << 60) == NULL);
    void *p = mem_alloc(10);
    CHECK(mem_try_realloc(p, (size_t)1 << 60) == NULL);
    mem_free(p);
}

/* Maps are counted by what is told of them: handed out is used, held is resident. */
static void maps_are_aligned_and_counted_by_use(void)
{
    enum { SIZE = 1 << 20 };
    struct mem_stats one, two;
    mem_stats(&one);
    size_t before = mem_used();
    char *p = mem_map(SIZE, SIZE);
    mem_hold(SIZE);
    CHECK_INT((intptr_t)p & (SIZE - 1), 0);
    CHECK_INT(p[SIZE - 1], 0);
    CHECK(mem_used() < before + SIZE / 2);
    mem_stats(&two);
    CHECK(two.active >= one.active + SIZE / 2);
    mem_count(SIZE / 2);
    CHECK(mem_used() >= before + SIZE / 2);
    CHECK(mem_used_about() == mem_used());
    p[5] = 'x';
    mem_discard(p, SIZE);
    mem_hold(-SIZE);
    CHECK_INT(p[5], 0);
    mem_count(-SIZE / 2);
    mem_unmap(p, SIZE);
    CHECK(mem_used() < before + SIZE / 2);
}

static void *allocate(void *arg)
{
    mem_thread_enter();
    *(void **)arg = mem_alloc(1 << 20);
    mem_count(1 << 20);
    mem_thread_leave();
    return NULL;
}

/* Made by one thread, freed by another: the count comes out even. */
static void threads_are_counted(void)
{
    size_t before = mem_used();
    void *block;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, allocate, &block) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(mem_used() >= before + (2 << 20));
    mem_free(block);
    mem_count(-(1 << 20));
    CHECK(mem_used() < before + (1 << 19));
}

static void *warm(void *arg)
{
    mem_thread_enter();
    for (int i = 0; i < 20; i++)
        mem_nest_warm(arg, (size_t)i << 18);
    mem_thread_leave();
    return NULL;
}

/* Nothing is in use by it, whoever ends it. */
static void pages_are_brought_in_for_another(void)
{
    struct mem_nest nest;
    pthread_t thread;
    size_t before = mem_used();
    mem_nest_begin(&nest);
    CHECK(pthread_create(&thread, NULL, warm, &nest) == 0);
    void *blocks[1000];
    for (int i = 0; i < 1000; i++)
        memset(blocks[i] = mem_alloc(3000), i, 3000);
    CHECK(pthread_join(thread, NULL) == 0);
    mem_nest_end(&nest);
    CHECK_INT(nest.count, 0);
    CHECK(mem_used() >= before + 3000000 && mem_used() < before + 4000000);
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(((uint8_t *)blocks[i])[2999], i & 255);
        mem_free(blocks[i]);
    }
    CHECK(mem_used() < before + (1 << 19));
}

static void stats_tell_something(void)
{
    struct mem_stats stats;
    void *block = mem_alloc(1 << 20);
    mem_stats(&stats);
    CHECK(stats.rss > 0);
    CHECK(stats.allocated >= 1 << 20);
    mem_free(block);
    CHECK(strlen(mem_allocator()) > 0);
    mem_purge();
}

int main(void)
{
    mem_thread_enter();
    return UNIT_RUN(UNIT(copies_and_sizes), UNIT(trying_may_fail),
                    UNIT(maps_are_aligned_and_counted_by_use), UNIT(threads_are_counted),
                    UNIT(pages_are_brought_in_for_another),
                    UNIT(stats_tell_something));
}
