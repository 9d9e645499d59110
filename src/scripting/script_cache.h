/* SPDX-License-Identifier: BSD-3-Clause */
/* The scripts of EVAL and SCRIPT LOAD, compiled once and kept until SCRIPT FLUSH: by SHA-1, and by
 * their text, so that EVAL of a known one needs no digest of it. */
#ifndef SCRIPTING_SCRIPT_CACHE_H
#define SCRIPTING_SCRIPT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct ctx;
struct scripting;
struct vm;

enum { SHA1_TEXT = 40 };
struct script {
    char sha[SHA1_TEXT + 1];
    uint32_t flags; /* SCRIPT_* */
    int ref;        /* of its Lua function, in the state that was the made-th */
    unsigned made;
    size_t len;
    char text[];
};

struct script_cache; /* opaque */
struct script_cache *script_cache_new(struct scripting *home);
void script_cache_free(struct script_cache *cache);
struct vm *script_cache_vm(struct script_cache *cache);
/* The function is in the state: compiled again, if that is a new one. False: the error was
 * replied. */
bool script_cache_make(struct script_cache *cache, struct ctx *c, struct script *s);
/* Behind each run: the state is cleared, or, when that would take long, given away. */
void script_cache_settle(struct script_cache *cache);
/* sha: hexadecimal, any case. NULL: it is not there. */
struct script *script_cache_find(const struct script_cache *cache, struct slice sha);
/* The one of this text, compiled if need be. NULL: the error was replied. */
struct script *script_cache_add(struct script_cache *cache, struct ctx *c, struct slice text);
void script_cache_flush(struct script_cache *cache, bool async);
size_t script_cache_count(const struct script_cache *cache);
size_t script_cache_bytes(const struct script_cache *cache); /* beside the state */

#endif
