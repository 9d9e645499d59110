/* SPDX-License-Identifier: BSD-3-Clause */
/* One side of a comparison: a data set that can be read twice, and is the same both times. What a
 * running server has is copied to a file without a name first, its functions too: it would have
 * changed by the second time. */
#ifndef TOOLS_DIFF_SOURCE_H
#define TOOLS_DIFF_SOURCE_H

#include <stdbool.h>

#include "tools/dataset.h"
#include "tools/key_filter.h"

bool diff_source_open(struct dataset *d, struct tool *t, const char *word, bool dump,
                      const struct key_filter *filter, struct fault *f);

#endif
