/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading back what was written, before it may replace anything: with the readers that will load
 * it. */
#ifndef PERSIST_VERIFY_H
#define PERSIST_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct child;

/* A whole RDB of exactly so many bytes and keys, with block checksums, digest and trailer as
 * announced, and announced when guarded? child (may be NULL) is told how far it is. */
bool verify_rdb(const char *path, uint64_t bytes, uint64_t keys, bool guarded, struct child *child,
                struct fault *f);
/* Whole commands up to exactly so many bytes, and every byte under a checksum when sealed? */
bool verify_commands(const char *path, uint64_t bytes, bool sealed, struct child *child,
                     struct fault *f);

#endif
