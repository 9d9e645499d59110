/* SPDX-License-Identifier: BSD-3-Clause */
/* Is the memory of the machine sound? Patterns are written and read back.
 *
 *   mem_test_fill(words, count, MEM_TEST_RANDOM, round);
 *   size_t bad = mem_test_check(words, count, MEM_TEST_RANDOM, round, &first);
 */
#ifndef BASE_MEM_TEST_H
#define BASE_MEM_TEST_H

#include <stddef.h>
#include <stdint.h>

enum mem_test {
    MEM_TEST_ADDRESS, /* each word its own number: lines that are mixed up */
    MEM_TEST_RANDOM,
    MEM_TEST_SOLID,   /* all ones, all zeros by turns of rounds */
    MEM_TEST_CHECKER, /* 0101.., 1010.. */
    MEM_TESTS,
};
const char *mem_test_name(enum mem_test kind);

/* What was there is lost. The same kind and round give the same words. */
void mem_test_fill(volatile uint64_t *words, size_t count, enum mem_test kind, unsigned round);
/* How many words are not as mem_test_fill left them; *first: the first of these. */
size_t mem_test_check(const volatile uint64_t *words, size_t count, enum mem_test kind,
                      unsigned round, size_t *first);
/* Memory that is in use by nobody else just now: each word is turned over, read, put back, read.
 * The number of those that were not what was written. */
size_t mem_test_flip(volatile uint64_t *words, size_t count);

#endif
