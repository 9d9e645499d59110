/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/repl_aux.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "format/sink.h"
#include "persist/aof_state.h"
#include "persist/persist.h"
#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "server/hooks.h"
#include "server/role.h"
#include "server/server.h"

struct repl_aux {
    struct repl *repl;
    /* as the last data set says that came */
    char id[ROLE_ID_SIZE]; /* "": it does not */
    int64_t offset;        /* -1: nor that */
    unsigned stream_db;    /* 0: nor that */
};

/* ---- saving ---- */
static void put_number(struct sink *sink, const char *name, int64_t n)
{
    char text[NUM_I64_TEXT];
    sink->ops->aux(sink, slice_str(name), slice(text, num_format_i64(text, n)));
}

static void save(void *arg, struct sink *sink, enum aux_purpose purpose)
{
    const struct repl *r = ((const struct repl_aux *)arg)->repl;
    if (purpose == AUX_LOG_BASE || !sink->ops->aux || !repl_stream_is_kept(r))
        return;
    put_number(sink, "repl-stream-db", r->role->is_replica ? r->stream_db : 0);
    sink->ops->aux(sink, SLICE_LIT("repl-id"), slice_str(r->role->id));
    put_number(sink, "repl-offset", r->role->offset);
}

/* ---- loading ---- */
static void begin(void *arg, bool beside)
{
    struct repl_aux *a = arg;
    (void)beside; /* nothing of it counts before its end */
    a->id[0] = '\0';
    a->offset = -1;
    a->stream_db = 0;
}

static bool field(void *arg, struct slice name, struct slice value, struct fault *f)
{
    struct repl_aux *a = arg;
    int64_t n;
    (void)f; /* what makes no sense is of no use, and no harm */
    if (slice_eq_str(name, "repl-id")) {
        if (value.len == ROLE_ID_SIZE - 1) {
            memcpy(a->id, value.data, value.len);
            a->id[value.len] = '\0';
        }
        return true;
    }
    if (slice_eq_str(name, "repl-offset")) {
        a->offset = num_parse_i64(value, &n) && role_offset_can_be(n) ? n : -1;
        return true;
    }
    if (slice_eq_str(name, "repl-stream-db")) {
        if (num_parse_i64(value, &n) && n >= 0 && n < INT32_MAX)
            a->stream_db = (unsigned)n;
        return true;
    }
    return false;
}

/* The data set is exactly that of the dump: neither has a log gone on behind it, nor have keys been
 * left out whose time was over, of whose going replicas were never told. */
static bool is_that_of_dump(const struct repl *r)
{
    const struct persist *p = r->persist;
    return !p->aof->started && !p->aof->enabled && p->load_keys_expired == 0;
}

static void end(void *arg, bool ok)
{
    struct repl_aux *a = arg;
    struct repl *r = a->repl;
    if (!ok || !a->id[0] || a->offset < 0 || !is_that_of_dump(r) || repl_stream_is_kept(r))
        return;
    repl_stream_restore(r, a->id, a->offset);
    r->stream_db = a->stream_db;
    log_notice("The dump is of the history %s, up to offset %lld: replicas that have as much go on "
               "from there", a->id, (long long)a->offset);
}

struct repl_aux *repl_aux_new(struct repl *r)
{
    static const struct aux_loader loader = {.begin = begin, .field = field, .end = end};
    struct repl_aux *a = mem_zalloc(sizeof *a);
    a->repl = r;
    a->offset = -1;
    hooks_on_aux(server_hooks(r->server), save, &loader, a);
    return a;
}

unsigned repl_aux_stream_db(const struct repl_aux *a)
{
    return a->stream_db;
}

void repl_aux_free(struct repl_aux *a)
{
    mem_free(a);
}
