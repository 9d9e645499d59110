/* SPDX-License-Identifier: BSD-3-Clause */
/* The decision: may this user make this call? The same for what clients say, for what EXEC has
 * queued and for what scripts call; nothing is logged or counted here (acl.h does).
 *
 * Cost: for a command with one key at a fixed place, some 50 instructions and a comparison with
 * each pattern of the user's own selector; otherwise the keys are searched for, once. */
#ifndef SERVER_ACL_CHECK_H
#define SERVER_ACL_CHECK_H

#include <stdbool.h>

#include "base/slice.h"

struct acl_selector;
struct acl_user;
struct buf;
struct command_entry;

/* What is missing. Of several selectors the one that came furthest tells: a later reason, then a
 * later word. */
enum acl_reason { ACL_ALLOWED, ACL_NO_COMMAND, ACL_NO_KEY, ACL_NO_AUTH, ACL_NO_CHANNEL };
struct acl_decision {
    enum acl_reason reason;
    int at; /* the key or channel among the words */
};
struct acl_decision acl_check(const struct acl_user *u, const struct command_entry *e, int argc,
                              const struct slice *argv);
/* Allowed by the user's own selector, as is soon seen; false tells nothing. */
bool acl_check_quick(const struct acl_user *u, const struct command_entry *e,
                     const struct slice *argv);
/* A selector allows this call and reading all keys: SORT reads some that no word names. */
bool acl_check_reads_all(const struct acl_user *u, const struct command_entry *e, int argc,
                         const struct slice *argv);

/* A channel somebody listens to; pattern: it is one. By any selector. */
bool acl_check_listens(const struct acl_user *u, struct slice channel, bool pattern);
/* All channels that before could be listened to may be listened to by now's patterns. */
bool acl_check_keeps_channels(const struct acl_user *before, const struct acl_user *now);

/* A sentence for people and clients that parse it. word: what the decision is about. in_full: it
 * names the key or channel. */
void acl_check_tell(const struct acl_user *u, const struct command_entry *e,
                    struct acl_decision d, struct slice word, bool in_full, struct buf *out);

#endif
