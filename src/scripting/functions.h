/* SPDX-License-Identifier: BSD-3-Clause */
/* Libraries of functions: what FUNCTION LOAD brought, by name. A set of them has a Lua state of its
 * own. There is one set that counts; while a data set is loaded, or FUNCTION RESTORE FLUSH is at
 * work, another is made beside it, which takes its place when it is whole. */
#ifndef SCRIPTING_FUNCTIONS_H
#define SCRIPTING_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct function_set;
struct library;
struct scripting;
struct vm;

struct function {
    struct library *library;
    char *name;
    char *description; /* NULL: none */
    uint32_t flags;    /* SCRIPT_* */
    int ref;           /* of its Lua function */
};
struct library {
    char *name;
    struct slice code; /* all of it, mem_alloc */
    struct function **functions; /* in the order they were registered */
    size_t count;
};

/* ---- one set ---- */
struct function_set *function_set_new(struct scripting *home);
/* async: its state is freed beside the loop. */
void function_set_free(struct function_set *set, bool async);
struct vm *function_set_vm(const struct function_set *set);
/* Compiles and runs the code, which registers its functions. NULL: error tells. The library belongs
 * to nobody yet. */
enum {
    LIBRARY_TRUSTED = 1, /* it was loaded once, on a machine that may have been faster: it may
                          * take a minute */
    LIBRARY_NEW = 2,     /* not when the set has one of its name */
};
struct library *library_load(struct function_set *set, struct slice code, unsigned how,
                             struct buf *error);
void library_free(struct function_set *set, struct library *lib);
/* May it join the set, where another library is to go (NULL: none)? False: error tells. */
bool function_set_may_add(const struct function_set *set, const struct library *lib,
                          const struct library *instead, struct buf *error);
void function_set_add(struct function_set *set, struct library *lib);
void function_set_leave(struct function_set *set, struct library *lib);  /* it is nobody's again */
void function_set_remove(struct function_set *set, struct library *lib); /* and frees it */
struct library *function_set_find(const struct function_set *set, struct slice name);
/* By its name, in any case. */
struct function *function_set_function(const struct function_set *set, struct slice name);
/* By name, in an array of mem_alloc. */
struct library **function_set_sorted(const struct function_set *set, size_t *count);
size_t function_set_libraries(const struct function_set *set);
size_t function_set_functions(const struct function_set *set);
size_t function_set_bytes(const struct function_set *set); /* beside the state */

/* ---- the one that counts ---- */
struct functions;
struct functions *functions_new(struct scripting *home);
void functions_free(struct functions *f);
struct function_set *functions_set(const struct functions *f);
void functions_replace(struct functions *f, struct function_set *set, bool async);

#endif
