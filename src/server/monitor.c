/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/monitor.h"

#include "base/buf.h"
#include "base/link.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/quote.h"
#include "os/clock.h"
#include "server/client.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/push.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/slots.h"
#include "store/db.h"

enum { LINE_KEPT = 64 * 1024 };

struct monitors {
    struct server *server;
    int slot;
    struct link all;  /* struct monitor's */
    struct buf line;  /* the one that is pushed; keeps its room */
};

/* A client's. */
struct monitor {
    struct link link;
    struct monitors *all;
    struct client *client;
};

/* ---- a line ---- */

static void put_number(struct buf *to, uint64_t n, size_t width)
{
    char text[NUM_I64_TEXT];
    size_t len = num_format_u64(text, n);
    for (size_t i = len; i < width; i++)
        buf_byte(to, '0');
    buf_append(to, text, len);
}

static void put_source(struct buf *to, const struct ctx *c)
{
    const struct client *client = c->client;
    if (c->from == FROM_SCRIPT) {
        buf_add(to, SLICE_LIT("lua"));
    } else if (client->flags & CLIENT_UNIX) {
        const char *path = server_settings(c->server)->unix_path;
        buf_add(to, SLICE_LIT("unix:"));
        buf_add(to, slice_str(path ? path : ""));
    } else {
        buf_add(to, slice_str(client->peer));
    }
}

static void put_line(struct buf *to, const struct ctx *c)
{
    uint64_t now_us = (uint64_t)(clock_now.wall_us + (clock_near_us() - clock_now.mono_us));
    buf_byte(to, '+');
    put_number(to, now_us / 1000000, 0);
    buf_byte(to, '.');
    put_number(to, now_us % 1000000, 6);
    buf_add(to, SLICE_LIT(" ["));
    put_number(to, c->client->db->id, 0);
    buf_byte(to, ' ');
    put_source(to, c);
    buf_byte(to, ']');
    for (int i = 0; i < c->argc; i++) {
        buf_byte(to, ' ');
        quote_put(to, ctx_shown(c, i), true);
    }
    buf_add(to, SLICE_LIT("\r\n"));
}

static void show(struct monitors *ms, const struct ctx *c)
{
    buf_clear(&ms->line);
    put_line(&ms->line, c);
    LINK_FOR(pos, &ms->all) {
        struct monitor *m = LINK_OF(pos, struct monitor, link);
        must(m->client->flags & CLIENT_MONITOR);
        if (!(m->client->flags & CLIENT_REPLY_OFF))
            push_bytes(m->client, buf_slice(&ms->line));
    }
    if (ms->line.cap > LINE_KEPT)
        buf_free(&ms->line);
}

static void observe(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took_us)
{
    (void)took_us;
    if (!(e->row.flags & (CMD_SKIP_MONITOR | CMD_ADMIN)))
        show(arg, c);
}

void monitor_show_first(struct monitors *ms, const struct ctx *c)
{
    if (!link_empty(&ms->all) && !(c->flags & CTX_LOADING))
        show(ms, c);
}

/* ---- who ---- */

enum { TOUCHES_KEYS = CMD_READONLY | CMD_WRITE | CMD_MAY_REPLICATE };

static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)arg;
    (void)e;
    bool monitor = c->client->flags & CLIENT_MONITOR;
    return monitor ? "ERR Replica can't interact with the keyspace" : NULL;
}

static void watch(struct monitors *ms)
{
    bool any = !link_empty(&ms->all);
    struct exec *x = server_exec(ms->server);
    exec_unobserve(x, ms);
    if (any)
        exec_observe(x, OBSERVE_ANSWERED | OBSERVE_WAITING, 0, observe, ms);
    hooks_set_admit(server_hooks(ms->server), ms, any ? TOUCHES_KEYS : 0);
}

bool monitor_begin(struct monitors *ms, struct client *c)
{
    if (c->flags & CLIENT_MONITOR)
        return false;
    struct monitor *m = slot_get(c, ms->slot);
    must(!m->all && !(c->flags & CLIENT_FAKE));
    m->all = ms;
    m->client = c;
    link_init(&m->link);
    link_push_back(&ms->all, &m->link);
    c->flags |= CLIENT_MONITOR;
    watch(ms);
    return true;
}

static void release(struct client *c, void *state)
{
    struct monitor *m = state;
    must(m->client == c);
    link_remove(&m->link);
    client_clear(c, CLIENT_MONITOR);
    if (link_empty(&m->all->all))
        watch(m->all);
}

struct monitors *monitors_new(struct server *s)
{
    struct monitors *ms = mem_zalloc(sizeof *ms);
    ms->server = s;
    ms->slot = slots_reserve(server_slots(s), sizeof(struct monitor), release);
    link_init(&ms->all);
    hooks_on_admit(server_hooks(s), admit, ms, 1 << FROM_CLIENT, 0);
    return ms;
}

void monitors_free(struct monitors *ms)
{
    must(link_empty(&ms->all));
    buf_free(&ms->line);
    mem_free(ms);
}
