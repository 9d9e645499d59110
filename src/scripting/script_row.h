/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rows of commands that run a script have in common. */
#ifndef SCRIPTING_SCRIPT_ROW_H
#define SCRIPTING_SCRIPT_ROW_H

#include "server/command_row.h"

enum {
    SCRIPT_RO_ROW = CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS |
                    CMD_MOVABLE_KEYS | CMD_READONLY,
    SCRIPT_ROW = (SCRIPT_RO_ROW & ~CMD_READONLY) | CMD_MAY_REPLICATE,
};
/* Keys: a number of them in word 2, and they behind it. */
#define SCRIPT_KEYS(flags_) \
    {{.flags = (flags_), .begin = KEY_BEGIN_INDEX, .begin_index = 2, .find = KEY_FIND_KEYNUM, \
      .first_key = 1, .step = 1, \
      .notes = "What the script does with them is not known: the most is assumed"}}
#define SCRIPT_WORDS " numkeys:integer key:key@0?* arg:string?*"

#endif
