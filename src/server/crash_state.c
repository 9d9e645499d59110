/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/crash_state.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/quote.h"
#include "base/version.h"
#include "server/client_describe.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/crash.h"
#include "server/cron.h"
#include "server/ctx.h"
#include "server/info.h"
#include "server/server.h"
#include "server/stats.h"

enum { WORDS_MAX = 32, WORD_BYTES_MAX = 128 };

static void put_word(int i, struct slice word)
{
    char line[WORD_BYTES_MAX * QUOTE_ESCAPE_MAX + 64];
    int at = snprintf(line, sizeof line, "argv[%d] = \"", i);
    for (size_t n = 0; n < word.len && n < WORD_BYTES_MAX; n++)
        at += (int)quote_escape((unsigned char)word.data[n], line + at);
    snprintf(line + at, sizeof line - (size_t)at, "\"%s\n",
             word.len > WORD_BYTES_MAX ? "..." : "");
    log_raw(LOG_WARNING_LEVEL, line);
}

/* A handler says which of its words are secret, and may have crashed before it did. So of commands
 * that take passwords nothing is shown but what is asked for, unless it has. */
static struct slice shown(const struct ctx *c, int i)
{
    must(i >= 0 && i < c->argc);
    bool may_hold_secrets = c->command->flags & (CMD_NO_AUTH | CMD_ADMIN | CMD_SKIP_MONITOR);
    if (i > 1 && may_hold_secrets && !c->redacted)
        return SLICE_LIT("(redacted)");
    if (i == 1 && c->command->flags & CMD_NO_AUTH && !c->redacted)
        return SLICE_LIT("(redacted)");
    return ctx_shown(c, i);
}

static void put_words(const struct ctx *c)
{
    for (int i = 0; c->command && i < c->argc && i < WORDS_MAX; i++)
        put_word(i, shown(c, i));
}

static void tell_command(void *arg)
{
    struct server *s = arg;
    const struct ctx *c = server_clients(s)->running;
    char line[256];
    snprintf(line, sizeof line,
             "version %s, uptime %lld s, clients %u, commands %llu, used memory %zu\n",
             REDIS_VERSION, (long long)cron_uptime_s(server_cron(s)), server_clients(s)->count,
             (unsigned long long)server_stats(s)->commands, mem_used_about());
    log_raw(LOG_WARNING_LEVEL, line);
    if (!c || !c->client) {
        log_raw(LOG_WARNING_LEVEL, "no command is running\n");
        return;
    }
    const struct client *client = c->client;
    snprintf(line, sizeof line, "running '%s' of client %llu (%.64s) in db %u\n",
             client->last_command ? client->last_command->name : "?",
             (unsigned long long)client->id, client->peer ? client->peer : "", client->db->id);
    log_raw(LOG_WARNING_LEVEL, line);
    put_words(c);
    const struct ctx *inner = server_clients(s)->inner;
    if (inner && inner->command) {
        snprintf(line, sizeof line, "inside of it '%.64s' in db %u\n",
                 command_entry_of(inner->command)->name, inner->db->id);
        log_raw(LOG_WARNING_LEVEL, line);
        put_words(inner);
    }
}

static void tell_text(struct buf *text)
{
    log_raw(LOG_WARNING_LEVEL, buf_cstr(text));
    log_raw(LOG_WARNING_LEVEL, "\n");
    buf_free(text);
}

static void tell_info(void *arg)
{
    struct buf text = {0};
    struct slice sections[] = {SLICE_LIT("everything")};
    info_render(server_info(arg), 1, sections, &text);
    tell_text(&text);
}

static void tell_clients(void *arg)
{
    struct buf text = {0};
    LINK_FOR(pos, &server_clients(arg)->all) {
        const struct client *c = LINK_OF(pos, struct client, link);
        if (c->flags & CLIENT_FAKE)
            continue;
        client_describe(c, &text);
        buf_byte(&text, '\n');
    }
    tell_text(&text);
}

void crash_state_register(struct server *s)
{
    crash_add_reporter("CURRENT COMMAND", tell_command, s);
    crash_add_reporter("INFO OUTPUT", tell_info, s);
    crash_add_reporter("CLIENT LIST OUTPUT", tell_clients, s);
}
