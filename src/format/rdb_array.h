/* SPDX-License-Identifier: BSD-3-Clause */
/* The elements of an array (type 28) that came as an opaque block: sink.h. */
#ifndef FORMAT_RDB_ARRAY_H
#define FORMAT_RDB_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* value: a string's bytes or a number's text. */
typedef void array_visit(void *arg, uint64_t index, struct slice value);
/* In the order of the block; false when it is damaged. */
bool array_each(struct slice bytes, array_visit *visit, void *arg);

#endif
