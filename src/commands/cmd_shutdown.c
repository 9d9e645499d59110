/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/must.h"
#include "commands/cmd_server.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/shutdown.h"

enum { ABORT = 1u << 31 }; /* beside SHUTDOWN_* */

static bool flags_arg(struct ctx *c, unsigned *flags)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {{"nosave", SHUTDOWN_NOSAVE}, {"save", SHUTDOWN_SAVE}, {"now", SHUTDOWN_NOW},
                 {"force", SHUTDOWN_FORCE}, {"abort", ABORT}};
    enum { WORDS = sizeof words / sizeof *words };
    *flags = 0;
    for (int i = 1; i < c->argc; i++) {
        int k = 0;
        while (k < WORDS && !ctx_arg_is(c, i, words[k].word))
            k++;
        if (k == WORDS)
            return false;
        *flags |= words[k].flag;
    }
    bool both = *flags & SHUTDOWN_SAVE && *flags & SHUTDOWN_NOSAVE;
    return !both && (*flags == ABORT || !(*flags & ABORT));
}

/* In the middle of another command there is half a data set: nothing is saved of it. */
uint32_t cmd_shutdown_flags(const struct ctx *c)
{
    bool nosave = false;
    for (int i = 1; i < c->argc; i++)
        nosave |= ctx_arg_is(c, i, "nosave");
    return c->command->flags & ~(nosave ? 0 : (uint32_t)CMD_ALLOW_BUSY);
}

void cmd_shutdown(struct ctx *c)
{
    struct shutdown *shutdown = server_shutdown(c->server);
    unsigned flags;
    if (!flags_arg(c, &flags)) {
        reply_syntax(c);
    } else if (flags == ABORT) {
        if (shutdown_abort(shutdown))
            reply_ok(c);
        else
            reply_error(c, "ERR No shutdown in progress.");
    } else if (!(flags & SHUTDOWN_NOW) && !shutdown_may_wait(c)) {
        reply_error(c, "ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client");
    } else {
        must(!(flags & ABORT));
        enum shutdown_end end = shutdown_begin(shutdown, flags);
        if (end == SHUTDOWN_FAILED)
            reply_error(c, SHUTDOWN_ERROR);
        else if (end == SHUTDOWN_LASTS)
            shutdown_wait(shutdown, c);
    }
}
