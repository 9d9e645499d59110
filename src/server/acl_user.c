/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/acl_user.h"

#include <string.h>

#include "base/bytes.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/sha.h"

/* ---- patterns ---- */

static void set_form(struct acl_pattern *p)
{
    struct slice text = slice(p->text, p->len);
    bool star = p->len && p->text[p->len - 1] == '*';
    p->fixed = p->len - star;
    if (star && p->len == 1)
        p->form = ACL_FORM_ANY;
    else if (star && glob_is_plain(slice(p->text, p->fixed)))
        p->form = ACL_FORM_PREFIX;
    else
        p->form = glob_is_plain(text) ? ACL_FORM_EXACT : ACL_FORM_GLOB;
}

void acl_patterns_add(struct acl_patterns *p, struct slice text, unsigned uses)
{
    for (size_t i = 0; i < p->count; i++) {
        if (slice_eq(slice(p->all[i].text, p->all[i].len), text)) {
            p->all[i].uses |= (uint8_t)uses;
            return;
        }
    }
    p->all = mem_realloc(p->all, (p->count + 1) * sizeof *p->all);
    struct acl_pattern *added = &p->all[p->count++];
    *added = (struct acl_pattern){.uses = (uint8_t)uses, .len = text.len,
                                  .text = mem_dup(text.data, text.len)};
    set_form(added);
    must(added->fixed <= added->len);
}

void acl_patterns_clear(struct acl_patterns *p)
{
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->all[i].text);
    mem_free(p->all);
    *p = (struct acl_patterns){0};
}

static void copy_patterns(struct acl_patterns *to, const struct acl_patterns *from)
{
    for (size_t i = 0; i < from->count; i++)
        acl_patterns_add(to, slice(from->all[i].text, from->all[i].len), from->all[i].uses);
}

bool acl_pattern_fits(const struct acl_pattern *p, struct slice text)
{
    switch ((enum acl_form)p->form) {
    case ACL_FORM_ANY:
        return text.len > 0;
    case ACL_FORM_PREFIX:
        return text.len >= p->fixed && memcmp(text.data, p->text, p->fixed) == 0;
    case ACL_FORM_EXACT:
        return slice_eq(slice(p->text, p->len), text);
    case ACL_FORM_GLOB:
        break;
    }
    return glob_fits(slice(p->text, p->len), text);
}

/* ---- selectors ---- */

struct acl_selector *acl_user_add_selector(struct acl_user *u, bool open_channels)
{
    struct acl_selector *s = mem_zalloc(sizeof *s);
    s->all_channels = open_channels;
    u->selectors = mem_realloc(u->selectors, (u->selector_count + 1) * sizeof *u->selectors);
    u->selectors[u->selector_count++] = s;
    return s;
}

static void selector_free(struct acl_selector *s)
{
    acl_patterns_clear(&s->keys);
    acl_patterns_clear(&s->channels);
    for (size_t i = 0; i < s->first_word_count; i++)
        mem_free(s->first_words[i].word);
    for (size_t i = 0; i < s->rule_count; i++)
        mem_free(s->rules[i]);
    mem_free(s->first_words);
    mem_free(s->rules);
    mem_free(s);
}

static void copy_selector(struct acl_user *to, const struct acl_selector *from)
{
    struct acl_selector *s = acl_user_add_selector(to, false);
    *s = *from;
    s->keys = s->channels = (struct acl_patterns){0};
    copy_patterns(&s->keys, &from->keys);
    copy_patterns(&s->channels, &from->channels);
    s->first_words = mem_alloc((from->first_word_count + 1) * sizeof *s->first_words);
    for (size_t i = 0; i < from->first_word_count; i++)
        s->first_words[i] = (struct acl_first_word){from->first_words[i].command_id,
                                                    mem_strdup(from->first_words[i].word)};
    s->rules = mem_alloc((from->rule_count + 1) * sizeof *s->rules);
    for (size_t i = 0; i < from->rule_count; i++)
        s->rules[i] = mem_strdup(from->rules[i]);
}

void acl_user_drop_selectors(struct acl_user *u)
{
    must(u->selector_count > 0);
    while (u->selector_count > 1)
        selector_free(u->selectors[--u->selector_count]);
}

/* ---- users ---- */

struct acl_user *acl_user_new(struct slice name, bool open_channels)
{
    struct acl_user *u = mem_zalloc(sizeof *u);
    u->name = mem_dup(name.data, name.len);
    acl_user_add_selector(u, open_channels);
    acl_user_settle(u);
    return u;
}

struct acl_user *acl_user_copy(const struct acl_user *u)
{
    struct acl_user *copy = mem_zalloc(sizeof *copy);
    *copy = *u;
    copy->name = mem_strdup(u->name);
    copy->passwords = mem_copy(u->passwords, u->password_count * sizeof *u->passwords);
    copy->selectors = NULL;
    copy->selector_count = copy->head_count = 0;
    copy->heads = NULL;
    for (size_t i = 0; i < u->selector_count; i++)
        copy_selector(copy, u->selectors[i]);
    must(copy->selector_count == u->selector_count);
    acl_user_settle(copy);
    return copy;
}

void acl_user_free(struct acl_user *u)
{
    if (!u)
        return;
    acl_user_drop_selectors(u);
    selector_free(u->selectors[0]);
    mem_free(u->selectors);
    mem_free(u->heads);
    mem_free(u->passwords);
    mem_free(u->name);
    mem_free(u);
}

void acl_user_swap(struct acl_user *a, struct acl_user *b)
{
    struct acl_user was = *a;
    char *name = b->name;
    must(a != b);
    *a = *b;
    a->name = was.name;
    *b = was;
    b->name = name;
}

static struct acl_head head_of(const struct acl_pattern *p)
{
    char bytes[8] = {0}, ones[8] = {0};
    size_t n = p->form == ACL_FORM_PREFIX ? p->fixed : 0;
    bool all = n <= sizeof bytes && (p->form == ACL_FORM_PREFIX || p->form == ACL_FORM_ANY);
    n = n < sizeof bytes ? n : sizeof bytes;
    memcpy(bytes, p->text, n);
    memset(ones, 0xff, n);
    return (struct acl_head){load_le64(bytes), load_le64(ones), all ? NULL : p, p->uses};
}

static void make_heads(struct acl_user *u)
{
    const struct acl_patterns *keys = &u->own->keys;
    u->heads = mem_realloc(u->heads, (keys->count + 1) * sizeof *u->heads);
    u->head_count = 0;
    for (size_t i = 0; i < keys->count; i++)
        u->heads[u->head_count++] = head_of(&keys->all[i]);
    if (u->own->all_keys)
        u->heads[u->head_count++] = (struct acl_head){.uses = ACL_READS | ACL_WRITES};
}

void acl_user_settle(struct acl_user *u)
{
    must(u->selector_count > 0);
    u->own = u->selectors[0];
    make_heads(u);
    u->unrestricted = false;
    for (size_t i = 0; i < u->selector_count; i++) {
        const struct acl_selector *s = u->selectors[i];
        u->unrestricted = u->unrestricted || (s->all_commands && s->all_keys && s->all_channels);
    }
}

/* ---- passwords ---- */

/* All of them are looked at, and all bytes of each. */
static size_t place_of(const struct acl_user *u, const char *hash)
{
    size_t place = SIZE_MAX;
    for (size_t i = 0; i < u->password_count; i++) {
        unsigned char differ = 0;
        for (int k = 0; k < ACL_HASH_TEXT - 1; k++)
            differ |= (unsigned char)(u->passwords[i][k] ^ hash[k]);
        place = differ ? place : i;
    }
    return place;
}

bool acl_user_add_password(struct acl_user *u, const char hash[ACL_HASH_TEXT])
{
    if (place_of(u, hash) != SIZE_MAX)
        return false;
    u->passwords = mem_realloc(u->passwords, (u->password_count + 1) * sizeof *u->passwords);
    memcpy(u->passwords[u->password_count++], hash, ACL_HASH_TEXT);
    return true;
}

bool acl_user_drop_password(struct acl_user *u, const char hash[ACL_HASH_TEXT])
{
    size_t at = place_of(u, hash);
    if (at == SIZE_MAX)
        return false;
    must(at < u->password_count);
    u->password_count--;
    memmove(u->passwords[at], u->passwords[at + 1],
            (u->password_count - at) * sizeof *u->passwords);
    return true;
}

bool acl_user_has_password(const struct acl_user *u, struct slice password)
{
    char hash[ACL_HASH_TEXT];
    sha256_hex(password, hash);
    return place_of(u, hash) != SIZE_MAX;
}
