/* SPDX-License-Identifier: BSD-3-Clause */
/* Options as tables: what a command line is taken apart by, and help is made of. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum tool_option_kind { TOOL_FLAG, TOOL_TEXT, TOOL_U64, TOOL_SIZE /* 10mb */, TOOL_TEXTS };
struct tool_option {
    const char *name; /* with its dashes; NULL ends the table */
    enum tool_option_kind kind;
    const char *value; /* as help shows it; NULL for a flag */
    size_t offset;     /* in state: bool, const char *, uint64_t, struct tool_texts */
    const char *help;  /* one line, lower case, without a full stop */
};
#define TOOL_OPTION(name_, kind_, value_, type_, field_, help_) \
    {name_, TOOL_##kind_, value_, offsetof(type_, field_), help_}
/* An option that may come more than once. */
enum { TOOL_TEXTS_MAX = 64 };
struct tool_texts {
    size_t count;
    const char *texts[TOOL_TEXTS_MAX];
};

/* What every verb takes. */
struct common_options {
    bool json, yes, quiet, progress, in_place, help;
    uint64_t threads;
    const char *output;
};
extern const struct tool_option tool_common_options[];

/* The row of that name; NULL: there is none. table may be NULL. */
const struct tool_option *option_named(const struct tool_option *table, struct slice word);
/* Into the field of state. False: the text is no value for it. */
bool option_set(void *state, const struct tool_option *o, const char *value);

#endif
