/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's commands by name and number of arguments: enough for a tool to tell that a log
 * holds one that the server would not run. What it finds in the data set, only the server knows. */
#ifndef TOOLS_AOF_COMMANDS_H
#define TOOLS_AOF_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* A log holds few commands, millions of times: those without subcommands are found again by the
 * bytes of their name. Zero it. */
enum { AOF_KNOWN_MAX = 64, AOF_KNOWN_NAME = 16 };
struct aof_known {
    struct {
        char name[AOF_KNOWN_NAME];
        uint8_t len; /* 0: none */
        bool no_place;
        int arity;
    } of[AOF_KNOWN_MAX];
};

/* Why the server would not run this; NULL: it would. argc > 0. */
const char *aof_command_fault(struct aof_known *known, size_t argc, const struct slice *argv);

#endif
