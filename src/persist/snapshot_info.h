/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of INFO persistence that tell of snapshots and of the child that saves or rewrites. */
#ifndef PERSIST_SNAPSHOT_INFO_H
#define PERSIST_SNAPSHOT_INFO_H

struct info_out;
struct persist;

void snapshot_child_info(struct persist *p, struct info_out *o);
void snapshot_info(struct persist *p, struct info_out *o);

#endif
