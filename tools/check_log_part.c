/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/check_log_part.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/must.h"
#include "tools/aof_keys.h"
#include "tools/log_judge.h"
#include "tools/log_part.h"

/* What a load costs here, measured with SETs of 100 bytes; the rest is the disk's. */
enum { COMMAND_NS = 500, KIB_NS = 250 };

struct check {
    struct tool *tool;
    struct findings *to;
    struct check_totals *totals;
    struct log_part part;
    struct log_reader r;
    struct log_judge judge;
    uint64_t commands; /* of this part */
    bool last;
};

/* ---- holes ---- */

static enum tool_exit cost_of(struct check *c, struct buf *costs)
{
    const struct log_hole *h = &c->r.hole;
    uint64_t durable;
    switch (h->kind) {
    case HOLE_DOUBLED:
        buf_printf(costs, "It stands in front of itself once more: nothing is lost");
        break;
    case HOLE_TORN:
        if (log_hole_durable(&c->part, &c->r, &durable))
            buf_printf(costs, "Up to offset %" PRIu64 " the file was safely on the disk: writes "
                       "that were acknowledged are lost", durable);
        else if (!c->last)
            buf_printf(costs, "Another file follows: this one had been closed whole");
        break;
    default: break;
    }
    return log_item_exit(&c->part, &c->r, LOG_HOLE, c->last);
}

/* How many commands can be read in it, and the key of the first of them. */
static uint64_t count_readable(struct check *c, struct buf *key)
{
    struct log_unit u;
    struct aof_keys k;
    uint64_t n = 0;
    log_unit_begin(&u, &c->r);
    while (log_unit_next(&u, &c->r.command)) {
        const struct log_command *cmd = &c->r.command;
        aof_keys_of(cmd->argc, cmd->argv, cmd->heads, &k);
        if (key->len == 0 && k.count && k.ranges[0].first < cmd->heads)
            buf_add(key, cmd->argv[k.ranges[0].first]);
        n++;
    }
    return n;
}

static void add_hole(struct check *c)
{
    const struct log_hole *h = &c->r.hole;
    must(c->r.from < c->r.to);
    struct buf key = {0}, costs = {0};
    uint64_t n = h->kind == HOLE_DOUBLED ? 0 : count_readable(c, &key);
    struct finding x = {.cost = cost_of(c, &costs), .file = c->part.part->name, .from = c->r.from,
                        .to = c->r.to, .unit = h->batch ? "batch" : "command",
                        .number = h->batch, .doing = h->fault.doing, .what = h->fault.what,
                        .commands_lost = n};
    x.has_key = key.len > 0;
    x.key = buf_slice(&key);
    if (n)
        buf_printf(&costs, "%s%" PRIu64 " commands can be read in it", costs.len ? "; " : "", n);
    if (h->doubtful)
        buf_printf(&costs, "; %" PRIu64 " behind it may as well be text of a value", h->doubtful);
    x.costs = costs.len ? buf_cstr(&costs) : NULL;
    c->totals->batches_bad += h->batch != 0;
    finding_add(c->to, &x);
    buf_free(&key);
    buf_free(&costs);
}

static void add_mended(struct check *c)
{
    const struct fault *f = &c->r.hole.fault;
    c->totals->batches_bad++;
    finding_add(c->to, &(struct finding){.cost = TOOL_DAMAGED, .file = c->part.part->name,
                                         .from = f->offset, .to = f->offset + 1, .unit = "batch",
                                         .number = c->r.batches + 1, .what = f->what,
                                         .costs = "holdfast fix puts it right: nothing is lost"});
}

/* ---- commands ---- */

static void add_command(struct check *c, const struct log_command *cmd, const char *why)
{
    struct buf what = {0}, name = {0};
    struct aof_keys k;
    aof_keys_of(cmd->argc, cmd->argv, cmd->heads, &k);
    buf_printf(&what, "%s: %s", why, say_text(&name, cmd->argv[0], 40));
    struct finding x = {.cost = TOOL_DAMAGED, .file = c->part.part->name, .from = cmd->at,
                        .to = cmd->end, .unit = "command", .number = c->commands,
                        .what = buf_cstr(&what), .commands_lost = 1,
                        .costs = "The server does not load it; fix --skip leaves it out"};
    x.has_key = k.count && k.ranges[0].first < cmd->heads;
    if (x.has_key)
        x.key = cmd->argv[k.ranges[0].first];
    finding_add(c->to, &x);
    buf_free(&what);
    buf_free(&name);
}

static void look_at_unit(struct check *c)
{
    struct log_unit u;
    struct log_command *cmd = &c->r.command;
    log_unit_begin(&u, &c->r);
    while (log_unit_next(&u, cmd)) {
        c->commands++;
        const char *why = log_judge_command(&c->judge, &c->part.bytes, cmd);
        if (why)
            add_command(c, cmd, why);
    }
    c->totals->transactions += c->r.commands > 1;
}

static void read_part(struct check *c)
{
    struct check_totals *totals = c->totals;
    enum log_item what;
    uint64_t before = totals->bytes;
    log_read_open(&c->r, &c->part.bytes, c->part.start, &c->part.options);
    while ((what = log_read_next(&c->r)) != LOG_END) {
        if (what == LOG_UNIT)
            look_at_unit(c);
        else if (what == LOG_HOLE)
            add_hole(c);
        else if (what == LOG_MENDED)
            add_mended(c);
        else
            totals->annotations++;
        progress_bar_at(&c->tool->progress, before + c->r.to - c->part.start);
    }
    if (fault_is(&c->part.bytes.fault))
        finding_fault(c->to, c->part.part->name, &c->part.bytes.fault);
    uint64_t bytes = c->part.bytes.size - c->part.start;
    totals->bytes += bytes;
    totals->parts += c->part.start == 0; /* else its RDB was counted */
    totals->commands += c->commands;
    totals->batches += c->r.batches;
    if (bytes > c->r.bytes_checked)
        totals->unchecked += bytes - c->r.bytes_checked;
    totals->load_us += (c->commands * COMMAND_NS + (bytes >> 10) * KIB_NS) / 1000;
    log_read_close(&c->r);
}

/* Bytes that the newest increment had when the server was stopped. */
static void look_at_size(struct check *c, const struct source *s, size_t part)
{
    uint64_t size = s->parts[part].size, lost = log_part_lost(s, part);
    char what[160];
    if (!lost)
        return;
    snprintf(what, sizeof what, "It has %" PRIu64 " bytes; the manifest says that it had %" PRIu64,
             size, size + lost);
    finding_add(c->to, &(struct finding){.cost = TOOL_LOSS, .file = s->parts[part].name,
                                         .from = size, .to = size + lost, .what = what,
                                         .costs = "Its end is gone without a trace"});
}

/* Of the RDB that one begins with, check_rdb_part tells; of its commands no checksum of an RDB. */
static void look_at_cut(struct check *c)
{
    const char *what;
    enum tool_exit is = log_part_cut(&c->part, &what);
    uint64_t size = c->part.input.size;
    if (is != TOOL_GOOD && (is == TOOL_LOSS || !c->part.part->begins_with_rdb))
        finding_add(c->to, &(struct finding){.cost = is, .file = c->part.part->name, .from = size,
                                             .to = size, .unit = "compression", .what = what});
}

void check_log_part(struct tool *t, struct findings *to, const struct source *s, size_t part,
                    struct check_totals *totals)
{
    struct check *c = mem_zalloc(sizeof *c);
    struct fault f = {0};
    *c = (struct check){.tool = t, .to = to, .totals = totals, .last = part + 1 == s->count};
    log_judge_begin(&c->judge, t);
    if (!log_part_open(&c->part, s, part, &f)) {
        if (f.code == FAULT_IO || !s->parts[part].begins_with_rdb)
            finding_fault(to, s->parts[part].name, &f); /* of an RDB, check_rdb_part tells */
    } else {
        look_at_size(c, s, part);
        look_at_cut(c);
        read_part(c);
        log_part_close(&c->part);
    }
    log_judge_end(&c->judge);
    mem_free(c);
}
