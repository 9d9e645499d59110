/* SPDX-License-Identifier: BSD-3-Clause */
/* What a data set holds beside its keys: AUX fields, function libraries, modules' own data. A sink
 * that gives each to the feature it belongs to, between AUX's begin and end (server/hooks.h).
 *
 *   struct load_aux a;
 *   load_aux_init(&a, p, &load.sink);
 *   rdb_body(&reader, &rec, &a.sink);     one of those records
 *
 * What nobody wants goes on to keys, which refuses libraries and modules' data and takes no notice
 * of fields. Faults are keys' too: a.sink has none. */
#ifndef PERSIST_LOAD_AUX_H
#define PERSIST_LOAD_AUX_H

#include "format/sink.h"

struct persist;

struct load_aux {
    struct sink sink;
    struct persist *persist;
    struct sink *keys;
    bool trial; /* set it behind init: it all comes again, and nobody is told yet */
};
void load_aux_init(struct load_aux *a, struct persist *p, struct sink *keys);

#endif
