/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/library_check.h"

#include "base/mem.h"
#include "base/must.h"
#include "scripting/functions.h"
#include "scripting/scripting_parts.h"

struct checked {
    struct scripting home; /* of no server */
    struct function_set *set;
};

void *library_check_begin(void)
{
    struct checked *c = mem_zalloc(sizeof *c);
    c->home.machine_share = scripting_machine_share();
    c->home.memory_max = -1; /* by the machine */
    c->set = function_set_new(&c->home);
    return c;
}

/* Nobody asks for it again, and all of them together may be more than there is memory for. */
static void forget_code(struct library *lib)
{
    mem_free((void *)(uintptr_t)lib->code.data);
    lib->code = slice(mem_alloc(1), 0);
}

bool library_check_take(void *set, struct slice code, struct buf *why)
{
    struct checked *c = set;
    struct library *lib = library_load(c->set, code, LIBRARY_TRUSTED, why);
    if (lib)
        forget_code(lib);
    if (lib && function_set_may_add(c->set, lib, NULL, why)) {
        function_set_add(c->set, lib);
        return true;
    }
    if (lib)
        library_free(c->set, lib);
    must(why->len > 0);
    return false;
}

void library_check_end(void *set)
{
    struct checked *c = set;
    function_set_free(c->set, false);
    mem_free(c);
}
