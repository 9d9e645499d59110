/* SPDX-License-Identifier: BSD-3-Clause */
/* The row of a command: all that is known of it (command.h has an example). */
#ifndef SERVER_COMMAND_ROW_H
#define SERVER_COMMAND_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct ctx;
struct command;
typedef void command_run(struct ctx *c);

/* COMMAND INFO's words are these in lower case (command_flag_name). */
enum {
    CMD_WRITE = 1 << 0,      CMD_READONLY = 1 << 1,  CMD_DENYOOM = 1 << 2,   CMD_ADMIN = 1 << 3,
    CMD_PUBSUB = 1 << 4,     CMD_NOSCRIPT = 1 << 5,  CMD_BLOCKING = 1 << 6,  CMD_LOADING = 1 << 7,
    CMD_STALE = 1 << 8,      CMD_SKIP_MONITOR = 1 << 9, CMD_SKIP_SLOWLOG = 1 << 10,
    CMD_ASKING = 1 << 11,    CMD_FAST = 1 << 12,     CMD_NO_AUTH = 1 << 13,
    CMD_MAY_REPLICATE = 1 << 14, CMD_NO_ASYNC_LOADING = 1 << 15, CMD_NO_MULTI = 1 << 16,
    CMD_MOVABLE_KEYS = 1 << 17, CMD_ALLOW_BUSY = 1 << 18, CMD_SENTINEL = 1 << 19,
    CMD_ONLY_SENTINEL = 1 << 20, CMD_NO_MANDATORY_KEYS = 1 << 21, CMD_PROTECTED = 1 << 22,
    CMD_TOUCHES_ARBITRARY_KEYS = 1 << 23,
    /* ours, not shown */
    CMD_ASKS_HEALTH = 1 << 24, /* fails while writes are refused, so that who asks notices */
    CMD_BRINGS_CODE = 1 << 25, /* protected by enable-module-command, not enable-debug-command */
    CMD_WHILE_SUBSCRIBED = 1 << 26, /* also in RESP2 from who listens to channels */
};

/* A key specification: where to begin, how to find the others (COMMAND INFO, last element). */
enum {
    KEY_RW = 1, KEY_RO = 2, KEY_OW = 4, KEY_RM = 8,                     /* one of these */
    KEY_ACCESS = 16, KEY_UPDATE = 32, KEY_INSERT = 64, KEY_DELETE = 128, /* and of these */
    KEY_NOT_KEY = 256, KEY_INCOMPLETE = 512, KEY_VARIABLE = 1024,
};
enum key_begin { KEY_BEGIN_NONE, KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD, KEY_BEGIN_UNKNOWN };
enum key_find { KEY_FIND_RANGE, KEY_FIND_KEYNUM, KEY_FIND_UNKNOWN };
struct key_spec {
    uint32_t flags;
    uint8_t begin, find;
    int begin_index;            /* KEY_BEGIN_INDEX; for a keyword: where the search starts */
    const char *keyword;
    int last, step, limit;      /* range: last relative to the first, or -1, -2 from the end */
    int keynum_index, first_key; /* keynum */
    const char *notes;
};
#define KEY_AT(f, index, last_, step_) \
    {.flags = (f), .begin = KEY_BEGIN_INDEX, .begin_index = (index), .find = KEY_FIND_RANGE, \
     .last = (last_), .step = (step_)}
#define KEY_NUM_AT(f, index) \
    {.flags = (f), .begin = KEY_BEGIN_INDEX, .begin_index = (index), .find = KEY_FIND_KEYNUM, \
     .first_key = 1, .step = 1}
enum { KEY_SPECS_MAX = 4 };

/* ACL categories besides those that follow from the flags: write, read(only), admin with dangerous,
 * pubsub, blocking, and fast or else slow. */
enum {
    CAT_KEYSPACE = 1 << 0, CAT_READ = 1 << 1, CAT_WRITE = 1 << 2, CAT_SET = 1 << 3,
    CAT_SORTEDSET = 1 << 4, CAT_LIST = 1 << 5, CAT_HASH = 1 << 6, CAT_STRING = 1 << 7,
    CAT_BITMAP = 1 << 8, CAT_HYPERLOGLOG = 1 << 9, CAT_GEO = 1 << 10, CAT_STREAM = 1 << 11,
    CAT_PUBSUB = 1 << 12, CAT_ADMIN = 1 << 13, CAT_FAST = 1 << 14, CAT_SLOW = 1 << 15,
    CAT_BLOCKING = 1 << 16, CAT_DANGEROUS = 1 << 17, CAT_CONNECTION = 1 << 18,
    CAT_TRANSACTION = 1 << 19, CAT_SCRIPTING = 1 << 20,
};

/* Finds the keys of one call for commands whose specs cannot (CMD_MOVABLE_KEYS). Writes argument
 * positions into at (room for max), returns how many, -1 on a syntax error. */
typedef int command_find_keys(int argc, const struct slice *argv, int *at, int max);

/* What a command is to a transaction that is being queued: those that steer it are run at once. */
enum steers { STEERS_NOTHING, STEERS_MULTI, STEERS_EXEC, STEERS_ELSE };

/* The channels among a command's words, for users who may not have all of them. What only leaves
 * channels names none. */
enum channel_use { CHANNELS_NONE, CHANNELS_FIRST, CHANNELS_ALL, CHANNELS_PATTERNS };

struct command {
    const char *name;        /* lower case; a subcommand's own word */
    command_run *run;        /* NULL for a pure container */
    int arity;               /* exact, or -(at least) */
    uint32_t flags;
    uint32_t categories;     /* extra CAT_* */
    enum steers steers;
    enum channel_use channels; /* the first word, all of them, or all of them as patterns */
    const char *group, *since, *complexity, *summary;
    const char *deprecated_since, *replaced_by;
    bool system;             /* COMMAND DOCS calls it "syscmd": not for applications */
    const char *tips;        /* blank-separated command tips, NULL none */
    const char *history;     /* "6.0.0:Text|7.0.0:Text", NULL none */
    struct key_spec keys[KEY_SPECS_MAX];
    command_find_keys *find_keys;
    /* KEY_VARIABLE: what this call does with its keys. flags: of the spec */
    uint32_t (*key_flags)(int argc, const struct slice *argv, uint32_t flags);
    /* The flags of one call, when its words or its client decide (EXEC does what is queued); NULL:
     * those above. Asked before it is admitted. */
    uint32_t (*flags_of)(const struct ctx *c);
    /* The arguments of COMMAND DOCS, blank-separated, NULL none. Each: name:type (token for
     * pure-token), then any of @N key spec index, =TOKEN ('' empty), ~display text when it is not
     * the name, ? optional, * multiple, + multiple token, ^version since, !version deprecated
     * since, and for oneof and block (arguments). Shown: all but oneof and block have a display
     * text. command_args.c turns it into the reply. */
    const char *args;
    const struct command *subcommands; /* table ended by a NULL name */
    /* Filled in by the registry's copy. */
    const struct command *parent; /* NULL at top level */
    bool renamed;                 /* clients call it, or its parent, by another name */
};

#endif
