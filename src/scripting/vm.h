/* SPDX-License-Identifier: BSD-3-Clause */
/* A Lua state of ours: guarded, sandboxed, with the functions that a protected call needs made
 * beforehand, so that nothing between two calls can fail for want of memory. */
#ifndef SCRIPTING_VM_H
#define SCRIPTING_VM_H

#include "scripting/guard.h"

struct vm {
    struct guard guard;
    lua_State *L;
    int body;    /* in the registry: what vm_call calls */
    int handler; /* in the registry: makes of any error what vm_error reads */
};

/* setup(L) adds globals, before they are sealed. NULL: there is no memory for it. arg: guard.arg;
 * guard.look is the caller's to set, and counts from then on. */
struct vm *vm_new(size_t limit, void *arg, lua_CFunction body, void (*setup)(lua_State *L));
/* May take long, when much is in it. Any thread. */
void vm_free(struct vm *vm);
size_t vm_memory(const struct vm *vm);
/* Calls body with nothing on the stack, protected. False: vm_error tells. vm_clear follows. */
bool vm_call(struct vm *vm);
/* The same for a function that is called seldom; arg is its argument. */
bool vm_call_c(struct vm *vm, lua_CFunction f, void *arg);
struct vm_error {
    struct slice text;   /* with its code */
    bool counted;        /* SCRIPT_ERROR_COUNTED */
    struct slice source; /* of the function that raised it; {0}: unknown */
    int line;
};
struct vm_error vm_error(struct vm *vm); /* valid until vm_clear */
/* Nothing is on the stack any more, and what the call took beyond what is usual is given back. */
void vm_clear(struct vm *vm);
/* Giving back would take long: a new state in place of this one is better, if what is in it can be
 * made again. */
bool vm_is_spent(const struct vm *vm);
/* Puts the function on top into the registry. May raise. */
int vm_keep(lua_State *L);

#endif
