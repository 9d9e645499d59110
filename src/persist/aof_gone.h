/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of the log whose names were taken away while the server runs. */
#ifndef PERSIST_AOF_GONE_H
#define PERSIST_AOF_GONE_H

struct aof;

/* Looks once a second, while the log is on. */
void aof_gone_tick(struct aof *a);
/* They are all there again, made anew. */
void aof_names_are_back(struct aof *a);
/* Are the files still where the manifest says? If not, what follows from that. */
void aof_look_for_names(struct aof *a);

#endif
