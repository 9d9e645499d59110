/* SPDX-License-Identifier: BSD-3-Clause */
/* The first line of a script, "#!lua name=mylib flags=no-writes,allow-stale", and what its flags
 * mean to the server. */
#ifndef SCRIPTING_SCRIPT_FLAGS_H
#define SCRIPTING_SCRIPT_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;

enum {
    SCRIPT_NO_WRITES = 1,
    SCRIPT_ALLOW_OOM = 2,
    SCRIPT_ALLOW_STALE = 4,
    SCRIPT_NO_CLUSTER = 8,
    SCRIPT_CROSS_SLOT = 16,
    SCRIPT_UNDECLARED = 32, /* it has no such line: as before there were any */
};
/* One flag by name; 0: there is none of that name. */
uint32_t script_flag(struct slice name);
const char *script_flag_name(unsigned bit); /* NULL behind the last */

/* What a call that runs a script with these flags is to those who admit commands: CMD_* of the row,
 * and what follows from the flags. */
uint32_t script_command_flags(uint32_t flags, uint32_t row);

/* Of an EVAL: flags, and the text behind the line, which begins with the line's end, so that lines
 * are counted from the script's first. Without such a line: SCRIPT_UNDECLARED and all of the text.
 * False: error is the reply. */
bool script_parse_head(struct slice script, uint32_t *flags, struct slice *body, struct buf *error);
/* Of a library: its engine's name and its own, pointing into hold. */
struct library_head {
    struct slice engine, name, body;
};
bool library_parse_head(struct slice code, struct library_head *out, struct buf *hold,
                        struct buf *error);

#endif
