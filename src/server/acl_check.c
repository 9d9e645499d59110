/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/acl_check.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/acl_user.h"

/* ---- parts of a decision ---- */

static bool has_key(const struct acl_selector *s, struct slice key, uint32_t flags)
{
    unsigned uses = key_uses_of(flags);
    for (size_t i = 0; i < s->keys.count; i++)
        if ((s->keys.all[i].uses & uses) == uses && acl_pattern_fits(&s->keys.all[i], key))
            return true;
    return false;
}

static bool reads_all_keys(const struct acl_selector *s)
{
    bool all = s->all_keys;
    for (size_t i = 0; i < s->keys.count; i++)
        all = all || (s->keys.all[i].form == ACL_FORM_ANY && s->keys.all[i].uses & ACL_READS);
    return all;
}

/* A pattern that is listened to must be one of the user's, letter by letter: whether one pattern
 * fits no more than another is not asked. */
static bool has_channel(const struct acl_selector *s, struct slice channel, bool pattern)
{
    for (size_t i = 0; i < s->channels.count; i++) {
        const struct acl_pattern *p = &s->channels.all[i];
        if (pattern ? slice_eq(slice(p->text, p->len), channel) : acl_pattern_fits(p, channel))
            return true;
    }
    return false;
}

static bool has_first_word(const struct acl_selector *s, unsigned id, int argc,
                           const struct slice *argv)
{
    for (size_t i = 0; i < s->first_word_count && argc > 1; i++)
        if (s->first_words[i].command_id == id &&
            slice_eq_nocase(argv[1], s->first_words[i].word))
            return true;
    return false;
}

/* ---- a selector ---- */

enum { USES_AT_HAND = 32 };
struct call {
    const struct command_entry *entry;
    int argc;
    const struct slice *argv;
    struct key_use at_hand[USES_AT_HAND], *uses;
    int use_count; /* -1: not looked for yet */
};

static void find_keys(struct call *c)
{
    int n = command_key_uses(c->entry, c->argc, c->argv, c->at_hand, USES_AT_HAND);
    c->uses = c->at_hand;
    if (n > USES_AT_HAND) {
        c->uses = mem_alloc((size_t)n * sizeof *c->uses);
        int again = command_key_uses(c->entry, c->argc, c->argv, c->uses, n);
        must(again == n);
    }
    c->use_count = n > 0 ? n : 0; /* what can't be told the command itself will refuse */
}

static struct acl_decision check_keys(const struct acl_selector *s, struct call *c)
{
    if (c->use_count < 0)
        find_keys(c);
    for (int i = 0; i < c->use_count; i++)
        if (!has_key(s, c->argv[c->uses[i].at], c->uses[i].flags))
            return (struct acl_decision){ACL_NO_KEY, c->uses[i].at};
    return (struct acl_decision){ACL_ALLOWED, 0};
}

static struct acl_decision check_channels(const struct acl_selector *s, const struct call *c)
{
    enum channel_use use = c->entry->row.channels;
    int end = use == CHANNELS_FIRST ? 2 : use == CHANNELS_NONE ? 0 : c->argc;
    for (int i = 1; i < end && i < c->argc; i++)
        if (!has_channel(s, c->argv[i], use == CHANNELS_PATTERNS))
            return (struct acl_decision){ACL_NO_CHANNEL, i};
    return (struct acl_decision){ACL_ALLOWED, 0};
}

static struct acl_decision check_selector(const struct acl_selector *s, struct call *c)
{
    const struct command_entry *e = c->entry;
    struct acl_decision d = {ACL_ALLOWED, 0};
    if (!acl_has_command(s, e->id) && !(e->row.flags & CMD_NO_AUTH) &&
        !has_first_word(s, e->id, c->argc, c->argv))
        return (struct acl_decision){ACL_NO_COMMAND, 0};
    if (!s->all_keys)
        d = check_keys(s, c);
    if (!d.reason && !s->all_channels)
        d = check_channels(s, c);
    return d;
}

/* ---- a user ---- */

static struct acl_decision check_call(const struct acl_user *u, struct call *c, bool reads_all)
{
    struct acl_decision worst = {ACL_NO_COMMAND, 0};
    must(u->selector_count > 0);
    for (size_t i = 0; i < u->selector_count; i++) {
        const struct acl_selector *s = u->selectors[i];
        struct acl_decision d = check_selector(s, c);
        if (!d.reason && reads_all && !reads_all_keys(s))
            d.reason = ACL_NO_KEY;
        if (!d.reason)
            return d;
        if (d.reason > worst.reason || (d.reason == worst.reason && d.at > worst.at))
            worst = d;
    }
    return worst;
}

static struct acl_decision check(const struct acl_user *u, const struct command_entry *e,
                                 int argc, const struct slice *argv, bool reads_all)
{
    struct call c;
    c.entry = e;
    c.argc = argc;
    c.argv = argv;
    c.uses = c.at_hand;
    c.use_count = -1;
    struct acl_decision d = check_call(u, &c, reads_all);
    if (c.uses != c.at_hand)
        mem_free(c.uses);
    return d;
}

struct acl_decision acl_check(const struct acl_user *u, const struct command_entry *e, int argc,
                              const struct slice *argv)
{
    if (u->unrestricted)
        return (struct acl_decision){ACL_ALLOWED, 0};
    return check(u, e, argc, argv, false);
}

bool acl_check_reads_all(const struct acl_user *u, const struct command_entry *e, int argc,
                         const struct slice *argv)
{
    return u->unrestricted || check(u, e, argc, argv, true).reason == ACL_ALLOWED;
}

static bool __attribute__((noinline)) has_own_key(const struct acl_user *u,
                                                  const struct command_entry *e, struct slice key)
{
    return u->own->all_keys || has_key(u->own, key, e->row.keys[0].flags);
}

/* Calls nothing where it may be done without. */
bool acl_check_quick(const struct acl_user *u, const struct command_entry *e,
                     const struct slice *argv)
{
    if (!e->only_key || !acl_has_command(u->own, e->id))
        return false;
    struct slice key = argv[e->only_key];
    if (__builtin_expect(key.len < sizeof u->heads->head, 0))
        return has_own_key(u, e, key);
    uint64_t head = load_le64(key.data);
    const struct acl_head *end = u->heads + u->head_count;
    for (const struct acl_head *h = u->heads; h != end; h++)
        if ((head & h->mask) == h->head && !(e->only_key_uses & ~h->uses))
            return !h->rest || has_own_key(u, e, key);
    return false;
}

/* ---- who listens ---- */

bool acl_check_listens(const struct acl_user *u, struct slice channel, bool pattern)
{
    for (size_t i = 0; i < u->selector_count; i++)
        if (u->selectors[i]->all_channels || has_channel(u->selectors[i], channel, pattern))
            return true;
    return false;
}

bool acl_check_keeps_channels(const struct acl_user *before, const struct acl_user *now)
{
    for (size_t i = 0; i < now->selector_count; i++)
        if (now->selectors[i]->all_channels)
            return true;
    for (size_t i = 0; i < before->selector_count; i++) {
        const struct acl_selector *s = before->selectors[i];
        if (s->all_channels)
            return false;
        for (size_t k = 0; k < s->channels.count; k++)
            if (!acl_check_listens(now, slice(s->channels.all[k].text, s->channels.all[k].len),
                                   true))
                return false;
    }
    return true;
}

/* ---- words ---- */

void acl_check_tell(const struct acl_user *u, const struct command_entry *e,
                    struct acl_decision d, struct slice word, bool in_full, struct buf *out)
{
    const char *what = d.reason == ACL_NO_KEY ? "key" : "channel";
    must(d.reason == ACL_NO_COMMAND || d.reason == ACL_NO_KEY || d.reason == ACL_NO_CHANNEL);
    if (d.reason == ACL_NO_COMMAND) {
        buf_printf(out, "User %s has no permissions to run the '%s' command", u->name, e->name);
    } else if (!in_full) {
        buf_printf(out, "No permissions to access a %s", what);
    } else {
        buf_printf(out, "User %s has no permissions to access the '", u->name);
        buf_add(out, word);
        buf_printf(out, "' %s", what);
    }
}
