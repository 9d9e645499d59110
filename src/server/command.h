/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands are data: one const table per family, registered at start. COMMAND, ACL, the executor
 * and the routing of keys all read the same rows.
 *
 *   const struct command cmd_string_commands[] = {
 *       {.name = "get", .run = cmd_get, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
 *        .group = "string", .since = "1.0.0", .complexity = "O(1)", .summary = "...",
 *        .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)}, .args = "key:key@0"},
 *       {.name = NULL}};
 */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include "server/command_row.h"

enum { COMMAND_IDS_MAX = 1024 };

struct commands; /* opaque */
struct latency;
struct command_stats {
    uint64_t calls, usec, rejected, failed;
    struct latency *latency; /* see stats.h; NULL until first used */
};

struct commands *commands_new(void);
void commands_free(struct commands *cs);
/* Adds a family; arg is handed to its handlers as ctx.arg. The table must outlive the registry. */
void commands_add(struct commands *cs, const struct command *table, void *arg);
/* Subcommands that another owner than its own brings to a container which is there. At start,
 * before anybody holds an entry. */
void commands_add_subs(struct commands *cs, const char *container, const struct command *table,
                       void *arg);
/* rename-command: what clients must say from now on; new_name "" removes. False when there is no
 * such command, or another has the name. */
bool commands_rename(struct commands *cs, struct slice name, struct slice new_name);

/* A registered command: the row, its arg, its numbers. */
struct command_entry {
    struct command row;         /* copy; row.parent filled in */
    void *arg;
    struct command_stats stats;
    struct command_entry *subs; /* array, sub_count of them */
    struct command_entry *owner; /* of a subcommand: its container */
    unsigned sub_count, id;  /* id: below COMMAND_IDS_MAX, its own as long as the server runs */
    int first_key, last_key, key_step; /* the legacy triple */
    uint32_t categories;
    /* The place of a key that every call has, and no others, nor channels; 0: not so. A call does
     * no more with it than the spec says, some (KEY_VARIABLE) less. */
    uint8_t only_key, only_key_uses; /* KEY_USE_READS, KEY_USE_WRITES */
    char *name;       /* as its table says, and as it is shown and logged; "config|get" */
    char *renamed_to; /* as clients must call it (rename-command); "": not at all; NULL: by name */
};
static inline const struct command_entry *command_entry_of(const struct command *row)
{
    return (const struct command_entry *)(const void *)row; /* a registered one's */
}
_Static_assert(offsetof(struct command_entry, row) == 0, "command_entry_of");
/* By name, case ignored; a hot path. NULL when unknown. */
struct command_entry *commands_find(const struct commands *cs, struct slice name);
/* By the name of its table, whatever rename-command did to it; else by the name it has now. For
 * logs: they keep the names of the tables. */
struct command_entry *commands_find_given(const struct commands *cs, struct slice name);
struct slice command_given_name(const struct command *row); /* of a subcommand: its container's */
struct command_entry *command_find_sub(struct command_entry *e, struct slice name);
size_t commands_count(const struct commands *cs);
typedef void commands_visit(void *arg, struct command_entry *e);
void commands_reset_stats(struct commands *cs);
void commands_each(struct commands *cs, commands_visit *visit, void *arg); /* top level */
/* Also those that rename-command removed. */
void commands_each_given(struct commands *cs, commands_visit *visit, void *arg);
bool command_arity_ok(const struct command_entry *e, int argc);
/* The keys of a call, in the order of their specs: where, and what is done with each (KEY_*, what
 * depends on the call settled). Returns how many there are, of which max are written; 0: none;
 * KEYS_UNTOLD: a word that would tell is missing or wrong, so that the command itself will fail. */
struct key_use {
    int at;
    uint32_t flags;
};
enum { KEYS_UNTOLD = -1 };
/* What rights it takes. */
enum { KEY_USE_READS = 1, KEY_USE_WRITES = 2 };
static inline unsigned key_uses_of(uint32_t flags)
{
    return (flags & KEY_ACCESS ? KEY_USE_READS : 0) |
           (flags & (KEY_UPDATE | KEY_INSERT | KEY_DELETE) ? KEY_USE_WRITES : 0);
}
int command_key_uses(const struct command_entry *e, int argc, const struct slice *argv,
                     struct key_use *uses, int max);
const char *command_flag_name(unsigned bit_index);
const char *command_category_name(unsigned bit_index);

#endif
