/* SPDX-License-Identifier: BSD-3-Clause */
/* The set of files as a whole, before any of it is loaded, and a look at one of them. */
#ifndef PERSIST_AOF_CHECK_H
#define PERSIST_AOF_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

struct aof;

/* Size and first bytes of a file, by its path (aof_parts.h). */
bool aof_look_at_part(const char *path, uint64_t *size, struct buf *head, struct fault *f);
/* The same by its name; an aof_part_look. arg: struct aof. */
bool aof_look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f);
/* Are the files those that the manifest means? (aof_parts.h) */
bool aof_check_parts(struct aof *a, struct fault *f);

#endif
