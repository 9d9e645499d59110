/* SPDX-License-Identifier: BSD-3-Clause */
/* One script at a time runs, inside the command that called it (EVAL, FCALL, FUNCTION LOAD). Its
 * commands are run by exec_call and belong to that command's unit: all of them or none are in the
 * log. When it takes longer than busy-reply-threshold others are served in between, with -BUSY for
 * nearly all they say, and it may be killed as long as it has written nothing. */
#ifndef SCRIPTING_SCRIPT_RUN_H
#define SCRIPTING_SCRIPT_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "scripting/vm.h"
#include "server/commit_batch.h"

struct ctx;
struct scripting;

enum script_kind { SCRIPT_EVAL, SCRIPT_FUNCTION, SCRIPT_LIBRARY };

struct script_run {
    struct scripting *home;
    struct ctx *ctx;          /* the command that called it; NULL for a library */
    struct vm *vm;
    enum script_kind kind;
    struct slice name;        /* SHA-1, or the function's name */
    int ref;                  /* of the Lua function */
    uint32_t flags;           /* SCRIPT_* */
    bool read_only;           /* called by a command that promises it */
    bool trusted;             /* a library that was loaded once: it may take a minute */
    int keys;                 /* argv[3..3+keys) of ctx are keys, the rest are arguments */
    /* while it runs */
    int resp;                 /* redis.setresp */
    uint32_t deny;            /* CMD_* */
    enum commit_scope scope;  /* redis.set_repl */
    bool wrote;               /* a command that writes was called */
    bool killed, stopped;     /* stopped: by its own limit of time, or the server's end */
    int64_t began_us, looked_us;
};

/* EVAL and FCALL: numkeys is word 2. False: the error was replied. */
bool script_numkeys(struct ctx *c, const char *bad_number, int *keys);
/* Runs it and replies what it returns, or its error. vm_clear follows, or the state's end. */
void script_run(struct script_run *run);
/* The body of states that run scripts (vm.h). */
int script_body(lua_State *L);
/* The running one; NULL: none. */
struct script_run *script_running(lua_State *L);
/* A guard's look: is it time to serve others, or to stop? */
void script_look(lua_State *L, struct guard *g);
/* SCRIPT KILL, FUNCTION KILL: replies. */
void script_kill(struct scripting *home, struct ctx *c, bool function);
/* What is said to others while it runs. */
const char *script_busy_error(const struct script_run *run);

#endif
