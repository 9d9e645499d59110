/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/library_text.h"

#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "format/rdb.h"
#include "tools/check.h"
#include "tools/say.h"

struct slice library_name(struct slice code)
{
    const char *end = code.len ? memchr(code.data, '\n', code.len) : NULL;
    struct slice line = slice(code.data, end ? (size_t)(end - code.data) : code.len);
    const char *at = line.len ? memmem(line.data, line.len, "name=", 5) : NULL;
    if (!at)
        return (struct slice){"", 0};
    struct slice name = slice_from(line, (size_t)(at - line.data) + 5);
    size_t n = 0;
    while (n < name.len && name.data[n] != ' ' && name.data[n] != '\r' && name.data[n] != '\t')
        n++;
    return slice(name.data, n);
}

static size_t length_size(uint8_t first)
{
    return first < 0x40 ? 1 : first < 0x80 ? 2 : first == 0x80 ? 5 : first == 0x81 ? 9 : 0;
}

/* Behind the string's length; 0: there is none. literal: so many of its bytes stand there. */
static size_t behind_length(struct slice s, size_t *literal)
{
    const uint8_t *p = (const uint8_t *)s.data;
    *literal = s.len;
    if (s.len < 2 || p[0] != 0xc3)
        return s.len ? length_size(p[0]) : 0;
    size_t packed = length_size(p[1]);
    if (!packed || s.len < packed + 2)
        return 0;
    size_t whole = length_size(p[1 + packed]), control = 1 + packed + whole;
    if (!whole || s.len <= control || p[control] >= 32)
        return 0;
    *literal = (size_t)p[control] + 1;
    return control + 1;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool library_record_begins(struct slice bytes, struct slice *name)
{
    static const char word[] = " name=";
    size_t literal, engine = 2, n = 0;
    if (bytes.len == 0 || (uint8_t)bytes.data[0] != RDB_OP_FUNCTION)
        return false;
    struct slice rest = slice_from(bytes, 1);
    size_t skip = behind_length(rest, &literal);
    if (!skip || skip >= rest.len)
        return false;
    rest = slice_from(rest, skip);
    rest.len = rest.len < literal ? rest.len : literal;
    if (rest.len < 2 || memcmp(rest.data, "#!", 2) != 0)
        return false;
    while (engine < rest.len && is_name(rest.data[engine]))
        engine++;
    if (rest.len < engine + 6 || memcmp(rest.data + engine, word, 6) != 0)
        return false;
    rest = slice_from(rest, engine + 6);
    while (n < rest.len && is_name(rest.data[n]))
        n++;
    *name = slice(rest.data, n);
    return n > 0;
}

bool check_library(const struct check_libraries *l, void *set, struct slice code, struct buf *why)
{
    must(l && why);
    bool ok = l->take(set, code, why);
    say_escape(why);
    return ok;
}
