/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/adapt_group.h"

#include <errno.h>

#include "base/must.h"
#include "format/in.h"
#include "os/file.h"
#include "tools/temp_file.h"

enum { BLOCK = 256 << 10 };

static int write_told(void *arg, const void *from, size_t n)
{
    struct adapt_group *g = arg;
    return temp_file_write(&g->fd, from, n, &g->fault) ? 0 : -(g->fault.err ? g->fault.err : EIO);
}

static void forget(struct adapt_group *g)
{
    if (!g->ready) {
        pending_file_begin(&g->file, PENDING_FILE_FEW);
        g->pending.outside = &g->file.ops;
        g->fd = -1;
        g->ready = true;
    }
    if (g->fd >= 0)
        file_close(g->fd);
    g->fd = -1;
    out_free(&g->told);
    out_init_callback(&g->told, write_told, g, BLOCK);
    g->sorted = false;
    g->owned = g->consumers = 0;
}

void adapt_group_begin(struct adapt_group *g, const struct stream_group_event *e)
{
    must(!g->open);
    forget(g);
    g->open = true;
    g->group = *e;
    buf_clear(&g->name);
    buf_add(&g->name, e->name);
    pending_list_begin(&g->pending, e->pending);
}

void adapt_group_pending(struct adapt_group *g, const struct stream_pending_event *e)
{
    must(g->open && !g->sorted);
    pending_list_add(&g->pending, e);
}

static void sort(struct adapt_group *g)
{
    bool ok = g->sorted || pending_list_sort(&g->pending);
    must(ok || pending_list_fault(&g->pending)); /* the reader has seen to it */
    g->sorted = true;
}

void adapt_group_consumer(struct adapt_group *g, const struct stream_consumer_event *e)
{
    sort(g);
    g->consumers++;
    out_bytes(&g->told, e, sizeof *e);
    out_slice(&g->told, e->name);
}

void adapt_group_owned(struct adapt_group *g, const struct stream_pending_event *e)
{
    struct stream_pending_event p = {.id = e->id};
    enum pending_claim claim = pending_list_claim(&g->pending, &p);
    must(claim == PENDING_CLAIMED || pending_list_fault(&g->pending));
    g->owned++;
    out_bytes(&g->told, e, sizeof *e);
}

/* ---- telling it ---- */

static void tell_pending(struct adapt_group *g, struct sink *to)
{
    struct stream_pending_event e;
    bool claimed;
    while (pending_list_next(&g->pending, &e, &claimed))
        if (claimed)
            SINK_EVENT(to, stream_pending, &e);
}

struct told {
    struct adapt_group *g;
    uint64_t at;
};

static ssize_t read_told(void *arg, void *into, size_t n)
{
    struct told *t = arg;
    uint64_t left = t->g->told.flushed - t->at;
    n = n < left ? n : (size_t)left;
    if (n && !temp_file_read(t->g->fd, into, n, t->at, &t->g->fault))
        return -EIO;
    t->at += n;
    return (ssize_t)n;
}

static void tell_consumers(struct adapt_group *g, struct in *in, struct sink *to)
{
    struct stream_pending_event p;
    struct stream_consumer_event c;
    struct buf name = {0};
    for (uint64_t i = 0; i < g->consumers && !in_bad(in); i++) {
        in_bytes(in, &c, sizeof c);
        if (in_bad(in))
            break;
        c.name = in_slice(in, c.name.len, &name);
        if (!in_bad(in))
            SINK_EVENT(to, stream_consumer, &c);
        for (uint64_t k = 0; k < c.owned && !in_bad(in); k++)
            if (in_bytes(in, &p, sizeof p))
                SINK_EVENT(to, stream_owned, &p);
    }
    buf_free(&name);
}

static void tell_told(struct adapt_group *g, struct sink *to)
{
    struct told t = {.g = g};
    struct in in;
    if (g->told.flushed == 0) {
        in_init_memory(&in, buf_slice(&g->told.buf));
    } else {
        out_flush(&g->told);
        in_init_callback(&in, read_told, &t, g->told.flushed, BLOCK);
    }
    tell_consumers(g, &in, to);
    must(!in_bad(&in) || fault_is(&g->fault));
    in_free(&in);
}

static bool failed(const struct adapt_group *g, struct fault *f)
{
    const struct fault *list = pending_list_fault(&g->pending);
    if (list)
        *f = *list;
    else if (fault_is(&g->fault))
        *f = g->fault;
    return fault_is(f);
}

bool adapt_group_end(struct adapt_group *g, struct sink *to, struct fault *f)
{
    if (!g->open)
        return true;
    g->open = false;
    sort(g);
    if (failed(g, f))
        return false;
    g->group.name = buf_slice(&g->name);
    g->group.pending = g->owned;
    SINK_EVENT(to, stream_group, &g->group);
    tell_pending(g, to);
    if (failed(g, f)) /* the list that was told is short */
        return false;
    pending_list_end(&g->pending);
    tell_told(g, to);
    return !failed(g, f);
}

void adapt_group_drop(struct adapt_group *g)
{
    g->open = false;
}

void adapt_group_free(struct adapt_group *g)
{
    if (!g->ready)
        return;
    forget(g);
    out_free(&g->told);
    pending_list_free(&g->pending);
    pending_file_end(&g->file);
    buf_free(&g->name);
    g->ready = false;
}
