/* SPDX-License-Identifier: BSD-3-Clause */
/* A failed check longjmps back to the runner: a case needs no error paths of its own. */
#include "tests/unit/unit.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

extern char *program_invocation_short_name;
static jmp_buf failed;
static uint64_t seed;
static char tmpdir[64];

static void remove_tmpdir(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", tmpdir);
    if (system(command) != 0)
        fprintf(stderr, "could not remove %s\n", tmpdir);
}

const char *unit_tmpdir(void)
{
    if (!tmpdir[0]) {
        snprintf(tmpdir, sizeof tmpdir, "/tmp/unit-XXXXXX");
        if (!mkdtemp(tmpdir)) {
            perror("mkdtemp");
            exit(1);
        }
        atexit(remove_tmpdir);
    }
    return tmpdir;
}

uint64_t unit_seed(void)
{
    const char *given = getenv("SEED");
    if (!seed && given)
        seed = strtoull(given, NULL, 10);
    if (!seed && getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = 1;
    return seed;
}

/* In a function of its own: nothing of the caller's lies in a register across the longjmp. */
static bool run_case(const struct unit_case *c)
{
    if (setjmp(failed) != 0)
        return false;
    c->run();
    return true;
}

int unit_run(const struct unit_case *cases)
{
    const char *only = getenv("ONLY_CASE");
    int passed = 0, bad = 0;
    for (const struct unit_case *c = cases; c->name; c++) {
        if (only && !strstr(c->name, only))
            continue;
        if (run_case(c)) {
            passed++;
        } else {
            bad++;
            printf("FAIL %s %s (seed %llu; alone: ONLY_CASE=%s)\n", program_invocation_short_name,
                   c->name, (unsigned long long)seed, c->name);
        }
    }
    printf("%d passed, %d failed\n", passed, bad);
    return bad != 0;
}

static void fail(void)
{
    fflush(stdout);
    longjmp(failed, 1);
}

void unit_check(bool ok, const char *what, const char *file, int line)
{
    if (ok)
        return;
    printf("%s:%d: not true: %s\n", file, line, what);
    fail();
}

void unit_check_int(int64_t got, int64_t want, const char *what, const char *file, int line)
{
    if (got == want)
        return;
    printf("%s:%d: %s is %lld, not %lld\n", file, line, what, (long long)got, (long long)want);
    fail();
}

void unit_check_slice(struct slice got, struct slice want, const char *what, const char *file,
                      int line)
{
    if (slice_eq(got, want))
        return;
    printf("%s:%d: %s is \"%.*s\" (%zu), not \"%.*s\" (%zu)\n", file, line, what, SLICE_ARG(got),
           got.len, SLICE_ARG(want), want.len);
    fail();
}
