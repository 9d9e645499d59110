/* SPDX-License-Identifier: BSD-3-Clause */
/* A few commands for tests of users' rules: of each kind of keys, channels, flags and categories
 * one. Their keys are said as real rows say them; none is run.
 *
 *   commands_add(cs, acl_commands, NULL); */
#ifndef TESTS_ACL_COMMANDS_H
#define TESTS_ACL_COMMANDS_H

#include "base/must.h"
#include "server/command.h"

static void acl_commands_run(struct ctx *c)
{
    (void)c;
    must(!"a command of this table is run");
}

#define ACL_ROW(name_, flags_, ...) \
    {.name = name_, .run = acl_commands_run, .arity = -2, .flags = flags_, __VA_ARGS__}
static const struct command acl_commands_config[] = {
    ACL_ROW("get", CMD_ADMIN), ACL_ROW("set", CMD_ADMIN), {.name = NULL}};
static const struct command acl_commands[] = {
    ACL_ROW("get", CMD_READONLY | CMD_FAST, .group = "string",
            .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)}),
    ACL_ROW("set", CMD_WRITE, .group = "string", .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 1, 0, 1)}),
    ACL_ROW("del", CMD_WRITE, .group = "generic", .keys = {KEY_AT(KEY_RM | KEY_DELETE, 1, -1, 1)}),
    ACL_ROW("exists", CMD_READONLY, .group = "generic", .keys = {KEY_AT(KEY_RO, 1, 0, 1)}),
    ACL_ROW("eval", CMD_NO_MANDATORY_KEYS,
            .keys = {KEY_NUM_AT(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)}),
    ACL_ROW("select", CMD_FAST, .group = "connection"),
    ACL_ROW("auth", CMD_NO_AUTH, .group = "connection"),
    ACL_ROW("publish", CMD_PUBSUB, .channels = CHANNELS_FIRST),
    ACL_ROW("psubscribe", CMD_PUBSUB, .channels = CHANNELS_PATTERNS),
    ACL_ROW("config", 0, .group = "server", .subcommands = acl_commands_config),
    {.name = NULL}};
#undef ACL_ROW

#endif
