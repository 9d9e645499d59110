/* SPDX-License-Identifier: BSD-3-Clause */
/* Behind a fault of an append-only file with checksums: what lies behind it, and was it ever whole?
 *
 *   in_init_callback(&in, ...);                    the bytes from the fault's item (reader.at) on
 *   if (!aof_damage_look(&in, at, reader.has_session ? &reader.chain.id : NULL, &d)) ... in.fault
 *   if (d.rot) ... the disk had these bytes, up to d.durable: writes that were answered are lost
 *   else ... a write was cut off: nobody was told that it had arrived
 *
 * Lines of batches say what was durable when they were written. One behind the damage that says a
 * number beyond it tells that the damage came later. Memory: one block. */
#ifndef FORMAT_AOF_DAMAGE_H
#define FORMAT_AOF_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/in.h"

struct aof_damage {
    bool rot;
    uint64_t durable; /* the largest offset that a line names; 0: none was found */
    /* Behind the damage, in batches with a line that is intact: */
    uint64_t batches, commands;
};

/* at: where in begins in its file, and the damage. id: of the log, NULL when the damage took the
 * line that says it. False: the stream failed. */
bool aof_damage_look(struct in *in, uint64_t at, const uint64_t *id, struct aof_damage *d);
/* In two sentences, for people; cut: where the file would be cut, of its size. */
void aof_damage_tell(const struct aof_damage *d, uint64_t cut, uint64_t size, struct buf *to);

#endif
