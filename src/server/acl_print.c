/* SPDX-License-Identifier: BSD-3-Clause */
/* Users back to rules. */
#include "server/acl_rules.h"

#include "base/must.h"
#include "server/acl_user.h"

static void part(struct buf *out, const char *before, struct slice text)
{
    buf_printf(out, "%s%s", out->len ? " " : "", before);
    buf_add(out, text);
}

void acl_rules_print_commands(const struct acl_selector *s, struct buf *out)
{
    struct buf text = {0};
    part(&text, s->from_all ? "+@all" : "-@all", SLICE_LIT(""));
    for (size_t i = 0; i < s->rule_count; i++)
        part(&text, s->rules[i], SLICE_LIT(""));
    buf_add(out, buf_slice(&text));
    buf_free(&text);
}

/* "~*" alone would be read as allkeys, behind which no pattern may stand. */
static const char *key_sign(const struct acl_pattern *p)
{
    must(p->uses & (ACL_READS | ACL_WRITES));
    if (p->uses == (ACL_READS | ACL_WRITES))
        return p->form == ACL_FORM_ANY ? "%RW~" : "~";
    return p->uses == ACL_READS ? "%R~" : "%W~";
}

void acl_rules_print_keys(const struct acl_selector *s, struct buf *out)
{
    struct buf text = {0};
    if (s->all_keys)
        part(&text, "~*", SLICE_LIT(""));
    for (size_t i = 0; i < s->keys.count; i++)
        part(&text, key_sign(&s->keys.all[i]), slice(s->keys.all[i].text, s->keys.all[i].len));
    buf_add(out, buf_slice(&text));
    buf_free(&text);
}

void acl_rules_print_channels(const struct acl_selector *s, struct buf *out)
{
    struct buf text = {0};
    if (s->all_channels)
        part(&text, "&*", SLICE_LIT(""));
    for (size_t i = 0; i < s->channels.count; i++)
        part(&text, "&", slice(s->channels.all[i].text, s->channels.all[i].len));
    buf_add(out, buf_slice(&text));
    buf_free(&text);
}

static void print_selector(const struct acl_selector *s, struct buf *text)
{
    acl_rules_print_keys(s, text);
    if (text->len)
        buf_byte(text, ' ');
    if (!s->all_channels)
        buf_add(text, s->channels.count ? SLICE_LIT("resetchannels ") : SLICE_LIT("resetchannels"));
    acl_rules_print_channels(s, text);
    buf_byte(text, ' ');
    acl_rules_print_commands(s, text);
}

/* Words of a selector, each by itself, as a line of words has them. */
static void put_words(struct buf *out, struct slice text, acl_rules_word *word)
{
    while (text.len) {
        const char *blank = memchr(text.data, ' ', text.len);
        size_t len = blank ? (size_t)(blank - text.data) : text.len;
        buf_byte(out, ' ');
        word(out, slice(text.data, len));
        text = slice_from(text, len + (blank != NULL));
    }
}

static void put(struct buf *out, const char *rule, acl_rules_word *word)
{
    put_words(out, slice_str(rule), word);
}

/* A user's own comes first, then those in parentheses. */
static void put_selectors(const struct acl_user *u, struct buf *out, acl_rules_word *word)
{
    struct buf text = {0};
    for (size_t i = 0; i < u->selector_count; i++) {
        struct buf one = {0};
        print_selector(u->selectors[i], &one);
        buf_clear(&text);
        buf_printf(&text, "%s", i ? "(" : "");
        buf_add(&text, buf_slice(&one));
        buf_printf(&text, "%s", i ? ")" : "");
        put_words(out, buf_slice(&text), word);
        buf_free(&one);
    }
    buf_free(&text);
}

void acl_rules_print(const struct acl_user *u, struct buf *out, acl_rules_word *word)
{
    word(out, slice_str(u->name));
    put(out, u->on ? "on" : "off", word);
    if (u->nopass)
        put(out, "nopass", word);
    put(out, u->sanitize == ACL_SANITIZE_SKIP ? "skip-sanitize-payload" : "sanitize-payload", word);
    for (size_t i = 0; i < u->password_count; i++) {
        buf_append(out, " #", 2);
        buf_add(out, slice_str(u->passwords[i]));
    }
    put_selectors(u, out, word);
}
