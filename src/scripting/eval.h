/* SPDX-License-Identifier: BSD-3-Clause */
/* EVAL and its like, SCRIPT. ctx.arg is struct scripting. */
#ifndef SCRIPTING_EVAL_H
#define SCRIPTING_EVAL_H

#include <stdbool.h>

#include "server/command_row.h"

extern const struct command script_commands[];

/* Of a client that asked for a debugger and was told that there is none. redis-cli --ldb does not
 * listen: its script must not be run for real. */
struct script_debugged {
    bool on;
};

void cmd_eval(struct ctx *c);
void cmd_eval_ro(struct ctx *c);
void cmd_evalsha(struct ctx *c);
void cmd_evalsha_ro(struct ctx *c);
void cmd_script_debug(struct ctx *c);
void cmd_script_exists(struct ctx *c);
void cmd_script_flush(struct ctx *c);
void cmd_script_help(struct ctx *c);
void cmd_script_kill(struct ctx *c);
void cmd_script_load(struct ctx *c);
/* Flags of one call, by the script's first line. */
uint32_t eval_flags(const struct ctx *c);
uint32_t evalsha_flags(const struct ctx *c);

#endif
