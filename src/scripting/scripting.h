/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts and functions in Lua, as of Redis 7.2. Two states: one for scripts (EVAL), one for
 * libraries of functions (FUNCTION), each with a limit of memory of its own.
 *
 *   scripting_new(server)   adds the commands, options, INFO fields and what is saved */
#ifndef SCRIPTING_SCRIPTING_H
#define SCRIPTING_SCRIPTING_H

#include <stddef.h>

struct scripting;
struct server;

struct scripting *scripting_new(struct server *s);
void scripting_free(struct scripting *home);
/* Bytes that evicting keys cannot free: for memory_exempt. */
size_t scripting_bytes(const void *home);

#endif
