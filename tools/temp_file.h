/* SPDX-License-Identifier: BSD-3-Clause */
/* A file without a name, for what does not fit into memory: in TMPDIR, or /var/tmp, as it may grow
 * large. It is gone when it is closed, however the program ends. */
#ifndef TOOLS_TEMP_FILE_H
#define TOOLS_TEMP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* Its descriptor, or negative with f filled. */
int temp_file(struct fault *f);
/* At its end; *fd negative: made first. Once f is filled, nothing is written or read. */
bool temp_file_write(int *fd, const void *from, size_t n, struct fault *f);
/* All n bytes, which are there. */
bool temp_file_read(int fd, void *to, size_t n, uint64_t at, struct fault *f);

#endif
