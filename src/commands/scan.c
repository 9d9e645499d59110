/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/scan.h"

#include "base/bytes.h"
#include "base/must.h"
#include "server/ctx.h"
#include "server/reply.h"

static bool parse_option(struct ctx *c, int i, struct scan_args *a, struct slice *pattern)
{
    bool value = i + 1 < c->argc;
    if (value && ctx_arg_is(c, i, "count")) {
        if (!ctx_arg_i64(c, i + 1, &a->count))
            return false;
        if (a->count >= 1)
            return true;
    } else if (value && ctx_arg_is(c, i, "match")) {
        *pattern = c->argv[i + 1];
        a->has_pattern = !slice_eq_str(*pattern, "*");
        return true;
    } else if (value && a->keys && ctx_arg_is(c, i, "type")) {
        a->type = c->argv[i + 1];
        a->has_type = true;
        return true;
    }
    reply_syntax(c);
    return false;
}

bool scan_parse(struct ctx *c, int cursor_at, bool keys, struct scan_args *a)
{
    struct slice pattern = {0};
    *a = (struct scan_args){.count = 10, .keys = keys};
    if (!ctx_arg_cursor(c, cursor_at, &a->cursor))
        return false;
    for (int i = cursor_at + 1; i < c->argc; i += 2)
        if (!parse_option(c, i, a, &pattern))
            return false;
    must(a->count >= 1);
    if (a->has_pattern)
        glob_init(&a->pattern, pattern, false);
    return true;
}

void scan_args_free(struct scan_args *a)
{
    if (a->has_pattern)
        glob_free(&a->pattern);
}

bool scan_wants(const struct scan_args *a, struct slice element)
{
    return !a->has_pattern || glob_matches(&a->pattern, element);
}

void scan_found_add(struct scan_found *f, struct slice element)
{
    char len[8];
    store_le64(len, element.len);
    buf_append(&f->bytes, len, sizeof len);
    buf_add(&f->bytes, element);
    f->count++;
}

bool scan_found_next(const struct scan_found *f, size_t *at, struct slice *element)
{
    if (*at >= f->bytes.len)
        return false;
    must(f->bytes.len - *at >= 8);
    size_t len = load_le64(f->bytes.data + *at);
    must(len <= f->bytes.len - *at - 8);
    *element = slice(f->bytes.data + *at + 8, len);
    *at += 8 + len;
    return true;
}

void scan_found_free(struct scan_found *f)
{
    buf_free(&f->bytes);
    f->count = 0;
}

void scan_reply(struct ctx *c, struct scan_found *f, uint64_t cursor)
{
    char text[NUM_I64_TEXT];
    struct slice element;
    reply_array(c, 2);
    reply_bulk(c, slice(text, num_format_u64(text, cursor)));
    reply_array(c, f->count);
    size_t told = 0;
    for (size_t at = 0; !reply_unheard(c) && scan_found_next(f, &at, &element); told++)
        reply_bulk(c, element);
    must(reply_unheard(c) || told == f->count);
    scan_found_free(f);
}
