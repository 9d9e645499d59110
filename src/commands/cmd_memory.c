/* SPDX-License-Identifier: BSD-3-Clause */
/* MEMORY and its subcommands. The doctor's thresholds are those by which tools and people of the
 * field judge; what he says is about this server. */
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "commands/cmd_server.h"
#include "server/ctx.h"
#include "server/memory_sums.h"
#include "server/reply.h"
#include "server/server.h"
#include "store/db.h"
#include "store/db_iter.h"
#include "store/value.h"

void cmd_memory_usage(struct ctx *c)
{
    int64_t samples = 5;
    for (int i = 3; i < c->argc; i += 2) {
        if (!ctx_arg_is(c, i, "SAMPLES") || i + 1 >= c->argc) {
            reply_syntax(c);
            return;
        }
        if (!ctx_arg_i64(c, i + 1, &samples))
            return;
        if (samples < 0) {
            reply_syntax(c);
            return;
        }
    }
    struct entry *e = db_find_with(c->db, c->argv[2], DB_NOTOUCH | DB_NOSTATS);
    if (e)
        reply_int(c, (int64_t)entry_memory(e, (size_t)samples));
    else
        reply_null(c);
}

void cmd_memory_purge(struct ctx *c)
{
    mem_purge();
    reply_ok(c);
}

static void put_text(void *to, const char *text)
{
    buf_add(to, slice_str(text));
}

void cmd_memory_malloc_stats(struct ctx *c)
{
    struct buf text = {0};
    mem_report(put_text, &text);
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}

/* ---- STATS ---- */
static void put_int(struct ctx *c, const char *name, int64_t n)
{
    reply_bulk_str(c, name);
    reply_int(c, n);
}

static void put_ratio(struct ctx *c, const char *name, double of, double to)
{
    reply_bulk_str(c, name);
    reply_double(c, to > 0 ? of / to : 0);
}

static void put_database(struct ctx *c, struct db *db)
{
    char name[24];
    size_t expires = expire_memory(&db->expires), all = db_index_memory(db);
    must(expires <= all);
    snprintf(name, sizeof name, "db.%u", db->id);
    reply_bulk_str(c, name);
    reply_map(c, 3);
    put_int(c, "overhead.hashtable.main", (int64_t)(all - expires));
    put_int(c, "overhead.hashtable.expires", (int64_t)expires);
    put_int(c, "overhead.hashtable.slot-to-keys", 0);
}

static unsigned put_databases(struct ctx *c)
{
    unsigned count = 0;
    for (unsigned i = 0; i < c->keyspace->open_count; i++) {
        struct db *db = c->keyspace->open[i];
        if (db_count(db)) {
            put_database(c, db);
            count++;
        }
    }
    return count;
}

static void put_sums(struct ctx *c, const struct memory_sums *m)
{
    put_int(c, "peak.allocated", (int64_t)m->peak);
    put_int(c, "total.allocated", (int64_t)m->total);
    put_int(c, "startup.allocated", (int64_t)m->startup);
    put_int(c, "replication.backlog", (int64_t)m->backlog);
    put_int(c, "clients.slaves", (int64_t)m->replicas);
    put_int(c, "clients.normal", (int64_t)m->clients);
    put_int(c, "cluster.links", 0);
    put_int(c, "aof.buffer", (int64_t)m->log_buffer);
    put_int(c, "lua.caches", (int64_t)m->scripts);
    put_int(c, "functions.caches", (int64_t)m->functions);
}

static void put_data(struct ctx *c, const struct memory_sums *m)
{
    size_t net = memory_sums_net(m);
    put_int(c, "overhead.total", (int64_t)m->overhead);
    put_int(c, "keys.count", (int64_t)m->keys);
    put_int(c, "keys.bytes-per-key", m->keys ? (int64_t)(net / m->keys) : 0);
    put_int(c, "dataset.bytes", (int64_t)m->dataset);
    put_ratio(c, "dataset.percentage", 100.0 * (double)m->dataset, (double)net);
    put_ratio(c, "peak.percentage", 100.0 * (double)m->total, (double)m->peak);
}

/* Two figures that should be the same: how many times one is the other, what lies between. */
static void put_gap(struct ctx *c, const char *ratio, const char *bytes, size_t more, size_t less)
{
    put_ratio(c, ratio, (double)more, (double)less);
    put_int(c, bytes, (int64_t)more - (int64_t)less);
}

static void put_allocator(struct ctx *c, const struct memory_sums *m)
{
    const struct mem_stats *a = &m->allocator;
    put_int(c, "allocator.allocated", (int64_t)a->allocated);
    put_int(c, "allocator.active", (int64_t)a->active);
    put_int(c, "allocator.resident", (int64_t)a->resident);
    put_gap(c, "allocator-fragmentation.ratio", "allocator-fragmentation.bytes", a->active,
            a->allocated);
    put_gap(c, "allocator-rss.ratio", "allocator-rss.bytes", a->resident, a->active);
    put_gap(c, "rss-overhead.ratio", "rss-overhead.bytes", a->rss, a->resident);
    put_gap(c, "fragmentation", "fragmentation.bytes", a->rss, m->total);
}

void cmd_memory_stats(struct ctx *c)
{
    enum { FIELDS = 27 }; /* beside those of databases */
    struct memory_sums m;
    memory_sums_take(c->server, &m);
    uint64_t mark = reply_later(c);
    put_sums(c, &m);
    unsigned databases = put_databases(c);
    put_data(c, &m);
    put_allocator(c, &m);
    reply_later_map(c, mark, FIELDS + databases);
}

/* ---- DOCTOR ---- */
enum { LITTLE = 5 << 20, GAP_MIN = 10 << 20, CLIENT_MUCH = 200 << 10, SCRIPTS_MANY = 1000 };

static bool gap(size_t more, size_t less, double most)
{
    return less && more > less && (double)more / (double)less > most && more - less > GAP_MIN;
}

/* A finding: what is, and what helps. */
static void find(struct buf *out, const char *what, double figure, const char *advice)
{
    buf_add(out, SLICE_LIT("\n * "));
    buf_printf(out, what, figure);
    buf_printf(out, " %s\n", advice);
}

static double mb(size_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void look_at_allocator(const struct memory_sums *m, struct buf *out)
{
    const struct mem_stats *a = &m->allocator;
    if (gap(a->rss, m->total, 1.4))
        find(out, "The process takes %.1f MB more of the machine than it uses.",
             mb(a->rss - m->total),
             "Below this line stands where they lie, as far as that is known. A peak that is past "
             "leaves such a gap, which closes by and by; MEMORY PURGE gives back what can be.");
    if (gap(a->active, a->allocated, 1.1))
        find(out, "%.1f MB lie idle between what is in use (fragmentation).",
             mb(a->active - a->allocated),
             "Entries left far apart are moved together by the server itself, the more idles the "
             "faster; large values are not: those that are written anew come to lie closer.");
    if (gap(a->resident, a->active, 1.1))
        find(out, "%.1f MB are pages that the allocator keeps for what comes.",
             mb(a->resident - a->active),
             "They go back after some seconds without need; MEMORY PURGE gives them back now.");
    if (gap(a->rss, a->resident, 1.1))
        find(out, "%.1f MB are neither data nor the allocator's.", mb(a->rss - a->resident),
             "Look for large scripts and functions (INFO memory: used_memory_vm_total), and for "
             "libraries loaded into the process.");
}

static void look_at_use(const struct memory_sums *m, struct buf *out)
{
    if ((double)m->peak > 1.5 * (double)m->total)
        find(out, "Memory once stood at %.1f MB, more than one and a half times what is used now.",
             mb(m->peak),
             "So a large part of the process may be empty. When keys went on purpose all is well; "
             "maxmemory, if it is set, should leave room for such a peak to come again.");
    if (m->client_count && m->clients / m->client_count > CLIENT_MUCH)
        find(out, "Clients hold %.1f MB, more than 200 KB each.", mb(m->clients),
             "CLIENT LIST shows who (tot-mem: qbuf for what they send, omem for what they do not "
             "read); maxmemory-clients and client-output-buffer-limit bound it.");
    if (m->replicas > GAP_MIN)
        find(out, "Replicas hold %.1f MB of buffers.", mb(m->replicas),
             "They read slower than is written here: look at their links and at their disks.");
    if (m->cached_scripts > SCRIPTS_MANY)
        find(out, "%.0f scripts are cached.", (double)m->cached_scripts,
             "A client seems to build a new text for each call: what differs belongs into KEYS and "
             "ARGV. SCRIPT FLUSH empties the cache.");
}

void cmd_memory_doctor(struct ctx *c)
{
    struct memory_sums m;
    struct buf out = {0};
    memory_sums_take(c->server, &m);
    if (m.total < LITTLE) {
        buf_printf(&out, "Only %.1f MB are in use: too little to judge by.\n", mb(m.total));
    } else {
        look_at_use(&m, &out);
        look_at_allocator(&m, &out);
        if (!out.len)
            buf_add(&out, SLICE_LIT("Nothing to complain of: memory is used for what it is there "
                                    "for.\n"));
    }
    reply_verbatim(c, "txt", buf_slice(&out));
    buf_free(&out);
}

void cmd_memory_help(struct ctx *c)
{
    static const char *const lines[] = {
        "DOCTOR", "    Tell what is wrong with the memory in use, and what helps.",
        "MALLOC-STATS", "    Show the allocator's own figures.",
        "PURGE", "    Give unused memory back to the system.",
        "STATS", "    Tell what the memory in use goes to.",
        "USAGE <key> [SAMPLES <count>]",
        "    Estimate the bytes that the key and its value take; nested values by a sample of",
        "    count elements (default: 5, 0 means all).", NULL};
    reply_help(c, lines);
}
