/* SPDX-License-Identifier: BSD-3-Clause */
/* The language of users' rules, both ways. A rule is a word, or a sign and what it concerns:
 *
 *   on off nopass resetpass reset     >secret <secret #hash !hash   passwords, given and taken
 *   ~keys %R~keys %W~keys allkeys resetkeys     &channels allchannels resetchannels
 *   +command -command +command|subcommand +command|first-word +@category -@category
 *   allcommands nocommands     (rule rule...) clearselectors        rights beside the user's own
 *
 * They are said one after the other, and the last word counts: "+@all -@dangerous +info".
 *
 *   struct acl_rules r = {.commands = server_commands(s)};
 *   if (!acl_rules_say(&r, user, argc, argv, &bad, &f)) ... bad: the rule that is wrong, f why
 *
 * What was said before the wrong one stays said: who wants all or nothing says it to a copy. Names
 * of commands are those of the tables, whatever rename-command did. Cost: a look-up a rule; a
 * category looks at all commands. */
#ifndef SERVER_ACL_RULES_H
#define SERVER_ACL_RULES_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/slice.h"

struct acl_selector;
struct acl_user;
struct commands;

struct acl_rules {
    struct commands *commands;
    bool open_channels;  /* what new selectors and "reset" begin with (acl-pubsub-default) */
    /* A name with a dot that is not known passes: what may be a module's is looked up later. */
    bool modules_later;
};

/* One rule, a selector with its parentheses among them; f says why not. */
bool acl_rules_say_one(const struct acl_rules *r, struct acl_user *u, struct slice rule,
                       struct fault *f);
/* Words, of which a selector may take several. bad: the rule concerned, appended. */
bool acl_rules_say(const struct acl_rules *r, struct acl_user *u, int argc,
                   const struct slice *argv, struct buf *bad, struct fault *f);
/* A name may hold anything but blanks and zero bytes. */
bool acl_rules_name_ok(struct slice name);
/* The rule is sure to hold no password, mistyped or not: logs may have it. */
bool acl_rules_may_show(struct slice rule);

/* ---- and back ---- */
/* Rules that make this user of a new one. word puts each of them, with no blank in front. */
typedef void acl_rules_word(struct buf *out, struct slice rule);
void acl_rules_print(const struct acl_user *u, struct buf *out, acl_rules_word *word);
/* Parts of a selector, as ACL GETUSER has them. */
void acl_rules_print_commands(const struct acl_selector *s, struct buf *out);
void acl_rules_print_keys(const struct acl_selector *s, struct buf *out);
void acl_rules_print_channels(const struct acl_selector *s, struct buf *out);
/* The category of that name; 0: there is none. */
uint32_t acl_rules_category(struct slice name);

#endif
