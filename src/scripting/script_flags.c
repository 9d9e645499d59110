/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/script_flags.h"

#include "base/buf.h"
#include "base/must.h"
#include "base/quote.h"
#include "server/command_row.h"

static const char *const flag_names[] = {"no-writes", "allow-oom", "allow-stale", "no-cluster",
                                         "allow-cross-slot-keys", NULL};

uint32_t script_flag(struct slice name)
{
    for (unsigned i = 0; flag_names[i]; i++)
        if (slice_eq_str(name, flag_names[i]))
            return 1u << i;
    return 0;
}

const char *script_flag_name(unsigned bit)
{
    return bit < sizeof flag_names / sizeof *flag_names ? flag_names[bit] : NULL;
}

uint32_t script_command_flags(uint32_t flags, uint32_t row)
{
    if (flags & SCRIPT_UNDECLARED)
        return row;
    if (!(flags & SCRIPT_ALLOW_STALE))
        row &= ~(uint32_t)CMD_STALE;
    if (flags & SCRIPT_NO_WRITES)
        return row & ~(uint32_t)CMD_MAY_REPLICATE;
    return row | CMD_WRITE | (flags & SCRIPT_ALLOW_OOM ? 0 : CMD_DENYOOM);
}

/* ---- the first line ---- */

/* "flags=a,b" */
static bool parse_flags(struct slice list, uint32_t *flags, struct buf *error)
{
    if (!list.len)
        return true;
    for (;;) {
        const char *comma = memchr(list.data, ',', list.len);
        struct slice name = slice(list.data, comma ? (size_t)(comma - list.data) : list.len);
        uint32_t flag = script_flag(name);
        if (!flag) {
            buf_printf(error, "ERR Unexpected flag in script shebang: %.*s", SLICE_ARG(name));
            return false;
        }
        *flags |= flag;
        if (!comma)
            return true;
        list = slice_from(list, name.len + 1);
    }
}

static bool begins(struct slice text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* The line's words, copied to hold, and the rest from the line's end on. -1: quotes do not close.
 */
enum { HEAD_WORDS_MAX = 64 };
static int split_head(struct slice text, const char *line_end, struct buf *hold,
                      struct slice *words, struct slice *rest)
{
    size_t len = (size_t)(line_end - text.data);
    *rest = slice_from(text, len);
    buf_append(hold, text.data, len);
    return quote_split(hold->data, hold->len, words, HEAD_WORDS_MAX);
}

bool script_parse_head(struct slice script, uint32_t *flags, struct slice *body, struct buf *error)
{
    struct slice words[HEAD_WORDS_MAX];
    struct buf hold = {0};
    *flags = SCRIPT_UNDECLARED;
    *body = script;
    if (!begins(script, "#!"))
        return true;
    const char *end = memchr(script.data, '\n', script.len);
    if (!end) {
        buf_printf(error, "ERR Invalid script shebang");
        return false;
    }
    *flags = 0;
    int n = split_head(script, end, &hold, words, body);
    if (n <= 0)
        buf_printf(error, "ERR Invalid engine in script shebang");
    else if (!slice_eq_str(words[0], "#!lua"))
        buf_printf(error, "ERR Unexpected engine in script shebang: %.*s", SLICE_ARG(words[0]));
    for (int i = 1; i < n && !error->len; i++) {
        if (begins(words[i], "flags="))
            parse_flags(slice_from(words[i], 6), flags, error);
        else
            buf_printf(error, "ERR Unknown lua shebang option: %.*s", SLICE_ARG(words[i]));
    }
    buf_free(&hold);
    return !error->len;
}

bool library_parse_head(struct slice code, struct library_head *out, struct buf *hold,
                        struct buf *error)
{
    struct slice words[HEAD_WORDS_MAX];
    *out = (struct library_head){0};
    if (!begins(code, "#!")) {
        buf_printf(error, "ERR Missing library metadata");
        return false;
    }
    const char *end = memchr(code.data, '\n', code.len);
    int n = end ? split_head(code, end, hold, words, &out->body) : -1;
    if (n <= 0) {
        buf_printf(error, "ERR Invalid library metadata");
        return false;
    }
    out->engine = slice_from(words[0], 2);
    for (int i = 1; i < n && !error->len; i++) {
        if (!begins(words[i], "name="))
            buf_printf(error, "ERR Invalid metadata value given: %.*s", SLICE_ARG(words[i]));
        else if (out->name.data)
            buf_printf(error, "ERR Invalid metadata value, name argument was given multiple times");
        else
            out->name = slice_from(words[i], 5);
    }
    if (!error->len && !out->name.data)
        buf_printf(error, "ERR Library name was not given");
    return !error->len;
}
