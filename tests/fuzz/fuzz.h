/* SPDX-License-Identifier: BSD-3-Clause */
/* A fuzzer is one function that must survive any bytes. fuzz.c gives it main(): a bounded, seeded
 * run over a corpus and mutations of it.
 *
 *   fuzz_listpack [-s seconds] [-n runs] [-S seed] [FILE or DIRECTORY ...]
 *
 * fuzz_seeds() of the fuzzer adds built-in inputs. A crash leaves the input in ./crash-<name>.
 * Last line: "1 passed, 0 failed". Also builds with libFuzzer: same entry point. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each fuzzer defines it; calls fuzz_add for inputs worth starting from. */
void fuzz_seeds(void);
void fuzz_add(const void *data, size_t size); /* copies */
/* Adds every file below path (whole); a .jsonl file: the base64 text of each string member named
 * member. Nothing when it is not there. */
void fuzz_add_path(const char *path);
void fuzz_add_base64(const char *jsonl_path, const char *member);

#endif
