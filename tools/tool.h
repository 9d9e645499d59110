/* SPDX-License-Identifier: BSD-3-Clause */
/* The verbs of `holdfast`, and what they share: one command line, one way to answer, one list of
 * exit codes. A verb is one file, named verb_ and its name, with one struct verb, named in verbs.c.
 *
 *   struct dump { const char *pattern; uint64_t databases; };
 *   static const struct tool_option options[] = {
 *       TOOL_OPTION("--match", TEXT, "PATTERN", struct dump, pattern, "only keys that match"),
 *       {0}};
 *   static int run(struct tool *t, void *state) { struct dump *d = state; ... }
 *   const struct verb verb_dump = {.name = "dump", .options = options,
 *       .state_size = sizeof(struct dump), .run = run, ...};
 *
 * The command line is taken apart before run is called: options in any place, "--name VALUE" and
 * "--name=VALUE", "--" ends them; what is left is args. help, man pages and the completion of the
 * shell are made from the same tables. run returns an exit code; what it found goes to t->say
 * (say.h), which prints text or, under --json, one object (docs/tools-json.md). Nothing is asked
 * without a terminal. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/fault.h"
#include "tools/progress_bar.h"
#include "tools/say.h"
#include "tools/verb.h"

/* In this order: failed, cannot open, newer, loss, damaged, truncated, differs, repaired, good. */
enum tool_exit tool_worse(enum tool_exit a, enum tool_exit b);
/* "good", "failed", "cannot-open", "truncated", "damaged", "loss", "newer", "repaired",
 * "differs" */
const char *tool_exit_name(enum tool_exit e);

/* What a kind of fault means, for every verb. Of data a limit is damage: numbers out of range. */
enum tool_exit tool_fault_exit(enum fault_code code);
/* The kind of fault that ends so; of what is no input's: an argument's. */
enum fault_code tool_exit_fault(enum tool_exit e);

struct check_libraries; /* check.h */
/* What the program around the tools can do for them. */
struct tool_env {
    const struct verb *const *verbs; /* all there are; NULL behind the last (verbs.h) */
    const struct check_libraries *libraries;
    const char *program; /* this executable, to run it as another (scratch.h) */
};

struct tool {
    const struct verb *verb;
    const struct tool_env *env;
    char **args; /* what is no option, NULL behind the last */
    size_t argc;
    struct say say;
    struct progress_bar progress;
    bool json, yes, quiet, in_place;
    bool want_progress;
    uint64_t threads;   /* at least 1; as many as there are CPUs unless --threads tells */
    const char *output; /* NULL: not told; "-": stdout */
};

/* `holdfast`: argv[1] is the verb. The exit code. */
int tool_main(int argc, char **argv, const struct tool_env *env);
/* One verb, with its options from argv[1] on: redis-check-rdb --json FILE is the verb check. */
int tool_run(const struct verb *verb, int argc, char **argv, const struct tool_env *env);
/* Is there a word that only the verb's options explain? --help is not: classic tools have it. */
bool tool_asked(const struct verb *verb, int argc, char **argv);

/* ---- for verbs ---- */

/* Says what is wrong (a row of the list "errors", and stderr) and gives the exit code for it. */
enum tool_exit tool_fault(struct tool *t, const struct fault *f);
/* The same for what no fault's code tells; code is given back. */
enum tool_exit tool_tell(struct tool *t, enum tool_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum tool_exit tool_usage(struct tool *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* May it be done? --yes says so; else a person at a terminal; without one: no. */
bool tool_agreed(struct tool *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "2026-11-29T14:03:00Z" (or a blank, without Z: local time), "@1764425000", "1764425000.250", and
 * "2 hours ago" as "-2h" (s m h d w). Unix milliseconds. */
bool tool_time(const char *text, int64_t *unix_ms);

#endif
