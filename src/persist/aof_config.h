/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of the append log. */
#ifndef PERSIST_AOF_CONFIG_H
#define PERSIST_AOF_CONFIG_H

struct aof;
struct config;

void aof_config_register(struct aof *a, struct config *cfg);

#endif
