/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's commands by name and number of arguments: enough for a tool to tell that a log
 * holds one that the server would not run. What it finds in the data set, only the server knows. */
#ifndef TOOLS_AOF_COMMANDS_H
#define TOOLS_AOF_COMMANDS_H

#include <stddef.h>

#include "base/slice.h"

/* Why the server would not run this; NULL: it would. argc > 0. */
const char *aof_command_fault(size_t argc, const struct slice *argv);

#endif
