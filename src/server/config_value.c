/* SPDX-License-Identifier: BSD-3-Clause */
/* Values: text to storage and back, by kind. The sentences of refusals are those clients know. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "server/config_parts.h"

static void *storage(const struct option *o)
{
    return (char *)o->owner + o->row->offset;
}

static bool in_bounds(const struct config_option *row, int64_t n, struct fault *f)
{
    if ((row->min == 0 && row->max == 0) || (n >= row->min && n <= row->max))
        return true;
    fault_set(f, FAULT_INVALID, "argument must be between %lld and %lld inclusive",
              (long long)row->min, (long long)row->max);
    return false;
}

static bool store_bool(struct option *o, struct slice text, struct fault *f)
{
    bool yes = slice_eq_nocase(text, "yes");
    if (!yes && !slice_eq_nocase(text, "no")) {
        fault_set(f, FAULT_INVALID, "argument must be 'yes' or 'no'");
        return false;
    }
    *(bool *)storage(o) = yes;
    return true;
}

static bool store_int(struct option *o, struct slice text, struct fault *f)
{
    int64_t n;
    if (!num_parse_i64(text, &n)) {
        fault_set(f, FAULT_INVALID, "argument couldn't be parsed into an integer");
        return false;
    }
    if (!in_bounds(o->row, n, f))
        return false;
    *(int64_t *)storage(o) = n;
    return true;
}

static bool store_size(struct option *o, struct slice text, struct fault *f)
{
    uint64_t n = 0;
    bool percent = o->row->flags & CONFIG_PERCENT && text.len > 1 && text.data[text.len - 1] == '%';
    bool ok = text.len == 0 || /* nothing is no bytes */
              (percent ? num_parse_u64(slice(text.data, text.len - 1), &n)
                       : num_parse_size(text, &n));
    if (!ok || n > INT64_MAX) {
        fault_set(f, FAULT_INVALID, o->row->flags & CONFIG_PERCENT
                                        ? "argument must be a memory or percent value"
                                        : "argument must be a memory value");
        return false;
    }
    if (percent && n > 100) {
        fault_set(f, FAULT_INVALID, "percentage argument must be less or equal to 100");
        return false;
    }
    if (!percent && !in_bounds(o->row, (int64_t)n, f))
        return false;
    *(int64_t *)storage(o) = percent ? -(int64_t)n : (int64_t)n;
    return true;
}

static bool store_octal(struct option *o, struct slice text, struct fault *f)
{
    int64_t n = 0;
    bool ok = text.len < 12;
    for (size_t i = 0; ok && i < text.len; i++) {
        ok = text.data[i] >= '0' && text.data[i] <= '7';
        n = n * 8 + (text.data[i] - '0');
    }
    if (!ok) {
        fault_set(f, FAULT_INVALID, "argument couldn't be parsed as an octal number");
        return false;
    }
    if (!in_bounds(o->row, n, f))
        return false;
    *(int64_t *)storage(o) = n;
    return true;
}

static bool store_enum(struct option *o, struct slice text, struct fault *f)
{
    struct buf words = {0};
    for (const struct config_word *w = o->row->words; w->word; w++) {
        if (slice_eq_nocase(text, w->word)) {
            *(int *)storage(o) = w->value;
            buf_free(&words);
            return true;
        }
        buf_printf(&words, "%s%s", words.len ? ", " : "", w->word);
    }
    fault_set(f, FAULT_INVALID, "argument(s) must be one of the following: %s", buf_cstr(&words));
    buf_free(&words);
    return false;
}

static bool store_string(struct option *o, struct slice text, struct fault *f)
{
    char **to = storage(o);
    if (memchr(text.data ? text.data : "", '\0', text.len)) {
        fault_set(f, FAULT_INVALID, "argument must not hold a zero byte");
        return false;
    }
    if (o->row->check && !o->row->check(o->owner, text, f))
        return false;
    mem_free(*to);
    *to = text.len ? mem_dup(text.data, text.len) : NULL;
    return true;
}

static bool option_store(struct option *o, int argc, const struct slice *argv, struct fault *f)
{
    if (o->row->kind == CONFIG_CUSTOM)
        return o->row->parse(o->owner, argc, argv, f);
    if (argc != 1) {
        fault_set(f, FAULT_INVALID, "wrong number of arguments");
        return false;
    }
    switch (o->row->kind) {
    case CONFIG_BOOL: return store_bool(o, argv[0], f);
    case CONFIG_INT: return store_int(o, argv[0], f);
    case CONFIG_SIZE: return store_size(o, argv[0], f);
    case CONFIG_OCTAL: return store_octal(o, argv[0], f);
    case CONFIG_ENUM: return store_enum(o, argv[0], f);
    case CONFIG_STRING: return store_string(o, argv[0], f);
    case CONFIG_CUSTOM: break;
    }
    must(!"a kind");
    return false;
}

static const char *enum_word(const struct config_option *row, int value)
{
    for (const struct config_word *w = row->words; w->word; w++)
        if (w->value == value)
            return w->word;
    return "unknown";
}

void option_print(const struct option *o, struct buf *out)
{
    const struct config_option *row = o->row;
    int64_t n;
    switch (row->kind) {
    case CONFIG_BOOL:
        buf_add(out, slice_str(*(bool *)storage(o) ? "yes" : "no"));
        break;
    case CONFIG_INT:
        buf_printf(out, "%lld", (long long)*(int64_t *)storage(o));
        break;
    case CONFIG_SIZE:
        n = *(int64_t *)storage(o);
        buf_printf(out, n < 0 ? "%lld%%" : "%lld", (long long)(n < 0 ? -n : n));
        break;
    case CONFIG_OCTAL:
        buf_printf(out, "%llo", (unsigned long long)*(int64_t *)storage(o));
        break;
    case CONFIG_ENUM:
        buf_add(out, slice_str(enum_word(row, *(int *)storage(o))));
        break;
    case CONFIG_STRING:
        if (*(char **)storage(o))
            buf_add(out, slice_str(*(char **)storage(o)));
        break;
    case CONFIG_CUSTOM:
        row->print(o->owner, out);
        break;
    }
}

/* One blank between two words, no quotes: two blanks in a row hold an empty word. */
static bool split_at_blanks(struct slice text, struct slice *words, int max, int *count)
{
    *count = 0;
    if (text.len == 0)
        return true;
    for (;;) {
        const char *blank = text.len ? memchr(text.data, ' ', text.len) : NULL;
        size_t len = blank ? (size_t)(blank - text.data) : text.len;
        if (*count == max)
            return false;
        words[(*count)++] = slice(text.data, len);
        if (!blank)
            return true;
        text = slice_from(text, len + 1);
    }
}

bool option_store_text(struct option *o, struct slice text, struct fault *f)
{
    struct slice words[CONFIG_WORDS_MAX / 16];
    int count = 0;
    if (o->row->kind != CONFIG_CUSTOM || o->row->flags & CONFIG_WHOLE)
        return option_store(o, 1, &text, f);
    if (o->row->clear)
        o->row->clear(o->owner);
    if (split_at_blanks(text, words, CONFIG_WORDS_MAX / 16, &count))
        return option_store(o, count, words, f);
    fault_set(f, FAULT_INVALID, "wrong number of arguments");
    return false;
}

void option_restore(struct option *o, struct slice text)
{
    struct fault f = {0};
    option_store_text(o, text, &f);
}

void option_initialise(struct option *o)
{
    struct fault f = {0};
    if (!o->row->initial)
        return;
    option_store_text(o, slice_str(o->row->initial), &f);
    if (fault_is(&f))
        log_warning("initial value of %s: %s", o->row->name, f.what);
    must(!fault_is(&f));
}

bool option_can_be_had(const struct option *o, struct fault *f)
{
    struct buf value = {0};
    if (!o->row->refusal || option_is_initial(o))
        return true;
    option_print(o, &value);
    fault_set(f, FAULT_INVALID, "%s can't be '%.*s': %s", o->row->name,
              SLICE_ARG(buf_slice(&value)), o->row->refusal);
    buf_free(&value);
    return false;
}

bool option_is_directive(const struct option *o)
{
    enum { DIRECTIVE = CONFIG_HIDDEN | CONFIG_IMMUTABLE | CONFIG_MULTI };
    return (o->row->flags & DIRECTIVE) == DIRECTIVE;
}

bool option_is_initial(const struct option *o)
{
    struct buf now = {0};
    uint64_t n;
    const char *initial = o->row->initial ? o->row->initial : "";
    option_print(o, &now);
    bool same = slice_eq_str(buf_slice(&now), initial);
    if (!same && o->row->kind == CONFIG_SIZE && num_parse_size(slice_str(initial), &n))
        same = *(int64_t *)storage(o) == (int64_t)n;
    buf_free(&now);
    return same;
}

void option_warn_later(struct option *o)
{
    if (!(o->row->flags & CONFIG_LATER) || o->warned)
        return;
    o->warned = true;
    log_warning("Option '%s' is accepted and kept, but does not act in this version", o->row->name);
}

/* The one word of a line may hold several, in quotes of their own. */
static bool store_split(struct option *o, struct slice text, struct fault *f)
{
    struct buf hold = {0};
    struct slice *words = mem_alloc(CONFIG_WORDS_MAX * sizeof *words);
    int count;
    bool ok = config_split(text, &hold, words, CONFIG_WORDS_MAX, &count);
    if (!ok)
        fault_set(f, FAULT_INVALID, "Unbalanced quotes in configuration line");
    else
        ok = option_store(o, count, words, f);
    mem_free(words);
    buf_free(&hold);
    return ok;
}

bool option_store_line(struct option *o, int argc, const struct slice *argv, struct fault *f)
{
    const struct config_option *row = o->row;
    if (row->clear && !o->given) /* what is built in stands for lines that are not there */
        row->clear(o->owner);
    o->given = true;
    if (row->kind == CONFIG_CUSTOM && !(row->flags & CONFIG_WHOLE) && !option_is_directive(o) &&
        argc == 1 && argv[0].len)
        return store_split(o, argv[0], f);
    return option_store(o, argc, argv, f);
}
