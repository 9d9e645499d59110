/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts and functions in Lua, as of Redis 7.2. Two states: one for scripts (EVAL), one for
 * libraries of functions (FUNCTION), each with a limit of memory of its own.
 *
 *   scripting_new(server, memory_limit)   adds the commands, options, INFO fields and what is saved
 *
 * What a state holds is not counted against maxmemory: evicting keys would not help. It has a limit
 * of its own, script-max-memory, beyond which a script ends with an error. */
#ifndef SCRIPTING_SCRIPTING_H
#define SCRIPTING_SCRIPTING_H

struct memory_limit;
struct scripting;
struct server;

struct scripting *scripting_new(struct server *s, struct memory_limit *limit);
void scripting_free(struct scripting *home);

#endif
