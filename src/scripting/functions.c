/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of libraries that counts; what of it is saved and loaded. */
#include "scripting/functions.h"

#include "base/mem.h"
#include "base/must.h"
#include "format/sink.h"
#include "scripting/scripting_parts.h"
#include "server/hooks.h"
#include "server/server.h"

struct functions {
    struct scripting *home;
    struct function_set *set;
    struct function_set *other; /* while a data set comes: of it and of the one before, that which
                                 * does not count just now; else NULL */
    bool beside;                /* other comes */
};

static void save(void *arg, struct sink *sink, enum aux_purpose purpose)
{
    const struct functions *f = arg;
    size_t n;
    struct library **all = function_set_sorted(f->set, &n);
    (void)purpose; /* they belong to every copy of the data set */
    for (size_t i = 0; i < n; i++)
        SINK_EVENT(sink, function, all[i]->code);
    mem_free(all);
}

static void exchange(struct functions *f)
{
    struct function_set *set = f->set;
    f->set = f->other;
    f->other = set;
}

static void begin(void *arg, bool beside)
{
    struct functions *f = arg;
    must(!f->other);
    f->other = function_set_new(f->home);
    f->beside = beside;
    if (!beside) /* commands of a log are run with it */
        exchange(f);
}

static bool take(void *arg, struct slice code, struct fault *fault)
{
    struct functions *f = arg;
    struct buf error = {0};
    struct function_set *set = f->beside ? f->other : f->set;
    struct library *lib = library_load(set, code, LIBRARY_TRUSTED, &error);
    if (lib && function_set_may_add(set, lib, NULL, &error))
        function_set_add(set, lib);
    else if (lib)
        library_free(set, lib);
    if (error.len)
        fault_set(fault, FAULT_FORMAT, "a library of functions: %s", buf_cstr(&error));
    buf_free(&error);
    return true;
}

static void end(void *arg, bool ok)
{
    struct functions *f = arg;
    if (ok == f->beside)
        exchange(f);
    function_set_free(f->other, false);
    f->other = NULL;
}

struct functions *functions_new(struct scripting *home)
{
    static const struct aux_loader loader = {.begin = begin, .function = take, .end = end};
    struct functions *f = mem_zalloc(sizeof *f);
    f->home = home;
    f->set = function_set_new(home);
    hooks_on_aux(server_hooks(home->server), save, &loader, f);
    return f;
}

void functions_free(struct functions *f)
{
    function_set_free(f->set, false);
    if (f->other)
        function_set_free(f->other, false);
    mem_free(f);
}

struct function_set *functions_set(const struct functions *f)
{
    return f->set;
}

void functions_replace(struct functions *f, struct function_set *set, bool async)
{
    function_set_free(f->set, async);
    f->set = set;
}
