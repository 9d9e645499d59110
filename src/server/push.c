/* SPDX-License-Identifier: BSD-3-Clause */
/* To a client that does nothing just now a message is written to its output at once, and only where
 * it begins is noted, for the stamp that it gets when the unit is over. To one whose command runs
 * it is kept apart until then. */
#include "server/push.h"

#include "base/mem.h"
#include "base/must.h"
#include "server/clients.h"
#include "server/exec.h"
#include "server/pushed.h"
#include "server/reply.h"
#include "server/server.h"

static struct pushed *pushed_of(struct client *c)
{
    if (!c->pushed) {
        c->pushed = mem_zalloc(sizeof *c->pushed);
        c->pushed->client = c;
        link_init(&c->pushed->link);
    }
    return c->pushed;
}

static bool takes(const struct client *c)
{
    return c->io.fd >= 0 && !(c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSE_AFTER_REPLY));
}

void push_begin(struct push *p, struct client *to)
{
    struct pushed *state = pushed_of(to);
    if (!link_linked(&state->link))
        state->from = PUSHED_NOTHING;
    exec_fill_reply(server_exec(to->server), &p->ctx, to);
    reply_to_client(&p->ctx); /* also when it wants no replies */
    if (!takes(to)) {
        reply_to_nobody(&p->ctx);
    } else if (to->busy || state->kept.len) {
        p->ctx.out = &state->kept;
        p->ctx.output = NULL;
        p->ctx.out_most = SIZE_MAX;
    } else if (state->from == PUSHED_NOTHING) {
        state->from = output_end(&to->out);
    }
}

/* All that was pushed to it is in its output now. If it is to be closed since, that is only what
 * stood there before. */
static void settle(struct pushed *state)
{
    struct client *c = state->client;
    must(c->pushed == state);
    link_remove(&state->link);
    if (!takes(c))
        buf_free(&state->kept);
    if (state->kept.len) {
        if (state->from == PUSHED_NOTHING)
            state->from = output_end(&c->out);
        output_add(&c->out, &state->kept);
    }
    if (c->flags & CLIENT_CLOSE_SOON || state->from == PUSHED_NOTHING)
        return;
    exec_stamp_push(server_exec(c->server), c, state->from);
    client_want_send(c);
    client_check_output_limit(c, 0);
}

static void note(struct client *to)
{
    struct clients *cs = server_clients(to->server);
    struct pushed *state = to->pushed;
    if (!link_linked(&state->link))
        link_push_back(&cs->pushed, &state->link);
    if (!exec_unit_is_open(server_exec(to->server)))
        push_unit_over(cs);
    else if (output_unsent(&to->out) + state->kept.len > OUTPUT_BLOCK)
        client_check_output_limit(to, 0);
}

void push_end(struct push *p)
{
    if (takes(p->ctx.client))
        note(p->ctx.client);
}

/* What most subscribers get: one message to a client that does nothing just now. */
static bool push_at_once(struct client *to, struct slice whole)
{
    struct pushed *state = to->pushed;
    if (!state || state->kept.len || to->busy || !takes(to) ||
        to->out.open.len + whole.len > OUTPUT_FULL)
        return false;
    if (!link_linked(&state->link) || state->from == PUSHED_NOTHING)
        state->from = output_end(&to->out);
    buf_add(&to->out.open, whole);
    note(to);
    return true;
}

void push_bytes(struct client *to, struct slice whole)
{
    struct push p;
    if (push_at_once(to, whole))
        return;
    push_begin(&p, to);
    if (takes(to))
        reply_raw(&p.ctx, whole);
    push_end(&p);
}

void push_unit_over(struct clients *cs)
{
    while (!link_empty(&cs->pushed))
        settle(LINK_OF(cs->pushed.next, struct pushed, link));
}
