/* SPDX-License-Identifier: BSD-3-Clause */
/* States: a recipe says what of the pending operations reached the disk; the outcome is a list of
 * files, sorted by name, that can be hashed and written to a directory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/crash/crash_disk_parts.h"

struct state_file {
    char *path;
    bool dir;
    struct buf bytes;
};
struct disk_state {
    struct state_file *files;
    size_t count, cap;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdu;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

static uint64_t next_random(uint64_t *seed)
{
    return mix(*seed += 0x9e3779b97f4a7c15u);
}

/* Bytes of some old file in place of those that did not come. */
static void write_garbage(struct buf *b, uint64_t at, size_t n)
{
    static const char old[] = "*3\r\n$3\r\nSET\r\n$5\r\nstale\r\n$1\r\nx\r\n";
    disk_write_bytes(b, at, NULL, n);
    for (size_t i = 0; i < n; i++)
        b->data[at + i] = old[(at + i) % (sizeof old - 1)];
}

/* Any subset, any one torn, perhaps with zeros. */
static void random_data(struct buf *b, const struct inode *in, uint64_t seed)
{
    for (size_t i = 0; i < in->count; i++) {
        struct data_op op = in->ops[i];
        uint64_t r = next_random(&seed);
        switch (r % 8) {
        case 0: /* lost */
            continue;
        case 1: /* the size only */
            if (!op.truncate)
                disk_write_bytes(b, op.at, NULL, op.n);
            continue;
        case 2: /* torn at a sector */
            if (!op.truncate) {
                uint64_t end = (op.at + (r >> 8) % (op.n + 1)) & ~(uint64_t)511;
                op.n = end > op.at ? (size_t)(end - op.at) : 0;
            }
            break;
        default:
            break;
        }
        disk_do_data(b, &op);
    }
}

static void zero_data(struct buf *b, const struct inode *in)
{
    for (size_t i = 0; i < in->count; i++) {
        const struct data_op *op = &in->ops[i];
        if (op->truncate)
            disk_set_size(b, op->at);
        else
            disk_write_bytes(b, op->at, NULL, op->n);
    }
}

static void most_data(struct buf *b, const struct inode *in, int how, const struct disk_recipe *c)
{
    for (size_t i = 0; i < in->count; i++) {
        struct data_op op = in->ops[i];
        bool last = i + 1 == in->count;
        if (how == DATA_PREFIX && i >= c->x)
            break;
        if (how == DATA_DROP && i == c->x)
            continue;
        if (how == DATA_TORN_ZERO && last && c->garbage)
            write_garbage(b, op.at, op.n);
        else if (how == DATA_TORN_ZERO && last)
            disk_write_bytes(b, op.at, NULL, op.n);
        if ((how == DATA_TORN || how == DATA_TORN_ZERO) && last && op.n > c->y)
            op.n = c->y;
        disk_do_data(b, &op);
        if (how == DATA_HOLE && i == c->x && !op.truncate) {
            uint64_t at = c->z < op.at ? op.at : c->z, end = c->z + c->y;
            end = end > op.at + op.n ? op.at + op.n : end;
            if (at < end && c->garbage)
                write_garbage(b, at, (size_t)(end - at));
            else if (at < end)
                disk_write_bytes(b, at, NULL, (size_t)(end - at));
        }
    }
}

static void choose_data(struct buf *b, const struct disk *d, size_t index,
                        const struct disk_recipe *c)
{
    const struct inode *in = &d->inodes[index];
    int how = index == d->last ? c->one_data : c->data;
    buf_append(b, in->durable.data, in->durable.len);
    if (how == DATA_NONE)
        return;
    if (how == DATA_RANDOM)
        random_data(b, in, mix(c->seed + index));
    else if (how == DATA_ZERO)
        zero_data(b, in);
    else
        most_data(b, in, how, c);
}

static void choose_names(struct names *n, const struct disk *d, const struct disk_recipe *c)
{
    bool *keep = mem_zalloc(d->op_count + 1);
    uint64_t seed = mix(c->seed ^ 0x6e616d6573);
    disk_names_copy(n, &d->durable);
    for (size_t i = 0; i < d->op_count; i++)
        keep[i] = c->names == NAMES_ALL || (c->names == NAMES_PREFIX && i < c->nx) ||
                  (c->names == NAMES_DROP && i != c->nx) ||
                  (c->names == NAMES_RANDOM && next_random(&seed) % 3);
    disk_close_down(d, keep);
    for (size_t i = 0; i < d->op_count; i++)
        if (keep[i])
            disk_names_do(n, &d->ops[i]);
    mem_free(keep);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct state_file *)a)->path, ((const struct state_file *)b)->path);
}

/* A file is there when its directory is. */
static bool has_home(const struct names *n, const char *path)
{
    char dir[512];
    const char *slash = strrchr(path, '/');
    if (!slash)
        return true;
    snprintf(dir, sizeof dir, "%.*s", (int)(slash - path), path);
    return disk_names_find(n, dir) != SIZE_MAX;
}

struct disk_state *disk_choose(const struct disk *d, const struct disk_recipe *recipe)
{
    struct disk_state *s = mem_zalloc(sizeof *s);
    struct names names;
    choose_names(&names, d, recipe);
    for (size_t i = 0; i < names.count; i++) {
        const struct entry_name *e = &names.list[i];
        if (!has_home(&names, e->path))
            continue;
        ROOM(s->files, s->count, s->cap);
        struct state_file *file = &s->files[s->count++];
        *file = (struct state_file){.path = mem_strdup(e->path), .dir = d->inodes[e->inode].dir};
        if (!file->dir)
            choose_data(&file->bytes, d, e->inode, recipe);
    }
    disk_names_free(&names);
    if (s->count)
        qsort(s->files, s->count, sizeof *s->files, by_path);
    return s;
}

void disk_state_free(struct disk_state *s)
{
    for (size_t i = 0; i < s->count; i++) {
        mem_free(s->files[i].path);
        buf_free(&s->files[i].bytes);
    }
    mem_free(s->files);
    mem_free(s);
}

static uint64_t hash_bytes(uint64_t h, const char *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; n; p++, n--)
        h = (h ^ (uint8_t)*p) * 0x100000001b3u;
    return mix(h);
}

uint64_t disk_state_hash(const struct disk_state *s)
{
    uint64_t h = s->count + 1;
    for (size_t i = 0; i < s->count; i++) {
        const struct state_file *f = &s->files[i];
        h = hash_bytes(h, f->path, strlen(f->path));
        h = hash_bytes(h + f->bytes.len + f->dir, f->bytes.data, f->bytes.len);
    }
    return h ? h : 1;
}

static bool write_file(const char *path, const struct buf *bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    size_t done = 0;
    if (fd < 0)
        return false;
    while (done < bytes->len) {
        ssize_t n = write(fd, bytes->data + done, bytes->len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    close(fd);
    return done == bytes->len;
}

bool disk_state_write(const struct disk_state *s, const char *dir)
{
    bool ok = true;
    for (size_t i = 0; i < s->count; i++) { /* sorted: a directory comes before what is in it */
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", dir, s->files[i].path);
        if (s->files[i].dir)
            ok = mkdir(path, 0755) == 0 && ok;
        else
            ok = write_file(path, &s->files[i].bytes) && ok;
    }
    return ok;
}

void disk_state_print(const struct disk_state *s)
{
    for (size_t i = 0; i < s->count; i++)
        printf("    %s%s %zu bytes\n", s->files[i].path, s->files[i].dir ? "/" : "",
               s->files[i].bytes.len);
}
