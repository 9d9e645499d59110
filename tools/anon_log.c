/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_log.h"

#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "tools/anon_args.h"
#include "tools/anon_library.h"
#include "tools/anon_rdb.h"

enum { WHOLE_MAX = LOG_LOOK_MAX, CODE_MAX = 16 << 20 };

/* ---- arguments ---- */

/* Its bytes in x->text. */
static char *take(struct anon_log *x, const struct log_arg *arg)
{
    buf_clear(&x->text);
    log_arg_text(&x->bytes, arg, (size_t)arg->len, &x->text);
    return x->text.len == arg->len && x->text.len ? x->text.data : NULL;
}

static void give(struct anon_log *x, const struct log_arg *arg)
{
    must(x->text.len == arg->len);
    x->counts.content += arg->len;
    anon_file_put(x->work, arg->at, x->text.data, x->text.len);
}

static void replace_long(struct anon_log *x, const struct log_arg *arg)
{
    char part[ANON_PART];
    for (uint64_t done = 0; done < arg->len;) {
        size_t n = arg->len - done < sizeof part ? (size_t)(arg->len - done) : sizeof part;
        struct slice s = log_bytes_at(&x->bytes, arg->at + done, n);
        if (s.len < n)
            return;
        memcpy(part, s.data, n);
        anon_part(x->a, part, n, done);
        anon_file_put(x->work, arg->at + done, part, n);
        done += n;
    }
    x->counts.content += arg->len;
}

static void replace_content(struct anon_log *x, const struct log_arg *arg, size_t keep)
{
    if (arg->len > WHOLE_MAX) {
        replace_long(x, arg);
        return;
    }
    char *text = take(x, arg);
    if (!text)
        return;
    anon_text(x->a, text, x->text.len, keep);
    give(x, arg);
}

/* "[name", "(name", "-", "+": the name begins behind its mark. */
static void replace_bound(struct anon_log *x, const struct log_arg *arg)
{
    struct log_arg name = {arg->at + 1, arg->len - 1};
    struct slice mark = log_bytes_at(&x->bytes, arg->at, 1);
    if (arg->len > 1 && mark.len && (mark.data[0] == '[' || mark.data[0] == '('))
        replace_content(x, &name, 0);
}

static void replace_code(struct anon_log *x, const struct log_arg *arg, enum anon_arg what)
{
    char *text = arg->len <= CODE_MAX ? take(x, arg) : NULL;
    if (!text) {
        replace_content(x, arg, 0);
        return;
    }
    if (what == ANON_ARG_LIBRARY)
        anon_library(x->a, text, x->text.len);
    else if (what == ANON_ARG_SCRIPT)
        anon_script(text, x->text.len);
    else if (!anon_payload(x->a, text, x->text.len, &x->counts))
        anon_text(x->a, text, x->text.len, 0);
    give(x, arg);
}

static bool is_number(struct anon_log *x, const struct log_arg *arg)
{
    double d;
    char *text = arg->len < NUM_DOUBLE_TEXT ? take(x, arg) : NULL;
    return text && num_parse_double(buf_slice(&x->text), &d);
}

static void replace_arg(struct anon_log *x, const struct anon_args *is, uint64_t i,
                        const struct log_arg *arg)
{
    enum anon_arg what = anon_arg_at(is, i);
    switch (what) {
    case ANON_ARG_STAYS: return;
    case ANON_ARG_KEY:
        if (!x->keep_names)
            replace_content(x, arg, (size_t)x->keep_prefix);
        return;
    case ANON_ARG_CONTENT: replace_content(x, arg, 0); return;
    case ANON_ARG_BOUND: replace_bound(x, arg); return;
    case ANON_ARG_UNKNOWN:
        if (!is_number(x, arg))
            replace_content(x, arg, 0);
        return;
    default: replace_code(x, arg, what); return;
    }
}

static void replace_command(struct anon_log *x, const struct log_command *c)
{
    struct anon_args is;
    struct log_args args;
    struct log_arg arg;
    x->commands++;
    anon_args_of(c->argc, c->argv, c->heads, &is);
    log_args_begin(&args, &x->bytes, c);
    for (uint64_t i = 0; log_args_next(&args, &arg); i++)
        replace_arg(x, &is, i, &arg);
}

/* ---- units, holes ---- */

static void replace_unit(struct anon_log *x)
{
    struct log_command c;
    struct log_unit u;
    log_unit_begin(&u, &x->reader);
    u.ready = NULL;
    while (log_unit_next(&u, &c))
        replace_command(x, &c);
}

/* Bytes between two commands of a hole: a line of checksums or of an annotation is no text. */
static void replace_gap(struct anon_log *x, uint64_t from, uint64_t to)
{
    while (from < to) {
        struct slice first = log_bytes_at(&x->bytes, from, 1);
        uint64_t lf = log_bytes_find(&x->bytes, from, to, '\n'), end = lf < to ? lf + 1 : to;
        if (first.len == 0)
            return;
        if (first.data[0] != '#' && first.data[0] != '*' && first.data[0] != '$')
            anon_text_runs(x->a, x->work, from, end);
        from = end;
    }
}

static void replace_hole(struct anon_log *x)
{
    struct log_command c;
    struct log_unit u;
    const struct log_reader *r = &x->reader;
    struct anon_log_hole h = {r->from, r->to, r->hole.kind == HOLE_DOUBLED};
    uint64_t behind = r->from;
    buf_append(&x->hole_list, &h, sizeof h);
    x->holes++;
    x->hole_bytes += h.to - h.from;
    log_unit_begin(&u, r);
    u.ready = NULL;
    while (log_unit_next(&u, &c)) {
        replace_gap(x, behind, c.at);
        replace_command(x, &c);
        behind = c.end;
    }
    replace_gap(x, behind, h.to);
}

/* The byte that was patched last is right from now on, in the copy too. */
static void flip_back(struct anon_log *x, size_t first)
{
    const struct log_patch *p = (const struct log_patch *)(const void *)x->bytes.patches.data;
    for (size_t i = first; i < x->bytes.patches.len / sizeof *p; i++) {
        uint8_t byte;
        if (anon_file_get(x->work, p[i].at, &byte, 1) != 1)
            continue;
        byte ^= p[i].flip;
        anon_file_put(x->work, p[i].at, &byte, 1);
    }
}

/* What stands twice stands twice in the copy: the first bytes of the hole as those behind it, the
 * others as those in front of it. */
static void double_again(struct anon_log *x, const struct anon_log_hole *h)
{
    uint64_t size = h->to - h->from, n = 0;
    char a, b;
    for (; n < size; n++) {
        struct slice s = log_bytes_at(&x->bytes, h->from + n, 1);
        a = s.len ? s.data[0] : 0;
        s = log_bytes_at(&x->bytes, h->to + n, 1);
        if (!s.len || s.data[0] != a)
            break;
    }
    for (uint64_t i = 0; i < size; i++) {
        uint64_t from = i < n ? h->to + i : h->from + i - size;
        if ((i < n || h->from + i >= size) && anon_file_get(x->work, from, &b, 1) == 1)
            anon_file_put(x->work, h->from + i, &b, 1);
    }
}

void anon_log_run(struct anon_log *x)
{
    enum log_item what;
    size_t mended = 0;
    log_bytes_open(&x->bytes, x->in_fd, x->size);
    log_read_open(&x->reader, &x->bytes, x->start, &(struct log_options){.id = x->id});
    while ((what = log_read_next(&x->reader)) != LOG_END && !fault_is(&x->work->fault)) {
        if (what == LOG_UNIT)
            replace_unit(x);
        else if (what == LOG_HOLE)
            replace_hole(x);
        else if (what == LOG_MENDED)
            flip_back(x, mended);
        mended = x->bytes.patches.len / sizeof(struct log_patch);
    }
    log_read_close(&x->reader);
    if (anon_file_flush(x->work))
        anon_log_sums(x);
    const struct anon_log_hole *h = (const struct anon_log_hole *)(const void *)x->hole_list.data;
    for (size_t i = 0; i < x->hole_list.len / sizeof *h; i++)
        if (h[i].doubled)
            double_again(x, &h[i]);
    flip_back(x, 0);
}

void anon_log_free(struct anon_log *x)
{
    log_bytes_close(&x->bytes);
    buf_free(&x->hole_list);
    buf_free(&x->text);
}
