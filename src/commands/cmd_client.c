/* SPDX-License-Identifier: BSD-3-Clause */
/* CLIENT and its subcommands. */
#include <limits.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "commands/cmd_connection.h"
#include "server/acl.h"
#include "server/block.h"
#include "server/client_describe.h"
#include "server/clients.h"
#include "server/ctx.h"
#include "server/pause.h"
#include "server/reply.h"
#include "server/server.h"

void cmd_client_id(struct ctx *c)
{
    reply_int(c, (int64_t)c->client->id);
}

void cmd_client_getname(struct ctx *c)
{
    if (c->client->name)
        reply_bulk_str(c, c->client->name);
    else
        reply_null(c);
}

void cmd_client_setname(struct ctx *c)
{
    if (!client_name_ok(c->argv[2])) {
        reply_error(c, "ERR Client names cannot contain spaces, newlines or special characters.");
        return;
    }
    client_set_text(c->client, &c->client->name, c->argv[2]);
    reply_ok(c);
}

void cmd_client_setinfo(struct ctx *c)
{
    char **to = NULL;
    if (ctx_arg_is(c, 2, "lib-name"))
        to = &c->client->lib_name;
    else if (ctx_arg_is(c, 2, "lib-ver"))
        to = &c->client->lib_ver;
    if (!to) {
        reply_errorf(c, "ERR Unrecognized option '%.*s'", SLICE_ARG(c->argv[2]));
    } else if (!client_name_ok(c->argv[3])) {
        reply_errorf(c, "ERR %s cannot contain spaces, newlines or special characters.",
                     to == &c->client->lib_name ? "lib-name" : "lib-ver");
    } else {
        client_set_text(c->client, to, c->argv[3]);
        reply_ok(c);
    }
}

/* ---- list, info ---- */
static bool class_arg(struct ctx *c, int i, enum client_class *k)
{
    static const struct {
        const char *word;
        enum client_class k;
    } words[] = {{"normal", CLIENT_CLASS_NORMAL}, {"slave", CLIENT_CLASS_REPLICA},
                 {"replica", CLIENT_CLASS_REPLICA}, {"pubsub", CLIENT_CLASS_PUBSUB},
                 {"master", CLIENT_CLASS_PRIMARY}};
    for (size_t n = 0; n < sizeof words / sizeof *words; n++) {
        if (ctx_arg_is(c, i, words[n].word)) {
            *k = words[n].k;
            return true;
        }
    }
    reply_errorf(c, "ERR Unknown client type '%.*s'", SLICE_ARG(c->argv[i]));
    return false;
}

static void add_line(struct client *client, struct buf *out)
{
    client_describe(client, out);
    buf_byte(out, '\n');
}

void cmd_client_info(struct ctx *c)
{
    struct buf text = {0};
    add_line(c->client, &text);
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}

static bool list_by_id(struct ctx *c, struct buf *text)
{
    for (int i = 3; i < c->argc; i++) {
        int64_t id;
        if (!num_parse_i64(c->argv[i], &id)) {
            reply_error(c, "ERR Invalid client ID");
            return false;
        }
        struct client *found = clients_find(server_clients(c->server), (uint64_t)id);
        if (found && !(found->flags & CLIENT_FAKE))
            add_line(found, text);
    }
    return true;
}

void cmd_client_list(struct ctx *c)
{
    struct buf text = {0};
    enum client_class only = CLIENT_CLASSES;
    if (c->argc > 3 && ctx_arg_is(c, 2, "ID")) {
        if (list_by_id(c, &text))
            reply_verbatim(c, "txt", buf_slice(&text));
        buf_free(&text);
        return;
    }
    if (c->argc != 2 && !(c->argc == 4 && ctx_arg_is(c, 2, "TYPE"))) {
        reply_syntax(c);
        return;
    }
    if (c->argc == 4 && !class_arg(c, 3, &only))
        return;
    LINK_FOR(pos, &server_clients(c->server)->all) {
        struct client *one = LINK_OF(pos, struct client, link);
        if (!(one->flags & CLIENT_FAKE) && (only == CLIENT_CLASSES || client_class(one) == only))
            add_line(one, &text);
    }
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}

/* ---- kill ---- */
struct kill_filter {
    uint64_t id; /* 0: any */
    enum client_class k;
    bool by_class, skip_me;
    const struct slice *addr, *laddr;
    const struct acl_user *user;
};

static bool kill_option(struct ctx *c, int i, struct kill_filter *f)
{
    const struct slice *value = &c->argv[i + 1];
    int64_t id;
    if (ctx_arg_is(c, i, "ID")) {
        if (!ctx_arg_range(c, i + 1, 1, INT64_MAX, &id,
                           "ERR client-id should be greater than 0"))
            return false;
        f->id = (uint64_t)id;
    } else if (ctx_arg_is(c, i, "TYPE")) {
        f->by_class = true;
        return class_arg(c, i + 1, &f->k);
    } else if (ctx_arg_is(c, i, "ADDR")) {
        f->addr = value;
    } else if (ctx_arg_is(c, i, "LADDR")) {
        f->laddr = value;
    } else if (ctx_arg_is(c, i, "USER")) {
        f->user = acl_find(server_acl(c->server), *value);
        if (!f->user) {
            reply_errorf(c, "ERR No such user '%.*s'", SLICE_ARG(*value));
            return false;
        }
    } else if (ctx_arg_is(c, i, "SKIPME") &&
               (ctx_arg_is(c, i + 1, "YES") || ctx_arg_is(c, i + 1, "NO"))) {
        f->skip_me = ctx_arg_is(c, i + 1, "YES");
    } else {
        reply_syntax(c);
        return false;
    }
    return true;
}

static bool kill_matches(const struct kill_filter *f, const struct client *one)
{
    return !(one->flags & (CLIENT_FAKE | CLIENT_CLOSE_SOON)) &&
           (!f->user || f->user == acl_user_of(server_acl(one->server), one)) &&
           (!f->addr || slice_eq_str(*f->addr, one->peer)) &&
           (!f->laddr || slice_eq_str(*f->laddr, one->local)) &&
           (!f->id || f->id == one->id) && (!f->by_class || client_class(one) == f->k);
}

void cmd_client_kill(struct ctx *c)
{
    struct kill_filter f = {.skip_me = true};
    int64_t killed = 0;
    bool old_form = c->argc == 3;
    if (old_form) {
        f.addr = &c->argv[2];
        f.skip_me = false;
    } else if (c->argc % 2) {
        reply_syntax(c);
        return;
    }
    for (int i = 2; !old_form && i < c->argc; i += 2)
        if (!kill_option(c, i, &f))
            return;
    LINK_FOR_SAFE(pos, &server_clients(c->server)->all) {
        struct client *one = LINK_OF(pos, struct client, link);
        if (!kill_matches(&f, one) || (f.skip_me && one == c->client))
            continue;
        client_close_answered(one);
        killed++;
    }
    if (!old_form)
        reply_int(c, killed);
    else if (killed)
        reply_ok(c);
    else
        reply_error(c, "ERR No such client");
}

/* ---- modes ---- */
static void switch_flag(struct ctx *c, uint64_t flag)
{
    if (ctx_arg_is(c, 2, "ON"))
        c->client->flags |= flag;
    else if (ctx_arg_is(c, 2, "OFF"))
        client_clear(c->client, flag);
    else {
        reply_syntax(c);
        return;
    }
    reply_ok(c);
}

void cmd_client_no_evict(struct ctx *c)
{
    switch_flag(c, CLIENT_NO_EVICT);
}

void cmd_client_no_touch(struct ctx *c)
{
    switch_flag(c, CLIENT_NO_TOUCH);
}

void cmd_client_reply(struct ctx *c)
{
    struct client *client = c->client;
    if (ctx_arg_is(c, 2, "ON")) {
        client_clear(client, CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT);
        reply_to_client(c);
        reply_ok(c);
    } else if (ctx_arg_is(c, 2, "OFF")) {
        client->flags |= CLIENT_REPLY_OFF;
    } else if (ctx_arg_is(c, 2, "SKIP")) {
        if (!(client->flags & CLIENT_REPLY_OFF))
            client->flags |= CLIENT_REPLY_SKIP_NEXT;
    } else {
        reply_syntax(c);
    }
}

void cmd_client_pause(struct ctx *c)
{
    int64_t ms;
    bool all = true;
    if (c->argc == 4) {
        all = ctx_arg_is(c, 3, "ALL");
        if (!all && !ctx_arg_is(c, 3, "WRITE")) {
            reply_error(c, "ERR CLIENT PAUSE mode must be WRITE or ALL");
            return;
        }
    } else if (c->argc > 4) {
        reply_wrong_subcommand(c);
        return;
    }
    if (!ctx_arg_range(c, 2, INT64_MIN, INT64_MAX, &ms,
                       "ERR timeout is not an integer or out of range"))
        return;
    if (ms < 0 || ms > INT64_MAX - c->now_ms) {
        reply_error(c, ms < 0 ? "ERR timeout is negative" : "ERR timeout is out of range");
        return;
    }
    pause_begin(server_pauses(c->server), PAUSE_ASKED,
                all ? PAUSE_CHANGES | PAUSE_CLIENTS : PAUSE_CHANGES, ms);
    reply_ok(c);
}

void cmd_client_unpause(struct ctx *c)
{
    pause_end_soon(server_pauses(c->server), PAUSE_ASKED);
    reply_ok(c);
}

void cmd_client_unblock(struct ctx *c)
{
    int64_t id;
    bool with_error = false;
    if (c->argc == 4) {
        with_error = ctx_arg_is(c, 3, "ERROR");
        if (!with_error && !ctx_arg_is(c, 3, "TIMEOUT")) {
            reply_error(c, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
    } else if (c->argc > 4) {
        reply_wrong_subcommand(c);
        return;
    }
    if (!ctx_arg_i64(c, 2, &id))
        return;
    struct client *other = clients_find(server_clients(c->server), (uint64_t)id);
    reply_int(c, other && block_unblock(other, with_error));
}

void cmd_client_help(struct ctx *c)
{
    static const char *const lines[] = {
        "CACHING (YES|NO)", "    Make the next command an exception of OPTIN (YES), OPTOUT (NO).",
        "GETNAME", "    Tell the name of this connection.",
        "GETREDIR", "    Tell which connection hears what this one is to forget.",
        "ID", "    Tell the id of this connection.",
        "INFO", "    Describe this connection.",
        "KILL <ip:port>", "    Close the connection from that address.",
        "KILL <option> <value> [<option> <value> [...]]", "    Close connections. Options are:",
        "    * ID <client-id>", "      The connection with this id.",
        "    * ADDR (<ip:port>|<unixsocket>:0)", "      Connections from the address.",
        "    * LADDR (<ip:port>|<unixsocket>:0)", "      Connections to the local address.",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)", "      Connections of the type.",
        "    * USER <username>", "      Connections authenticated as the user.",
        "    * SKIPME (YES|NO)", "      Spare this connection (default: yes).",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <client-id> [...]]",
        "    Describe connections, one line each.",
        "NO-EVICT (ON|OFF)", "    Protect this connection from eviction.",
        "NO-TOUCH (ON|OFF)", "    Leave access clocks alone in this connection's reads.",
        "PAUSE <timeout> [WRITE|ALL]", "    Hold commands back for timeout milliseconds.",
        "REPLY (ON|OFF|SKIP)", "    Choose whether this connection gets replies.",
        "SETINFO <option> <value>", "    Set lib-name or lib-ver of this connection.",
        "SETNAME <name>", "    Name this connection.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Be told when what this connection has read changes.",
        "TRACKINGINFO", "    Tell how this connection tracks.",
        "UNBLOCK <client-id> [TIMEOUT|ERROR]", "    End the waiting of a blocked client.",
        "UNPAUSE", "    End a pause.", NULL};
    reply_help(c, lines);
}
