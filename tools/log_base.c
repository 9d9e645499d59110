/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_base.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_read.h"
#include "tools/element_search.h"
#include "tools/key_twice.h"
#include "tools/library_set.h"
#include "tools/log_part.h"
#include "tools/log_read.h"
#include "tools/pending_file.h"

struct trial {
    struct tool *tool;
    const struct source *source;
    size_t part;
    struct fault fault;   /* what can't be read */
    struct fault refused; /* what can be, and no server takes */
    bool index_bad;       /* of blocks, behind an RDB */
    bool checked;         /* the RDB, by its checksum */
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

/* What a server would refuse, though all of it can be read: the first counts, or what is worse. */
static void refuse(struct trial *x, enum tool_exit is, uint64_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void refuse(struct trial *x, enum tool_exit is, uint64_t at, const char *format, ...)
{
    struct buf what = {0};
    va_list ap;
    enum fault_code code = tool_exit_fault(is);
    if (fault_is(&x->refused) &&
        tool_worse(tool_fault_exit(x->refused.code), is) == tool_fault_exit(x->refused.code))
        return;
    va_start(ap, format);
    buf_vprintf(&what, format, ap);
    va_end(ap);
    x->refused = (struct fault){0};
    fault_set(&x->refused, code, "%s", buf_cstr(&what));
    x->refused.offset = at;
    buf_free(&what);
}

static void look_at_library(struct trial *x, struct library_set *set, struct slice code,
                            uint64_t at)
{
    struct buf why = {0};
    enum library_fate is = library_set_take(set, code, &why);
    if (is != LIBRARY_LOADS)
        refuse(x, library_fate_exit(is), at, "a library of functions: %s", buf_cstr(&why));
    buf_free(&why);
}

/* Hashes are compared: of a million different keys two pass for one in one of 30 million files. */
static void look_for_twins(struct trial *x, struct key_twice *twice)
{
    struct twice_key key;
    if (key_twice_find(twice, &x->fault) && key_twice_next(twice, &key, &x->fault))
        refuse(x, TOOL_DAMAGED, key.at, "a key is there twice: holdfast check tells which");
}

static void read_records(struct trial *x, struct rdb_reader *r, struct key_feed *keys)
{
    struct rdb_record rec;
    struct in *in = r->in;
    struct library_set libraries;
    bool ok = true;
    library_set_begin(&libraries, x->tool->env);
    while (ok && rdb_next(r, &rec)) {
        if (rec.kind == RDB_REC_KEY)
            key_feed_add(keys, key_twice_hash(rec.key.name, rec.key.db), rec.offset);
        if (rec.kind == RDB_REC_FUNCTION)
            look_at_library(x, &libraries, rec.value, rec.offset);
        ok = !in_bad(in) && rdb_skip(r, &rec);
        progress_bar_at(&x->tool->progress, in_file_offset(in));
    }
    enum rdb_trailer_state index = ok && !in_bad(in) ? rdb_trailer(r) : RDB_TRAILER_NONE;
    x->index_bad = index == RDB_TRAILER_SHORT || index == RDB_TRAILER_BAD;
    x->checked = r->crc == RDB_CRC_OK;
    library_set_end(&libraries);
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
        look_for_twins(x, twice);
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
            x->fault = r->hole.fault; /* a torn end would be forgiven in the newest file alone */
            x->fault.code = tool_exit_fault(log_item_exit(p, r, what, false));
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

/* An RDB, or the one that its commands follow. True: some do. */
static bool look_at_front(struct trial *x)
{
    const struct source_part *p = part_of(x);
    struct input input;
    bool commands = false;
    if (is_base(p) && is_emptied(p)) {
        fault_set(&x->fault, FAULT_FORMAT, "it is empty, and a base written as an RDB never is");
        return false;
    }
    if (!p->begins_with_rdb)
        return true;
    if (!source_part_open(&input, p, &x->fault))
        return false;
    read_rdb(x, &input);
    commands = !fault_is(&x->fault) && !in_at_end(&input.in);
    if (!fault_is(&x->fault)) {
        x->fault = *input_cut(&input);
        if (x->fault.code == FAULT_FORMAT && x->checked && !commands)
            x->fault.code = tool_exit_fault(TOOL_DAMAGED);
    }
    input_close(&input);
    return commands;
}

static void look(struct trial *x)
{
    if (look_at_front(x) && is_base(part_of(x)) && !fault_is(&x->fault))
        read_commands(x);
}

static enum tool_exit tell(const struct trial *x, bool *starts)
{
    const struct fault *f = fault_is(&x->fault) ? &x->fault : &x->refused;
    *starts = !fault_is(f);
    if (*starts && x->index_bad)
        return tool_tell(x->tool, TOOL_DAMAGED, "%s: the block index behind the RDB is missing or "
                         "damaged; the data is whole", part_of(x)->name);
    if (*starts)
        return TOOL_GOOD;
    enum tool_exit is = tool_fault_exit(f->code);
    if (x->part >= x->source->count && is != TOOL_CANNOT_OPEN)
        is = TOOL_DAMAGED; /* of history nothing is lost that a start loads */
    return tool_tell(x->tool, is, "%s: offset %" PRIu64 ": %s: a server would not start from it",
                     part_of(x)->name, f->offset, f->what);
}

enum tool_exit log_base_tell(struct tool *t, const struct source *s, size_t part, bool *starts)
{
    struct trial x = {.tool = t, .source = s, .part = part};
    must(part < s->count + s->history && !s->parts[part].missing);
    look(&x);
    return tell(&x, starts);
}

enum tool_exit log_base_refused(struct tool *t, const struct source *s, size_t part)
{
    struct trial x = {.tool = t, .source = s, .part = part};
    must(part < s->count + s->history && !s->parts[part].missing);
    bool starts;
    look_at_front(&x);
    return tell(&x, &starts);
}
