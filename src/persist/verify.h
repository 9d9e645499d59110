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

/* The same of an RDB that is still being written, by a thread of its own right behind the writer:
 * at its end little is left to wait for.
 *
 *   v = verify_beside(path, guarded);      NULL: no thread is to be had; verify_rdb it then
 *   verify_beside_grew(v, bytes);          so many bytes are in the file
 *   verify_beside_end(v, bytes, keys, guarded, child, &f)    it is complete; waits, and judges
 *   verify_beside_drop(v);                 instead: it will not be */
struct verify_beside; /* opaque */
struct verify_beside *verify_beside(const char *path, bool guarded);
void verify_beside_grew(struct verify_beside *v, uint64_t bytes);
bool verify_beside_end(struct verify_beside *v, uint64_t bytes, uint64_t keys, bool guarded,
                       struct child *child, struct fault *f);
void verify_beside_drop(struct verify_beside *v);

#endif
