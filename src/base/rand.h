/* SPDX-License-Identifier: BSD-3-Clause */
/* Random numbers: a fast generator for choices (seedable, so tests repeat) and the system's source
 * for secrets and ids. The fast one is per thread. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_seed(uint64_t seed); /* without it the first use draws a seed from the system */
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t n); /* 0..n-1, unbiased; n > 0 */
double rand_unit(void);          /* [0, 1) */
void rand_secure(void *out, size_t len);
/* n lower-case hex digits from the secure source, then NUL: run ids, eof marks. */
void rand_hex(char *out, size_t n);

#endif
