/* SPDX-License-Identifier: BSD-3-Clause */
/* Of the rules about commands a selector keeps the texts, in order: they are what is shown. One
 * that a later rule overrides in all it says is dropped, so the list does not grow by what is said
 * again and again: "-@all +get -get" is "-@all -get". */
#include "server/acl_rules.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/sha.h"
#include "server/acl_user.h"
#include "server/command.h"

static const char SYNTAX[] = "Syntax error";
static const char UNKNOWN[] = "Unknown command or category name in ACL";

static bool has_blank(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!text.data[i] || strchr(" \t\r\n\v\f", text.data[i]))
            return true;
    return false;
}

bool acl_rules_may_show(struct slice rule)
{
    for (size_t i = 0; i < rule.len; i++)
        if (strchr("><#!", rule.data[i])) /* a zero byte, too */
            return false;
    return rule.len && strchr("+-~%&", *rule.data);
}

bool acl_rules_name_ok(struct slice name)
{
    return !has_blank(name);
}

/* ---- about commands ---- */

static void set_bit(struct acl_selector *s, unsigned id, bool allow)
{
    uint64_t bit = UINT64_C(1) << id % 64;
    must(id < COMMAND_IDS_MAX);
    s->commands[id / 64] = allow ? s->commands[id / 64] | bit : s->commands[id / 64] & ~bit;
    s->all_commands = s->all_commands && allow;
}

static void drop_first_words(struct acl_selector *s, unsigned id)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->first_word_count; i++) {
        if (s->first_words[i].command_id == id)
            mem_free(s->first_words[i].word);
        else
            s->first_words[kept++] = s->first_words[i];
    }
    s->first_word_count = kept;
}

/* A command with its subcommands. */
static void set_command(struct acl_selector *s, const struct command_entry *e, bool allow)
{
    set_bit(s, e->id, allow);
    drop_first_words(s, e->id);
    for (unsigned i = 0; i < e->sub_count; i++)
        set_bit(s, e->subs[i].id, allow);
}

struct by_category {
    struct acl_selector *selector;
    uint32_t category;
    bool allow;
};

static void visit_category(void *arg, struct command_entry *e)
{
    const struct by_category *by = arg;
    if (e->categories & by->category)
        set_command(by->selector, e, by->allow);
    for (unsigned i = 0; i < e->sub_count; i++)
        if (e->subs[i].categories & by->category)
            set_bit(by->selector, e->subs[i].id, by->allow);
}

uint32_t acl_rules_category(struct slice name)
{
    const char *known;
    for (unsigned i = 0; (known = command_category_name(i)); i++)
        if (slice_eq_nocase(name, known))
            return 1u << i;
    return 0;
}

/* The rule overrides what was said of name itself and, for a whole command, of its parts. */
static void drop_overridden(struct acl_selector *s, struct slice name)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->rule_count; i++) {
        struct slice old = slice_from(slice_str(s->rules[i]), 1);
        bool same = old.len >= name.len && strncasecmp(old.data, name.data, name.len) == 0;
        if (same && (old.len == name.len || old.data[name.len] == '|'))
            mem_free(s->rules[i]);
        else
            s->rules[kept++] = s->rules[i];
    }
    s->rule_count = kept;
}

/* name: as it is to be shown. */
static void note_rule(struct acl_selector *s, bool allow, struct slice name)
{
    drop_overridden(s, name);
    char *rule = mem_alloc(name.len + 2);
    must(name.len > 0);
    rule[0] = allow ? '+' : '-';
    memcpy(rule + 1, name.data, name.len);
    rule[name.len + 1] = '\0';
    s->rules = mem_realloc(s->rules, (s->rule_count + 1) * sizeof *s->rules);
    s->rules[s->rule_count++] = rule;
}

static void all_commands(struct acl_selector *s, bool allow)
{
    memset(s->commands, allow ? 0xff : 0, sizeof s->commands);
    s->all_commands = s->from_all = allow;
    while (s->first_word_count)
        mem_free(s->first_words[--s->first_word_count].word);
    while (s->rule_count)
        mem_free(s->rules[--s->rule_count]);
}

static struct command_entry *find_command(const struct acl_rules *r, struct slice name)
{
    struct command_entry *e = commands_find_given(r->commands, name);
    return e && slice_eq_nocase(name, e->name) ? e : NULL;
}

static const char *say_category(const struct acl_rules *r, struct acl_selector *s, bool allow,
                                struct slice name)
{
    must(name.len > 0 && name.data[0] == '@');
    struct by_category by = {s, acl_rules_category(slice_from(name, 1)), allow};
    char lower[64];
    if (!by.category || name.len >= sizeof lower)
        return UNKNOWN;
    commands_each_given(r->commands, visit_category, &by);
    for (size_t i = 0; i < name.len; i++)
        lower[i] = name.data[i] >= 'A' && name.data[i] <= 'Z' ? (char)(name.data[i] | 0x20)
                                                              : name.data[i];
    note_rule(s, allow, slice(lower, name.len));
    return NULL;
}

/* "+command|word", where the command has no subcommand of that name. */
static const char *say_first_word(struct acl_selector *s, const struct command_entry *e,
                                  struct slice word)
{
    struct buf name = {0};
    must(word.len > 0);
    for (size_t i = 0; i < s->first_word_count; i++)
        if (s->first_words[i].command_id == e->id &&
            slice_eq_nocase(word, s->first_words[i].word))
            return NULL;
    s->first_words = mem_realloc(s->first_words,
                                 (s->first_word_count + 1) * sizeof *s->first_words);
    s->first_words[s->first_word_count++] =
        (struct acl_first_word){e->id, mem_dup(word.data, word.len)};
    buf_printf(&name, "%s|", e->name);
    buf_add(&name, word);
    note_rule(s, true, buf_slice(&name));
    buf_free(&name);
    return NULL;
}

/* name: "command|rest" */
static const char *say_part(const struct acl_rules *r, struct acl_selector *s, bool allow,
                            struct slice name)
{
    size_t first = (size_t)((const char *)memchr(name.data, '|', name.len) - name.data);
    struct slice rest = slice_from(name, first + 1);
    struct command_entry *e = find_command(r, slice(name.data, first));
    struct command_entry *sub = e ? command_find_sub(e, rest) : NULL;
    if (sub) {
        set_bit(s, sub->id, allow);
        note_rule(s, allow, slice_str(sub->name));
        return NULL;
    }
    const char *more = rest.len ? memchr(rest.data, '|', rest.len) : NULL;
    if (e && allow && more && command_find_sub(e, slice(rest.data, (size_t)(more - rest.data))))
        return memchr(more + 1, '|', rest.len - (size_t)(more - rest.data) - 1)
                   ? UNKNOWN
                   : "Allowing first-arg of a subcommand is not supported";
    if (e && allow && !rest.len)
        return SYNTAX;
    if (!e || !allow || more || e->sub_count)
        return UNKNOWN;
    return say_first_word(s, e, rest);
}

/* rule: with its sign. What is wrong, or NULL. */
static const char *say_command(const struct acl_rules *r, struct acl_selector *s,
                               struct slice rule)
{
    bool allow = rule.data[0] == '+';
    struct slice name = slice_from(rule, 1);
    must(allow || rule.data[0] == '-');
    if (has_blank(name))
        return UNKNOWN;
    if (name.len && name.data[0] == '@')
        return say_category(r, s, allow, name);
    const char *wrong = UNKNOWN;
    const struct command_entry *e = NULL;
    if (name.len && memchr(name.data, '|', name.len))
        wrong = say_part(r, s, allow, name);
    else if ((e = find_command(r, name)))
        wrong = NULL;
    if (e) {
        set_command(s, e, allow);
        note_rule(s, allow, slice_str(e->name));
    }
    bool maybe_later = r->modules_later && name.len && memchr(name.data, '.', name.len);
    return wrong == UNKNOWN && maybe_later ? NULL : wrong;
}

/* ---- about keys and channels ---- */

#define NO_EFFECT(what, them) \
    "Adding a pattern after the * pattern (or the '" what "' flag) is not valid and does not " \
    "have any effect. Try '" them

static const char *say_keys(struct acl_selector *s, struct slice rule)
{
    unsigned uses = rule.data[0] == '~' ? ACL_READS | ACL_WRITES : 0;
    size_t i = 1;
    if (s->all_keys)
        return NO_EFFECT("allkeys", "resetkeys' to start with an empty list of patterns");
    for (; rule.data[0] == '%' && i < rule.len && rule.data[i] != '~'; i++) {
        unsigned use = rule.data[i] == 'R' || rule.data[i] == 'r'   ? ACL_READS
                       : rule.data[i] == 'W' || rule.data[i] == 'w' ? ACL_WRITES
                                                                    : 0;
        if (!use || uses & use)
            return SYNTAX;
        uses |= use;
    }
    struct slice pattern = slice_from(rule, rule.data[0] == '%' ? i + 1 : i);
    if (!uses || has_blank(pattern))
        return SYNTAX;
    acl_patterns_add(&s->keys, pattern, uses);
    return NULL;
}

static const char *say_channels(struct acl_selector *s, struct slice rule)
{
    if (s->all_channels)
        return NO_EFFECT("allchannels", "resetchannels' to start with an empty list of channels");
    if (has_blank(rule))
        return SYNTAX;
    acl_patterns_add(&s->channels, slice_from(rule, 1), 0);
    return NULL;
}

enum about { ABOUT_KEYS, ABOUT_CHANNELS, ABOUT_COMMANDS };

static void say_all(struct acl_selector *s, enum about about, bool all)
{
    switch (about) {
    case ABOUT_KEYS:
        s->all_keys = all;
        acl_patterns_clear(&s->keys);
        break;
    case ABOUT_CHANNELS:
        s->all_channels = all;
        acl_patterns_clear(&s->channels);
        break;
    case ABOUT_COMMANDS:
        all_commands(s, all);
        break;
    }
}

static const char *say_to_selector(const struct acl_rules *r, struct acl_selector *s,
                                   struct slice rule)
{
    static const struct {
        const char *word;
        enum about about;
        bool all;
    } words[] = {
        {"allkeys", ABOUT_KEYS, true}, {"~*", ABOUT_KEYS, true}, {"resetkeys", ABOUT_KEYS, false},
        {"allchannels", ABOUT_CHANNELS, true}, {"&*", ABOUT_CHANNELS, true},
        {"resetchannels", ABOUT_CHANNELS, false},
        {"allcommands", ABOUT_COMMANDS, true}, {"+@all", ABOUT_COMMANDS, true},
        {"nocommands", ABOUT_COMMANDS, false}, {"-@all", ABOUT_COMMANDS, false},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_eq_nocase(rule, words[i].word)) {
            say_all(s, words[i].about, words[i].all);
            return NULL;
        }
    }
    switch (rule.len ? rule.data[0] : '\0') {
    case '~':
    case '%':
        return say_keys(s, rule);
    case '&':
        return say_channels(s, rule);
    case '+':
    case '-':
        return say_command(r, s, rule);
    default:
        return SYNTAX;
    }
}

/* ---- about the user ---- */

/* A rule that ends in a parenthesis would, when the selector is shown and read again, end it. */
static const char *say_selector(const struct acl_rules *r, struct acl_user *u, struct slice rule)
{
    struct slice text = slice(rule.data + 1, rule.len - 2);
    struct acl_selector *s = acl_user_add_selector(u, r->open_channels);
    const char *wrong = NULL;
    must(rule.len >= 2);
    while (text.len && !wrong) {
        const char *blank = memchr(text.data, ' ', text.len);
        size_t len = blank ? (size_t)(blank - text.data) : text.len;
        struct slice one = slice(text.data, len);
        if (len)
            wrong = one.data[len - 1] == ')' ? SYNTAX : say_to_selector(r, s, one);
        text = slice_from(text, len + 1);
    }
    return wrong;
}

static const char *say_password(struct acl_user *u, struct slice rule)
{
    char hash[ACL_HASH_TEXT];
    must(rule.len > 0);
    struct slice text = slice_from(rule, 1);
    bool given = rule.data[0] == '>' || rule.data[0] == '#';
    if (rule.data[0] == '>' || rule.data[0] == '<') {
        sha256_hex(text, hash);
    } else {
        bool ok = text.len == ACL_HASH_TEXT - 1;
        for (size_t i = 0; i < text.len && ok; i++)
            ok = num_hex_digit(text.data[i]) >= 0 && !(text.data[i] >= 'A' && text.data[i] <= 'F');
        if (!ok)
            return "The password hash must be exactly 64 characters and contain only lowercase "
                   "hexadecimal characters";
        memcpy(hash, text.data, text.len);
        hash[text.len] = '\0';
    }
    if (given) {
        u->nopass = false;
        acl_user_add_password(u, hash);
    } else if (!acl_user_drop_password(u, hash)) {
        return "The password you are trying to remove from the user does not exist";
    }
    return NULL;
}

static void reset(const struct acl_rules *r, struct acl_user *u)
{
    u->on = u->nopass = false;
    u->sanitize = ACL_SANITIZE_YES;
    u->password_count = 0;
    acl_user_drop_selectors(u);
    for (enum about about = ABOUT_KEYS; about <= ABOUT_COMMANDS; about++)
        say_all(u->selectors[0], about, about == ABOUT_CHANNELS && r->open_channels);
}

/* False: it is no rule of this kind. */
static bool say_word(const struct acl_rules *r, struct acl_user *u, struct slice rule)
{
    static const char *const words[] = {"on", "off", "nopass", "resetpass", "sanitize-payload",
                                        "skip-sanitize-payload", "clearselectors", "reset"};
    enum { ON, OFF, NOPASS, RESETPASS, SANITIZE, SKIP, CLEAR, RESET, WORDS };
    int i = 0;
    while (i < WORDS && !slice_eq_nocase(rule, words[i]))
        i++;
    switch (i) {
    case ON:
    case OFF:
        u->on = i == ON;
        return true;
    case NOPASS:
    case RESETPASS:
        u->nopass = i == NOPASS;
        u->password_count = 0;
        return true;
    case SANITIZE:
    case SKIP:
        u->sanitize = i == SKIP ? ACL_SANITIZE_SKIP : ACL_SANITIZE_YES;
        return true;
    case CLEAR:
        acl_user_drop_selectors(u);
        return true;
    case RESET:
        reset(r, u);
        return true;
    default:
        return false;
    }
}

bool acl_rules_say_one(const struct acl_rules *r, struct acl_user *u, struct slice rule,
                       struct fault *f)
{
    const char *wrong = NULL;
    if (rule.len == 0 || say_word(r, u, rule))
        return true;
    if (strchr("><#!", rule.data[0]) && rule.data[0])
        wrong = say_password(u, rule);
    else if (rule.len >= 2 && rule.data[0] == '(' && rule.data[rule.len - 1] == ')')
        wrong = say_selector(r, u, rule);
    else
        wrong = say_to_selector(r, u->selectors[0], rule);
    if (wrong)
        fault_set(f, FAULT_INVALID, "%s", wrong);
    return !wrong;
}

bool acl_rules_say(const struct acl_rules *r, struct acl_user *u, int argc,
                   const struct slice *argv, struct buf *bad, struct fault *f)
{
    struct buf joined = {0};
    bool ok = true, open = false;
    int start = 0;
    for (int i = 0; i < argc && ok; i++) {
        struct slice rule = argv[i];
        bool closes = rule.len && rule.data[rule.len - 1] == ')';
        if (!open && rule.len && rule.data[0] == '(' && !(closes && rule.len > 1)) {
            open = true;
            start = i;
            buf_clear(&joined);
            buf_add(&joined, rule);
            continue;
        }
        if (open) {
            buf_byte(&joined, ' ');
            buf_add(&joined, rule);
            open = !closes;
            rule = buf_slice(&joined);
        }
        if (!open && !(ok = acl_rules_say_one(r, u, rule, f)))
            buf_add(bad, rule);
    }
    if (ok && open) {
        struct slice first = slice_from(argv[start], 1);
        if (!acl_rules_may_show(first))
            first.len = 0;
        fault_set(f, FAULT_FORMAT, "Unmatched parenthesis in acl selector starting at '(%.*s'.",
                  (int)(first.len < 200 ? first.len : 200), first.data);
        buf_add(bad, argv[start]);
    }
    buf_free(&joined);
    acl_user_settle(u);
    return ok && !open;
}
