/* SPDX-License-Identifier: BSD-3-Clause */
/* What the arguments of a logged command are, to who replaces their content. */
#ifndef TOOLS_ANON_ARGS_H
#define TOOLS_ANON_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "tools/aof_keys.h"

enum anon_arg {
    ANON_ARG_STAYS,   /* the command's name, an option, a number, an id */
    ANON_ARG_KEY,
    ANON_ARG_CONTENT, /* a value, element, field, member; the name of a group */
    ANON_ARG_BOUND,   /* the same behind '[' or '(', or '-' or '+' */
    ANON_ARG_SCRIPT,
    ANON_ARG_LIBRARY,
    ANON_ARG_PAYLOAD, /* of RESTORE */
    ANON_ARG_UNKNOWN, /* content unless it is a number: of commands that are not in the table */
};

struct anon_args {
    struct aof_keys keys;
    const char *first, *again; /* what arguments are, by letters; again: those behind first */
    uint64_t skip;             /* options between the key and the rest */
    uint64_t member;           /* an argument that is content wherever it stands; 0: none */
    uint64_t argc;
    bool known;
};

void anon_args_of(uint64_t argc, const struct slice *head, size_t head_count, struct anon_args *a);
enum anon_arg anon_arg_at(const struct anon_args *a, uint64_t i);

#endif
