/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_base.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_read.h"
#include "tools/check.h"
#include "tools/element_search.h"
#include "tools/key_twice.h"
#include "tools/library_text.h"
#include "tools/log_part.h"
#include "tools/log_read.h"
#include "tools/pending_file.h"

struct trial {
    struct tool *tool;
    const struct source *source;
    size_t part;
    struct fault fault;
};

static const struct source_part *part_of(const struct trial *x)
{
    return &x->source->parts[x->part];
}

static bool is_base(const struct source_part *p)
{
    return p->kind == PART_BASE || p->kind == PART_HISTORY;
}

/* ---- an RDB ---- */

static void look_at_library(const struct trial *x, void **set, struct slice code, struct in *in)
{
    const struct check_libraries *l = x->tool->env ? x->tool->env->libraries : NULL;
    struct buf why = {0};
    if (!l)
        return;
    *set = *set ? *set : l->begin();
    if (!check_library(l, *set, code, &why))
        in_fail(in, FAULT_FORMAT, "a library of functions: %s", buf_cstr(&why));
    buf_free(&why);
}

/* Hashes are compared: of a million different keys two pass for one in one of 30 million files. */
static void look_for_twins(struct key_twice *twice, struct fault *f)
{
    struct twice_key key;
    if (key_twice_find(twice, f) && key_twice_next(twice, &key, f)) {
        fault_set(f, FAULT_FORMAT, "a key is there twice: holdfast check tells which");
        f->offset = key.at;
    }
}

static void read_records(struct trial *x, struct rdb_reader *r, struct key_feed *keys)
{
    struct rdb_record rec;
    struct in *in = r->in;
    void *libraries = NULL;
    bool ok = true;
    while (ok && rdb_next(r, &rec)) {
        if (rec.kind == RDB_REC_KEY)
            key_feed_add(keys, key_twice_hash(rec.key.name, rec.key.db), rec.offset);
        if (rec.kind == RDB_REC_FUNCTION)
            look_at_library(x, &libraries, rec.value, in);
        ok = !in_bad(in) && rdb_skip(r, &rec);
        progress_bar_at(&x->tool->progress, in_file_offset(in));
    }
    if (ok && !in_bad(in))
        rdb_trailer(r);
    if (libraries)
        x->tool->env->libraries->end(libraries);
}

static void read_rdb(struct trial *x, struct input *input)
{
    struct rdb_reader r;
    struct element_search search;
    struct pending_file pending;
    struct key_twice *twice = key_twice_new(TWICE_HELD);
    struct key_feed *keys = mem_zalloc(sizeof *keys);
    element_search_begin(&search);
    pending_file_begin(&pending, PENDING_FILE_HELD);
    key_feed_begin(keys, twice);
    if (rdb_open(&r, &input->in, &(struct rdb_options){.keep_modules = true,
                                                        .distinct_max = RDB_DISTINCT_FEW,
                                                        .search = &search.ops,
                                                        .pending = &pending.ops}))
        read_records(x, &r, keys);
    key_feed_end(keys);
    if (in_bad(&input->in))
        x->fault = *input_fault(input);
    else if (fault_is(&search.fault))
        x->fault = search.fault;
    else
        look_for_twins(twice, &x->fault);
    rdb_close(&r);
    pending_file_end(&pending);
    element_search_end(&search);
    key_twice_free(twice);
    mem_free(keys);
}

/* ---- commands ---- */

static void read_commands(struct trial *x)
{
    struct log_part *p = mem_alloc(sizeof *p);
    struct log_reader *r = mem_alloc(sizeof *r);
    if (log_part_open(p, x->source, x->part, &x->fault)) {
        enum log_item what;
        log_read_open(r, &p->bytes, p->start, &p->options);
        while ((what = log_read_next(r)) == LOG_UNIT || what == LOG_NOTE)
            progress_bar_at(&x->tool->progress, r->to);
        if (what != LOG_END) {
            x->fault = r->hole.fault;
            if (x->fault.code == FAULT_EOF) /* which would be forgiven in the newest file alone */
                x->fault.code = FAULT_FORMAT;
        } else {
            x->fault = p->bytes.fault;
        }
        log_read_close(r);
        log_part_close(p);
    }
    mem_free(p);
    mem_free(r);
}

/* ---- */

/* A server takes it for a base without commands, and starts: without the keys that were in it. */
static bool is_emptied(const struct source_part *p)
{
    size_t n = strlen(p->name);
    return p->empty && n > 4 && strcmp(p->name + n - 4, ".rdb") == 0;
}

static void look(struct trial *x)
{
    const struct source_part *p = part_of(x);
    struct input input;
    bool commands = is_base(p);
    if (is_base(p) && is_emptied(p)) {
        fault_set(&x->fault, FAULT_FORMAT, "it is empty, and a base written as an RDB never is");
        return;
    }
    if (p->begins_with_rdb) {
        if (!source_part_open(&input, p, &x->fault))
            return;
        read_rdb(x, &input);
        commands = commands && !fault_is(&x->fault) && !in_at_end(&input.in);
        if (!fault_is(&x->fault))
            x->fault = *input_cut(&input);
        input_close(&input);
    }
    if (commands && !fault_is(&x->fault))
        read_commands(x);
}

enum tool_exit log_base_tell(struct tool *t, const struct source *s, size_t part)
{
    struct trial x = {.tool = t, .source = s, .part = part};
    must(part < s->count + s->history && !s->parts[part].missing);
    look(&x);
    const struct fault *f = &x.fault;
    if (!fault_is(f))
        return TOOL_GOOD;
    enum tool_exit is = tool_fault_exit(f->code);
    if (part >= s->count && is != TOOL_CANNOT_OPEN)
        is = TOOL_DAMAGED; /* of history nothing is lost that a start loads */
    return tool_tell(t, is, "%s: offset %" PRIu64 ": %s: a server would not start from it",
                     s->parts[part].name, f->offset, f->what);
}
