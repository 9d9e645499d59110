/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the commands of scripts. Facts as in Redis 7.2. */
#include "scripting/eval.h"

static const struct command script_subcommands[] = {
    {.name = "debug", .run = cmd_script_debug, .arity = 3, .flags = CMD_NOSCRIPT,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "3.2.0",
     .summary = "Chooses how scripts are debugged",
     .complexity = "O(1)",
     .args = "mode:oneof(yes:token=YES sync:token=SYNC no:token=NO)"},
    {.name = "exists", .run = cmd_script_exists, .arity = -3, .flags = CMD_NOSCRIPT,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "2.6.0",
     .summary = "Tells which scripts are known",
     .complexity = "O(N), N: scripts asked about",
     .tips = "request_policy:all_shards response_policy:agg_logical_and",
     .args = "sha1:string*"},
    {.name = "flush", .run = cmd_script_flush, .arity = -2, .flags = CMD_NOSCRIPT,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "2.6.0",
     .summary = "Forgets all scripts",
     .complexity = "O(N), N: scripts known",
     .tips = "request_policy:all_nodes response_policy:all_succeeded",
     .history = "6.2.0:Added the `ASYNC` and `SYNC` flushing mode modifiers.",
     .args = "flush-type:oneof?^6.2.0(async:token=ASYNC sync:token=SYNC)"},
    {.name = "help", .run = cmd_script_help, .arity = 2, .flags = CMD_LOADING | CMD_STALE,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "5.0.0",
     .summary = "Lists the subcommands",
     .complexity = "O(1)"},
    {.name = "kill", .run = cmd_script_kill, .arity = 2, .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "2.6.0",
     .summary = "Ends the script that runs",
     .complexity = "O(1)",
     .tips = "request_policy:all_shards response_policy:one_succeeded"},
    {.name = "load", .run = cmd_script_load, .arity = 3, .flags = CMD_NOSCRIPT | CMD_STALE,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "2.6.0",
     .summary = "Keeps a script without running it",
     .complexity = "O(N), N: bytes of the script",
     .tips = "request_policy:all_nodes response_policy:all_succeeded",
     .args = "script:string"},
    {.name = NULL}};

/* Keys: a number of them in word 2, and they behind it. */
#define SCRIPT_KEYS(flags_) \
    {{.flags = (flags_), .begin = KEY_BEGIN_INDEX, .begin_index = 2, .find = KEY_FIND_KEYNUM, \
      .first_key = 1, .step = 1, \
      .notes = "What the script does with them is not known: the most is assumed"}}
enum {
    SCRIPT_ROW = CMD_NOSCRIPT | CMD_STALE | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS |
                 CMD_MOVABLE_KEYS | CMD_MAY_REPLICATE,
    SCRIPT_RO_ROW = (SCRIPT_ROW & ~CMD_MAY_REPLICATE) | CMD_READONLY,
};
#define WORDS " numkeys:integer key:key@0?* arg:string?*"

const struct command script_commands[] = {
    {.name = "eval", .run = cmd_eval, .arity = -3, .flags_of = eval_flags, .flags = SCRIPT_ROW,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "2.6.0",
     .summary = "Runs a script",
     .complexity = "That of the script",
     .keys = SCRIPT_KEYS(KEY_RW | KEY_ACCESS | KEY_UPDATE),
     .args = "script:string" WORDS},
    {.name = "eval_ro", .run = cmd_eval_ro, .arity = -3, .flags_of = eval_flags,
     .flags = SCRIPT_RO_ROW,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "7.0.0",
     .summary = "Runs a script that only reads",
     .complexity = "That of the script",
     .keys = SCRIPT_KEYS(KEY_RO | KEY_ACCESS),
     .args = "script:string" WORDS},
    {.name = "evalsha", .run = cmd_evalsha, .arity = -3, .flags_of = evalsha_flags,
     .flags = SCRIPT_ROW,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "2.6.0",
     .summary = "Runs a known script by its SHA-1",
     .complexity = "That of the script",
     .keys = SCRIPT_KEYS(KEY_RW | KEY_ACCESS | KEY_UPDATE),
     .args = "sha1:string" WORDS},
    {.name = "evalsha_ro", .run = cmd_evalsha_ro, .arity = -3, .flags_of = evalsha_flags,
     .flags = SCRIPT_RO_ROW,
     .categories = CAT_SCRIPTING, .group = "scripting", .since = "7.0.0",
     .summary = "Runs a known script that only reads, by its SHA-1",
     .complexity = "That of the script",
     .keys = SCRIPT_KEYS(KEY_RO | KEY_ACCESS),
     .args = "sha1:string" WORDS},
    {.name = "script", .arity = -2, .categories = CAT_SCRIPTING, .group = "scripting",
     .since = "2.6.0",
     .summary = "Manages scripts",
     .complexity = "By subcommand",
     .subcommands = script_subcommands},
    {.name = NULL}};
