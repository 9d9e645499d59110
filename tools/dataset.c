/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/dataset.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "format/rdb.h"
#include "os/file.h"
#include "tools/element_search.h"
#include "tools/library_set.h"
#include "tools/library_text.h"
#include "tools/log_base.h"
#include "tools/log_judge.h"
#include "tools/log_part.h"
#include "tools/log_set.h"
#include "tools/pending_file.h"
#include "tools/rdb_behind.h"
#include "tools/rdb_file.h"
#include "tools/rdb_plan.h"

/* ---- which RDB ---- */

static bool open_rdb(struct dataset *d, const struct source_part *p, struct fault *f)
{
    d->has_input = source_part_open(&d->input, p, f);
    if (d->has_input && d->opt.again && !input_seekable_part(&d->input, f))
        return false; /* dataset_close is next */
    d->bytes = d->has_input ? d->input.file_size : 0;
    d->again = d->has_input && d->input.seekable;
    return d->has_input;
}

/* Reads past the RDB. False: it is damaged. */
static bool pass_rdb(struct in *in)
{
    struct rdb_reader rdb;
    struct sink none = {.ops = &(const struct sink_ops){0}};
    struct pending_file pending;
    const struct rdb_options opt = {.keep_modules = true, .distinct_max = RDB_DISTINCT_MAX,
                                    .pending = &pending.ops};
    pending_file_begin(&pending, PENDING_FILE_HELD);
    bool ok = rdb_open(&rdb, in, &opt) && rdb_read_all(&rdb, &none) &&
              rdb_trailer(&rdb) <= RDB_TRAILER_BAD;
    rdb_close(&rdb);
    pending_file_end(&pending);
    return ok;
}

/* Does a part hold a command, from where its RDB ends? What can't be read is for the server to
 * refuse. */
static bool has_commands(const struct source_part *p)
{
    struct input i;
    struct fault f = {0};
    struct aof_reader aof;
    if (p->missing || !source_part_open(&i, p, &f))
        return true;
    enum rdb_behind is = RDB_BEHIND_COMMANDS;
    bool found = true;
    if (p->begins_with_rdb) {
        uint64_t bytes;
        found = !pass_rdb(&i.in) || !rdb_behind_read(&i, &is, &bytes, &f) ||
                is == RDB_BEHIND_COMMANDS;
    } else {
        enum aof_item item;
        aof_open(&aof, &i.in, &(struct aof_limits){0});
        while ((item = aof_next(&aof)) == AOF_ANNOTATION)
            ;
        found = item != AOF_END;
        aof_close(&aof);
    }
    input_close(&i);
    return found;
}

/* ---- commands behind a file that begins as an RDB ---- */

/* Are the last bytes the first of a command, or of an annotation, and no more? */
static bool ends_in_head(const char *tail, size_t n)
{
    enum { LONGEST = 24 };
    static const char inside[] = "0123456789$\r\n:TSLOG";
    size_t at = n;
    while (at > 0 && n - at < LONGEST && strchr(inside, tail[at - 1]) && tail[at - 1])
        at--;
    return at > 0 && (tail[at - 1] == '*' || tail[at - 1] == '#');
}

/* Do the last bytes look as if commands ended there? Seldom wrongly, and then it costs time only;
 * that the last command is longer shows when all was read (tell_behind). */
static bool ends_as_commands(const struct input *i)
{
    enum { TAIL = 64 << 10 };
    uint64_t from = i->size > TAIL ? i->size - TAIL : 0;
    must(i->seekable);
    char *tail = mem_alloc(TAIL);
    ssize_t got = file_pread(i->fd, tail, TAIL, (off_t)from);
    bool found = got > 0 && ends_in_head(tail, (size_t)got);
    for (const char *at = tail, *end = tail + (got > 0 ? got : 0); !found && end - at > 3; at++) {
        at = memchr(at, '\r', (size_t)(end - at) - 3);
        if (!at)
            break;
        found = at[1] == '\n' && (at[2] == '$' || at[2] == '*') && at[3] >= '0' && at[3] <= '9';
    }
    mem_free(tail);
    return found;
}

/* The log of a server before 7.0, or one under the name of a dump. */
static bool is_log(const struct source_part *p)
{
    struct input i;
    struct fault f = {0};
    if ((p->opened && !p->opened->seekable) || !source_part_open(&i, p, &f))
        return false;
    enum rdb_behind is = RDB_BEHIND_NOTHING;
    uint64_t bytes;
    bool found = i.seekable && ends_as_commands(&i) && pass_rdb(&i.in) &&
                 rdb_behind_read(&i, &is, &bytes, &f) && is == RDB_BEHIND_COMMANDS;
    input_close(&i);
    return found;
}

/* The one part of a set that holds all of it as an RDB; NULL: a server has to say. */
static const struct source_part *whole_base(const struct source *s)
{
    if (s->count == 0 || !s->parts[0].begins_with_rdb)
        return NULL;
    for (size_t i = s->count; i-- > 0;) /* the newest first: it most likely has some */
        if (has_commands(&s->parts[i]))
            return NULL;
    return &s->parts[0];
}

/* ---- what a log is like ---- */

/* Reads the commands of a part: what is wrong with them is said. f: its front can't be read. */
static void judge_part(struct dataset *d, size_t part, struct log_judge *j, struct fault *f)
{
    const struct source *s = &d->source;
    bool last = part + 1 == s->count;
    struct log_part *p = mem_alloc(sizeof *p);
    struct log_reader *r = mem_alloc(sizeof *r);
    enum log_item what;
    must(part < s->count);
    if (log_part_open(p, s, part, f)) {
        log_read_open(r, &p->bytes, p->start, &p->options);
        do {
            what = log_read_next(r);
            log_judge_item(j, p, r, what, last);
            if (what == LOG_HOLE)
                tool_tell(d->tool, log_item_exit(p, r, what, last), "%s: bytes %" PRIu64 " to %"
                          PRIu64 " are left out: %s", p->part->name, r->from, r->to,
                          r->hole.fault.what);
        } while (what != LOG_END);
        log_read_close(r);
        log_part_close(p);
    }
    mem_free(p);
    mem_free(r);
}

/* By its header and its end alone: has it an index of blocks that is not where it should be? */
static bool lacks_index(const struct source_part *p)
{
    struct rdb_file file;
    struct rdb_plan plan;
    struct fault f = {0};
    if (p->missing || !p->begins_with_rdb || !rdb_file_open_part(&file, p, &f))
        return false;
    plan_look(&plan, &file.image);
    bool lacks = plan.trailer_due && !plan.list.by_trailer;
    plan_free(&plan);
    rdb_file_close(&file);
    return lacks;
}

/* A server has loaded it. What it cut off the newest part, it loads it without; nor is it asked
 * about packed parts, or what the manifest says. */
static void judge_loaded(struct dataset *d)
{
    const struct source *s = &d->source;
    struct log_judge j;
    struct fault none = {0};
    log_judge_begin(&j, d->tool);
    d->worst = tool_worse(d->worst, log_set_tell(d->tool, s));
    for (size_t i = 0; i < s->count; i++) {
        if (s->parts[i].empty || lacks_index(&s->parts[i]))
            d->worst = tool_worse(d->worst, log_base_refused(d->tool, s, i));
        if (i + 1 == s->count || s->parts[i].compression != COMPRESSION_NONE)
            judge_part(d, i, &j, &none);
    }
    d->worst = tool_worse(d->worst, log_judge_end(&j));
}

/* A server refuses it: for what, in all of it? What only running its commands tells counts as
 * LOSS. */
static enum tool_exit judge_refused(struct dataset *d)
{
    const struct source *s = &d->source;
    struct log_judge j;
    enum tool_exit worst = log_set_tell(d->tool, s);
    log_judge_begin(&j, d->tool);
    for (size_t i = 0; i < s->count; i++) {
        struct fault f = {0};
        if (s->parts[i].missing)
            continue;
        judge_part(d, i, &j, &f);
        worst = tool_worse(worst, fault_is(&f) ? tool_fault(d->tool, &f)
                                               : log_base_refused(d->tool, s, i));
    }
    worst = tool_worse(worst, log_judge_end(&j));
    return worst == TOOL_GOOD ? TOOL_LOSS : worst;
}

/* What a server makes of it. */
static bool open_replayed(struct dataset *d, struct fault *f)
{
    progress_bar_begin(&d->tool->progress, "replay", 0);
    d->scratch = scratch_start(d->tool, &d->source, SCRATCH_START_S, f);
    bool ok = d->scratch && scratch_dump(d->scratch, f) &&
              open_rdb(d, &(struct source_part){.path = d->scratch->dump}, f);
    progress_bar_end(&d->tool->progress);
    if (ok)
        judge_loaded(d);
    else if (f->code == FAULT_FORMAT)
        f->code = tool_exit_fault(judge_refused(d));
    return ok;
}

static bool open_log(struct dataset *d, struct fault *f)
{
    const struct source_part *base = whole_base(&d->source);
    if (!base)
        return open_replayed(d, f);
    d->worst = tool_worse(d->worst, log_set_tell(d->tool, &d->source));
    return open_rdb(d, base, f);
}

static bool open_file(struct dataset *d, struct fault *f)
{
    if (!source_some(&d->source, f) || (d->opt.again && !source_keep(&d->source, f)))
        return false;
    if (!is_log(&d->source.parts[0]))
        return open_rdb(d, &d->source.parts[0], f);
    d->source.kind = SOURCE_LOG;
    say_line(&d->tool->say, "%s: commands stand behind its RDB: it is read as the append log it is",
             d->name);
    return open_log(d, f);
}

bool dataset_open(struct dataset *d, struct tool *t, const char *word,
                  const struct dataset_options *opt, struct fault *f)
{
    *d = (struct dataset){.tool = t, .opt = *opt, .name = word};
    bool ok;
    if (live_is_address(word)) {
        d->is_live = true;
        d->again = opt->again;
        d->server = (struct live_set){.tool = t, .filter = opt->filter,
                                      .live = live_open(word, f)};
        ok = d->server.live && (!opt->again || live_set_copy(&d->server, f));
    } else if (!source_find(&d->source, word, &opt->source, f)) {
        ok = false;
    } else {
        if (*d->source.why)
            say_line(&t->say, "%s: %s (%s)", word, d->source.why, d->source.path);
        ok = d->source.kind == SOURCE_RDB ? open_file(d, f) : open_log(d, f);
    }
    if (!ok)
        dataset_close(d);
    return ok;
}

void dataset_close(struct dataset *d)
{
    if (d->has_input)
        input_close(&d->input);
    scratch_end(d->scratch);
    live_set_close(&d->server);
    source_free(&d->source);
    *d = (struct dataset){0};
}

/* ---- an RDB ---- */

/* What costs none of the data: told once, however often it is read. */
static void tell_once(struct dataset *d, enum tool_exit is, const char *what)
{
    must(is != TOOL_GOOD);
    d->worst = tool_worse(d->worst, is);
    if (!d->told)
        tool_tell(d->tool, is, "%s: %s", d->name, what);
}

/* The wrapping's own checksum comes behind all. */
static void tell_wrapping(struct dataset *d, bool checked)
{
    struct in *in = &d->input.in;
    while (d->input.unpacker && !in_at_end(in))
        in_skip(in, in_window(in, SIZE_MAX).len);
    const struct fault *cut = input_cut(&d->input);
    if (cut->code == FAULT_EOF)
        tell_once(d, TOOL_TRUNCATED, cut->what);
    else if (fault_is(cut) && checked)
        tell_once(d, TOOL_DAMAGED, "Its compression is damaged, and the RDB in it whole");
    else if (fault_is(cut))
        tell_once(d, TOOL_LOSS, "Its compression is damaged, and no checksum in the RDB tells "
                                "whether it is what was written");
}

static void tell_other(struct dataset *d, uint64_t bytes)
{
    struct buf what = {0};
    buf_printf(&what, "%" PRIu64 " %s", bytes, rdb_behind_other);
    tell_once(d, TOOL_DAMAGED, buf_cstr(&what));
    buf_free(&what);
}

/* All keys were read: what is wrong behind them. False with f: that can't be looked at. */
static bool tell_behind(struct dataset *d, struct rdb_reader *r, struct fault *f)
{
    static const char commands[] = "commands behind its RDB are not read: what comes through a "
        "pipe, packed, or ends with a very long command, cannot be looked at for them beforehand; "
        "unpack it, and name it as FILE.aof";
    enum rdb_trailer_state trailer = rdb_trailer(r);
    bool checked = r->crc == RDB_CRC_OK;
    enum rdb_behind is;
    uint64_t bytes;
    must(d->has_input);
    if (!rdb_behind_read(&d->input, &is, &bytes, f))
        return false;
    if (trailer == RDB_TRAILER_SHORT || trailer == RDB_TRAILER_BAD)
        tell_once(d, TOOL_DAMAGED, "The block index behind the RDB is damaged; the data is whole");
    else if (is == RDB_BEHIND_OTHER)
        tell_other(d, bytes);
    if (is == RDB_BEHIND_COMMANDS && d->source.kind == SOURCE_RDB)
        tell_once(d, TOOL_LOSS, commands);
    tell_wrapping(d, checked);
    d->told = true;
    return true;
}

/* A fault of the file as a whole, in its last record: all keys came. */
static bool is_of_the_end(const struct in *in, const struct rdb_record *last)
{
    return in->fault.code == FAULT_CRC && last->opcode == RDB_OP_EOF;
}

/* A server refuses the file for it; its keys come. */
static void look_at_library(struct dataset *d, struct library_set *set, struct slice code)
{
    struct buf why = {0}, name = {0}, what = {0};
    enum library_fate is = library_set_take(set, code, &why);
    if (is != LIBRARY_LOADS) {
        buf_printf(&what, "The library of functions '%s' would not load: %s",
                   say_text(&name, library_name(code), FAULT_KEY_MAX), buf_cstr(&why));
        tell_once(d, library_fate_exit(is), buf_cstr(&what));
    }
    buf_free(&why);
    buf_free(&name);
    buf_free(&what);
}

static void take_fault(struct dataset *d, const struct element_search *search,
                       const struct sink *sink, const struct rdb_record *last, struct fault *f)
{
    const struct in *in = &d->input.in;
    char text[FAULT_TEXT_MAX];
    if (fault_is(f)) {
        ; /* no room to look behind the keys */
    } else if (in_bad(in) && is_of_the_end(in, last) && !sink_bad(sink)) {
        tell_once(d, TOOL_LOSS, fault_text(&in->fault, text, sizeof text));
        d->told = true;
    } else if (in_bad(in)) {
        *f = *input_fault(&d->input);
    } else if (fault_is(&search->fault)) {
        *f = search->fault;
    } else if (sink_bad(sink)) {
        *f = sink->fault;
    }
    if (fault_is(f))
        fault_prefix(f, d->name);
}

static bool read_rdb(struct dataset *d, struct sink *sink, struct fault *f)
{
    struct rdb_reader r;
    struct rdb_record rec = {0};
    struct element_search search;
    struct pending_file pending;
    struct library_set libraries;
    struct rdb_options options = {.keep_modules = true, .unguarded = d->opt.unguarded,
                                  .distinct_max = RDB_DISTINCT_FEW, .search = &search.ops,
                                  .pending = &pending.ops};
    element_search_begin(&search);
    library_set_begin(&libraries, d->tool->env);
    pending_file_begin(&pending, PENDING_FILE_HELD);
    if (in_offset(&d->input.in) > 0)
        input_rewind(&d->input);
    struct in *in = &d->input.in;
    progress_bar_begin(&d->tool->progress, d->tool->verb->name, d->input.file_size);
    bool ok = rdb_open(&r, in, &options);
    d->version = r.version;
    d->valkey = r.valkey;
    while (ok && rdb_next(&r, &rec)) {
        if (rec.kind == RDB_REC_FUNCTION)
            look_at_library(d, &libraries, rec.value);
        ok = rdb_body(&r, &rec, sink) && !fault_is(&search.fault);
        progress_bar_at(&d->tool->progress, in_file_offset(in));
    }
    bool all = ok && !in_bad(in);
    if (all)
        all = tell_behind(d, &r, f);
    progress_bar_end(&d->tool->progress);
    rdb_close(&r);
    library_set_end(&libraries);
    element_search_end(&search);
    pending_file_end(&pending);
    if (!all || sink_bad(sink))
        take_fault(d, &search, sink, &rec, f);
    return !fault_is(f);
}

bool dataset_read(struct dataset *d, struct sink *sink, struct fault *f)
{
    must(d->is_live || d->has_input);
    return d->is_live ? live_set_read(&d->server, sink, f) : read_rdb(d, sink, f);
}
