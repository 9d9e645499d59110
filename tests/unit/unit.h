/* SPDX-License-Identifier: BSD-3-Clause */
/* A unit test program: a list of named cases, checks that tell place and values.
 *
 *   static void adds(void) { CHECK_INT(1 + 1, 2); }
 *   int main(void) { return UNIT_RUN(UNIT(adds)); }
 *
 * A failed check ends its case; the others run. Last line: "N passed, M failed". ONLY_CASE=word in
 * the environment runs only the cases whose name contains it. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct unit_case {
    const char *name;
    void (*run)(void);
};

#define UNIT(function) {#function, function}
#define UNIT_RUN(...) unit_run((const struct unit_case[]){__VA_ARGS__, {NULL, NULL}})
int unit_run(const struct unit_case *cases);

#define CHECK(x) unit_check((x), #x, __FILE__, __LINE__)
#define CHECK_INT(got, want) unit_check_int((got), (want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want) \
    unit_check_slice(slice_str(got), slice_str(want), #got, __FILE__, __LINE__)
#define CHECK_SLICE(got, want) unit_check_slice((got), (want), #got, __FILE__, __LINE__)

void unit_check(bool ok, const char *what, const char *file, int line);
void unit_check_int(int64_t got, int64_t want, const char *what, const char *file, int line);
void unit_check_slice(struct slice got, struct slice want, const char *what, const char *file,
                      int line);

/* A random seed for this run, printed when a case fails; SEED=n in the environment repeats it. */
uint64_t unit_seed(void);
/* A fresh temporary directory, removed at exit. */
const char *unit_tmpdir(void);

#endif
