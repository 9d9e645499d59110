/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "tools/log_base.h"

static bool is_base(const struct source_part *p)
{
    return p->kind == PART_BASE || (p->kind == PART_HISTORY && strstr(p->name, ".base."));
}

static void add_base(struct log_line *l, size_t part, int64_t from)
{
    l->bases = mem_realloc(l->bases, (l->bases_count + 1) * sizeof *l->bases);
    l->bases[l->bases_count++] = (struct log_base){.part = part, .from = from};
}

/* Of parts[i], a base: told, or that of the increment behind it in the list; 0: nobody knows. */
static int64_t begins_with(const struct source *s, size_t i)
{
    const struct manifest_file *line = log_part_line(s, i);
    size_t end = i < s->count ? s->count : s->count + s->history;
    if (line && line->from > 0)
        return line->from;
    return i + 1 < end && !is_base(&s->parts[i + 1]) ? s->parts[i + 1].seq : 0;
}

static void add_part(struct log_line *l, size_t i)
{
    const struct source *s = l->source;
    must(i < s->count + s->history);
    if (is_base(&s->parts[i])) {
        add_base(l, i, begins_with(s, i));
        return;
    }
    size_t at = l->count++;
    l->incrs = mem_realloc(l->incrs, l->count * sizeof *l->incrs);
    for (; at > 0 && s->parts[l->incrs[at - 1]].seq > s->parts[i].seq; at--)
        l->incrs[at] = l->incrs[at - 1];
    l->incrs[at] = i;
}

void log_line_begin(struct log_line *l, const struct source *s)
{
    *l = (struct log_line){.source = s};
    for (size_t i = s->count; i < s->count + s->history; i++)
        add_part(l, i);
    for (size_t i = 0; i < s->count; i++)
        add_part(l, i);
    bool first = s->kind != SOURCE_SET || !s->manifest.base.name;
    if (l->bases_count == 0 && l->count && first)
        add_base(l, SIZE_MAX, s->parts[l->incrs[0]].seq);
}

void log_line_free(struct log_line *l)
{
    mem_free(l->incrs);
    mem_free(l->bases);
    *l = (struct log_line){0};
}

const struct source_part *log_line_incr(const struct log_line *l, size_t i)
{
    must(i < l->count);
    return &l->source->parts[l->incrs[i]];
}

const struct log_base *log_line_base(const struct log_line *l, size_t incr)
{
    for (size_t i = l->bases_count; i-- > 0;) {
        const struct log_base *b = &l->bases[i];
        bool there = b->part == SIZE_MAX || !l->source->parts[b->part].missing;
        if (!there || b->refused || b->from > log_line_incr(l, incr)->seq)
            continue;
        size_t n = incr;
        bool begun = false;
        for (;; n--) {
            const struct source_part *p = log_line_incr(l, n);
            begun = p->seq == b->from;
            if (p->missing || begun || p->seq < b->from || n == 0)
                break;
        }
        if (begun && !log_line_incr(l, n)->missing)
            return b;
    }
    return NULL;
}

/* Of a file by itself, the RDB in front of its commands is what it begins with. */
enum tool_exit log_line_try(struct log_line *l, struct tool *t, size_t base)
{
    must(base < l->bases_count);
    struct log_base *b = &l->bases[base];
    size_t part = b->part == SIZE_MAX ? l->incrs[0] : b->part;
    bool starts = true;
    if (!b->tried && !l->source->parts[part].missing)
        b->is = log_base_tell(t, l->source, part, &starts);
    b->refused = b->refused || !starts;
    b->tried = true;
    return b->is;
}

enum tool_exit log_line_missing(struct tool *t, const struct source *s)
{
    enum tool_exit worst = TOOL_GOOD;
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].missing)
            worst = tool_tell(t, TOOL_LOSS, "%s is missing: the manifest names it",
                              s->parts[i].path);
    return worst;
}

static bool walk_part(const struct log_line *l, size_t i, log_line_visit *visit, void *arg,
                      bool *more, struct fault *f)
{
    struct log_part *p = mem_alloc(sizeof *p);
    struct log_reader *r = mem_alloc(sizeof *r);
    bool ok = log_part_open(p, l->source, l->incrs[i], f);
    if (ok) {
        enum log_item what;
        log_read_open(r, &p->bytes, p->start, &p->options);
        do {
            what = log_read_next(r);
            *more = visit(arg, i, p, r, what);
        } while (*more && what != LOG_END);
        if (fault_is(&p->bytes.fault)) {
            *f = p->bytes.fault;
            ok = false;
        }
        log_read_close(r);
        log_part_close(p);
    }
    mem_free(p);
    mem_free(r);
    return ok;
}

bool log_line_walk(const struct log_line *l, size_t from, log_line_visit *visit, void *arg,
                   struct fault *f)
{
    bool ok = true, more = true;
    for (size_t i = from; ok && more && i < l->count; i++)
        if (!log_line_incr(l, i)->missing)
            ok = walk_part(l, i, visit, arg, &more, f);
    return ok;
}
