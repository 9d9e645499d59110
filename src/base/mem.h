/* SPDX-License-Identifier: BSD-3-Clause */
/* The allocator: jemalloc (the C library's under a sanitizer), counted.
 *
 * mem_alloc and friends never return NULL: out of memory is reported and aborts. For a size that
 * comes from input and was already checked against a limit use mem_try_alloc, which may fail.
 * Any thread may allocate and free. Thread cost of the count: none, the allocator keeps it. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zero-filled */
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
void *mem_try_alloc(size_t size); /* NULL when there is no memory */
void *mem_try_realloc(void *p, size_t size); /* NULL: p is still valid */
void mem_free(void *p);                     /* NULL is fine */
void mem_free_sized(void *p, size_t size);  /* faster; size as asked for at allocation */
char *mem_strdup(const char *text);
void *mem_dup(const void *data, size_t len); /* adds a NUL after the copy */
void *mem_copy(const void *data, size_t len); /* just the bytes */

size_t mem_usable(const void *p);     /* bytes the allocator really gives p */
size_t mem_good_size(size_t size);    /* what mem_usable would answer for such an allocation */

/* Whole pages, zeroed, aligned to align (a power of two). They are not counted by themselves: who
 * cuts them up tells with mem_count what he handed out, and with mem_hold how much of them is
 * backed by memory. Any thread. */
void *mem_map(size_t size, size_t align);
void mem_unmap(void *p, size_t size);
void mem_discard(void *p, size_t size); /* the memory goes back, the addresses stay: zeros again */
void mem_hold(int64_t bytes);           /* more, or less when negative */
/* All of these pages will be written to soon: one call brings them in, where a fault for each would
 * cost several times as much. Only a hint. */
void mem_populate(void *p, size_t size);
/* Huge pages may back these, where the system has them for who asks. Only a hint. */
void mem_want_huge(void *p, size_t size);

/* A thread will allocate many small blocks: another one brings pages in for them, so that the first
 * need not. A hint; what is not used of it is given back like other free pages.
 *
 *   mem_nest_begin(&n);          by the thread that allocates
 *   mem_nest_warm(&n, bytes);    by the other, again and again, in front of so many bytes
 *   mem_nest_end(&n);            by either, when the other has nothing to do with it any more */
enum { MEM_NEST_KEPT = 32 };
struct mem_nest {
    unsigned arena;
    size_t count;
    void *kept[MEM_NEST_KEPT];
};
void mem_nest_begin(struct mem_nest *n);
void mem_nest_warm(struct mem_nest *n, size_t bytes);
void mem_nest_end(struct mem_nest *n);

/* Bytes now in use, by all registered threads: blocks of the allocator, and what was told to
 * mem_count. What is held beyond that is fragmentation (mem_stats). Cost: a few loads. */
size_t mem_used(void);
/* The same, but of other threads as this one's last mem_used saw them. For every command. */
size_t mem_used_about(void);
/* Each thread that allocates calls these at its start and end, so that mem_used sees it. */
void mem_thread_enter(void);
void mem_thread_leave(void);
#ifdef MEM_SYSTEM
void mem_count(int64_t bytes);
#else
extern _Thread_local int64_t mem_counted; /* only for the line below */
static inline void mem_count(int64_t bytes)
{
    mem_counted += bytes;
}
#endif

/* What INFO shows of the allocator; zeros where it cannot tell. */
struct mem_stats {
    size_t allocated, active, resident, retained, rss;
};
void mem_stats(struct mem_stats *out);
/* The allocator's own report, for people, piece by piece. */
void mem_report(void (*put)(void *arg, const char *text), void *arg);
void mem_purge(void);           /* give unused pages back to the system */
/* Those unused for a while, where the allocator waits for calls to notice the time. From cron, once
 * a second or so. Cheap. */
void mem_decay(void);
/* Once, at a server's start: pages of freed blocks of 8 MiB and more are kept for about ms
 * milliseconds, too, where the allocator gives them back at once: faulting them in again would cost
 * several times what receiving or sending such a value does. */
void mem_keep_large(int ms);
/* A setting or figure of the allocator, by jemalloc's name for it: sets it to *to unless that is
 * NULL, and tells what it was. 0, or an errno: ENOENT for an unknown name and for another
 * allocator. Numbers of 8, 4 and 1 bytes; of texts, those that are known here to be texts. */
int mem_ctl(const char *name, const int64_t *to, int64_t *was);
int mem_ctl_text(const char *name, const char *to, const char **was);
const char *mem_allocator(void); /* "jemalloc-5.3.0", "libc" */

#endif
