/* SPDX-License-Identifier: BSD-3-Clause */
/* Whoever's user is deleted is closed; a command of its that runs meanwhile is the last, and what
 * is left of its transaction is nobody's, who may do nothing. */
#include "server/acl.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "server/acl_parts.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/pubsub.h"
#include "server/server.h"
#include "server/stats.h"

/* ---- the collection ---- */

/* Where it is, or belongs. */
static size_t place_of(const struct acl_users *us, struct slice name, bool *there)
{
    size_t low = 0, high = us->count;
    *there = false;
    while (low < high && !*there) {
        size_t middle = (low + high) / 2;
        int order = slice_cmp(name, slice_str(us->all[middle]->name));
        *there = order == 0;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return *there ? high : low;
}

struct acl_user *acl_users_find(const struct acl_users *us, struct slice name)
{
    bool there;
    size_t at = place_of(us, name, &there);
    return there ? us->all[at] : NULL;
}

void acl_users_add(struct acl_users *us, struct acl_user *u)
{
    bool there;
    size_t at = place_of(us, slice_str(u->name), &there);
    must(!there && at <= us->count);
    us->all = mem_realloc(us->all, (us->count + 1) * sizeof *us->all);
    memmove(us->all + at + 1, us->all + at, (us->count - at) * sizeof *us->all);
    us->all[at] = u;
    us->count++;
}

void acl_users_free(struct acl_users *us)
{
    for (size_t i = 0; i < us->count; i++)
        acl_user_free(us->all[i]);
    mem_free(us->all);
    *us = (struct acl_users){0};
}

/* ---- clients ---- */

static void mark(struct client *c, const struct acl_user *u)
{
    client_clear(c, CLIENT_RESTRICTED);
    if (!u->unrestricted && !(c->flags & CLIENT_FAKE))
        c->flags |= CLIENT_RESTRICTED;
}

static bool is_of(const struct acl *a, const struct client *c, const struct acl_user *u)
{
    return c->user ? c->user == u : u == a->standard;
}

/* The user's rights, or what it takes to be it, are others now. */
static void user_changed(struct acl *a, const struct acl_user *u)
{
    struct clients *cs = server_clients(a->server);
    if (u == a->standard) {
        cs->login = !u->on || !u->nopass;
        cs->nopass = u->nopass;
        cs->restricted = !u->unrestricted;
    }
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (is_of(a, c, u))
            mark(c, u);
    }
}

struct listening {
    const struct acl_user *user;
    bool pattern, allowed;
};

static void hears(void *arg, struct slice name)
{
    struct listening *l = arg;
    l->allowed = l->allowed && acl_check_listens(l->user, name, l->pattern);
}

static bool may_listen(const struct acl *a, const struct client *c, const struct acl_user *u)
{
    struct listening l = {u, false, true};
    for (int kind = 0; kind < PUBSUB_KINDS && c->flags & CLIENT_PUBSUB; kind++) {
        l.pattern = kind == PUBSUB_PATTERN;
        pubsub_each_of_client(server_pubsub(a->server), c, (enum pubsub_kind)kind, hears, &l);
    }
    return l.allowed;
}

static void close_listeners(struct acl *a, const struct acl_user *u)
{
    LINK_FOR(pos, &server_clients(a->server)->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (is_of(a, c, u) && !may_listen(a, c, u))
            client_close_answered(c);
    }
}

static void lose_user(struct acl *a, struct client *c)
{
    must(c->user != a->nobody);
    c->user = a->nobody;
    client_clear(c, CLIENT_AUTHENTICATED);
    mark(c, a->nobody);
    client_close_answered(c);
}

struct acl_user *acl_new_standard(void)
{
    static const struct slice rules[] = {{"+@all", 5}, {"~*", 2}, {"&*", 2}, {"on", 2},
                                         {"nopass", 6}};
    struct acl_user *u = acl_user_new(SLICE_LIT("default"), false);
    struct acl_rules r = {0};
    struct fault f = {0};
    bool ok = acl_rules_say(&r, u, 5, rules, NULL, &f);
    must(ok && u->unrestricted);
    return u;
}

struct acl_rules acl_rules_now(const struct acl *a)
{
    return (struct acl_rules){.commands = server_commands(a->server),
                              .open_channels = a->open_channels};
}

/* ---- what a client may do ---- */

const struct acl_user *acl_user_of(const struct acl *a, const struct client *c)
{
    return c->user ? c->user : a->standard;
}

bool acl_permits(const struct acl *a, const struct client *c, const struct command_entry *e,
                 int argc, const struct slice *argv)
{
    return !(c->flags & CLIENT_RESTRICTED) ||
           acl_check(acl_user_of(a, c), e, argc, argv).reason == ACL_ALLOWED;
}

bool acl_permits_any_read(const struct acl *a, const struct ctx *c)
{
    return !(c->client->flags & CLIENT_RESTRICTED) ||
           acl_check_reads_all(acl_user_of(a, c->client), command_entry_of(c->command), c->argc,
                               c->argv);
}

static enum acl_where where_of(const struct ctx *c)
{
    if (c->from == FROM_SCRIPT)
        return ACL_IN_SCRIPT;
    if (c->from == FROM_MODULE)
        return ACL_IN_MODULE;
    return c->from == FROM_EXEC || c->client->flags & CLIENT_IN_MULTI ? ACL_IN_MULTI
                                                                      : ACL_TOP_LEVEL;
}

static void count_refusal(struct acl *a, enum acl_reason reason)
{
    struct stats *st = server_stats(a->server);
    st->denied_command += reason == ACL_NO_COMMAND;
    st->denied_key += reason == ACL_NO_KEY;
    st->denied_auth += reason == ACL_NO_AUTH;
    st->denied_channel += reason == ACL_NO_CHANNEL;
}

static const char *queued_reason(enum acl_reason reason)
{
    return reason == ACL_NO_KEY ? "no permission to touch the specified keys"
           : reason == ACL_NO_CHANNEL
               ? "no permission to access one of the channels used as arguments"
               : "no permission to execute the command or subcommand";
}

static const char *refusal(void *arg, const struct ctx *c, const struct command_entry *e,
                           const struct client *told)
{
    struct acl *a = arg;
    const struct acl_user *u = acl_user_of(a, c->client);
    struct acl_decision d = acl_check(u, e, c->argc, c->argv);
    if (d.reason == ACL_ALLOWED)
        return NULL;
    must(d.at >= 0 && d.at < c->argc);
    struct slice word = d.reason == ACL_NO_COMMAND ? slice_str(e->name) : c->argv[d.at];
    enum acl_where where = where_of(c);
    count_refusal(a, d.reason);
    acl_log_add(&a->log, d.reason, where, word, slice_str(u->name), told);
    buf_clear(&a->error);
    if (c->from == FROM_EXEC) {
        buf_printf(&a->error, "NOPERM ACLs rules changed between the moment the transaction was "
                   "accumulated and the EXEC call. This command is no longer allowed for the "
                   "following reason: %s", queued_reason(d.reason));
    } else {
        buf_printf(&a->error, "NOPERM %s",
                   where == ACL_IN_SCRIPT ? "ACL failure in script: " : "");
        acl_check_tell(u, e, d, word, false, &a->error);
    }
    return buf_cstr(&a->error);
}

const struct rights *acl_rights(const struct acl *a)
{
    return &a->rights;
}

/* ---- who a client is ---- */

bool acl_authenticate(struct acl *a, const struct ctx *c, struct slice user, struct slice password)
{
    struct acl_user *u = acl_users_find(&a->users, user);
    /* For a name that is not there it takes as long. */
    bool right = acl_user_has_password(u ? u : a->nobody, password);
    must(c->argc > 1 && !a->nobody->on);
    if (!u || !u->on || !(u->nopass || right)) {
        count_refusal(a, ACL_NO_AUTH);
        acl_log_add(&a->log, ACL_NO_AUTH, where_of(c), c->argv[0], user, c->client);
        return false;
    }
    c->client->user = u == a->standard ? NULL : u;
    c->client->flags |= CLIENT_AUTHENTICATED;
    c->client->parser.unauthenticated = false;
    mark(c->client, u);
    return true;
}

const char *acl_name_of(const struct acl *a, const struct client *c)
{
    return acl_user_of(a, c)->name;
}

/* ---- users ---- */

size_t acl_count(const struct acl *a)
{
    return a->users.count;
}

const struct acl_user *acl_at(const struct acl *a, size_t i)
{
    must(i < a->users.count && a->users.count > 0);
    return a->users.all[i];
}

const struct acl_user *acl_find(const struct acl *a, struct slice name)
{
    return acl_users_find(&a->users, name);
}

void acl_take_over(struct acl *a, struct acl_user *u, struct acl_user *fresh)
{
    must(u != fresh && strcmp(u->name, fresh->name) == 0);
    acl_user_swap(u, fresh);
    if (!acl_check_keeps_channels(fresh, u))
        close_listeners(a, u);
    acl_user_free(fresh);
    user_changed(a, u);
}

bool acl_set(struct acl *a, struct slice name, int argc, const struct slice *rules,
             struct buf *bad, struct fault *f)
{
    struct acl_rules r = acl_rules_now(a);
    struct acl_user *u = acl_users_find(&a->users, name);
    if (!acl_rules_name_ok(name)) {
        fault_set(f, FAULT_FORMAT, "Usernames can't contain spaces or null characters");
        return false;
    }
    struct acl_user *fresh = u ? acl_user_copy(u) : acl_user_new(name, r.open_channels);
    if (!acl_rules_say(&r, fresh, argc, rules, bad, f)) {
        acl_user_free(fresh);
        return false;
    }
    if (u)
        acl_take_over(a, u, fresh);
    else
        acl_users_add(&a->users, fresh);
    config_note_change(server_config(a->server), "user");
    return true;
}

bool acl_delete(struct acl *a, struct slice name)
{
    bool there;
    size_t at = place_of(&a->users, name, &there);
    if (!there || a->users.all[at] == a->standard)
        return false;
    struct acl_user *u = a->users.all[at];
    a->users.count--;
    memmove(a->users.all + at, a->users.all + at + 1,
            (a->users.count - at) * sizeof *a->users.all);
    LINK_FOR(pos, &server_clients(a->server)->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (c->user == u)
            lose_user(a, c);
    }
    acl_user_free(u);
    config_note_change(server_config(a->server), "user");
    return true;
}

/* What is left of a name's client when users are replaced. */
static void move_client(struct acl *a, struct client *c, const struct acl_users *fresh)
{
    struct acl_user *now = acl_users_find(fresh, slice_str(acl_name_of(a, c)));
    if (c->user == a->nobody)
        return;
    if (!now) {
        lose_user(a, c);
        return;
    }
    if (!acl_check_keeps_channels(acl_user_of(a, c), now) && !may_listen(a, c, now))
        client_close_answered(c);
    if (c->user) {
        c->user = now;
        mark(c, now);
    }
}

void acl_replace_all(struct acl *a, struct acl_users *fresh)
{
    struct acl_user *standard = acl_users_find(fresh, SLICE_LIT("default"));
    must(standard && standard != a->standard);
    LINK_FOR(pos, &server_clients(a->server)->all)
        move_client(a, LINK_OF(pos, struct client, link), fresh);
    struct acl_users old = a->users;
    a->users = *fresh;
    a->standard = standard;
    a->rights.standard = standard;
    *fresh = (struct acl_users){0};
    acl_users_free(&old);
    user_changed(a, a->standard);
}

struct acl_log *acl_log_of(struct acl *a)
{
    return &a->log;
}

const char *acl_file(const struct acl *a)
{
    return a->file;
}

/* ---- life ---- */

struct acl *acl_new(struct server *s)
{
    struct acl *a = mem_zalloc(sizeof *a);
    a->server = s;
    a->nobody = acl_user_new(SLICE_LIT("default"), false);
    a->standard = acl_new_standard();
    acl_users_add(&a->users, a->standard);
    acl_log_init(&a->log);
    a->rights = (struct rights){acl_check_quick, a->standard, refusal, a};
    user_changed(a, a->standard);
    return a;
}

void acl_drop_lines(struct acl *a)
{
    while (a->lines) {
        struct acl_line *line = a->lines;
        a->lines = line->next;
        mem_free(line->words);
        mem_free(line);
    }
}

void acl_free(struct acl *a)
{
    acl_users_free(&a->users);
    acl_user_free(a->nobody);
    acl_log_clear(&a->log);
    acl_drop_lines(a);
    buf_free(&a->error);
    buf_free(&a->password);
    mem_free(a->file);
    mem_free(a);
}
