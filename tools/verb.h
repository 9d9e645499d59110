/* SPDX-License-Identifier: BSD-3-Clause */
/* What a verb says of itself (its own file fills it in), and the exit codes of all of them. */
#ifndef TOOLS_VERB_H
#define TOOLS_VERB_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/options.h"

/* Where several hold, the one that stands first in tool_worse's order counts. */
enum tool_exit {
    TOOL_GOOD = 0,
    TOOL_FAILED = 1,      /* usage, or what the classic tools answer 1 for */
    TOOL_CANNOT_OPEN = 2, /* or read, or write: the machine's fault, not the data's */
    TOOL_TRUNCATED = 3,   /* only the end is missing: a write that was cut off */
    TOOL_DAMAGED = 4,     /* recoverable: nothing of the data is lost */
    TOOL_LOSS = 5,        /* damaged, and some of the data is lost */
    TOOL_NEWER = 6,       /* a version, or a value, that this program can't read */
    TOOL_REPAIRED = 7,
    TOOL_DIFFERS = 8,     /* diff; verify: not what was backed up */
};

struct tool;
struct verb {
    const char *name;
    const char *does;    /* one line for the list of verbs */
    const char *args;    /* "FILE OUT": behind the options in the usage line */
    const char *example; /* lines that begin with "  holdfast"; shown first; a test runs them */
    const char *text;    /* paragraphs behind the options; may be NULL */
    const struct tool_option *options;
    size_t state_size;
    size_t args_min, args_max; /* SIZE_MAX: any number */
    bool takes_output, takes_in_place; /* these options mean something */
    /* Where its product goes, as the words say, which may be wrong; when to "-", to stdout, answers
     * go to stderr. NULL, or it gives NULL: there is none but answers. */
    const char *(*product_to)(const struct tool *t, const void *state);
    void (*defaults)(void *state); /* of options for which 0 is a value; NULL: none */
    int (*run)(struct tool *t, void *state); /* state: zeroed, defaults, options; a tool_exit */
};

#endif
