/* SPDX-License-Identifier: BSD-3-Clause */
/* The Persistence section of INFO, and its line in Memory. arg: struct persist. */
#ifndef PERSIST_PERSIST_INFO_H
#define PERSIST_PERSIST_INFO_H

struct info_out;

void persist_info(void *arg, struct info_out *o);
void persist_memory_info(void *arg, struct info_out *o);

#endif
