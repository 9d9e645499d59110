/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the commands about users. Facts as in Redis 7.2. */
#include "commands/cmd_acl.h"

#define FOR_ALL .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, .group = "server"
#define FOR_ADMINS .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, .group = "server"
#define ON_ALL_NODES .tips = "request_policy:all_nodes response_policy:all_succeeded"

static const struct command acl_subcommands[] = {
    {.name = "cat", .run = cmd_acl_cat, .arity = -2, FOR_ALL, .since = "6.0.0",
     .summary = "Lists the categories, or the commands of one",
     .complexity = "O(N), N: commands",
     .args = "category:string?"},
    {.name = "deluser", .run = cmd_acl_deluser, .arity = -3, FOR_ADMINS, .since = "6.0.0",
     .summary = "Deletes users and closes their connections",
     .complexity = "O(N), N: connections, for each user",
     ON_ALL_NODES,
     .args = "username:string*"},
    {.name = "dryrun", .run = cmd_acl_dryrun, .arity = -4, FOR_ADMINS, .since = "7.0.0",
     .summary = "Tells whether a user may run a command, without running it",
     .complexity = "O(N), N: patterns of the user",
     .args = "username:string command:string arg:string?*"},
    {.name = "genpass", .run = cmd_acl_genpass, .arity = -2, FOR_ALL, .since = "6.0.0",
     .summary = "Makes up a password that nobody guesses",
     .complexity = "O(1)",
     .args = "bits:integer?"},
    {.name = "getuser", .run = cmd_acl_getuser, .arity = 3, FOR_ADMINS, .since = "6.0.0",
     .summary = "Shows the rules of a user",
     .complexity = "O(N), N: rules of the user",
     .args = "username:string"},
    {.name = "help", .run = cmd_acl_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .group = "server", .since = "6.0.0",
     .summary = "Lists the subcommands",
     .complexity = "O(1)"},
    {.name = "list", .run = cmd_acl_list, .arity = 2, FOR_ADMINS, .since = "6.0.0",
     .summary = "Shows all users as lines of a configuration file",
     .complexity = "O(N), N: rules of all users"},
    {.name = "load", .run = cmd_acl_load, .arity = 2, FOR_ADMINS, .since = "6.0.0",
     .summary = "Reads the users again from the file of aclfile",
     .complexity = "O(N), N: users in the file, and connections"},
    {.name = "log", .run = cmd_acl_log, .arity = -2, FOR_ADMINS, .since = "6.0.0",
     .summary = "Shows what was denied lately",
     .complexity = "O(N), N: entries shown",
     .args = "operation:oneof?(count:integer reset:token=RESET)"},
    {.name = "save", .run = cmd_acl_save, .arity = 2, FOR_ADMINS, .since = "6.0.0",
     .summary = "Writes the users to the file of aclfile",
     .complexity = "O(N), N: rules of all users",
     ON_ALL_NODES},
    {.name = "setuser", .run = cmd_acl_setuser, .arity = -3, FOR_ADMINS, .since = "6.0.0",
     .summary = "Makes a user, or changes its rules",
     .complexity = "O(N), N: rules given, and connections",
     ON_ALL_NODES,
     .args = "username:string rule:string?*"},
    {.name = "users", .run = cmd_acl_users, .arity = 2, FOR_ADMINS, .since = "6.0.0",
     .summary = "Lists the names of all users",
     .complexity = "O(N), N: users"},
    {.name = "whoami", .run = cmd_acl_whoami, .arity = 2, FOR_ALL, .since = "6.0.0",
     .summary = "Tells the user of this connection",
     .complexity = "O(1)"},
    {.name = NULL}};

const struct command cmd_acl_commands[] = {
    {.name = "acl", .arity = -2, .group = "server", .since = "6.0.0",
     .summary = "Container of commands about users",
     .complexity = "The subcommand's",
     .subcommands = acl_subcommands},
    {.name = NULL}};
