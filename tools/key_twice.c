/* SPDX-License-Identifier: BSD-3-Clause */
/* A part that has more keys than a table of TABLE words should hold is gone through several times,
 * each time for those whose next bits of the hash are the same. */
#include "tools/key_twice.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/temp_file.h"

enum { HELD_MAX = 16 << 20, TABLE = 1 << 18, TABLE_KEYS = TABLE / 2 };
enum { PART_BITS = 6, ROUND_BITS_MAX = 20, READ = 256 << 10 };

struct part {
    struct buf held;
    int fd; /* -1: none yet */
    uint64_t stored;
};
struct key_twice {
    pthread_mutex_t lock;
    struct part parts[TWICE_PARTS];
    size_t held;
    struct fault fault;
};

struct key_twice *key_twice_new(void)
{
    struct key_twice *k = mem_zalloc(sizeof *k);
    pthread_mutex_init(&k->lock, NULL);
    for (int i = 0; i < TWICE_PARTS; i++)
        k->parts[i].fd = -1;
    return k;
}

void key_twice_free(struct key_twice *k)
{
    for (int i = 0; i < TWICE_PARTS; i++) {
        buf_free(&k->parts[i].held);
        if (k->parts[i].fd >= 0)
            file_close(k->parts[i].fd);
    }
    pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

static void store_part(struct key_twice *k, struct part *p)
{
    if (fault_is(&k->fault))
        return;
    if (p->fd < 0)
        p->fd = temp_file(&k->fault);
    int err = p->fd < 0 ? 0 : file_write_all(p->fd, p->held.data, p->held.len, NULL);
    if (err < 0)
        fault_io(&k->fault, -err, "write", "Can't write to a temporary file");
    p->stored += p->held.len;
    k->held -= p->held.len;
    buf_free(&p->held);
}

void key_feed_begin(struct key_feed *f, struct key_twice *to)
{
    *f = (struct key_feed){.to = to};
}

void key_feed_flush(struct key_feed *f, unsigned part)
{
    struct key_twice *k = f->to;
    pthread_mutex_lock(&k->lock);
    buf_add(&k->parts[part].held, buf_slice(&f->parts[part]));
    k->held += f->parts[part].len;
    if (k->held > HELD_MAX)
        for (int i = 0; i < TWICE_PARTS; i++)
            if (k->parts[i].held.len)
                store_part(k, &k->parts[i]);
    pthread_mutex_unlock(&k->lock);
    buf_clear(&f->parts[part]);
}

void key_feed_end(struct key_feed *f)
{
    for (unsigned i = 0; i < TWICE_PARTS; i++) {
        if (f->parts[i].len)
            key_feed_flush(f, i);
        buf_free(&f->parts[i]);
    }
}

/* ---- finding ---- */

struct search {
    struct twice_key *table; /* at: with 1 added; 0: free */
    size_t mask;
    struct buf *found;
    unsigned rounds_bits;
    uint64_t round;
    bool full;
};

static void add_found(struct search *s, uint64_t hash, uint64_t at)
{
    struct twice_key key = {.hash = hash, .at = at};
    if (s->found->len / sizeof key >= TWICE_FOUND_MAX)
        s->full = true;
    else
        buf_append(s->found, &key, sizeof key);
}

static void look_at(struct search *s, const struct twice_key *keys, size_t n)
{
    for (size_t i = 0; i < n && !s->full; i++) {
        uint64_t hash = keys[i].hash;
        if (s->rounds_bits && (hash << PART_BITS) >> (64 - s->rounds_bits) != s->round)
            continue;
        size_t slot = (size_t)hash & s->mask;
        while (s->table[slot].at && s->table[slot].hash != hash)
            slot = (slot + 1) & s->mask;
        if (s->table[slot].at) {
            add_found(s, hash, s->table[slot].at - 1);
            add_found(s, hash, keys[i].at);
        } else {
            s->table[slot] = (struct twice_key){.hash = hash, .at = keys[i].at + 1};
        }
    }
}

static void look_at_file(struct key_twice *k, struct search *s, const struct part *p)
{
    struct twice_key *keys = mem_alloc(READ);
    for (uint64_t at = 0; at < p->stored && !s->full && !fault_is(&k->fault);) {
        size_t want = p->stored - at < READ ? (size_t)(p->stored - at) : READ, have = 0;
        while (have < want) {
            ssize_t got = file_pread(p->fd, (char *)keys + have, want - have, (off_t)(at + have));
            if (got <= 0) {
                fault_io(&k->fault, got < 0 ? (int)-got : 5, "read",
                         "Can't read a temporary file");
                break;
            }
            have += (size_t)got;
        }
        look_at(s, keys, have / sizeof *keys);
        at += want;
    }
    mem_free(keys);
}

/* How much of a table a part needs: small ones stay in the cache. */
static size_t table_size(uint64_t keys)
{
    size_t size = 64;
    while (size < TABLE && size < keys * 2)
        size *= 2;
    return size;
}

static void search_part(struct key_twice *k, struct search *s, struct part *p)
{
    uint64_t keys = (p->stored + p->held.len) / sizeof(struct twice_key);
    size_t size = table_size(keys);
    s->mask = size - 1;
    s->rounds_bits = 0;
    while (keys >> s->rounds_bits > TABLE_KEYS / 2 && s->rounds_bits < ROUND_BITS_MAX)
        s->rounds_bits++;
    for (s->round = 0; s->round < (uint64_t)1 << s->rounds_bits && !s->full; s->round++) {
        memset(s->table, 0, size * sizeof *s->table);
        if (p->stored)
            look_at_file(k, s, p);
        look_at(s, (const struct twice_key *)(const void *)p->held.data,
                p->held.len / sizeof(struct twice_key));
    }
}

static int by_hash(const void *a, const void *b)
{
    const struct twice_key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The table's one was added with each of its like. */
static void drop_repeated(struct buf *found)
{
    struct twice_key *keys = (struct twice_key *)(void *)found->data;
    size_t n = found->len / sizeof *keys, kept = 0;
    if (n)
        qsort(keys, n, sizeof *keys, by_hash);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || by_hash(&keys[kept - 1], &keys[i]) != 0)
            keys[kept++] = keys[i];
    found->len = kept * sizeof *keys;
}

bool key_twice_find(struct key_twice *k, struct buf *found, struct fault *f)
{
    struct search s = {.found = found};
    s.table = mem_alloc(TABLE * sizeof *s.table);
    for (int i = 0; i < TWICE_PARTS && !s.full && !fault_is(&k->fault); i++)
        search_part(k, &s, &k->parts[i]);
    mem_free(s.table);
    drop_repeated(found);
    if (s.full)
        fault_set(&k->fault, FAULT_LIMIT, "More than %d keys are there twice",
                  TWICE_FOUND_MAX / 2);
    if (fault_is(&k->fault))
        *f = k->fault;
    return !fault_is(&k->fault);
}
