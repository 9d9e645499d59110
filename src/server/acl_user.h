/* SPDX-License-Identifier: BSD-3-Clause */
/* A user as data: who it is and what its rules say. For acl_*.c and the commands that show users;
 * everybody else asks acl.h.
 *
 * A user has at least one selector, its own; a call is allowed when one of them allows all of it.
 * An invariant: saying the rules of a selector, in order, to a new one gives the same selector. */
#ifndef SERVER_ACL_USER_H
#define SERVER_ACL_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "server/command.h"

/* What a pattern of keys is for. */
enum { ACL_READS = KEY_USE_READS, ACL_WRITES = KEY_USE_WRITES };
/* How it is compared: most end in their only star, or have none. */
enum acl_form { ACL_FORM_ANY, ACL_FORM_PREFIX, ACL_FORM_EXACT, ACL_FORM_GLOB };
struct acl_pattern {
    uint8_t uses; /* ACL_READS, ACL_WRITES */
    uint8_t form;
    size_t fixed;  /* bytes to be compared, of a prefix */
    size_t len;
    char *text;
};
struct acl_patterns {
    struct acl_pattern *all;
    size_t count;
};

/* "+select|0": a command that is not allowed may be said with this first word. */
struct acl_first_word {
    unsigned command_id;
    char *word;
};

struct acl_selector {
    bool all_commands, all_keys, all_channels; /* also those that come later */
    uint64_t commands[COMMAND_IDS_MAX / 64];
    struct acl_first_word *first_words;
    size_t first_word_count;
    struct acl_patterns keys, channels;
    bool from_all; /* its rules about commands begin with +@all, else with -@all */
    char **rules;  /* those behind, each with its sign */
    size_t rule_count;
};

/* The keys of a user's own selector, to be looked through fast: what the first eight bytes of a key
 * must be, where the pattern says so, and whether that is all of it. */
struct acl_head {
    uint64_t head, mask;
    const struct acl_pattern *rest; /* NULL: no more to be asked */
    unsigned uses;
};

enum { ACL_HASH_TEXT = 65 }; /* SHA-256 in base 16 and a zero byte */
enum acl_sanitize { ACL_SANITIZE_YES, ACL_SANITIZE_SKIP };
struct acl_user {
    char *name;
    bool on, nopass;
    enum acl_sanitize sanitize; /* shown; packed values are always looked through */
    char (*passwords)[ACL_HASH_TEXT];
    size_t password_count;
    struct acl_selector **selectors; /* the first is its own */
    size_t selector_count;
    /* ---- made of the rules (acl_user_settle) ---- */
    bool unrestricted;          /* a selector allows everything: nothing is asked */
    const struct acl_selector *own;
    struct acl_head *heads;     /* of own */
    size_t head_count;
};

/* May nothing, is off and has no password. open_channels: but all channels. */
struct acl_user *acl_user_new(struct slice name, bool open_channels);
struct acl_user *acl_user_copy(const struct acl_user *u);
void acl_user_free(struct acl_user *u); /* NULL is fine */
/* Both keep their names. */
void acl_user_swap(struct acl_user *a, struct acl_user *b);
/* After its rules changed. */
void acl_user_settle(struct acl_user *u);
struct acl_selector *acl_user_add_selector(struct acl_user *u, bool open_channels);
void acl_user_drop_selectors(struct acl_user *u); /* all but its own */

/* False: it is there. */
bool acl_user_add_password(struct acl_user *u, const char hash[ACL_HASH_TEXT]);
bool acl_user_drop_password(struct acl_user *u, const char hash[ACL_HASH_TEXT]);
/* How long it takes tells nothing of how much of it was right. */
bool acl_user_has_password(const struct acl_user *u, struct slice password);

/* One of the same text gets these uses besides its own. */
void acl_patterns_add(struct acl_patterns *p, struct slice text, unsigned uses);
void acl_patterns_clear(struct acl_patterns *p);
/* No star is for an empty text, as in Redis: only allkeys, or an empty pattern. */
bool acl_pattern_fits(const struct acl_pattern *p, struct slice text);

static inline bool acl_has_command(const struct acl_selector *s, unsigned id)
{
    return s->commands[id / 64] >> id % 64 & 1;
}

#endif
