/* SPDX-License-Identifier: BSD-3-Clause */
/* What took long: the slow log's entries and limits, spikes, and what a histogram counts. */
#include <stdio.h>

#include "base/fault.h"
#include "server/config.h"
#include "server/exec.h"
#include "server/slow_log.h"
#include "server/spikes.h"
#include "server/stats.h"
#include "tests/unit/server/served.h"

static void hide(struct ctx *c)
{
    ctx_redact(c, 1);
    reply_ok(c);
}

static const struct command commands[] = {
    {.name = "put", .run = served_put, .arity = 3, .flags = CMD_WRITE},
    {.name = "take", .run = served_take, .arity = -2, .flags = CMD_READONLY},
    {.name = "await", .run = served_await, .arity = 2, .flags = CMD_WRITE},
    {.name = "hide", .run = hide, .arity = -1},
    {.name = "skipped", .run = hide, .arity = -1, .flags = CMD_SKIP_SLOWLOG},
    {.name = NULL}};

static void set(const char *name, const char *value)
{
    struct slice pair[] = {slice_str(name), slice_str(value)}, bad;
    struct fault f = {0};
    CHECK(config_set(server_config(s), 2, pair, &bad, &f));
}

static void begin(void)
{
    serve(commands);
    set("slowlog-log-slower-than", "0");
}

static struct buf words_of(const struct slow_entry *e)
{
    struct buf b = {0};
    for (size_t i = 0; i < e->count; i++)
        buf_printf(&b, "%s%.*s", i ? " " : "", SLICE_ARG(e->words[i]));
    return b;
}

static void check_words(const struct slow_entry *e, const char *want)
{
    struct buf b = words_of(e);
    CHECK_STR(buf_cstr(&b), want);
    buf_free(&b);
}

static void entries(void)
{
    begin();
    struct peer p = join();
    const struct slow_log *l = server_slow_log(s);
    client_set_text(p.client, &p.client->name, SLICE_LIT("me"));
    say(&p, "put a 1\r\nskipped x\r\nhide b c\r\n");
    CHECK_INT(slow_log_count(l), 2);
    const struct slow_entry *e = slow_log_newest(l);
    check_words(e, "hide (redacted) c");
    CHECK_INT(e->id, 1);
    CHECK_SLICE(e->name, SLICE_LIT("me"));
    CHECK_SLICE(e->peer, slice_str(p.client->peer[0] ? p.client->peer : "?:0"));
    e = slow_log_older(l, e);
    check_words(e, "put a 1");
    CHECK(!slow_log_older(l, e));
    slow_log_reset(server_slow_log(s));
    CHECK(!slow_log_newest(l) && slow_log_count(l) == 0);
    say(&p, "take a\r\n");
    CHECK_INT(slow_log_newest(l)->id, 2); /* ids go on */
    close(p.fd);
    server_free(s);
}

/* n words in all, and what becomes of the last of them. */
static void check_cut(struct peer *p, int n, const char *last)
{
    struct buf text = {0};
    buf_printf(&text, "take");
    for (int i = 1; i < n; i++)
        buf_printf(&text, " w%d", i);
    buf_printf(&text, "\r\n");
    say(p, buf_cstr(&text));
    const struct slow_entry *e = slow_log_newest(server_slow_log(s));
    CHECK_INT(e->count, n < SLOW_WORDS_MAX ? n : SLOW_WORDS_MAX);
    CHECK_SLICE(e->words[e->count - 1], slice_str(last));
    buf_free(&text);
}

static void words_that_are_cut(void)
{
    static const struct {
        size_t len;
        const char *note;
    } lengths[] = {{0, ""}, {127, ""}, {128, ""}, {129, "... (1 more bytes)"},
                   {5000, "... (4872 more bytes)"}};
    begin();
    struct peer p = join();
    check_cut(&p, 31, "w30");
    check_cut(&p, 32, "w31");
    check_cut(&p, 33, "... (2 more arguments)");
    check_cut(&p, 500, "... (469 more arguments)");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        say_with_large(&p, "*2\r\n$4\r\ntake\r\n", lengths[i].len);
        const struct slow_entry *e = slow_log_newest(server_slow_log(s));
        struct buf want = {0};
        size_t shown = lengths[i].len < SLOW_WORD_MAX ? lengths[i].len : SLOW_WORD_MAX;
        memset(buf_reserve(&want, shown + 1), 'x', shown);
        want.len = shown;
        buf_add(&want, slice_str(lengths[i].note));
        CHECK_SLICE(e->words[1], buf_slice(&want));
        buf_free(&want);
    }
    close(p.fd);
    server_free(s);
}

static void limits_that_change(void)
{
    begin();
    struct peer p = join();
    const struct slow_log *l = server_slow_log(s);
    for (int i = 0; i < 200; i++)
        say(&p, "take a\r\n");
    CHECK_INT(slow_log_count(l), 128);
    CHECK_INT(slow_log_newest(l)->id, 199);
    set("slowlog-max-len", "5");
    CHECK_INT(slow_log_count(l), 5);
    CHECK_INT(slow_log_newest(l)->id, 199);
    set("slowlog-log-slower-than", "-1");
    say(&p, "take a\r\n");
    set("slowlog-log-slower-than", "3600000000");
    say(&p, "take a\r\n");
    CHECK_INT(slow_log_newest(l)->id, 199);
    set("slowlog-max-len", "0");
    set("slowlog-log-slower-than", "0");
    say(&p, "take a\r\n");
    CHECK_INT(slow_log_count(l), 0);
    set("slowlog-max-len", "1");
    say(&p, "take a\r\ntake b\r\n");
    CHECK_INT(slow_log_count(l), 1);
    check_words(slow_log_newest(l), "take b");
    close(p.fd);
    server_free(s);
}

/* A call that waits is kept once, when it ran to its end. */
static void who_waited(void)
{
    begin();
    struct peer p = join(), q = join();
    const struct slow_log *l = server_slow_log(s);
    say(&p, "await k\r\n");
    CHECK_INT(slow_log_count(l), 0);
    say(&q, "put k 1\r\n");
    CHECK_INT(slow_log_count(l), 2);
    check_words(slow_log_newest(l), "await k");
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* ---- observers ---- */

static void note(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took)
{
    (void)took;
    buf_printf(arg, "%s%s%s;", e->name, c->flags & CTX_WAITS ? " waits" : "",
               c->flags & CTX_AGAIN ? " again" : "");
}

static void who_is_told_of_waiting(void)
{
    static const struct {
        unsigned what;
        const char *told;
    } each[] = {
        {OBSERVE_ANSWERED, "put;take;"},
        {OBSERVE_WAITING, "await waits;"},
        {OBSERVE_ANSWERED | OBSERVE_WAITING, "await waits;put;take;"},
        {OBSERVE_ANSWERED | OBSERVE_AGAIN, "put;await again;take;"},
        {OBSERVE_ANSWERED | OBSERVE_WAITING | OBSERVE_AGAIN, "await waits;put;await again;take;"},
    };
    enum { ALL = sizeof each / sizeof *each };
    struct buf heard[ALL] = {{0}};
    begin();
    struct peer p = join(), q = join();
    for (int i = 0; i < ALL; i++)
        exec_observe(server_exec(s), each[i].what, 0, note, &heard[i]);
    say(&p, "await k\r\n");
    say(&q, "put k 1\r\ntake k\r\n");
    for (int i = 0; i < ALL; i++) {
        CHECK_STR(buf_cstr(&heard[i]), each[i].told);
        exec_unobserve(server_exec(s), &heard[i]);
        buf_free(&heard[i]);
    }
    close(p.fd);
    close(q.fd);
    server_free(s);
}

/* ---- spikes ---- */

static void spikes_of_events(void)
{
    begin();
    struct spikes *sp = server_spikes(s);
    enum spike_event e;
    CHECK(spikes_event(SLICE_LIT("aof-fsync-always"), &e) && e == SPIKE_AOF_FSYNC_ALWAYS);
    CHECK(!spikes_event(SLICE_LIT("nosuch"), &e));
    CHECK(!spikes_of(sp, SPIKE_FORK) && !spikes_reset(sp, SPIKE_FORK));
    spikes_note(sp, SPIKE_FORK, 1000000); /* nobody wants to know */
    CHECK(spikes_begin(sp) == 0 && !spikes_of(sp, SPIKE_FORK));
    set("latency-monitor-threshold", "50");
    CHECK(spikes_begin(sp) > 0);
    spikes_note(sp, SPIKE_FORK, 49999);
    CHECK(!spikes_of(sp, SPIKE_FORK));
    spikes_note(sp, SPIKE_FORK, 50000);
    const struct spike_series *series = spikes_of(sp, SPIKE_FORK);
    CHECK(series && series->count == 1 && series->worst_ms == 50);
    CHECK(spikes_reset(sp, SPIKE_FORK) && !spikes_of(sp, SPIKE_FORK));
    for (int i = 0; i < 500; i++) { /* the worst of each second, the last of them */
        spikes_add(sp, SPIKE_FORK, 1000 - i, 7000 + i);
        spikes_add(sp, SPIKE_FORK, 10, 7000 + i);
        spikes_add(sp, SPIKE_FORK, 1001 - i, 7000 + i);
    }
    series = spikes_of(sp, SPIKE_FORK);
    CHECK_INT(series->count, SPIKES_KEPT);
    CHECK_INT(series->worst_ms, 1001);
    for (unsigned i = 0; i < SPIKES_KEPT; i++) {
        CHECK_INT(spikes_nth(series, i)->time_s, 7500 - SPIKES_KEPT + (int)i);
        CHECK_INT(spikes_nth(series, i)->ms, 501 + SPIKES_KEPT - (int)i);
    }
    server_free(s);
}

static void histogram(void)
{
    struct latency *l = NULL;
    CHECK(latency_count(l) == 0 && latency_up_to(l, 1000) == 0);
    for (uint64_t us = 1; us <= 1000; us++)
        latency_add(&l, us);
    CHECK_INT(latency_count(l), 1000);
    for (uint64_t us = 0; us < 2000; us++) {
        uint64_t exact = us < 1000 ? us : 1000, seen = latency_up_to(l, us);
        CHECK(seen >= exact && seen <= exact + exact / 16);
    }
    latency_free(l);
}

int main(void)
{
    return UNIT_RUN(UNIT(entries), UNIT(words_that_are_cut), UNIT(limits_that_change),
                    UNIT(who_waited), UNIT(who_is_told_of_waiting), UNIT(spikes_of_events),
                    UNIT(histogram));
}
