/* SPDX-License-Identifier: BSD-3-Clause */
/* A server for a moment that is none: what is said of the files when it ends, and when it is
 * slow. */
#include "tools/scratch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/slice.h"
#include "os/file.h"
#include "tests/unit/unit.h"

#define MACHINE "1:M 01 Jan 2026 00:00:00.000 # WARNING the memory of this machine is of wood"

/* Starts a program of these lines in place of a server, over a log without a fault. */
static struct fault start(const char *lines)
{
    char program[256], log[256], next[256], text[512];
    struct source s;
    struct fault f = {0};
    snprintf(program, sizeof program, "%s/server", unit_tmpdir());
    snprintf(log, sizeof log, "%s/appendonly.aof", unit_tmpdir());
    snprintf(next, sizeof next, "%s/next", unit_tmpdir());
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", lines);
    CHECK(file_replace(next, log, SLICE_LIT("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"), &f));
    CHECK(file_replace(next, program, slice_str(text), &f));
    CHECK_INT(chmod(program, 0700), 0);
    CHECK(source_find(&s, log, &(struct source_options){0}, &f));
    const struct tool_env env = {.program = program};
    struct tool t = {.env = &env};
    CHECK(!scratch_start(&t, &s, 1, &f));
    source_free(&s);
    return f;
}

static void one_that_is_slow_says_nothing_of_the_files(void)
{
    struct fault f = start("echo '" MACHINE "' > server.log; "
                           "echo '1:M 01 Jan 2026 00:00:00.001 * Reading' >> server.log; "
                           "exec sleep 1000");
    CHECK_INT(f.code, FAULT_IO);
    CHECK_STR(f.what, "A server for a moment does not start within 1 s. Its log ends: "
                      "1:M 01 Jan 2026 00:00:00.001 * Reading");
    f = start("exec sleep 1000");
    CHECK_INT(f.code, FAULT_IO);
    CHECK(strstr(f.what, "it is empty"));
}

static void one_that_ends_says_why_and_the_machine_is_no_reason(void)
{
    struct fault f = start("echo '1:M 01 Jan 2026 00:00:00.000 # Bad file' > server.log; "
                           "echo '" MACHINE "' >> server.log; exit 1");
    CHECK_INT(f.code, FAULT_FORMAT);
    CHECK_STR(f.what, "A server does not load it: Bad file");
    f = start("echo '" MACHINE "' > server.log; exit 1");
    CHECK_INT(f.code, FAULT_FORMAT);
    CHECK_STR(f.what, "A server does not load it: it says nothing");
}

int main(void)
{
    return UNIT_RUN(UNIT(one_that_is_slow_says_nothing_of_the_files),
                    UNIT(one_that_ends_says_why_and_the_machine_is_no_reason));
}
