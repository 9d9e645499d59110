/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_increments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

static const char *name_of(const struct aof *a, int64_t seq)
{
    const struct manifest *m = &a->manifest;
    must(m->incr.count == 0 || m->incr.files);
    for (size_t i = 0; i < m->incr.count; i++)
        if (m->incr.files[i].seq == seq)
            return m->incr.files[i].name;
    for (size_t i = 0; i < m->history.count; i++)
        if (m->history.files[i].seq == seq && strstr(m->history.files[i].name, ".incr."))
            return m->history.files[i].name;
    return NULL;
}

bool aof_increment_is_named(const struct aof *a, int64_t seq)
{
    return name_of(a, seq) != NULL;
}

static int in_order(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int64_t *aof_increments_from(const struct aof *a, int64_t seq, size_t *count)
{
    const struct manifest *m = &a->manifest;
    *count = 0;
    int64_t *found = mem_alloc((m->incr.count + m->history.count + 1) * sizeof *found);
    for (size_t i = 0; i < m->history.count; i++)
        if (m->history.files[i].seq >= seq && strstr(m->history.files[i].name, ".incr."))
            found[(*count)++] = m->history.files[i].seq;
    for (size_t i = 0; i < m->incr.count; i++)
        if (m->incr.files[i].seq >= seq)
            found[(*count)++] = m->incr.files[i].seq;
    qsort(found, *count, sizeof *found, in_order);
    must(*count == 0 || found[0] >= seq);
    return found;
}

int aof_increment_open(const struct aof *a, int64_t seq)
{
    const char *name = name_of(a, seq);
    if (!name)
        return -ENOENT;
    must(!strchr(name, '/'));
    char *path = aof_path(a, name);
    int fd = file_open(path, O_RDONLY, 0);
    mem_free(path);
    return fd;
}

int64_t aof_increment_newest(const struct aof *a)
{
    const struct manifest_list *incr = &a->manifest.incr;
    bool works = a->state == AOF_ON && !a->open.aside && a->open.fd >= 0 && !a->sync.lost &&
                 !a->sync.failed;
    return works && incr->count ? incr->files[incr->count - 1].seq : -1;
}

uint64_t aof_increment_readable(const struct aof *a, int64_t seq, int fd)
{
    if (seq == aof_increment_newest(a))
        return a->write.broken_tail ? 0 : a->open.size;
    must(fd >= 0);
    int64_t size = file_size(fd);
    return size < 0 ? 0 : (uint64_t)size;
}
