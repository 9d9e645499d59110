/* SPDX-License-Identifier: BSD-3-Clause */
#include "commands/expiry.h"

#include "base/must.h"
#include "server/command.h"
#include "server/notify.h"
#include "server/reply.h"

bool expiry_option(const struct ctx *c, int *i, struct expiry_arg *x)
{
    static const struct {
        const char *word;
        bool seconds, absolute;
    } words[] = {
        {"ex", true, false}, {"px", false, false}, {"exat", true, true}, {"pxat", false, true}};
    if (*i + 1 >= c->argc)
        return false;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (ctx_arg_is(c, *i, words[k].word)) {
            *x = (struct expiry_arg){true, words[k].seconds, words[k].absolute, ++*i};
            return true;
        }
    }
    return false;
}

bool expiry_time(int64_t n, bool seconds, bool absolute, int64_t now_ms, int64_t *expire_ms)
{
    if (seconds && __builtin_mul_overflow(n, 1000, &n))
        return false;
    if (!absolute && __builtin_add_overflow(n, now_ms, &n))
        return false;
    *expire_ms = n;
    return true;
}

bool expiry_resolve(struct ctx *c, const struct expiry_arg *x, int64_t *expire_ms)
{
    int64_t n;
    must(x->given);
    if (!ctx_arg_i64(c, x->at, &n))
        return false;
    if (n > 0 && expiry_time(n, x->seconds, x->absolute, c->now_ms, expire_ms))
        return true;
    reply_errorf(c, "ERR invalid expire time in '%s' command", c->command->name);
    return false;
}

void expiry_set(struct ctx *c, struct slice key, struct entry *e, int64_t expire_ms)
{
    ctx_changed(c, 1);
    if (expire_ms <= c->now_ms && keyspace_decides_expiry(c->keyspace)) {
        struct slice argv[] = {SLICE_LIT("DEL"), key};
        ctx_log_instead(c, 2, argv);
        db_remove_as(c->db, key, KEY_REMOVED, c->keyspace->lazyfree_expire);
        ctx_notify(c, NOTIFY_GENERIC, "del", key);
        return;
    }
    char text[NUM_I64_TEXT];
    struct slice at = slice(text, num_format_i64(text, expire_ms));
    struct slice argv[] = {SLICE_LIT("PEXPIREAT"), key, at};
    ctx_log_instead(c, 3, argv);
    db_set_expire(c->db, e, expire_ms);
    ctx_notify(c, NOTIFY_GENERIC, "expire", key);
}
