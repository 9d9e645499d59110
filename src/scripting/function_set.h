/* SPDX-License-Identifier: BSD-3-Clause */
/* For function_set.c and library_load.c: the inside of a set. */
#ifndef SCRIPTING_FUNCTION_SET_H
#define SCRIPTING_FUNCTION_SET_H

#include "containers/table.h"

struct scripting;
struct vm;

struct function_set {
    struct scripting *home;
    struct vm *vm;
    int narrow;             /* in the registry: the globals while a library is loaded */
    struct table libraries; /* struct library */
    struct table functions; /* struct function */
    size_t bytes;
};

#define LIBRARY_EXISTS "ERR Library '%.*s' already exists" /* SLICE_ARG */

void function_set_init(struct function_set *set, struct scripting *home); /* but for its state */

#endif
