/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/unfinished.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/lock_file.h"

char *unfinished_name(const char *path, const char *mark)
{
    struct buf name = {0};
    buf_printf(&name, "%s%s%ld", path, mark, (long)getpid());
    char *out = mem_strdup(buf_cstr(&name));
    buf_free(&name);
    return out;
}

bool unfinished_left(const char *name, const char *mark, size_t *length)
{
    enum { DIGITS_MAX = 9 };
    const char *last = NULL;
    must(*mark);
    for (const char *at = name; (at = strstr(at, mark)); at++)
        last = at;
    if (!last || last == name)
        return false;
    const char *digits = last + strlen(mark);
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > DIGITS_MAX || *digits == '0' || digits[n])
        return false;
    pid_t maker = (pid_t)atol(digits);
    *length = (size_t)(last - name);
    return maker == getpid() || process_has_ended(maker);
}
