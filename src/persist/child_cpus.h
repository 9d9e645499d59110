/* SPDX-License-Identifier: BSD-3-Clause */
/* aof_rewrite_cpulist, bgsave_cpulist: the CPUs that children of a kind may use. Hangs on through
 * FORK. */
#ifndef PERSIST_CHILD_CPUS_H
#define PERSIST_CHILD_CPUS_H

struct child_cpus;
struct server;

struct child_cpus *child_cpus_new(struct server *s);
void child_cpus_free(struct child_cpus *c);

#endif
