/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule is a fixed word or a sign and what it concerns:
 *
 *   >secret <secret #hash !hash     passwords, given and taken
 *   ~keys %RW~keys &channels        patterns
 *   +command -command +@category    also +command|subcommand
 *   (rule rule...)                  a selector: rights besides the user's own; it may come in
 *                                   several words, and holds no rules about the user itself
 */
#include "server/acl_line.h"

#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "server/command.h"

enum { HASH_DIGITS = 64 };

static const struct {
    const char *word;
    unsigned set, clear;
    bool of_user; /* may not stand in a selector */
} fixed[] = {
    {"on", ACL_ON, 0, true},
    {"off", 0, ACL_ON, true},
    {"nopass", ACL_NOPASS, ACL_PASSWORD, true},
    {"resetpass", 0, ACL_NOPASS | ACL_PASSWORD, true},
    {"reset", 0, ACL_ALL, true},
    {"sanitize-payload", 0, 0, true},
    {"skip-sanitize-payload", 0, 0, true},
    {"clearselectors", 0, 0, true},
    {"allkeys", ACL_KEYS, 0, false},
    {"~*", ACL_KEYS, 0, false},
    {"resetkeys", 0, ACL_KEYS, false},
    {"allchannels", ACL_CHANNELS, 0, false},
    {"&*", ACL_CHANNELS, 0, false},
    {"resetchannels", 0, ACL_CHANNELS, false},
    {"allcommands", ACL_COMMANDS, 0, false},
    {"+@all", ACL_COMMANDS, 0, false},
    {"nocommands", 0, ACL_COMMANDS, false},
};
enum { FIXED = sizeof fixed / sizeof *fixed };

static bool is_hash(struct slice text)
{
    bool ok = text.len == HASH_DIGITS;
    for (size_t i = 0; i < text.len && ok; i++)
        ok = num_hex_digit(text.data[i]) >= 0 && !(text.data[i] >= 'A' && text.data[i] <= 'F');
    return ok;
}

static bool has_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || strchr(" \t\r\n\v\f", text.data[i]))
            return true;
    return false;
}

static bool known_category(struct slice name)
{
    const char *known;
    for (unsigned i = 0; (known = command_category_name(i)); i++)
        if (slice_eq_nocase(name, known))
            return true;
    return slice_eq_nocase(name, "all");
}

/* What is wrong with the word of a command or category; NULL: nothing. */
static const char *command_wrong(struct slice name)
{
    if (name.len && name.data[0] == '@')
        return known_category(slice_from(name, 1)) ? NULL
                                                   : "Unknown command or category name in ACL";
    const char *bar = name.len ? memchr(name.data, '|', name.len) : NULL;
    struct slice behind = bar ? slice_from(name, (size_t)(bar - name.data) + 1) : slice(NULL, 0);
    if (behind.len && memchr(behind.data, '|', behind.len))
        return "A subcommand cannot be allowed for some first arguments only";
    return NULL;
}

/* "~x" or "&x", which after all of them would mean nothing; or "%R~x", "%W~x", "%RW~x". */
static const char *pattern_wrong(struct slice rule, unsigned rights)
{
    size_t i = 1;
    if (has_blank(rule))
        return "Syntax error";
    if (rule.data[0] == '~' && rights & ACL_KEYS)
        return "Adding a pattern after the * pattern would not change anything: say 'resetkeys' "
               "in front of it";
    if (rule.data[0] == '&' && rights & ACL_CHANNELS)
        return "Adding a pattern after the * pattern would not change anything: say "
               "'resetchannels' in front of it";
    if (rule.data[0] != '%')
        return NULL;
    while (i < rule.len && strchr("RrWw", rule.data[i]))
        i++;
    return i > 1 && (i == rule.len || rule.data[i] == '~') ? NULL : "Syntax error";
}

/* Takes one rule; what is wrong with it, or NULL. */
static const char *take_rule(struct slice rule, bool selector, unsigned *rights)
{
    struct slice rest = slice_from(rule, 1);
    for (int i = 0; i < FIXED; i++) {
        if (!slice_eq_nocase(rule, fixed[i].word) || (fixed[i].of_user && selector))
            continue;
        *rights = (*rights & ~fixed[i].clear) | fixed[i].set;
        return NULL;
    }
    if (!rule.len || (selector && strchr("><#!", rule.data[0])))
        return "Syntax error";
    switch (rule.data[0]) {
    case '#':
    case '!':
        if (!is_hash(rest))
            return "The password hash must be 64 digits of base 16, those above 9 in lower case";
        if (rule.data[0] == '!')
            return NULL;
        /* fall through */
    case '>':
        *rights = (*rights & ~(unsigned)ACL_NOPASS) | ACL_PASSWORD;
        return NULL;
    case '<':
        return NULL;
    case '~':
    case '&':
    case '%':
        return pattern_wrong(rule, *rights);
    case '-':
        *rights &= ~(unsigned)ACL_COMMANDS;
        /* fall through */
    case '+':
        return command_wrong(rest);
    default:
        return "Syntax error";
    }
}

/* The words of a selector, without its parentheses. */
static const char *take_selector(struct slice text)
{
    unsigned rights = 0;
    const char *wrong = NULL;
    while (text.len && !wrong) {
        const char *blank = memchr(text.data, ' ', text.len);
        size_t len = blank ? (size_t)(blank - text.data) : text.len;
        if (len)
            wrong = take_rule(slice(text.data, len), true, &rights);
        text = slice_from(text, len + 1);
    }
    return wrong;
}

/* Joins words from *i on up to the one that closes the parenthesis; *i is left on that. */
static bool join_selector(int argc, const struct slice *argv, int *i, struct buf *text)
{
    for (buf_clear(text); *i < argc; ++*i) {
        buf_printf(text, "%s%.*s", text->len ? " " : "", SLICE_ARG(argv[*i]));
        if (text->len > 1 && text->data[text->len - 1] == ')')
            return true;
    }
    return false;
}

bool acl_line_read(int argc, const struct slice *argv, unsigned *rights, struct fault *f)
{
    const char *wrong = NULL;
    struct buf text = {0};
    int i = 0;
    *rights = 0;
    if (has_blank(argv[0]))
        wrong = "Spaces not allowed in ACL usernames";
    while (!wrong && ++i < argc) {
        int start = i;
        if (!argv[i].len || argv[i].data[0] != '(')
            wrong = take_rule(argv[i], false, rights);
        else if (join_selector(argc, argv, &i, &text))
            wrong = take_selector(slice(text.data + 1, text.len - 2));
        else
            wrong = "Unmatched parenthesis in selector";
        i = wrong ? start : i;
    }
    buf_free(&text);
    if (wrong) /* the name or the rule; a long one must not push the reason out */
        fault_set(f, FAULT_INVALID, "Error in user declaration '%.*s': %s",
                  (int)(argv[i].len < 40 ? argv[i].len : 40), argv[i].data, wrong);
    return !wrong;
}
