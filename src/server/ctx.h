/* SPDX-License-Identifier: BSD-3-Clause */
/* The context of one command being executed: what a handler gets, and all it gets.
 *
 *   void cmd_strlen(struct ctx *c)
 *   {
 *       struct entry *e;
 *       if (!ctx_lookup(c, c->argv[1], VALUE_STRING, &e))   // WRONGTYPE was replied
 *           return;
 *       reply_int(c, e ? (int64_t)entry_string_len(e) : 0);
 *   }
 *
 * A handler reads argv (slices into the query buffer, valid while it runs), changes the store
 * through db_*, replies through reply_*, and says with ctx_changed() how many changes it made: with
 * none, the command is not logged. */
#ifndef SERVER_CTX_H
#define SERVER_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "server/commit_batch.h"
#include "store/db.h"

struct server;
struct client;
struct command;
struct output;

/* Whose call it is: decides which checks are asked (hooks.h, ADMIT). */
enum exec_from {
    FROM_CLIENT, FROM_EXEC, FROM_SCRIPT, FROM_MODULE,
    FROM_PRIMARY, /* the link to our primary (CLIENT_PRIMARY): nobody is asked, nothing replied */
    FROM_LOG,     /* the append log, at a start */
    FROM_COUNT,
};

struct ctx {
    struct server *server;
    struct client *client;
    struct keyspace *keyspace;
    struct db *db;               /* the client's selected database */
    const struct command *command;
    void *arg;                   /* what the command's table was registered with (feature state) */
    struct buf *out;             /* where replies go; see reply.h */
    struct output *output;       /* of which out is the open block; NULL: out is not a client's */
    int argc;
    int resp;                    /* 2 or 3 */
    const struct slice *argv;
    int64_t now_ms;              /* the unit's clock: the same for all commands of a MULTI */
    uint64_t dirty;              /* changes made: see ctx_changed */
    size_t out_most;             /* of out; when it would be more, reply.c looks what to do */
    uint32_t flags;
    uint32_t command_flags;      /* CMD_*, of this call: see command.h flags_of */
    enum exec_from from;
    enum commit_scope scope;     /* where what it changes is told */
    uint64_t redacted;           /* bit i: word i is a secret; the last bit: all from there on */
};
_Static_assert(sizeof(struct ctx) <= 128, "made anew for each command: two cache lines");
enum {
    CTX_NO_REPLY = 1,   /* replies are dropped (loading, replication) */
    CTX_LOADING = 2,    /* from the append log, so acknowledged before: no limit that is set for
                         * clients counts, nothing expires, nothing is logged */
    CTX_IN_MULTI = 4,   /* inside EXEC (or a script) */
    CTX_FAILED = 8,     /* an error was replied (set by reply_error) */
    CTX_LOG_REPLACED = 16,
    CTX_UNHEARD = 64,   /* nobody will get the reply any more: see reply_unheard */
    CTX_AGAIN = 256,    /* it waited, and runs again */
    CTX_NOT_RUN = 512,  /* refused, or queued by MULTI: what is replied shows no data */
    CTX_WAITS = 128,    /* it has not replied, and will be run again or answered later: block.h */
};

/* Looks up for reading. False when the key holds another type: the error was replied. *e NULL when
 * absent. */
bool ctx_lookup(struct ctx *c, struct slice key, enum value_type type, struct entry **e);
/* The same for a command that will write. */
bool ctx_lookup_write(struct ctx *c, struct slice key, enum value_type type, struct entry **e);
/* Is it NULL or of that type? False: the error was replied. Several are looked up before any is. */
bool ctx_type_is(struct ctx *c, const struct entry *e, enum value_type type);

/* May there be a string of len bytes? proto-max-bulk-len limits what clients make. What the log
 * tells of was made once, and is made again whatever the limit is now: only memory may be short. */
bool ctx_string_fits(const struct ctx *c, uint64_t len);

/* Word i is a secret: whoever shows the command (slow log, MONITOR, a crash report) shows another
 * word for it. */
enum { CTX_REDACT_LAST = 63 };
static inline void ctx_redact(struct ctx *c, int i)
{
    c->redacted |= UINT64_C(1) << (i < CTX_REDACT_LAST ? i : CTX_REDACT_LAST);
}
struct slice ctx_shown(const struct ctx *c, int i);

static inline void ctx_changed(struct ctx *c, uint64_t changes)
{
    c->dirty += changes;
}

/* ---- what is logged (append log, replicas) when the command changed something ---- */
/* Instead of the command as it was given: SET EX -> SET PXAT. Copies. */
void ctx_log_instead(struct ctx *c, int argc, const struct slice *argv);
/* Besides it, in order, e.g. for each of several effects. */
void ctx_log_also(struct ctx *c, struct db *db, int argc, const struct slice *argv);
/* The command as given goes to replicas, though nothing changed: what is published. */
void ctx_tell_replicas(struct ctx *c);
/* The command as it stands, by the name of its table (rename-command changes what clients say, not
 * what logs say). For the executor. */
void ctx_log_as_given(struct ctx *c);

/* ---- arguments; each replies its error and returns false ---- */
/* ERR value is not an integer or out of range */
bool ctx_arg_i64(struct ctx *c, int i, int64_t *out);
bool ctx_arg_range(struct ctx *c, int i, int64_t min, int64_t max, int64_t *out, const char *error);
bool ctx_arg_double(struct ctx *c, int i, double *out);         /* ERR value is not a valid float */
/* Case is ignored; false past the end. */
bool ctx_arg_is(const struct ctx *c, int i, const char *word);
/* MATCH, COUNT, TYPE... of the SCAN family start here: */
bool ctx_arg_cursor(struct ctx *c, int i, uint64_t *out);       /* ERR invalid cursor */

#endif
