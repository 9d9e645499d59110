/* SPDX-License-Identifier: BSD-3-Clause */
/* A "user NAME RULE..." line of the configuration, read as far as this server can answer for it.
 * Users do not act here yet. That leaves a named user without a way in, which is safe; but every
 * client is the default user, with all rights, so a line that takes some away must not pass. */
#ifndef SERVER_ACL_LINE_H
#define SERVER_ACL_LINE_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/slice.h"

/* What a user has after all rules of its line, left to right, from nothing. */
enum {
    ACL_ON = 1,
    ACL_NOPASS = 2,
    ACL_PASSWORD = 4, /* one at least was given */
    ACL_KEYS = 8,     /* all of them */
    ACL_CHANNELS = 16,
    ACL_COMMANDS = 32,
    ACL_ALL = 63,
};

/* argv: the name and its rules. False, with f filled, when a word is no rule. Names of commands are
 * not looked up: some are of features that come later. */
bool acl_line_read(int argc, const struct slice *argv, unsigned *rights, struct fault *f);

#endif
