/* SPDX-License-Identifier: BSD-3-Clause */
/* One copy of the data set on its way from a child to the replicas that wait for it: through a file
 * that has no name any more, of which each replica reads as fast as it takes; or through a pipe,
 * whose bytes are kept in shared blocks for as long as one of them has not got them.
 *
 *   t = transfer_new(r, by_file, left, arg, &f);
 *   ... fork; the child writes to transfer_fd(t), which is to stay open there ...
 *   transfer_begun(t);
 *   transfer_join(t, rep);          // each replica; it leaves when it has all, or goes
 *   transfer_child_ended(t, ok);           // not ok: its replicas are dropped
 *   transfer_release(t);
 *
 * By pipe it goes as fast as the slowest takes it, and TRANSFER_AHEAD bytes ahead; who takes
 * nothing for repl-timeout is dropped (replicas_watch.c). It lives as long as somebody holds it. */
#ifndef REPLICATION_TRANSFER_H
#define REPLICATION_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

struct repl;
struct replica;
struct transfer; /* opaque */

enum { TRANSFER_AHEAD = 1 << 20 };

/* left is called when the last replica that wanted it has left, while the child may still work.
 * NULL: f says why. */
struct transfer *transfer_new(struct repl *r, bool by_file, void (*left)(void *arg), void *arg,
                              struct fault *f);
void transfer_release(struct transfer *t);
int transfer_fd(const struct transfer *t); /* the child's end */
void transfer_begun(struct transfer *t);   /* in the parent */
void transfer_child_ended(struct transfer *t, bool ok);

/* It becomes the replica's source. The replica gets what frames the data set, too ("$EOF:",
 * "$length"). */
void transfer_join(struct transfer *t, struct replica *rep);

#endif
