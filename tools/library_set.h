/* SPDX-License-Identifier: BSD-3-Clause */
/* Libraries of functions as a server loads them, each behind those in front of it: would it take
 * this one too? One list of answers, and of exit codes, for every verb.
 *
 *   struct library_set set;
 *   library_set_begin(&set, t->env);
 *   enum library_fate is = library_set_take(&set, code, &why);    for each, in their order
 *   if (is != LIBRARY_LOADS) ... library_fate_exit(is), why ...
 *   library_set_end(&set);
 *
 * Where there is nobody to ask (env without libraries), all of them load. */
#ifndef TOOLS_LIBRARY_SET_H
#define TOOLS_LIBRARY_SET_H

#include "base/buf.h"
#include "base/slice.h"
#include "tools/check.h"
#include "tools/tool.h"

enum library_fate {
    LIBRARY_LOADS,
    LIBRARY_TWICE,   /* one of its name stands in front of it, and by itself it would load: of the
                      * two one can be kept, as of keys that are there twice */
    LIBRARY_REFUSED, /* nobody has what it holds */
};
struct library_set {
    const struct check_libraries *ask; /* NULL: nobody */
    void *loaded;      /* NULL: none was met */
    struct buf names;  /* of those that loaded: hashes */
};

void library_set_begin(struct library_set *s, const struct tool_env *env);
/* why is appended to, as a line of text, unless it loads. */
enum library_fate library_set_take(struct library_set *s, struct slice code, struct buf *why);
void library_set_end(struct library_set *s); /* it can be begun again */
enum tool_exit library_fate_exit(enum library_fate is);
/* By itself, as no others are known: FUNCTION LOAD in a log, one in the place of another. */
bool library_loads_alone(const struct tool_env *env, struct slice code, struct buf *why);

#endif
