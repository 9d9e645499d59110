/* SPDX-License-Identifier: BSD-3-Clause */
/* SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE, SHUTDOWN. ctx.arg is the struct persist. */
#include "persist/persist_cmd.h"

#include "base/log.h"
#include "persist/aof_state.h"
#include "persist/persist.h"
#include "persist/rewrite.h"
#include "persist/snapshot.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/reply.h"
#include "server/server.h"

static struct persist *persist_of(const struct ctx *c)
{
    return c->arg;
}

void cmd_lastsave(struct ctx *c)
{
    reply_int(c, persist_of(c)->snapshot->last_save_s);
}

void cmd_save(struct ctx *c)
{
    struct persist *p = persist_of(c);
    struct fault f = {0};
    if (p->child_kind == &child_save) {
        reply_error(c, "ERR Background save already in progress");
        return;
    }
    if (snapshot_save(p->snapshot, &f)) {
        reply_ok(c);
        return;
    }
    log_fault("SAVE failed", &f);
    reply_error(c, "ERR");
}

void cmd_bgsave(struct ctx *c)
{
    struct persist *p = persist_of(c);
    struct fault f = {0};
    bool schedule = c->argc == 2 && ctx_arg_is(c, 1, "schedule");
    if (c->argc > 1 && !schedule) {
        reply_syntax(c);
    } else if (p->child_kind == &child_save) {
        reply_error(c, "ERR Background save already in progress");
    } else if (p->child_kind || c->flags & CTX_IN_MULTI) {
        if (schedule || c->flags & CTX_IN_MULTI) {
            p->snapshot->scheduled = true;
            reply_status(c, "Background saving scheduled");
        } else {
            reply_error(c,
                        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use "
                        "BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.");
        }
    } else if (snapshot_start(p->snapshot, &f)) {
        reply_status(c, "Background saving started");
    } else {
        reply_error(c, "ERR");
    }
}

void cmd_bgrewriteaof(struct ctx *c)
{
    struct persist *p = persist_of(c);
    struct fault f = {0};
    if (p->child_kind == &child_rewrite) {
        reply_error(c, "ERR Background append only file rewriting already in progress");
    } else if (p->child_kind || c->flags & CTX_IN_MULTI) {
        rewrite_ask(p->aof, true);
        reply_status(c, "Background append only file rewriting scheduled");
    } else if (rewrite_start(p->aof, &f)) {
        reply_status(c, "Background append only file rewriting started");
    } else {
        reply_error(c,
                    "ERR Can't execute an AOF background rewriting. Please check the server logs "
                    "for more information.");
    }
}

