/* SPDX-License-Identifier: BSD-3-Clause */
/* Who a connection is and how it speaks: PING, AUTH, HELLO, SELECT, RESET, QUIT. CLIENT has a file
 * of its own. */
#include "commands/cmd_connection.h"

#include <limits.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "base/version.h"
#include "server/acl.h"
#include "server/clients.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"

void cmd_ping(struct ctx *c)
{
    if (c->argc > 2) {
        reply_error(c, "ERR wrong number of arguments for 'ping' command");
        return;
    }
    if (c->client->flags & CLIENT_PUBSUB && c->resp == 2) {
        reply_array(c, 2);
        reply_bulk(c, SLICE_LIT("pong"));
        reply_bulk(c, c->argc == 2 ? c->argv[1] : SLICE_LIT(""));
    } else if (c->argc == 2) {
        reply_bulk(c, c->argv[1]);
    } else {
        reply_status(c, "PONG");
    }
}

void cmd_echo(struct ctx *c)
{
    reply_bulk(c, c->argv[1]);
}

void cmd_quit(struct ctx *c)
{
    reply_ok(c);
    c->client->flags |= CLIENT_CLOSE_AFTER_REPLY;
}

void cmd_select(struct ctx *c)
{
    int64_t n;
    if (!ctx_arg_range(c, 1, INT_MIN, INT_MAX, &n, NULL))
        return;
    if (n < 0 || n >= c->keyspace->count) {
        reply_error(c, "ERR DB index is out of range");
        return;
    }
    client_select(c->client, (unsigned)n);
    reply_ok(c);
}

/* ---- who ---- */
/* False: the error was replied. */
static bool auth_try(struct ctx *c, struct slice user, struct slice password)
{
    if (acl_authenticate(server_acl(c->server), c, user, password))
        return true;
    reply_error(c, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

void cmd_auth(struct ctx *c)
{
    for (int i = 1; i < c->argc; i++)
        ctx_redact(c, i);
    if (c->argc > 3) {
        reply_syntax(c);
        return;
    }
    if (c->argc == 2 && server_clients(c->server)->nopass) {
        reply_error(c, "ERR AUTH <password> called without any password configured for the default "
                       "user. Are you sure your configuration is correct?");
        return;
    }
    struct slice user = c->argc == 3 ? c->argv[1] : SLICE_LIT("default");
    if (auth_try(c, user, c->argv[c->argc - 1]))
        reply_ok(c);
}

static void hello_reply(struct ctx *c)
{
    reply_map(c, 7);
    reply_bulk_str(c, "server");
    reply_bulk_str(c, "redis");
    reply_bulk_str(c, "version");
    reply_bulk_str(c, REDIS_VERSION);
    reply_bulk_str(c, "proto");
    reply_int(c, c->resp);
    reply_bulk_str(c, "id");
    reply_int(c, (int64_t)c->client->id);
    reply_bulk_str(c, "mode");
    reply_bulk_str(c, server_role(c->server)->mode);
    reply_bulk_str(c, "role");
    reply_bulk_str(c, server_role(c->server)->is_replica ? "replica" : "master");
    reply_bulk_str(c, "modules");
    reply_array(c, 0);
}

struct hello {
    struct slice user, password, name;
    bool auth, set_name;
};

/* Before anything is refused: a password is one, too, in a HELLO that is wrong. */
static void hello_redact(struct ctx *c)
{
    for (int i = 1; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "AUTH")) {
            ctx_redact(c, i + 1);
            ctx_redact(c, i + 2);
        }
    }
}

static bool hello_options(struct ctx *c, struct hello *h)
{
    for (int i = 2; i < c->argc; i++) {
        int more = c->argc - 1 - i;
        if (ctx_arg_is(c, i, "AUTH") && more >= 2) {
            h->auth = true;
            h->user = c->argv[i + 1];
            h->password = c->argv[i + 2];
            i += 2;
        } else if (ctx_arg_is(c, i, "SETNAME") && more >= 1) {
            h->set_name = true;
            h->name = c->argv[++i];
            if (!client_name_ok(h->name)) {
                reply_error(c, "ERR Client names cannot contain spaces, newlines or special "
                               "characters.");
                return false;
            }
        } else {
            reply_errorf(c, "ERR Syntax error in HELLO option '%.*s'", SLICE_ARG(c->argv[i]));
            return false;
        }
    }
    return true;
}

void cmd_hello(struct ctx *c)
{
    struct hello h = {0};
    int64_t version = c->client->resp;
    hello_redact(c);
    if (c->argc >= 2) {
        if (!ctx_arg_range(c, 1, INT64_MIN, INT64_MAX, &version,
                           "ERR Protocol version is not an integer or out of range"))
            return;
        if (version < 2 || version > 3) {
            reply_error(c, "NOPROTO unsupported protocol version");
            return;
        }
    }
    if (!hello_options(c, &h))
        return;
    if (h.auth && !auth_try(c, h.user, h.password))
        return;
    if (client_must_auth(server_clients(c->server), c->client)) {
        reply_error(c,
                    "NOAUTH HELLO must be called with the client already authenticated, otherwise "
                    "the HELLO AUTH <user> <pass> option can be used to authenticate the client "
                    "and select the RESP protocol version at the same time");
        return;
    }
    if (h.set_name)
        client_set_text(c->client, &c->client->name, h.name);
    must(version == 2 || version == 3);
    c->client->resp = c->resp = (int)version;
    hello_reply(c);
}

void cmd_reset(struct ctx *c)
{
    if (c->client->flags & (CLIENT_REPLICA | CLIENT_PRIMARY)) {
        reply_error(c, "ERR can only reset normal client connections");
        return;
    }
    client_reset(c->client);
    reply_to_client(c);
    c->resp = 2;
    reply_status(c, "RESET");
}
