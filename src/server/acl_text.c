/* SPDX-License-Identifier: BSD-3-Clause */
/* Users as text: a line each, "user NAME RULE...", words apart by one blank each. All of it is read
 * into users of its own; when a line is wrong there are none, and each such line is told. */
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/acl_parts.h"

enum { ERRORS_SHOWN = 300, NAME_SHOWN = 100, RULE_SHOWN = 60 };

struct reading {
    const struct acl *acl;
    struct acl_users users;
    struct buf errors;
    int line;
    struct slice *words;
    int count, room;
};

static bool wrong(struct reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool wrong(struct reading *r, const char *format, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    log_warning("ACL file: %s", buf_cstr(&text));
    if (r->errors.len + text.len <= ERRORS_SHOWN || !r->errors.len)
        buf_printf(&r->errors, "%s. ", buf_cstr(&text));
    buf_free(&text);
    return false;
}

static void split(struct reading *r, struct slice line)
{
    r->count = 0;
    for (;;) {
        const char *blank = line.len ? memchr(line.data, ' ', line.len) : NULL;
        size_t len = blank ? (size_t)(blank - line.data) : line.len;
        if (r->count == r->room) {
            r->room = r->room ? r->room * 2 : 16;
            r->words = mem_realloc(r->words, (size_t)r->room * sizeof *r->words);
        }
        r->words[r->count++] = slice(line.data, len);
        if (!blank)
            return;
        line = slice_from(line, len + 1);
    }
}

static bool take_user(struct reading *r, const char *path)
{
    struct acl_rules rules = acl_rules_now(r->acl);
    struct buf bad = {0};
    struct fault f = {0};
    struct slice name = r->words[1];
    if (!acl_rules_name_ok(name))
        return wrong(r, "%s:%d: username contains invalid characters", path, r->line);
    if (acl_users_find(&r->users, name))
        return wrong(r, "WARNING: Duplicate user '%.*s' found on line %d",
                     (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), name.data, r->line);
    struct acl_user *u = acl_user_new(name, rules.open_channels);
    bool ok = acl_rules_say(&rules, u, r->count - 2, r->words + 2, &bad, &f);
    if (ok)
        acl_users_add(&r->users, u);
    else
        acl_user_free(u);
    if (!ok && f.code == FAULT_FORMAT)
        wrong(r, "%s:%d: %s", path, r->line, f.what);
    else if (!ok && acl_rules_may_show(buf_slice(&bad)))
        wrong(r, "%s:%d: Error in applying operation '%.*s': %s", path, r->line,
              (int)(bad.len < RULE_SHOWN ? bad.len : RULE_SHOWN), bad.data, f.what);
    else if (!ok)
        wrong(r, "%s:%d: %s", path, r->line, f.what);
    buf_free(&bad);
    return ok;
}

static bool take_line(struct reading *r, const char *path, struct slice line)
{
    while (line.len && strchr(" \t\r", line.data[0]) && line.data[0])
        line = slice_from(line, 1);
    while (line.len && strchr(" \t\r", line.data[line.len - 1]) && line.data[line.len - 1])
        line.len--;
    if (!line.len)
        return true;
    split(r, line);
    if (r->count < 2 || !slice_eq_str(r->words[0], "user"))
        return wrong(r, "%s:%d should start with user keyword followed by the username", path,
                     r->line);
    return take_user(r, path);
}

bool acl_read_users(const struct acl *a, const char *path, struct slice text,
                    struct acl_users *users, struct buf *errors)
{
    struct reading r = {.acl = a};
    bool ok = true;
    while (text.len) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        r.line++;
        ok = take_line(&r, path, slice(text.data, len)) && ok;
        text = slice_from(text, len + (end != NULL));
    }
    if (ok && !acl_users_find(&r.users, SLICE_LIT("default")))
        acl_users_add(&r.users, acl_new_standard());
    if (!ok)
        acl_users_free(&r.users);
    *users = r.users;
    buf_add(errors, buf_slice(&r.errors));
    buf_free(&r.errors);
    mem_free(r.words);
    return ok;
}
