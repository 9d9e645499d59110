/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults are plain text and numbers; everything is cut to the fixed room of the struct, so setting
 * one can never fail in turn. */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/quote.h"

void fault_set(struct fault *f, enum fault_code code, const char *format, ...)
{
    must(code != FAULT_NONE);
    if (fault_is(f))
        return;
    f->code = code;
    f->err = 0;
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->what, sizeof f->what, format, ap);
    va_end(ap);
}

void fault_io(struct fault *f, int err, const char *doing, const char *format, ...)
{
    if (fault_is(f))
        return;
    f->code = FAULT_IO;
    f->err = err;
    f->doing = doing;
    char reason[96];
    /* The GNU strerror_r: thread safe, may answer with a string of its own. */
    const char *text = strerror_r(err, reason, sizeof reason);
    va_list ap;
    va_start(ap, format);
    int len = vsnprintf(f->what, sizeof f->what, format, ap);
    va_end(ap);
    if (len < 0)
        len = 0;
    /* The reason matters more than the end of a long sentence (most often a path). */
    must(strlen(text) < sizeof f->what - 3);
    size_t most = sizeof f->what - strlen(text) - 3;
    size_t at = (size_t)len < most ? (size_t)len : most;
    snprintf(f->what + at, sizeof f->what - at, ": %s", text);
}

void fault_set_key(struct fault *f, struct slice key)
{
    char *out = f->key, *end = f->key + sizeof f->key - QUOTE_ESCAPE_MAX - sizeof "...";
    size_t i = 0;
    for (; i < key.len && out < end; i++)
        out += quote_escape((unsigned char)key.data[i], out);
    if (i < key.len) {
        memcpy(out, "...", 3);
        out += 3;
    }
    must(out < f->key + sizeof f->key);
    *out = '\0';
    f->has_key = true;
}

void fault_prefix(struct fault *f, const char *name)
{
    struct fault plain = *f;
    f->code = FAULT_NONE;
    fault_set(f, plain.code, "%s: %s", name, plain.what);
    f->err = plain.err;
}

void fault_clear(struct fault *f)
{
    *f = (struct fault){0};
}

const char *fault_text(const struct fault *f, char *out, size_t size)
{
    if (size == 0)
        return out;
    char offset[40] = "", type[24] = "";
    if (f->offset)
        snprintf(offset, sizeof offset, " (offset %llu)", (unsigned long long)f->offset);
    if (f->has_type)
        snprintf(type, sizeof type, ", type %d", f->type);
    snprintf(out, size, "%s%s%s%s%s%s%s%s", fault_is(f) ? f->what : "no fault", offset,
             f->doing ? ", doing " : "", f->doing ? f->doing : "", type,
             f->has_key ? ", key \"" : "", f->has_key ? f->key : "", f->has_key ? "\"" : "");
    return out;
}
