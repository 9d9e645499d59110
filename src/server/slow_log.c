/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/slow_log.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/client.h"
#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/server.h"

struct slow_log {
    struct server *server;
    int64_t slower_than_us, max_len; /* settings */
    struct link entries;             /* newest first */
    size_t count;
    uint64_t next_id;
};

/* ---- entries ---- */

static struct slow_entry *entry_of(const struct slow_log *l, struct link *at)
{
    return at == &l->entries ? NULL : LINK_OF(at, struct slow_entry, link);
}

const struct slow_entry *slow_log_newest(const struct slow_log *l)
{
    return entry_of(l, l->entries.next);
}

const struct slow_entry *slow_log_older(const struct slow_log *l, const struct slow_entry *e)
{
    return entry_of(l, e->link.next);
}

size_t slow_log_count(const struct slow_log *l)
{
    return l->count;
}

static void trim(struct slow_log *l, size_t most)
{
    while (l->count > most) {
        struct slow_entry *oldest = entry_of(l, l->entries.prev);
        must(oldest);
        link_remove(&oldest->link);
        mem_free(oldest);
        l->count--;
    }
}

void slow_log_reset(struct slow_log *l)
{
    trim(l, 0);
}

/* What is kept of a word: its first bytes, and a note of what is not. */
struct kept {
    struct slice head;
    char note[48];
    size_t note_len;
};

static struct kept keep_word(struct slice word)
{
    struct kept k = {.head = word};
    if (word.len > SLOW_WORD_MAX) {
        k.head.len = SLOW_WORD_MAX;
        k.note_len = (size_t)snprintf(k.note, sizeof k.note, "... (%zu more bytes)",
                                      word.len - SLOW_WORD_MAX);
    }
    return k;
}

/* The last place of a command with too many words says how many do not fit. */
static struct kept keep_nth(const struct ctx *c, int i)
{
    int left = c->argc - i;
    if (i < SLOW_WORDS_MAX - 1 || left == 1)
        return keep_word(ctx_shown(c, i));
    struct kept k = {.note_len = 0};
    k.note_len = (size_t)snprintf(k.note, sizeof k.note, "... (%d more arguments)", left);
    return k;
}

static struct slice put(char **to, struct slice text)
{
    char *at = *to;
    if (text.len)
        memcpy(at, text.data, text.len);
    *to += text.len;
    return slice(at, text.len);
}

static struct slice put_kept(char **to, const struct kept *k)
{
    struct slice head = put(to, k->head);
    return slice(head.data, head.len + put(to, slice(k->note, k->note_len)).len);
}

static struct slow_entry *entry_new(const struct ctx *c, uint64_t took_us)
{
    struct kept kept[SLOW_WORDS_MAX];
    int count = c->argc < SLOW_WORDS_MAX ? c->argc : SLOW_WORDS_MAX;
    const char *peer = c->client->peer[0] ? c->client->peer : "?:0";
    struct kept name = keep_word(slice_str(c->client->name ? c->client->name : ""));
    size_t header = sizeof(struct slow_entry) + (size_t)count * sizeof(struct slice);
    size_t bytes = strlen(peer) + name.head.len + name.note_len;
    for (int i = 0; i < count; i++) {
        kept[i] = keep_nth(c, i);
        bytes += kept[i].head.len + kept[i].note_len;
    }
    struct slow_entry *e = mem_alloc(header + bytes);
    char *to = (char *)e + header;
    *e = (struct slow_entry){.took_us = took_us, .time_s = clock_now.wall_ms / 1000,
                             .count = (size_t)count};
    e->peer = put(&to, slice_str(peer));
    e->name = put_kept(&to, &name);
    for (int i = 0; i < count; i++)
        e->words[i] = put_kept(&to, &kept[i]);
    must(to == (char *)e + header + bytes);
    link_init(&e->link);
    return e;
}

static void observe(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took_us)
{
    struct slow_log *l = arg;
    if (e->row.flags & CMD_SKIP_SLOWLOG)
        return;
    struct slow_entry *entry = entry_new(c, took_us);
    entry->id = l->next_id++;
    link_push_front(&l->entries, &entry->link);
    l->count++;
    must(l->max_len > 0);
    trim(l, (size_t)l->max_len);
}

/* ---- settings ---- */

static void watch(struct slow_log *l)
{
    exec_unobserve(server_exec(l->server), l);
    if (l->slower_than_us >= 0 && l->max_len)
        exec_observe(server_exec(l->server), OBSERVE_ANSWERED | OBSERVE_AGAIN, l->slower_than_us,
                     observe, l);
}

static bool apply(void *owner, struct fault *f)
{
    struct slow_log *l = owner;
    (void)f;
    trim(l, (size_t)l->max_len);
    watch(l);
    return true;
}

static const struct config_option options[] = {
    {.name = "slowlog-log-slower-than", CONFIG_INT_AT(struct slow_log, slower_than_us),
     .initial = "10000", .min = -1, .max = INT64_MAX, .apply = apply},
    {.name = "slowlog-max-len", CONFIG_INT_AT(struct slow_log, max_len), .initial = "128",
     .min = 0, .max = INT64_MAX, .apply = apply},
    {.name = NULL}};

struct slow_log *slow_log_new(struct server *s)
{
    struct slow_log *l = mem_zalloc(sizeof *l);
    l->server = s;
    link_init(&l->entries);
    config_add(server_config(s), options, l);
    watch(l);
    return l;
}

void slow_log_free(struct slow_log *l)
{
    exec_unobserve(server_exec(l->server), l);
    config_release(server_config(l->server), l);
    trim(l, 0);
    mem_free(l);
}
