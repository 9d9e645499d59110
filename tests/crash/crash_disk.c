/* SPDX-License-Identifier: BSD-3-Clause */
/* Names are paths below the root, in one list for the durable entries and one for the entries as
 * the running program sees them. A rename from one directory to another is two operations, link and
 * unlink: the unlink may be lost alone, the link never without the unlink being lost too. */
#include "tests/crash/crash_disk_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"

/* ---- names ---- */

size_t disk_names_find(const struct names *n, const char *path)
{
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->list[i].path, path) == 0)
            return i;
    return SIZE_MAX;
}

static size_t names_get(const struct names *n, const char *path)
{
    size_t i = disk_names_find(n, path);
    return i == SIZE_MAX ? SIZE_MAX : n->list[i].inode;
}

static void names_set(struct names *n, const char *path, size_t inode)
{
    size_t i = disk_names_find(n, path);
    if (i == SIZE_MAX) {
        ROOM(n->list, n->count, n->cap);
        i = n->count++;
        n->list[i].path = mem_strdup(path);
    }
    n->list[i].inode = inode;
}

static void names_remove(struct names *n, const char *path)
{
    size_t i = disk_names_find(n, path);
    if (i == SIZE_MAX)
        return;
    mem_free(n->list[i].path);
    n->list[i] = n->list[--n->count];
}

void disk_names_do(struct names *n, const struct name_op *op)
{
    if (op->kind == LINK) {
        names_set(n, op->path, op->inode);
    } else if (op->kind == UNLINK) {
        names_remove(n, op->path);
    } else {
        names_remove(n, op->path);
        names_set(n, op->to, op->inode);
    }
}

void disk_names_copy(struct names *to, const struct names *from)
{
    *to = (struct names){0};
    for (size_t i = 0; i < from->count; i++)
        names_set(to, from->list[i].path, from->list[i].inode);
}

void disk_names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        mem_free(n->list[i].path);
    mem_free(n->list);
    *n = (struct names){0};
}

/* Does path lie directly in dir ("" is the root)? */
static bool lies_in(const char *path, const char *dir)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    return strlen(dir) == n && strncmp(path, dir, n) == 0;
}

static bool same_dir(const char *a, const char *b)
{
    const char *slash = strrchr(a, '/');
    size_t n = slash ? (size_t)(slash - a) : 0;
    const char *other = strrchr(b, '/');
    size_t m = other ? (size_t)(other - b) : 0;
    return n == m && strncmp(a, b, n) == 0;
}

static void add_name_op(struct disk *d, enum name_kind kind, const char *path, const char *to,
                        size_t inode)
{
    ROOM(d->ops, d->op_count, d->op_cap);
    struct name_op *op = &d->ops[d->op_count++];
    *op = (struct name_op){.kind = kind, .path = mem_strdup(path), .inode = inode,
                           .to = to ? mem_strdup(to) : NULL, .number = d->op_number++};
    disk_names_do(&d->now, op);
}

/* ---- dependencies: operations on one name keep their order ---- */

static bool touches(const struct name_op *op, const char *path)
{
    return strcmp(op->path, path) == 0 || (op->to && strcmp(op->to, path) == 0);
}

/* Must first be on disk whenever second is? */
static bool needs(const struct name_op *second, const struct name_op *first)
{
    if (touches(first, second->path) || (second->to && touches(first, second->to)))
        return true;
    /* the second half of a rename between directories; a file in a new directory */
    if (second->kind == UNLINK && first->kind == LINK && second->inode != SIZE_MAX &&
        first->inode == second->inode && first->number + 1 == second->number)
        return true;
    return first->kind == LINK && lies_in(second->path, first->path);
}

/* Drops from keep what needs something that is not kept. */
void disk_close_down(const struct disk *d, bool *keep)
{
    for (size_t i = 0; i < d->op_count; i++)
        for (size_t j = 0; keep[i] && j < i; j++)
            if (!keep[j] && needs(&d->ops[i], &d->ops[j]))
                keep[i] = false;
}

/* Adds to keep what the kept ones need. */
static void close_up(const struct disk *d, bool *keep)
{
    for (size_t i = d->op_count; i-- > 0;)
        for (size_t j = 0; keep[i] && j < i; j++)
            if (needs(&d->ops[i], &d->ops[j]))
                keep[j] = true;
}

static void free_name_op(struct name_op *op)
{
    mem_free(op->path);
    mem_free(op->to);
}

static void sync_names(struct disk *d, const char *dir, uint64_t until)
{
    bool *keep = mem_zalloc(d->op_count + 1);
    size_t rest = 0;
    for (size_t i = 0; i < d->op_count; i++) {
        const struct name_op *op = &d->ops[i];
        keep[i] = (lies_in(op->path, dir) || (op->to && lies_in(op->to, dir))) &&
                  op->number < until;
    }
    close_up(d, keep);
    for (size_t i = 0; i < d->op_count; i++) {
        if (keep[i]) {
            disk_names_do(&d->durable, &d->ops[i]);
            free_name_op(&d->ops[i]);
        } else {
            d->ops[rest++] = d->ops[i];
        }
    }
    d->op_count = rest;
    mem_free(keep);
}

/* ---- bytes ---- */

static size_t new_inode(struct disk *d, bool dir)
{
    ROOM(d->inodes, d->inode_count, d->inode_cap);
    d->inodes[d->inode_count] = (struct inode){.dir = dir};
    return d->inode_count++;
}

void disk_set_size(struct buf *b, uint64_t size)
{
    if (size > b->len) {
        size_t more = size - b->len;
        memset(buf_reserve(b, more), 0, more);
    }
    b->len = size;
}

void disk_write_bytes(struct buf *b, uint64_t at, const char *bytes, size_t n)
{
    if (n == 0)
        return;
    if (at + n > b->len)
        disk_set_size(b, at + n);
    if (bytes)
        memcpy(b->data + at, bytes, n);
    else
        memset(b->data + at, 0, n);
}

void disk_do_data(struct buf *b, const struct data_op *op)
{
    if (op->truncate)
        disk_set_size(b, op->at);
    else
        disk_write_bytes(b, op->at, op->bytes, op->n);
}

static void add_data_op(struct disk *d, size_t inode, struct data_op op)
{
    struct inode *in = &d->inodes[inode];
    ROOM(in->ops, in->count, in->cap);
    in->ops[in->count++] = op;
    if (op.truncate)
        in->size = op.at;
    else if (op.at + op.n > in->size)
        in->size = op.at + op.n;
    d->last = inode;
}

/* What a later operation did to the bytes of an earlier one. */
static void trim(struct data_op *old, const struct data_op *later)
{
    if (later->truncate && later->at < old->at + old->n)
        old->n = later->at > old->at ? (size_t)(later->at - old->at) : 0;
    else if (!later->truncate && later->at <= old->at && later->at + later->n >= old->at + old->n)
        old->n = 0;
}

/* Bytes that a failed sync covered stay pending beneath those that became durable since. */
static void sync_data(struct inode *in, uint64_t until, bool failed)
{
    size_t covered = until > in->applied ? (size_t)(until - in->applied) : 0, rest = 0;
    must(covered <= in->count);
    for (size_t i = 0; i < covered; i++) {
        if (failed)
            in->ops[i].doomed = true;
        else if (!in->ops[i].doomed)
            disk_do_data(&in->durable, &in->ops[i]);
    }
    if (failed)
        return;
    for (size_t i = 0; i < in->count; i++) {
        struct data_op op = in->ops[i];
        if (i < covered && !op.doomed)
            continue;
        for (size_t j = i + 1; j < covered; j++)
            if (!in->ops[j].doomed)
                trim(&op, &in->ops[j]);
        if (i >= covered || op.truncate || op.n)
            in->ops[rest++] = op;
    }
    in->applied += in->count - rest;
    in->count = rest;
}

/* ---- loading ---- */

static void load_file(struct disk *d, const char *full, const char *path)
{
    char block[65536];
    ssize_t n;
    size_t inode = new_inode(d, false);
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    must(fd >= 0);
    while ((n = read(fd, block, sizeof block)) > 0)
        buf_append(&d->inodes[inode].durable, block, (size_t)n);
    close(fd);
    d->inodes[inode].size = d->inodes[inode].durable.len;
    names_set(&d->durable, path, inode);
    names_set(&d->now, path, inode);
}

static void load_dir(struct disk *d, const char *full, const char *prefix)
{
    DIR *dir = opendir(full);
    must(dir != NULL);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512], name[8192];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s%s", prefix, e->d_name);
        snprintf(name, sizeof name, "%s/%s", full, e->d_name);
        if (stat(name, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            size_t inode = new_inode(d, true);
            names_set(&d->durable, path, inode);
            names_set(&d->now, path, inode);
            strcat(path, "/");
            load_dir(d, name, path);
        } else if (S_ISREG(st.st_mode)) {
            load_file(d, name, path);
        }
    }
    closedir(dir);
}

void disk_load(struct disk *d, const char *dir)
{
    load_dir(d, dir, "");
}

struct disk *disk_new(void)
{
    struct disk *d = mem_zalloc(sizeof *d);
    d->last = SIZE_MAX;
    return d;
}

static void forget_fd(struct disk *d, size_t i)
{
    mem_free(d->fds[i].path);
    d->fds[i] = d->fds[--d->fd_count];
}

void disk_free(struct disk *d)
{
    for (size_t i = 0; i < d->inode_count; i++) {
        buf_free(&d->inodes[i].durable);
        mem_free(d->inodes[i].ops);
    }
    for (size_t i = 0; i < d->op_count; i++)
        free_name_op(&d->ops[i]);
    while (d->fd_count)
        forget_fd(d, 0);
    for (size_t i = 0; i < d->sync_count; i++)
        mem_free(d->syncs[i].path);
    disk_names_free(&d->durable);
    disk_names_free(&d->now);
    mem_free(d->inodes);
    mem_free(d->ops);
    mem_free(d->fds);
    mem_free(d->syncs);
    mem_free(d);
}

/* ---- following the trace ---- */

static struct open_fd *find_fd(struct disk *d, const struct trace_rec *r)
{
    for (size_t i = 0; i < d->fd_count; i++)
        if (d->fds[i].pid == r->pid && d->fds[i].fd == r->fd)
            return &d->fds[i];
    return NULL;
}

static bool apply_open(struct disk *d, const struct trace_rec *r)
{
    size_t inode = names_get(&d->now, r->text);
    bool changed = false;
    struct open_fd *old = find_fd(d, r);
    if (old)
        forget_fd(d, (size_t)(old - d->fds));
    if (inode == SIZE_MAX && r->text[0] && r->a & O_CREAT) {
        inode = new_inode(d, false);
        add_name_op(d, LINK, r->text, NULL, inode);
        changed = true;
    } else if (inode != SIZE_MAX && r->a & O_TRUNC && d->inodes[inode].size) {
        add_data_op(d, inode, (struct data_op){.truncate = true});
        changed = true;
    }
    ROOM(d->fds, d->fd_count, d->fd_cap);
    d->fds[d->fd_count++] = (struct open_fd){.pid = r->pid, .fd = r->fd, .flags = (int)r->a,
                                             .inode = inode, .path = mem_strdup(r->text)};
    return changed;
}

static bool apply_write(struct disk *d, const struct trace_rec *r)
{
    struct open_fd *fd = find_fd(d, r);
    if (!fd || fd->inode == SIZE_MAX)
        return false;
    uint64_t at = fd->flags & O_APPEND ? d->inodes[fd->inode].size : fd->at;
    add_data_op(d, fd->inode, (struct data_op){.at = at, .bytes = r->text, .n = r->text_len});
    fd->at = at + r->text_len;
    return true;
}

static bool apply_truncate(struct disk *d, const struct trace_rec *r)
{
    struct open_fd *fd = find_fd(d, r);
    if (!fd || fd->inode == SIZE_MAX)
        return false;
    add_data_op(d, fd->inode, (struct data_op){.truncate = true, .at = (uint64_t)r->a});
    return true;
}

static void begin_sync(struct disk *d, const struct trace_rec *r)
{
    struct open_fd *fd = find_fd(d, r);
    if (!fd)
        return;
    struct sync s = {.id = r->a, .inode = SIZE_MAX, .until = d->op_number};
    if (fd->flags & O_DIRECTORY) {
        s.path = mem_strdup(fd->path);
    } else {
        must(fd->inode != SIZE_MAX);
        s.inode = fd->inode;
        s.until = d->inodes[s.inode].applied + d->inodes[s.inode].count;
    }
    ROOM(d->syncs, d->sync_count, d->sync_cap);
    d->syncs[d->sync_count++] = s;
}

static bool end_sync(struct disk *d, const struct trace_rec *r)
{
    for (size_t i = 0; i < d->sync_count; i++) {
        struct sync s = d->syncs[i];
        if (s.id != r->a)
            continue;
        if (s.path && r->b == 0)
            sync_names(d, s.path, s.until);
        else if (!s.path)
            sync_data(&d->inodes[s.inode], s.until, r->b < 0);
        mem_free(s.path);
        d->syncs[i] = d->syncs[--d->sync_count];
        return true;
    }
    return false;
}

static bool apply_rename(struct disk *d, const struct trace_rec *r)
{
    const char *to = trace_text2(r);
    size_t inode = names_get(&d->now, r->text);
    must(inode != SIZE_MAX);
    if (same_dir(r->text, to)) {
        add_name_op(d, RENAME, r->text, to, inode);
    } else {
        add_name_op(d, LINK, to, NULL, inode);
        add_name_op(d, UNLINK, r->text, NULL, inode);
    }
    return true;
}

bool disk_apply(struct disk *d, const struct trace_rec *r)
{
    struct open_fd *fd;
    switch (r->op) {
    case TRACE_OPEN:
        return apply_open(d, r);
    case TRACE_CLOSE:
        if ((fd = find_fd(d, r)))
            forget_fd(d, (size_t)(fd - d->fds));
        return false;
    case TRACE_READ:
        if ((fd = find_fd(d, r)))
            fd->at += (uint64_t)r->a;
        return false;
    case TRACE_WRITE:
        return apply_write(d, r);
    case TRACE_TRUNCATE:
        return apply_truncate(d, r);
    case TRACE_SYNC_BEGIN:
        begin_sync(d, r);
        return false;
    case TRACE_SYNC_END:
        return end_sync(d, r);
    case TRACE_RENAME:
        return apply_rename(d, r);
    case TRACE_UNLINK:
        add_name_op(d, UNLINK, r->text, NULL, SIZE_MAX);
        return true;
    case TRACE_MKDIR:
        add_name_op(d, LINK, r->text, NULL, new_inode(d, true));
        return true;
    default:
        return false;
    }
}

/* ---- bounds ---- */

size_t disk_pending_names(const struct disk *d)
{
    return d->op_count;
}

size_t disk_pending_last(const struct disk *d)
{
    return d->last == SIZE_MAX ? 0 : d->inodes[d->last].count;
}

size_t disk_pending_size(const struct disk *d, size_t i, uint64_t *at)
{
    const struct data_op *op = &d->inodes[d->last].ops[i];
    *at = op->at;
    return op->truncate ? 0 : op->n;
}
