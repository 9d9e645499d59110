/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink that lets everything pass to another: what stands in front of a writer or counter and
 * changes a few events embeds it first and puts its own operations in place.
 *
 *   pass_init(&x->pass, &writer.sink);
 *   x->pass.ops.key = key;                     static bool key(...) { ...; return pass_key(s, e); }
 *   dataset_read(&d, &x->pass.sink, &f);
 *
 * A failure of the sink behind is one of this, as soon as a record is over. An operation that the
 * sink behind takes no notice of is passed and dropped there; only a string in parts is not asked
 * for when it has no such operation. There is no operation command, on purpose: who has it asks for
 * a module's value as commands, and what files hold is opaque (sink_wants_commands). */
#ifndef TOOLS_PASS_H
#define TOOLS_PASS_H

#include <stdbool.h>

#include "format/sink.h"

struct pass {
    struct sink sink;
    struct sink_ops ops; /* its own */
    struct sink *to;     /* NULL: what comes now ends here, and is taken */
};

void pass_init(struct pass *p, struct sink *to);
/* The same, for who sets to with each key; parts: can every such sink take strings in parts? */
void pass_init_each(struct pass *p, bool parts);
void pass_took(struct pass *p);

/* What an operation does that was not put in place; s: the pass' sink. */
void pass_module_aux(struct sink *s, uint64_t module_id, struct slice bytes);
void pass_function(struct sink *s, struct slice source);
void pass_aux(struct sink *s, struct slice name, struct slice value);
void pass_db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires);
bool pass_key(struct sink *s, const struct key_event *e);
bool pass_packed(struct sink *s, enum pack pack, struct slice bytes);
void pass_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms);
void pass_end_key(struct sink *s);

#endif
