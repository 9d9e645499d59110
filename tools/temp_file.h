/* SPDX-License-Identifier: BSD-3-Clause */
/* A file without a name, for what does not fit into memory: in TMPDIR, or /var/tmp, as it may grow
 * large. It is gone when it is closed, however the program ends. */
#ifndef TOOLS_TEMP_FILE_H
#define TOOLS_TEMP_FILE_H

#include "base/fault.h"

/* Its descriptor, or negative with f filled. */
int temp_file(struct fault *f);

#endif
