/* SPDX-License-Identifier: BSD-3-Clause */
/* What went wrong with the append log last, for INFO, and the words writes are refused with. */
#ifndef PERSIST_AOF_ERROR_H
#define PERSIST_AOF_ERROR_H

#include <stddef.h>
#include <stdint.h>

struct aof;

/* Keeps the error for INFO and refusals. phase: "write", "fsync". */
void aof_note_error(struct aof *a, const char *phase, int err);
/* A write of wanted bytes came to an end after written: told at most every half a minute. */
void aof_note_short_write(struct aof *a, int err, size_t written, size_t wanted);
/* The -MISCONF for a write command, until the next one is asked for: of that error, and when what
 * waits for a sync is too much. */
const char *aof_refuse_failed(struct aof *a, int64_t next_try_s);
const char *aof_refuse_slow(struct aof *a);

#endif
