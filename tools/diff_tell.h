/* SPDX-License-Identifier: BSD-3-Clause */
/* Third step of a comparison: rows of both sides (diff_detail.h), sorted, become what is said of
 * each key, and the part of a patch that is made element by element. */
#ifndef TOOLS_DIFF_TELL_H
#define TOOLS_DIFF_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/diff_detail.h"
#include "tools/tool.h"

enum { DIFF_ROWS = 1000, DIFF_ELEMENTS = 10 /* told of each key */ };
struct diff_tell_options {
    uint64_t rows; /* keys that are told; the others are counted */
    bool values, ignore_expiry;
    struct diff_patch *patch; /* NULL: none */
};
/* sorter: ended, not yet read. False with f: its fault. */
bool diff_tell(struct tool *t, const struct diff_tell_options *opt, struct diff_sort *sorter,
               struct fault *f);

#endif
