/* SPDX-License-Identifier: BSD-3-Clause */
/* The first files of a log: the plan that tells an interrupted install from a lost manifest. */
#ifndef PERSIST_AOF_FIRST_H
#define PERSIST_AOF_FIRST_H

#include <stdbool.h>

#include "base/fault.h"

struct aof;
struct manifest;

/* Before the first file of next gets its name: the plan is durable, and no older file stands where
 * one will. Does nothing when there is a manifest. */
bool aof_first_plan(struct aof *a, const struct manifest *next, struct fault *f);
/* A start has looked for the plan: there is one, and it goes as soon as it means nothing. */
void aof_first_seen(struct aof *a, bool there);
/* The manifest is durable, or the files are gone again. */
void aof_first_done(struct aof *a);
/* There is no manifest. *plan: there is a plan, and next is what it says. */
bool aof_first_find(struct aof *a, struct manifest *next, bool *plan, struct fault *f);

#endif
