/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/pending_list.h"

#include <stdlib.h>

#include "base/must.h"
#include "format/stream_node.h"

struct pending {
    struct stream_pending_event event;
    bool claimed;
};

void pending_list_begin(struct pending_list *l, uint64_t expected)
{
    enum { SURE_MAX = 1 << 20 };
    l->is_outside = l->outside && expected > PENDING_LIST_HELD;
    l->ordered = true;
    l->at = l->near = 0;
    buf_clear(&l->held);
    if (l->is_outside)
        l->outside->begin(l->outside->arg);
    else /* a list that grows leaves what it grew out of behind it; no more than this is believed */
        buf_reserve(&l->held,
                    (size_t)(expected < SURE_MAX ? expected : SURE_MAX) * sizeof(struct pending));
}

void pending_list_add(struct pending_list *l, const struct stream_pending_event *e)
{
    struct pending p = {.event = *e};
    if (l->is_outside) {
        l->outside->add(l->outside->arg, e);
        return;
    }
    must(l->at == 0 && l->held.len % sizeof p == 0);
    if (l->held.len) {
        const struct pending *last = (const void *)(l->held.data + l->held.len - sizeof p);
        l->ordered = l->ordered && stream_id_cmp(last->event.id, e->id) < 0;
    }
    buf_append(&l->held, &p, sizeof p);
}

static int by_id(const void *a, const void *b)
{
    const struct pending *x = a, *y = b;
    return stream_id_cmp(x->event.id, y->event.id);
}

bool pending_list_sort(struct pending_list *l)
{
    if (l->is_outside)
        return l->outside->sort(l->outside->arg);
    if (l->ordered)
        return true;
    must(l->held.len >= 2 * sizeof(struct pending)); /* one alone is in order */
    struct pending *all = (struct pending *)(void *)l->held.data;
    size_t n = l->held.len / sizeof *all;
    qsort(all, n, sizeof *all, by_id);
    for (size_t i = 1; i < n; i++)
        if (by_id(&all[i - 1], &all[i]) == 0)
            return false;
    return true;
}

bool pending_list_next(struct pending_list *l, struct stream_pending_event *e, bool *claimed)
{
    if (l->is_outside)
        return l->outside->next(l->outside->arg, e, claimed);
    must(l->at <= l->held.len);
    if (l->at == l->held.len) {
        l->at = 0;
        return false;
    }
    const struct pending *p = (const struct pending *)(const void *)(l->held.data + l->at);
    l->at += sizeof *p;
    *e = p->event;
    *claimed = p->claimed;
    return true;
}

/* Consumers own by ascending ids, and mostly several in a row. */
static struct pending *find(struct pending_list *l, struct stream_id id)
{
    struct pending *p = (struct pending *)(void *)(l->held.data + l->near);
    if (l->near == l->held.len || stream_id_cmp(p->event.id, id) != 0)
        p = stream_pending_find(&l->held, sizeof *p, id);
    if (p)
        l->near = (size_t)((char *)(p + 1) - l->held.data);
    return p;
}

enum pending_claim pending_list_claim(struct pending_list *l, struct stream_pending_event *e)
{
    if (l->is_outside)
        return l->outside->claim(l->outside->arg, e);
    struct pending *p = find(l, e->id);
    if (!p)
        return PENDING_ABSENT;
    must(stream_id_cmp(p->event.id, e->id) == 0);
    *e = p->event;
    if (p->claimed)
        return PENDING_CLAIMED_BEFORE;
    p->claimed = true;
    return PENDING_CLAIMED;
}

void pending_list_end(struct pending_list *l)
{
    must(!l->is_outside || l->outside);
    if (l->is_outside)
        l->outside->end(l->outside->arg);
}

const struct fault *pending_list_fault(const struct pending_list *l)
{
    const struct fault *f = l->is_outside ? l->outside->fault(l->outside->arg) : NULL;
    return f && fault_is(f) ? f : NULL;
}

void pending_list_free(struct pending_list *l)
{
    must(l->at <= l->held.len);
    buf_free(&l->held);
    l->at = l->near = 0;
}
