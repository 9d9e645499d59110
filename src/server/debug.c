/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/debug.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "server/ctx.h"
#include "server/reply.h"

struct owned_word {
    const struct debug_word *word;
    void *arg;
};

struct debug {
    struct owned_word *words; /* by name */
    size_t count, cap;
};

struct debug *debug_new(void)
{
    return mem_zalloc(sizeof(struct debug));
}

void debug_free(struct debug *d)
{
    mem_free(d->words);
    mem_free(d);
}

static const struct owned_word *find(const struct debug *d, struct slice word)
{
    for (size_t i = 0; i < d->count; i++)
        if (slice_eq_nocase(word, d->words[i].word->word))
            return &d->words[i];
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct owned_word *x = a, *y = b;
    return strcmp(x->word->word, y->word->word);
}

void debug_add(struct debug *d, const struct debug_word *table, void *arg)
{
    for (const struct debug_word *w = table; w->word; w++) {
        must(!find(d, slice_str(w->word)));
        must(w->run && w->min_argc >= 2 && w->min_argc <= w->max_argc && !w->form == !w->help);
        if (d->count == d->cap) {
            d->cap = d->cap ? d->cap * 2 : 32;
            d->words = mem_realloc(d->words, d->cap * sizeof *d->words);
        }
        d->words[d->count++] = (struct owned_word){w, arg};
    }
    qsort(d->words, d->count, sizeof *d->words, by_name);
}

static void help(const struct debug *d, struct ctx *c)
{
    const char **lines = mem_alloc((d->count * 2 + 1) * sizeof *lines);
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++) {
        if (!d->words[i].word->form)
            continue;
        lines[n++] = d->words[i].word->form;
        lines[n++] = d->words[i].word->help;
    }
    must(n <= d->count * 2);
    lines[n] = NULL;
    reply_help(c, lines);
    mem_free(lines);
}

void debug_run(struct debug *d, struct ctx *c)
{
    const struct owned_word *e = find(d, c->argv[1]);
    if (ctx_arg_is(c, 1, "help") && c->argc == 2) {
        help(d, c);
    } else if (e && c->argc >= e->word->min_argc && c->argc <= e->word->max_argc) {
        c->arg = e->arg;
        e->word->run(c);
    } else {
        reply_wrong_subcommand(c);
    }
}
