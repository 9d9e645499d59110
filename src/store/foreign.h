/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of types the store does not know: a module's. It holds, frees, copies, measures and counts
 * them by the operations of their type, saves them as the items an RDB has for such values
 * (format/rdb_module.c), and loads them again.
 *
 *   foreign_add(&ks->foreign, type);
 *   db_add_val(db, key, foreign_val(type, value));   // the entry owns both from now on
 *   struct foreign *f = entry_val(e).ptr;            // f->type, f->value
 *
 * A log whose base is commands has what `rewrite` says; a type without it cannot be in one. */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/value_ops.h"

struct foreign_type {
    uint64_t rdb_id; /* nine letters of six bits, and ten bits of the version it saves */
    const char *name;
    void (*free)(void *value); /* also on a worker */
    void *(*copy)(const void *value);
    size_t (*memory)(const void *value, size_t samples); /* bytes; NULL: not known, counts as 0 */
    size_t (*effort)(const void *value); /* parts to free, so long ones go to a worker; NULL: 1 */
    /* Appends the items with their end mark. False: it cannot, and the save fails. */
    bool (*save)(const void *value, struct buf *items);
    /* From such items, as that version saved them. NULL: it cannot, and the fault may say why. */
    void *(*load)(struct slice items, unsigned version, struct fault *f);
    /* Emits the commands that make it (format/sink.h: command). NULL: there are none. */
    void (*rewrite)(const void *value, struct slice key, struct sink *sink);
};

struct foreign { /* what val.ptr points at; encoding ENC_MODULE */
    const struct foreign_type *type;
    void *value;
};

/* Those that are known; zero it. A type stays known as long as the keyspace is there. */
struct foreign_types {
    const struct foreign_type **all;
    unsigned count;
};
void foreign_add(struct foreign_types *types, const struct foreign_type *type); /* a new id */
void foreign_release(struct foreign_types *types);
/* By the letters of the id, whatever its version; NULL: nobody knows it. */
const struct foreign_type *foreign_find(const struct foreign_types *types, uint64_t rdb_id);

/* Takes the value over. */
struct val foreign_val(const struct foreign_type *type, void *value);
/* From an opaque event (format/sink.h). ptr is NULL when it cannot be made: *f says why. */
struct val foreign_load(const struct foreign_types *types, uint64_t rdb_id, struct slice items,
                        struct fault *f);

extern const struct value_ops foreign_ops;

#endif
