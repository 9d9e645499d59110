/* SPDX-License-Identifier: BSD-3-Clause */
/* ACL: users shown, made, changed and asked about. Nothing of it is logged or replicated: each
 * server has users of its own, from its own files. */
#include "commands/cmd_acl.h"

#include "base/log.h"
#include "base/must.h"
#include "base/rand.h"
#include "os/clock.h"
#include "server/acl.h"
#include "server/acl_log.h"
#include "server/acl_rules.h"
#include "server/acl_user.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/reply.h"
#include "server/server.h"

static struct acl *acl_of(const struct ctx *c)
{
    return server_acl(c->server);
}

/* ---- users shown ---- */

void cmd_acl_whoami(struct ctx *c)
{
    reply_bulk_str(c, acl_name_of(acl_of(c), c->client));
}

void cmd_acl_users(struct ctx *c)
{
    size_t n = acl_count(acl_of(c));
    reply_array(c, n);
    for (size_t i = 0; i < n; i++)
        reply_bulk_str(c, acl_at(acl_of(c), i)->name);
}

void cmd_acl_list(struct ctx *c)
{
    struct buf line = {0};
    size_t n = acl_count(acl_of(c));
    reply_array(c, n);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&line);
        buf_printf(&line, "user ");
        acl_rules_print(acl_at(acl_of(c), i), &line, buf_add);
        reply_bulk(c, buf_slice(&line));
    }
    buf_free(&line);
}

static void reply_text(struct ctx *c, const char *name, const struct acl_selector *s,
                       void (*print)(const struct acl_selector *s, struct buf *out))
{
    struct buf text = {0};
    print(s, &text);
    reply_bulk_str(c, name);
    reply_bulk(c, buf_slice(&text));
    buf_free(&text);
}

static void reply_selector(struct ctx *c, const struct acl_selector *s)
{
    reply_text(c, "commands", s, acl_rules_print_commands);
    reply_text(c, "keys", s, acl_rules_print_keys);
    reply_text(c, "channels", s, acl_rules_print_channels);
}

static void reply_flags(struct ctx *c, const struct acl_user *u)
{
    reply_bulk_str(c, "flags");
    reply_set(c, 2 + (size_t)u->nopass);
    reply_bulk_str(c, u->on ? "on" : "off");
    if (u->nopass)
        reply_bulk_str(c, "nopass");
    reply_bulk_str(c, u->sanitize == ACL_SANITIZE_SKIP ? "skip-sanitize-payload"
                                                       : "sanitize-payload");
}

void cmd_acl_getuser(struct ctx *c)
{
    const struct acl_user *u = acl_find(acl_of(c), c->argv[2]);
    ctx_redact(c, 2);
    if (!u) {
        reply_null(c);
        return;
    }
    must(u->selector_count > 0);
    reply_map(c, 6);
    reply_flags(c, u);
    reply_bulk_str(c, "passwords");
    reply_array(c, u->password_count);
    for (size_t i = 0; i < u->password_count; i++)
        reply_bulk_str(c, u->passwords[i]);
    reply_selector(c, u->selectors[0]);
    reply_bulk_str(c, "selectors");
    reply_array(c, u->selector_count - 1);
    for (size_t i = 1; i < u->selector_count; i++) {
        reply_map(c, 3);
        reply_selector(c, u->selectors[i]);
    }
}

/* ---- users changed ---- */

void cmd_acl_setuser(struct ctx *c)
{
    struct buf bad = {0};
    struct fault f = {0};
    must(c->argc >= 3);
    for (int i = 2; i < c->argc; i++)
        ctx_redact(c, i);
    if (acl_set(acl_of(c), c->argv[2], c->argc - 3, c->argv + 3, &bad, &f))
        reply_ok(c);
    else if (f.code == FAULT_FORMAT)
        reply_errorf(c, "ERR %s", f.what);
    else
        reply_errorf(c, "ERR Error in ACL SETUSER modifier '%.*s': %s",
                     SLICE_ARG(buf_slice(&bad)), f.what);
    buf_free(&bad);
}

void cmd_acl_deluser(struct ctx *c)
{
    int64_t deleted = 0;
    for (int i = 2; i < c->argc; i++) {
        ctx_redact(c, i);
        if (slice_eq_str(c->argv[i], "default")) {
            reply_error(c, "ERR The 'default' user cannot be removed");
            return;
        }
    }
    for (int i = 2; i < c->argc; i++)
        deleted += acl_delete(acl_of(c), c->argv[i]);
    reply_int(c, deleted);
}

/* ---- the file ---- */

static bool has_file(struct ctx *c)
{
    if (acl_file(acl_of(c)))
        return true;
    reply_error(c, "ERR This Redis instance is not configured to use an ACL file. You may want to "
                   "specify users via the ACL SETUSER command and then issue a CONFIG REWRITE "
                   "(assuming you have a Redis configuration file set) in order to store users in "
                   "the Redis configuration.");
    return false;
}

void cmd_acl_load(struct ctx *c)
{
    struct fault f = {0};
    if (!has_file(c))
        return;
    if (acl_load(acl_of(c), &f))
        reply_ok(c);
    else
        reply_errorf(c, "ERR %s", f.what);
}

void cmd_acl_save(struct ctx *c)
{
    struct fault f = {0};
    if (!has_file(c))
        return;
    if (acl_save(acl_of(c), &f)) {
        reply_ok(c);
        return;
    }
    must(fault_is(&f));
    log_fault("ACL SAVE", &f);
    reply_error(c, "ERR There was an error trying to save the ACLs. Please check the server logs "
                   "for more information");
}

/* ---- asked about ---- */

struct listing {
    struct ctx *ctx;
    uint32_t category;
    size_t count;
};

static void list_one(struct listing *l, const struct command_entry *e)
{
    if (!(e->categories & l->category))
        return;
    reply_bulk_str(l->ctx, e->name);
    l->count++;
}

static void visit(void *arg, struct command_entry *e)
{
    list_one(arg, e);
    for (unsigned i = 0; i < e->sub_count; i++)
        list_one(arg, &e->subs[i]);
}

static void reply_categories(struct ctx *c)
{
    unsigned n = 0;
    while (command_category_name(n))
        n++;
    reply_array(c, n);
    for (unsigned i = 0; i < n; i++)
        reply_bulk_str(c, command_category_name(i));
}

void cmd_acl_cat(struct ctx *c)
{
    if (c->argc == 2) {
        reply_categories(c);
        return;
    }
    if (c->argc > 3) {
        reply_wrong_subcommand(c);
        return;
    }
    struct listing l = {.ctx = c, .category = acl_rules_category(c->argv[2])};
    if (!l.category) {
        reply_errorf(c, "ERR Unknown category '%.*s'", SLICE_ARG(c->argv[2]));
        return;
    }
    uint64_t mark = reply_later(c);
    commands_each(server_commands(c->server), visit, &l);
    reply_later_array(c, mark, l.count);
}

void cmd_acl_dryrun(struct ctx *c)
{
    int argc = c->argc - 3;
    must(argc > 0);
    for (int i = 4; i < c->argc; i++) /* the call that is tried may be one with a password */
        ctx_redact(c, i);
    const struct slice *argv = c->argv + 3;
    const struct acl_user *u = acl_find(acl_of(c), c->argv[2]);
    if (!u) {
        reply_errorf(c, "ERR User '%.*s' not found", SLICE_ARG(c->argv[2]));
        return;
    }
    struct command_entry *e = commands_find(server_commands(c->server), argv[0]);
    e = e ? exec_resolve(e, argc, argv) : NULL;
    if (!e) {
        reply_errorf(c, "ERR Command '%.*s' not found", SLICE_ARG(argv[0]));
        return;
    }
    if (!command_arity_ok(e, argc)) {
        reply_errorf(c, "ERR wrong number of arguments for '%s' command", e->name);
        return;
    }
    struct acl_decision d = acl_check(u, e, argc, argv);
    if (!d.reason) {
        reply_ok(c);
        return;
    }
    struct buf text = {0};
    must(d.at < argc);
    acl_check_tell(u, e, d, argv[d.at], true, &text);
    reply_bulk(c, buf_slice(&text));
    buf_free(&text);
}

void cmd_acl_genpass(struct ctx *c)
{
    enum { BITS = 256, BITS_MAX = 4096 };
    char text[BITS_MAX / 4 + 1];
    int64_t bits = BITS;
    if (c->argc > 3) {
        reply_wrong_subcommand(c);
        return;
    }
    if (c->argc == 3 && !ctx_arg_i64(c, 2, &bits))
        return;
    if (bits <= 0 || bits > BITS_MAX) {
        reply_error(c, "ERR ACL GENPASS argument must be the number of bits for the output "
                       "password, a positive number up to 4096");
        return;
    }
    size_t digits = ((size_t)bits + 3) / 4;
    must(digits < sizeof text);
    rand_hex(text, digits);
    reply_bulk(c, slice(text, digits));
}

/* ---- the log ---- */

static void reply_log_entry(struct ctx *c, const struct acl_log_entry *e)
{
    must(e->count > 0);
    reply_map(c, 10);
    reply_bulk_str(c, "count");
    reply_int(c, e->count);
    reply_bulk_str(c, "reason");
    reply_bulk_str(c, acl_log_reason(e->reason));
    reply_bulk_str(c, "context");
    reply_bulk_str(c, acl_log_where(e->where));
    reply_bulk_str(c, "object");
    reply_bulk(c, buf_slice(&e->object));
    reply_bulk_str(c, "username");
    reply_bulk(c, buf_slice(&e->user));
    reply_bulk_str(c, "age-seconds");
    reply_double(c, (double)(clock_wall_ms() - e->updated_ms) / 1000);
    reply_bulk_str(c, "client-info");
    reply_bulk(c, buf_slice(&e->client));
    reply_bulk_str(c, "entry-id");
    reply_int(c, (int64_t)e->id);
    reply_bulk_str(c, "timestamp-created");
    reply_int(c, e->created_ms);
    reply_bulk_str(c, "timestamp-last-updated");
    reply_int(c, e->updated_ms);
}

void cmd_acl_log(struct ctx *c)
{
    struct acl_log *l = acl_log_of(acl_of(c));
    int64_t count = 10;
    must(l->count <= l->max);
    if (c->argc > 3) {
        reply_wrong_subcommand(c);
        return;
    }
    if (ctx_arg_is(c, 2, "RESET")) {
        acl_log_clear(l);
        reply_ok(c);
        return;
    }
    if (c->argc == 3 && !ctx_arg_i64(c, 2, &count))
        return;
    count = count < 0 ? 0 : count < l->count ? count : l->count;
    reply_array(c, (size_t)count);
    LINK_FOR(pos, &l->entries) {
        if (count-- == 0)
            break;
        reply_log_entry(c, LINK_OF(pos, struct acl_log_entry, link));
    }
    must(count <= 0); /* as many as were announced */
}

void cmd_acl_help(struct ctx *c)
{
    static const char *const lines[] = {
        "CAT [<category>]", "    The categories, or the commands of one.",
        "DELUSER <username> [<username> ...]", "    Delete users; their connections are closed.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Tell whether the user may run the command; it is not run.",
        "GENPASS [<bits>]", "    Make up a password, of 256 bits if not said otherwise.",
        "GETUSER <username>", "    The rules of a user.",
        "LIST", "    All users as lines of a configuration file.",
        "LOAD", "    Read all users from the file of aclfile, if none of its lines is wrong.",
        "LOG [<count> | RESET]", "    What was denied lately, the newest first; or forget it.",
        "SAVE", "    Write all users to the file of aclfile.",
        "SETUSER <username> <rule> [<rule> ...]", "    Make a user, or change its rules.",
        "USERS", "    The names of all users.",
        "WHOAMI", "    The user of this connection.", NULL};
    reply_help(c, lines);
}
