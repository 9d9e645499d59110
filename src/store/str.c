/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/str.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"

struct str *str_new(size_t cap)
{
    size_t good = mem_good_size(sizeof(struct str) + cap);
    struct str *s = mem_alloc(good);
    s->len = 0;
    s->cap = good - sizeof *s;
    must(s->cap >= cap);
    return s;
}

struct str *str_of(struct slice text)
{
    struct str *s = str_new(text.len);
    if (text.len)
        memcpy(s->bytes, text.data, text.len);
    s->len = text.len;
    return s;
}
