/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/collate.h"

#include <locale.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"

bool collate_is_on(void)
{
    const char *name = setlocale(LC_COLLATE, NULL);
    return name && strcmp(name, "C") != 0 && strcmp(name, "POSIX") != 0;
}

void collate_add(struct buf *to, struct slice text)
{
    char *word = mem_dup(text.data, text.len);
    size_t need = strxfrm(NULL, word, 0) + 1;
    buf_reserve(to, need);
    size_t made = strxfrm(to->data + to->len, word, need);
    must(made < need);
    to->len += made;
    mem_free(word);
}
