/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/library_set.h"

#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "tools/library_text.h"

void library_set_begin(struct library_set *s, const struct tool_env *env)
{
    *s = (struct library_set){.ask = env ? env->libraries : NULL};
}

void library_set_end(struct library_set *s)
{
    must(s->ask || !s->loaded);
    if (s->loaded)
        s->ask->end(s->loaded);
    buf_free(&s->names);
    s->loaded = NULL;
}

bool library_loads_alone(const struct tool_env *env, struct slice code, struct buf *why)
{
    const struct check_libraries *ask = env ? env->libraries : NULL;
    if (!ask)
        return true;
    void *set = ask->begin();
    bool ok = check_library(ask, set, code, why);
    ask->end(set);
    return ok;
}

static bool is_known(const struct library_set *s, uint64_t name)
{
    uint64_t one;
    must(s->names.len % sizeof one == 0);
    for (size_t at = 0; at < s->names.len; at += sizeof one) {
        memcpy(&one, s->names.data + at, sizeof one);
        if (one == name)
            return true;
    }
    return false;
}

enum library_fate library_set_take(struct library_set *s, struct slice code, struct buf *why)
{
    struct buf alone = {0};
    uint64_t name = hash_slice(library_name(code));
    if (!s->ask)
        return LIBRARY_LOADS;
    if (!s->loaded)
        s->loaded = s->ask->begin();
    if (check_library(s->ask, s->loaded, code, why)) {
        buf_append(&s->names, &name, sizeof name);
        return LIBRARY_LOADS;
    }
    bool twice = is_known(s, name) &&
                 library_loads_alone(&(struct tool_env){.libraries = s->ask}, code, &alone);
    buf_free(&alone);
    return twice ? LIBRARY_TWICE : LIBRARY_REFUSED;
}

enum tool_exit library_fate_exit(enum library_fate is)
{
    return is == LIBRARY_LOADS ? TOOL_GOOD : is == LIBRARY_TWICE ? TOOL_DAMAGED : TOOL_LOSS;
}
