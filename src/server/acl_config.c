/* SPDX-License-Identifier: BSD-3-Clause */
/* Options about users. A "user" line is tried when it is read, so that a wrong one is told with its
 * place, and applied when all commands are known. */
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/quote.h"
#include "os/file.h"
#include "server/acl.h"
#include "server/acl_parts.h"
#include "server/config.h"
#include "server/hooks.h"
#include "server/server.h"

/* ---- user ---- */

static bool refuse_line(struct fault *f, struct slice what, const char *why)
{
    fault_set(f, FAULT_INVALID, "Error in user declaration '%.*s': %s",
              (int)(what.len < 40 ? what.len : 40), what.data, why);
    return false;
}

/* The line's user in u, for whom nobody is found; or NULL, with f. */
static struct acl_user *user_of_line(const struct acl_rules *r, int count,
                                     const struct slice *words, struct fault *f)
{
    struct buf bad = {0};
    struct fault why = {0};
    bool standard = slice_eq_str(words[0], "default");
    struct acl_user *u = acl_user_new(words[0], r->open_channels);
    if (standard)
        acl_rules_say_one(r, u, SLICE_LIT("reset"), &why);
    if (!acl_rules_say(r, u, count - 1, words + 1, &bad, &why)) {
        struct slice rule = buf_slice(&bad);
        refuse_line(f, acl_rules_may_show(rule) ? rule : words[0], why.what);
        acl_user_free(u);
        u = NULL;
    }
    buf_free(&bad);
    return u;
}

static void keep_line(struct acl *a, int count, const struct slice *words)
{
    size_t bytes = 0;
    struct acl_line **last = &a->lines;
    must(count > 0);
    for (int i = 0; i < count; i++)
        bytes += words[i].len;
    struct acl_line *line = mem_alloc(sizeof *line + bytes);
    *line = (struct acl_line){.count = count,
                              .words = mem_alloc((size_t)count * sizeof *line->words)};
    char *to = line->bytes;
    for (int i = 0; i < count; i++) {
        line->words[i] = slice(to, words[i].len);
        memcpy(to, words[i].data, words[i].len);
        to += words[i].len;
    }
    while (*last)
        last = &(*last)->next;
    *last = line;
}

static void user_clear(void *owner)
{
    acl_drop_lines(owner);
}

/* "user """ takes back the lines so far: CONFIG REWRITE says so when they are in a file that is
 * included, which it leaves alone. */
static bool user_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct acl *a = owner;
    struct acl_rules r = acl_rules_now(a);
    r.modules_later = true;
    if (argc == 1 && !argv[0].len) {
        acl_drop_lines(a);
        return true;
    }
    if (!acl_rules_name_ok(argv[0]))
        return refuse_line(f, SLICE_LIT(""), "Spaces not allowed in ACL usernames");
    for (const struct acl_line *line = a->lines; line; line = line->next)
        if (slice_eq(line->words[0], argv[0]))
            return refuse_line(f, argv[0], "Duplicate user found. A user can only be defined once "
                                           "in config files");
    struct acl_user *u = user_of_line(&r, argc, argv, f);
    if (u)
        keep_line(a, argc, argv);
    acl_user_free(u);
    return u != NULL;
}

static bool apply_line(struct acl *a, const struct acl_line *line, struct fault *f)
{
    struct acl_rules r = acl_rules_now(a);
    struct acl_user *u = user_of_line(&r, line->count, line->words, f);
    struct acl_user *there = acl_users_find(&a->users, line->words[0]);
    if (!u)
        return false;
    if (!u->on)
        log_notice("User '%s' is off, as no rule of its line says on: is that meant?", u->name);
    if (there)
        acl_take_over(a, there, u);
    else
        acl_users_add(&a->users, u);
    return true;
}

static bool is_password_of(const struct acl_user *u, const struct buf *password)
{
    if (!password->len)
        return u->nopass && !u->password_count;
    return !u->nopass && u->password_count == 1 &&
           acl_user_has_password(u, buf_slice(password));
}

/* requirepass alone makes it: a line of its own would win over that, whatever is written there. */
static bool is_built_in(const struct acl *a, const struct acl_user *u)
{
    const struct acl_selector *own = u->selectors[0];
    return u == a->standard && u->on && u->unrestricted && u->selector_count == 1 &&
           own->all_commands && !own->rule_count && u->sanitize == ACL_SANITIZE_YES &&
           is_password_of(u, &a->password);
}

static void put_word(struct buf *out, struct slice word)
{
    if (quote_plain(word))
        buf_add(out, word);
    else
        quote_put(out, word, false);
}

static void user_lines(const void *owner, struct buf *out)
{
    const struct acl *a = owner;
    for (size_t i = 0; i < a->users.count && !a->file_option; i++) {
        if (is_built_in(a, a->users.all[i]))
            continue;
        buf_printf(out, "user ");
        acl_rules_print(a->users.all[i], out, put_word);
        buf_byte(out, '\n');
    }
}

static void user_print(const void *owner, struct buf *out)
{
    (void)owner; /* a directive: nobody is shown a value */
    (void)out;
}

/* ---- the others ---- */

static bool password_parse(void *owner, int argc, const struct slice *argv, struct fault *f)
{
    struct acl *a = owner;
    if (argc != 1) {
        fault_set(f, FAULT_INVALID, "wrong number of arguments");
        return false;
    }
    buf_clear(&a->password);
    buf_add(&a->password, argv[0]);
    return true;
}

static void password_print(const void *owner, struct buf *out)
{
    buf_add(out, buf_slice(&((const struct acl *)owner)->password));
}

/* The default user's only password, or it needs none. */
static bool password_apply(void *owner, struct fault *f)
{
    struct acl *a = owner;
    struct acl_rules r = acl_rules_now(a);
    struct acl_user *fresh = acl_user_copy(a->standard);
    struct buf rule = {0};
    buf_printf(&rule, "%s", a->password.len ? ">" : "nopass");
    buf_add(&rule, buf_slice(&a->password));
    bool ok = acl_rules_say_one(&r, fresh, SLICE_LIT("resetpass"), f) &&
              acl_rules_say_one(&r, fresh, buf_slice(&rule), f);
    must(ok);
    acl_take_over(a, a->standard, fresh);
    buf_free(&rule);
    return true;
}

static bool log_apply(void *owner, struct fault *f)
{
    (void)f;
    acl_log_trim(&((struct acl *)owner)->log);
    return true;
}

static bool load_at_start(struct acl *a, struct fault *f)
{
    struct fault why = {0};
    if (a->lines) {
        fault_set(f, FAULT_INVALID, "Users come from aclfile or from \"user\" lines of the "
                  "configuration, not from both: which of them counts would be a guess, and a "
                  "security hole. Please leave one of them out");
        return false;
    }
    a->file = file_absolute(a->file_option, f);
    if (!a->file)
        return false;
    if (!acl_load(a, &why)) {
        fault_set(f, why.code, "Aborting Redis startup because of ACL errors: %.450s", why.what);
        return false;
    }
    if (a->password.len && a->standard->nopass)
        log_warning("requirepass does not act: aclfile says that the default user needs no "
                    "password, or does not mention it");
    return true;
}

static bool configured(void *owner, struct fault *f)
{
    struct acl *a = owner;
    bool ok = true;
    if (a->file_option)
        return load_at_start(a, f);
    for (const struct acl_line *line = a->lines; line && ok; line = line->next)
        ok = apply_line(a, line, f);
    return ok;
}

static const struct config_word pubsub_defaults[] = {{"allchannels", true},
                                                     {"resetchannels", false}, {NULL, 0}};
static const struct config_option options[] = {
    {.name = "acl-pubsub-default", CONFIG_ENUM_AT(struct acl, open_channels),
     .words = pubsub_defaults, .initial = "resetchannels"},
    {.name = "aclfile", CONFIG_STRING_AT(struct acl, file_option), .flags = CONFIG_IMMUTABLE},
    {.name = "acllog-max-len", CONFIG_INT_AT(struct acl, log.max), .initial = "128", .min = 0,
     .max = LONG_MAX, .apply = log_apply},
    {.name = "requirepass", .kind = CONFIG_CUSTOM,
     .flags = CONFIG_SENSITIVE | CONFIG_WHOLE | CONFIG_APPLY_LAST,
     .parse = password_parse, .print = password_print, .apply = password_apply},
    {.name = "user", .kind = CONFIG_CUSTOM,
     .flags = CONFIG_MULTI | CONFIG_HIDDEN | CONFIG_IMMUTABLE | CONFIG_SENSITIVE,
     .parse = user_parse,
     .clear = user_clear, .print = user_print, .lines = user_lines},
    {.name = NULL}};

void acl_register(struct acl *a, struct config *cfg)
{
    config_add(cfg, options, a);
    hooks_on_configured(server_hooks(a->server), configured, a);
}
