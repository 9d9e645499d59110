/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a file of users. A whole one is shown so that it is read as the same again, both as a file
 * and as lines of a configuration; the users' decisions agree with the quick ones, and with those
 * of who is read again. A line of it that is refused leaves no trace. */
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/quote.h"
#include "server/acl.h"
#include "server/acl_check.h"
#include "server/acl_parts.h"
#include "server/config.h"
#include "server/server.h"
#include "server/server_frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/server/acl_commands.h"

struct decisions {
    const struct acl_user *a, *b; /* the same by their rules */
};

static void decide(const struct decisions *d, const struct command_entry *e, int argc,
                   const struct slice *argv)
{
    struct acl_decision a = acl_check(d->a, e, argc, argv), b = acl_check(d->b, e, argc, argv);
    must(a.reason == b.reason && a.at == b.at && a.at < argc);
    must(!acl_check_quick(d->a, e, argv) || a.reason == ACL_ALLOWED);
}

static void visit(void *arg, struct command_entry *e)
{
    static const struct slice words[] = {
        SLICE_LIT("x"), SLICE_LIT("a"), SLICE_LIT("1"), SLICE_LIT("foo:12345678"), SLICE_LIT(""),
        SLICE_LIT("*"), SLICE_LIT("news:1")};
    enum { WORDS = sizeof words / sizeof *words };
    for (int from = 0; from + 2 <= WORDS; from++)
        for (int argc = 2; from + argc <= WORDS; argc++)
            decide(arg, e, argc, words + from);
    for (unsigned i = 0; i < e->sub_count; i++)
        visit(arg, &e->subs[i]);
}

static void put_word(struct buf *out, struct slice word)
{
    if (quote_plain(word))
        buf_add(out, word);
    else
        quote_put(out, word, false);
}

static void show(const struct acl_users *us, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < us->count; i++) {
        buf_printf(out, "user ");
        acl_rules_print(us->all[i], out, buf_add);
        buf_byte(out, '\n');
    }
}

/* As a line of a configuration file. */
static void check_line(const struct acl_rules *r, const struct acl_user *u)
{
    enum { WORDS_MAX = 4096 };
    struct buf line = {0}, hold = {0}, bad = {0}, one = {0}, other = {0};
    struct slice *words = mem_alloc(WORDS_MAX * sizeof *words);
    struct fault f = {0};
    int count;
    acl_rules_print(u, &line, put_word);
    if (config_split(buf_slice(&line), &hold, words, WORDS_MAX, &count)) {
        must(count > 0 && slice_eq_str(words[0], u->name));
        struct acl_user *again = acl_user_new(words[0], false);
        bool ok = acl_rules_say(r, again, count - 1, words + 1, &bad, &f);
        must(ok);
        acl_rules_print(u, &one, buf_add);
        acl_rules_print(again, &other, buf_add);
        must(slice_eq(buf_slice(&one), buf_slice(&other)));
        acl_user_free(again);
    }
    buf_free(&line);
    buf_free(&hold);
    buf_free(&one);
    buf_free(&other);
    mem_free(words);
}

static void check_users(const struct acl *a, const struct acl_users *us)
{
    struct acl_rules r = acl_rules_now(a);
    struct buf text = {0}, second = {0}, errors = {0};
    struct acl_users again;
    show(us, &text);
    bool ok = acl_read_users(a, "again", buf_slice(&text), &again, &errors);
    must(ok && again.count == us->count);
    show(&again, &second);
    must(slice_eq(buf_slice(&text), buf_slice(&second)));
    for (size_t i = 0; i < us->count; i++) {
        struct decisions d = {us->all[i], again.all[i]};
        must(d.a->unrestricted == d.b->unrestricted);
        must(acl_check_keeps_channels(d.a, d.b));
        commands_each_given(r.commands, visit, &d);
        check_line(&r, us->all[i]);
    }
    acl_users_free(&again);
    buf_free(&text);
    buf_free(&second);
    buf_free(&errors);
}

/* What ACL SETUSER does with the words of the first line. */
static void set(struct acl *a, struct slice text)
{
    struct buf copy = {0}, bad = {0};
    struct slice words[64];
    struct fault f = {0};
    const char *end = text.len ? memchr(text.data, '\n', text.len) : NULL;
    buf_add(&copy, slice(text.data, end ? (size_t)(end - text.data) : text.len));
    int n = copy.len ? quote_split(copy.data, copy.len, words, 64) : 0;
    size_t before = a->users.count;
    bool there = n > 0 && acl_users_find(&a->users, words[0]);
    bool ok = n > 0 && acl_set(a, words[0], n - 1, words + 1, &bad, &f);
    must(ok || a->users.count == before);
    if (ok && !there)
        must(acl_delete(a, words[0]));
    buf_free(&copy);
    buf_free(&bad);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct server *s;
    struct acl_users users;
    struct buf errors = {0};
    if (!s) {
        hash_init(NULL);
        log_set_level(LOG_NOTHING_LEVEL);
        s = server_new();
        commands_add(server_commands(s), acl_commands, NULL);
    }
    struct acl *a = server_acl(s);
    a->open_channels = 0;
    if (acl_read_users(a, "file", slice(data, size), &users, &errors)) {
        check_users(a, &users);
        acl_users_free(&users);
    } else {
        must(users.count == 0 && errors.len > 0);
    }
    set(a, slice(data, size));
    buf_free(&errors);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const texts[] = {
        "user a on nopass ~* &* +@all\nuser default on >x ~a* %R~b* %W~c? &news:* +@read -get\n",
        "user b off #0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef ~a +get|x\n",
        "user c (~a +get) (%RW~foo:* &x -@all +@write) clearselectors ( +set ~b )\n",
        "user d sanitize-payload skip-sanitize-payload reset resetkeys resetchannels nocommands\n",
        "user e +select|0 +SELECT|1 +config|get -config +config -config|set allcommands\n",
        "user  on\nuser \"q\" ~ & %R~ %rw~* allkeys\n", "\n \r\n", "user f <nopass\n",
        "user g +del -del +@keyspace -@fast +@all -@dangerous +publish +psubscribe &n?ws &[ab]*\n",
        "g >secret >other <secret ~longer-than-eight:* +get +eval\n", "user h (\nuser i )\n",
        "user j +config|get|x\n", "user k on\nuser k off\n", "default reset on nopass ~* &* +@all",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fuzz_add(texts[i], strlen(texts[i]));
}
