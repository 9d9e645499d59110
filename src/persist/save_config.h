/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of snapshots, with the save points' own reading and printing. */
#ifndef PERSIST_SAVE_CONFIG_H
#define PERSIST_SAVE_CONFIG_H

struct config;
struct snapshot;

void save_config_register(struct snapshot *s, struct config *cfg);

#endif
