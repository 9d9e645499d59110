/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the commands of client-side caching. Facts as in Redis
 * 7.2. */
#include "commands/cmd_tracking.h"

#define OF_CLIENT \
    .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, .categories = CAT_CONNECTION, \
    .group = "connection"

const struct command cmd_tracking_subcommands[] = {
    {.name = "caching", .run = cmd_client_caching, .arity = 3, OF_CLIENT, .since = "6.0.0",
     .summary = "Makes the next command an exception of tracking",
     .complexity = "O(1)",
     .args = "mode:oneof(yes:token=YES no:token=NO)"},
    {.name = "getredir", .run = cmd_client_getredir, .arity = 2, OF_CLIENT, .since = "6.0.0",
     .summary = "Tells which client hears what this one is to forget",
     .complexity = "O(1)"},
    {.name = "tracking", .run = cmd_client_tracking, .arity = -3, OF_CLIENT, .since = "6.0.0",
     .summary = "Has the connection told when what it has read changes",
     .complexity = "O(1), and O(N) for N prefixes",
     .args = "status:oneof(on:token=ON off:token=OFF) client-id:integer=REDIRECT? "
             "prefix:string=PREFIX?*+ bcast:token=BCAST? optin:token=OPTIN? optout:token=OPTOUT? "
             "noloop:token=NOLOOP?"},
    {.name = "trackinginfo", .run = cmd_client_trackinginfo, .arity = 2, OF_CLIENT,
     .since = "6.2.0",
     .summary = "Tells how the connection tracks",
     .complexity = "O(N), N: its prefixes"},
    {.name = NULL}};
