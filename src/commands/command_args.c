/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments stand one behind the other, blanks between:
 *
 *   name:type  then any of  =TOKEN ~display @keyspec ? (optional) * (multiple) + (multiple token)
 *   ^since !deprecated, then, for a oneof or a block, its arguments in parentheses
 *
 *   "key:key@0 expiration:oneof?(seconds:integer=EX persist:token=PERSIST)"
 *
 * Texts are ours: a mistake in one is a bug. */
#include "commands/command_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/slice.h"
#include "server/ctx.h"
#include "server/reply.h"

struct arg {
    struct slice name, type, token, display, since, deprecated;
    int key_spec; /* -1: none */
    bool optional, multiple, multiple_token;
    const char *inner; /* behind the parenthesis, or NULL */
};

static struct slice take(const char **at, const char *stops)
{
    const char *start = *at;
    /* The first byte belongs to the word whatever it is: "=" and "*" are tokens, too. */
    size_t n = *start ? 1 + strcspn(start + 1, stops) : 0;
    *at += n;
    return slice(start, n);
}

#define STOPS " ()=~@?*+^!"

static struct slice take_token(const char **at)
{
    struct slice token = take(at, STOPS);
    return slice_eq_str(token, "''") ? slice(token.data, 0) : token;
}

static bool take_mark(struct arg *a, const char **at)
{
    char mark = **at;
    switch (mark) {
    case '?': a->optional = true; break;
    case '*': a->multiple = true; break;
    case '+': a->multiple_token = true; break;
    case '=': case '~': case '@': case '^': case '!': break;
    default: return false;
    }
    ++*at;
    if (mark == '=')
        a->token = take_token(at);
    else if (mark == '~')
        a->display = take(at, STOPS);
    else if (mark == '^')
        a->since = take(at, STOPS);
    else if (mark == '!')
        a->deprecated = take(at, STOPS);
    else if (mark == '@')
        a->key_spec = atoi(take(at, STOPS).data);
    return true;
}

static const char *parse(const char *at, struct arg *a)
{
    *a = (struct arg){.key_spec = -1};
    a->name = take(&at, ":");
    must(*at == ':');
    at++;
    a->type = take(&at, STOPS);
    while (take_mark(a, &at))
        ;
    must(a->name.len && a->type.len);
    if (*at == '(')
        a->inner = ++at;
    return at;
}

static void field(struct ctx *c, const char *name, struct slice value, size_t *fields)
{
    if (!value.data)
        return;
    reply_bulk_str(c, name);
    reply_bulk(c, value);
    ++*fields;
}

static void flags_field(struct ctx *c, const struct arg *a, size_t *fields)
{
    size_t n = (size_t)a->optional + a->multiple + a->multiple_token;
    if (!n)
        return;
    reply_bulk_str(c, "flags");
    reply_set(c, n);
    if (a->optional)
        reply_status(c, "optional");
    if (a->multiple)
        reply_status(c, "multiple");
    if (a->multiple_token)
        reply_status(c, "multiple_token");
    ++*fields;
}

static const char *reply_list(struct ctx *c, const char *at);

static const char *reply_arg(struct ctx *c, const char *at)
{
    struct arg a;
    uint64_t mark = reply_later(c);
    size_t fields = 0;
    at = parse(at, &a);
    field(c, "name", a.name, &fields);
    field(c, "type", slice_eq_str(a.type, "token") ? SLICE_LIT("pure-token") : a.type, &fields);
    if (!a.inner)
        field(c, "display_text", a.display.len ? a.display : a.name, &fields);
    if (a.key_spec >= 0) {
        reply_bulk_str(c, "key_spec_index");
        reply_int(c, a.key_spec);
        fields++;
    }
    field(c, "token", a.token, &fields);
    field(c, "since", a.since, &fields);
    field(c, "deprecated_since", a.deprecated, &fields);
    flags_field(c, &a, &fields);
    if (a.inner) {
        reply_bulk_str(c, "arguments");
        at = reply_list(c, a.inner);
        must(*at == ')');
        at++;
        fields++;
    }
    reply_later_map(c, mark, fields);
    return at;
}

static const char *reply_list(struct ctx *c, const char *at)
{
    uint64_t mark = reply_later(c);
    size_t n = 0;
    while (*at && *at != ')') {
        at = reply_arg(c, at);
        n++;
        while (*at == ' ')
            at++;
    }
    reply_later_array(c, mark, n);
    return at;
}

void command_args_reply(struct ctx *c, const char *args)
{
    const char *end = reply_list(c, args);
    must(*end == '\0');
}
