/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids of entries and of pending ones come in ascending order: two lists are merged. */
#include "tools/stream_lost.h"

#include <unistd.h>

#include "base/must.h"
#include "format/stream_node.h"
#include "os/file.h"
#include "tools/temp_file.h"

enum { HELD = STREAM_LOST_IDS * sizeof(struct stream_id) };

void stream_lost_begin(struct stream_lost *l)
{
    *l = (struct stream_lost){.fd = -1};
}

void stream_lost_end(struct stream_lost *l)
{
    buf_free(&l->ids);
    if (l->fd >= 0)
        file_close(l->fd);
    l->fd = -1;
}

void stream_lost_key(struct stream_lost *l)
{
    if (l->fd >= 0 && l->count * sizeof(struct stream_id) >= HELD &&
        (ftruncate(l->fd, 0) < 0 || lseek(l->fd, 0, SEEK_SET) < 0))
        fault_set(&l->fault, FAULT_IO, "Can't empty a temporary file");
    buf_clear(&l->ids);
    l->count = 0;
    stream_lost_group(l);
    l->part_count = 0;
}

static void store(struct stream_lost *l)
{
    must(l->ids.len % sizeof(struct stream_id) == 0);
    if (fault_is(&l->fault))
        return;
    if (l->fd < 0)
        l->fd = temp_file(&l->fault);
    if (l->fd >= 0)
        temp_file_write(&l->fd, l->ids.data, l->ids.len, &l->fault);
    buf_clear(&l->ids);
}

void stream_lost_node(struct stream_lost *l, struct stream_id master, struct slice listpack)
{
    struct stream_entry e;
    stream_node_start(&e, master, listpack);
    while (stream_node_next(&e)) {
        buf_append(&l->ids, &e.id, sizeof e.id);
        l->count++;
        if (l->ids.len >= HELD)
            store(l);
    }
}

void stream_lost_group(struct stream_lost *l)
{
    l->at = 0;
    l->last = (struct stream_id){0};
}

/* The id number at; it is there. */
static struct stream_id id_at(struct stream_lost *l, uint64_t at)
{
    size_t size = sizeof(struct stream_id);
    uint64_t stored = l->count - l->ids.len / size;
    must(at < l->count);
    if (at >= stored)
        return ((const struct stream_id *)(const void *)l->ids.data)[at - stored];
    if (!l->part_count || at < l->part_at || at >= l->part_at + l->part_count) {
        uint64_t n = stored - at < STREAM_LOST_IDS ? stored - at : STREAM_LOST_IDS;
        l->part_at = at;
        l->part_count = (size_t)n;
        if (!temp_file_read(l->fd, l->part, l->part_count * size, at * size, &l->fault))
            l->part[0] = (struct stream_id){UINT64_MAX, UINT64_MAX};
    }
    return l->part[at - l->part_at];
}

bool stream_lost_pending(struct stream_lost *l, struct stream_id id)
{
    must(l->at <= l->count);
    if (stream_id_cmp(id, l->last) < 0) /* of a file that has them in another order */
        l->at = 0;
    l->last = id;
    while (l->at < l->count && !fault_is(&l->fault) && stream_id_cmp(id_at(l, l->at), id) < 0)
        l->at++;
    if (fault_is(&l->fault))
        return false;
    bool lost = l->at == l->count || stream_id_cmp(id_at(l, l->at), id) != 0;
    l->lost += lost;
    return lost;
}
