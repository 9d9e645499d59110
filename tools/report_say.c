/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/report_say.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/report_advice.h"

enum { CELL = 32, NAME_WIDTH = 40 };

struct saying {
    struct tool *t;
    const struct report *r;
    struct buf hold, prefix;
};

static const char *number(char out[CELL], uint64_t n)
{
    struct buf b = {0};
    report_put_number(&b, n);
    snprintf(out, CELL, "%s", buf_cstr(&b));
    buf_free(&b);
    return out;
}

static const char *size(char out[CELL], uint64_t bytes)
{
    struct buf b = {0};
    report_put_size(&b, bytes);
    snprintf(out, CELL, "%s", buf_cstr(&b));
    buf_free(&b);
    return out;
}

static double share(uint64_t part, uint64_t of)
{
    return of ? 100.0 * (double)part / (double)of : 0;
}

/* "15,000  30,000  1.2M  3.4M  12.5%": what every table goes on with. */
static const char *columns(char out[160], const struct report_totals *t, const struct report *r)
{
    char a[CELL], b[CELL], c[CELL], d[CELL];
    snprintf(out, 160, "%13s %13s %9s %9s %6.1f%%", number(a, t->keys), number(b, t->elements),
             size(c, t->bytes), size(d, t->memory), share(t->memory, r->all.memory));
    return out;
}

static void heading(struct tool *t, int width, const char *name)
{
    say_line(&t->say, "%s", "");
    say_line(&t->say, "%-*s %13s %13s %9s %9s %7s", width, name, "keys", "elements", "bytes",
             "memory", "share");
}

static void say_types(struct saying *s)
{
    char row[160];
    heading(s->t, 20, "type");
    for (unsigned i = 0; i < REPORT_TYPES; i++) {
        const struct report_totals *t = &s->r->types[i];
        if (t->keys)
            say_row(&s->t->say, "types",
                    FIELDS(SAY_TEXT("type", report_type_name(i)), SAY_U64("keys", t->keys),
                           SAY_U64("elements", t->elements), SAY_U64("bytes", t->bytes),
                           SAY_U64("memory", t->memory), SAY_U64("with_expiry", t->expiring)),
                    "%-20s %s", report_type_name(i), columns(row, t, s->r));
    }
}

static void say_encodings(struct saying *s)
{
    char row[160], name[CELL];
    heading(s->t, 20, "encoding");
    for (unsigned i = 0; i < REPORT_TYPES * REPORT_ENCODINGS; i++) {
        unsigned type = i / REPORT_ENCODINGS, encoding = i % REPORT_ENCODINGS;
        const struct report_totals *t = &s->r->encodings[type][encoding];
        const char *word = report_encoding_name((enum encoding)encoding);
        if (!t->keys)
            continue;
        snprintf(name, sizeof name, "%s %s", report_type_name(type), word);
        say_row(&s->t->say, "encodings",
                FIELDS(SAY_TEXT("type", report_type_name(type)), SAY_TEXT("encoding", word),
                       SAY_U64("keys", t->keys), SAY_U64("elements", t->elements),
                       SAY_U64("bytes", t->bytes), SAY_U64("memory", t->memory)),
                "%-20s %s", name, columns(row, t, s->r));
    }
}

static void say_ttls(struct saying *s)
{
    char row[160];
    heading(s->t, 20, "expires in");
    for (unsigned i = 0; i < REPORT_TTLS; i++) {
        const struct report_totals *t = &s->r->ttls[i];
        say_row(&s->t->say, "ttls",
                FIELDS(SAY_TEXT("ttl", report_ttl_names[i]), SAY_U64("keys", t->keys),
                       SAY_U64("memory", t->memory)),
                t->keys ? "%-20s %s" : "", report_ttl_names[i], columns(row, t, s->r));
    }
}

static void say_prefix(void *arg, uint32_t node, unsigned level)
{
    struct saying *s = arg;
    const struct report_node *n = &s->r->tree.nodes[node];
    const struct report_sums *sums = &n->sums;
    struct report_totals t = {.keys = sums->keys, .elements = sums->elements, .bytes = sums->bytes,
                              .memory = sums->memory};
    struct slice prefix = report_tree_prefix(&s->r->tree, node, &s->prefix);
    char row[160];
    say_row(&s->t->say, "prefixes",
            FIELDS(SAY_BYTES("prefix", prefix), SAY_U64("level", level),
                   SAY_U64("keys", sums->keys), SAY_U64("elements", sums->elements),
                   SAY_U64("bytes", sums->bytes), SAY_U64("memory", sums->memory),
                   SAY_U64("with_expiry", sums->expiring), SAY_BOOL("at_least", n->from_later)),
            "%*s%-*s %s%s", 2 * (int)level, "", NAME_WIDTH - 2 * (int)level,
            say_text(&s->hold, prefix, NAME_WIDTH - 4 - 2 * (size_t)level), columns(row, &t, s->r),
            n->from_later ? " at least" : "");
}

static void say_prefixes(struct saying *s, size_t top)
{
    heading(s->t, NAME_WIDTH, "prefix");
    report_tree_each(&s->r->tree, top, say_prefix, s);
    if (s->r->tree.dropped)
        say_line(&s->t->say, "%" PRIu64 " rare prefixes are counted only in those above them",
                 s->r->tree.dropped);
}

/* People get those by memory only: the others are mostly the same. */
static void say_top(struct saying *s, const struct report_top *top, const char *by)
{
    char a[CELL], b[CELL], c[CELL];
    bool lines = top->measure == BY_MEMORY;
    if (lines) {
        say_line(&s->t->say, "%s", "");
        say_line(&s->t->say, "%-*s %-7s %13s %9s %9s", NAME_WIDTH, "largest keys", "type",
                 "elements", "bytes", "memory");
    }
    for (size_t i = 0; i < top->count; i++) {
        const struct report_key *k = &top->keys[i];
        struct slice name = slice(k->name, k->name_len);
        char db[CELL] = "";
        if (k->db)
            snprintf(db, sizeof db, " db %u", k->db);
        say_row(&s->t->say, "largest",
                FIELDS(SAY_TEXT("by", by), SAY_U64("db", k->db), SAY_BYTES("key", name),
                       SAY_TEXT("type", report_type_name(k->type)),
                       SAY_U64("elements", k->elements), SAY_U64("bytes", k->bytes),
                       SAY_U64("memory", k->memory), SAY_TIME("expires_at", k->expire_ms)),
                lines ? "%-*s %-7s %13s %9s %9s%s" : "", NAME_WIDTH,
                say_text(&s->hold, name, NAME_WIDTH - 3), report_type_name(k->type),
                number(a, k->elements), size(b, k->bytes), size(c, k->memory), db);
    }
}

static void say_advice(void *arg, const struct report_advice *a)
{
    struct saying *s = arg;
    say_row(&s->t->say, "advice",
            FIELDS(SAY_TEXT("what", a->what), SAY_TEXT("text", a->text),
                   SAY_TEXT("setting", a->setting),
                   a->setting ? (struct say_field)SAY_U64("value", a->value)
                              : (struct say_field){SAY_KIND_NULL, "value", {.u = 0}},
                   a->prefix.data ? (struct say_field)SAY_BYTES("prefix", a->prefix)
                                  : (struct say_field){SAY_KIND_NULL, "prefix", {.u = 0}},
                   SAY_U64("keys", a->keys), SAY_U64("saves", a->saves)),
            "* %s", a->text);
}

static void say_growth(void *arg, const struct report_growth *g)
{
    struct saying *s = arg;
    char a[CELL], b[CELL], c[CELL], d[CELL];
    say_row(&s->t->say, "growth",
            FIELDS(SAY_TEXT("what", g->what), SAY_BYTES("name", g->name),
                   SAY_U64("keys_from", g->keys_from), SAY_U64("keys_to", g->keys_to),
                   SAY_U64("memory_from", g->memory_from), SAY_U64("memory_to", g->memory_to)),
            "%-*s %13s %13s %9s %9s", NAME_WIDTH,
            g->name.len ? say_text(&s->hold, g->name, NAME_WIDTH - 3) : "all",
            number(a, g->keys_from), number(b, g->keys_to), size(c, g->memory_from),
            size(d, g->memory_to));
}

static void say_all(struct saying *s)
{
    const struct report_totals *all = &s->r->all;
    char a[CELL], b[CELL], c[CELL];
    say_fields(&s->t->say,
               FIELDS(SAY_TEXT("path", s->t->args[0]), SAY_U64("keys", all->keys),
                      SAY_U64("elements", all->elements), SAY_U64("bytes", all->bytes),
                      SAY_U64("memory", all->memory), SAY_U64("with_expiry", all->expiring),
                      SAY_U64("functions", s->r->functions),
                      SAY_TEXT("separators", s->r->tree.separators),
                      SAY_U64("prefixes_dropped", s->r->tree.dropped)),
               "%s keys of %s, about %s in memory after a load; names are split at %s",
               number(a, all->keys), size(b, all->bytes), size(c, all->memory),
               s->r->tree.separators);
}

void report_say(struct tool *t, const struct report *r, const struct report *before, size_t top,
                size_t prefixes)
{
    static const char *const lists[] = {"types", "encodings", "ttls", "prefixes", "largest",
                                        "advice", "growth"};
    struct saying s = {.t = t, .r = r};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        say_list(&t->say, lists[i]);
    say_all(&s);
    say_types(&s);
    say_encodings(&s);
    say_ttls(&s);
    say_prefixes(&s, prefixes);
    say_top(&s, &r->top[BY_MEMORY], "memory");
    say_top(&s, &r->top[BY_ELEMENTS], "elements");
    say_top(&s, &r->top[BY_BYTES], "bytes");
    if (before) {
        say_line(&t->say, "%s", "");
        say_line(&t->say, "%-*s %13s %13s %9s %9s", NAME_WIDTH, "grown", "keys", "to", "memory",
                 "to");
        report_growth_each(before, r, top, say_growth, &s);
    }
    say_line(&t->say, "%s", "");
    report_advice_each(r, say_advice, &s);
    buf_free(&s.hold);
    buf_free(&s.prefix);
}
