/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading back what was written, before it may replace anything: with the readers that will load
 * it. */
#ifndef PERSIST_VERIFY_H
#define PERSIST_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* A whole RDB of exactly so many bytes and keys? */
bool verify_rdb(const char *path, uint64_t bytes, uint64_t keys, struct fault *f);
/* Whole commands up to exactly so many bytes? */
bool verify_commands(const char *path, uint64_t bytes, struct fault *f);

#endif
