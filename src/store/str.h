/* SPDX-License-Identifier: BSD-3-Clause */
/* A long string: header, then cap bytes, in one allocation (mem_free). What an entry of encoding
 * ENC_RAW points at; grows in place when it can. */
#ifndef STORE_STR_H
#define STORE_STR_H

#include <stddef.h>

#include "base/slice.h"

struct str {
    size_t len, cap;
    char bytes[];
};

struct str *str_new(size_t cap); /* empty, with room for at least so many bytes */
struct str *str_of(struct slice text);

#endif
