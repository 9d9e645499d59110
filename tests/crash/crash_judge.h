/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory as a loss of power left it: does the server start on it, with what data set, with the
 * check tool's help if need be, and does it go on from there? */
#ifndef TESTS_CRASH_JUDGE_H
#define TESTS_CRASH_JUDGE_H

#include "tests/crash/crash_client.h"

struct judge {
    char dir[PATH_TEXT], log[PATH_TEXT], sock[PATH_TEXT];
    char before[PATH_TEXT]; /* a copy of dir, made when a repair is recorded */
    bool has_log;           /* there may be an append log to repair */
    struct args args;
    char (*digests)[DIGEST_LINE];
    uint64_t digest_count;
};

struct verdict {
    bool ok, repaired, refused, fixed;
    uint64_t m;
    char how[200];
};

/* Fills the names; tag tells judges of one scratch directory apart. */
void judge_open(struct judge *j, const char *scratch, const char *tag);
/* Starts on j->dir; the number of units found must be floor to most. trace: takes what the start
 * did, or, when the server refused, what the tool did (j->before is as it was before that). What it
 * had to be told is in j->args then, for the starts that follow. */
struct verdict judge_state(struct judge *j, uint64_t floor, uint64_t most,
                           struct trace *trace);
/* Units behind m, a kill, a start. */
bool judge_goes_on(const struct judge *j, uint64_t m);
/* The last lines of a server's log. */
void judge_print_log(const char *path);

#endif
