/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids and offset in RDB files, so that they survive a restart: a dump and a copy for a replica say
 * of what history they are and how far; the log's base does not, as more is behind it. Taken at a
 * start that loads nothing but a dump. */
#ifndef REPLICATION_REPL_AUX_H
#define REPLICATION_REPL_AUX_H

struct repl;
struct repl_aux; /* opaque */

struct repl_aux *repl_aux_new(struct repl *r);
void repl_aux_free(struct repl_aux *a);
/* The database that the stream behind the data set which came last had selected (repl.h). */
unsigned repl_aux_stream_db(const struct repl_aux *a);

#endif
