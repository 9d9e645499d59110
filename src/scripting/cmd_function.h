/* SPDX-License-Identifier: BSD-3-Clause */
/* FCALL, FUNCTION. ctx.arg is struct scripting. */
#ifndef SCRIPTING_CMD_FUNCTION_H
#define SCRIPTING_CMD_FUNCTION_H

#include "server/command_row.h"

extern const struct command function_commands[];

void cmd_fcall(struct ctx *c);
void cmd_fcall_ro(struct ctx *c);
void cmd_function_delete(struct ctx *c);
void cmd_function_dump(struct ctx *c);
void cmd_function_flush(struct ctx *c);
void cmd_function_help(struct ctx *c);
void cmd_function_kill(struct ctx *c);
void cmd_function_list(struct ctx *c);
void cmd_function_load(struct ctx *c);
void cmd_function_restore(struct ctx *c);
void cmd_function_stats(struct ctx *c);
uint32_t fcall_flags(const struct ctx *c); /* by the function's */

#endif
