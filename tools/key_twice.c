/* SPDX-License-Identifier: BSD-3-Clause */
/* A part with more keys than a table of TABLE places should hold is cut again by the next bits of
 * the hash, into parts in files of their own, SPLITS_MAX times. What is too much then is mostly one
 * key over and over, which takes one place; should it be many, the part is gone through several
 * times, each time for those whose next bits of the hash are the same.
 *
 * What is found goes to a sorter, maybe more than once (with each of its like, and again when a
 * table was too small); what comes out of it is told once. */
#include "tools/key_twice.h"

#include <pthread.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/diff_sort.h"
#include "tools/temp_file.h"

enum { TABLE = 1 << 18, TABLE_KEYS = TABLE / 2, FOUND_HELD = 4 << 20 };
enum { PART_BITS = 6, SPLITS_MAX = 2, ROUND_BITS_MAX = 20, READ = 256 << 10 };

struct part {
    struct buf held;
    int fd; /* -1: none yet */
    uint64_t stored;
};
struct key_twice {
    pthread_mutex_t lock;
    struct part parts[TWICE_PARTS];
    size_t held, held_max;
    struct diff_sort *found;
    struct twice_key told; /* the last one */
    bool any_told;
    struct fault fault;
};

static void parts_begin(struct part *parts)
{
    for (int i = 0; i < TWICE_PARTS; i++)
        parts[i] = (struct part){.fd = -1};
}

static void part_end(struct part *p)
{
    buf_free(&p->held);
    if (p->fd >= 0)
        file_close(p->fd);
    *p = (struct part){.fd = -1};
}

struct key_twice *key_twice_new(size_t held)
{
    struct key_twice *k = mem_zalloc(sizeof *k);
    pthread_mutex_init(&k->lock, NULL);
    parts_begin(k->parts);
    k->held_max = held;
    return k;
}

void key_twice_free(struct key_twice *k)
{
    for (int i = 0; i < TWICE_PARTS; i++)
        part_end(&k->parts[i]);
    diff_sort_free(k->found);
    pthread_mutex_destroy(&k->lock);
    mem_free(k);
}

static void store_part(struct key_twice *k, struct part *p)
{
    if (temp_file_write(&p->fd, p->held.data, p->held.len, &k->fault))
        p->stored += p->held.len;
}

void key_feed_begin(struct key_feed *f, struct key_twice *to)
{
    *f = (struct key_feed){.to = to};
}

static void store_all(struct key_twice *k)
{
    for (int i = 0; i < TWICE_PARTS; i++)
        if (k->parts[i].held.len) {
            store_part(k, &k->parts[i]);
            buf_free(&k->parts[i].held);
        }
    k->held = 0;
}

void key_feed_flush(struct key_feed *f, unsigned part)
{
    struct key_twice *k = f->to;
    pthread_mutex_lock(&k->lock);
    must(!k->found);
    buf_add(&k->parts[part].held, buf_slice(&f->parts[part]));
    k->held += f->parts[part].len;
    if (k->held > k->held_max)
        store_all(k);
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

/* ---- reading a part ---- */

typedef void take_keys(void *arg, const struct twice_key *keys, size_t n);

static void read_file(struct key_twice *k, const struct part *p, take_keys *take, void *arg)
{
    struct twice_key *keys = mem_alloc(READ);
    for (uint64_t at = 0; at < p->stored && !fault_is(&k->fault);) {
        size_t want = p->stored - at < READ ? (size_t)(p->stored - at) : READ;
        if (temp_file_read(p->fd, keys, want, at, &k->fault))
            take(arg, keys, want / sizeof *keys);
        at += want;
    }
    mem_free(keys);
}

static void read_part(struct key_twice *k, const struct part *p, take_keys *take, void *arg)
{
    if (p->stored)
        read_file(k, p, take, arg);
    take(arg, (const struct twice_key *)(const void *)p->held.data,
         p->held.len / sizeof(struct twice_key));
}

static uint64_t keys_in(const struct part *p)
{
    return (p->stored + p->held.len) / sizeof(struct twice_key);
}

/* ---- finding ---- */

struct search {
    struct key_twice *k;
    struct twice_key *table; /* at: with 1 added; 0: free */
    size_t mask, used;
    unsigned bits_done;      /* of the hash, the same in all of the part */
    unsigned round_bits;
    uint64_t round;
    bool over;               /* the table is too small */
};

static void add_found(struct search *s, uint64_t hash, uint64_t at)
{
    uint8_t key[16];
    store_be64(key, hash);
    store_be64(key + 8, at);
    diff_sort_add(s->k->found, slice(key, sizeof key), (struct slice){0});
}

static void look_at(void *arg, const struct twice_key *keys, size_t n)
{
    struct search *s = arg;
    for (size_t i = 0; i < n && !s->over; i++) {
        uint64_t hash = keys[i].hash;
        if (s->round_bits && (hash << s->bits_done) >> (64 - s->round_bits) != s->round)
            continue;
        size_t slot = (size_t)hash & s->mask;
        while (s->table[slot].at && s->table[slot].hash != hash)
            slot = (slot + 1) & s->mask;
        if (s->table[slot].at) {
            add_found(s, hash, s->table[slot].at - 1);
            add_found(s, hash, keys[i].at);
        } else {
            s->table[slot] = (struct twice_key){.hash = hash, .at = keys[i].at + 1};
            s->over = ++s->used > TABLE_KEYS && s->round_bits < ROUND_BITS_MAX;
        }
    }
}

/* How much of a table a part needs: small ones stay in the cache. */
static size_t table_size(uint64_t keys)
{
    size_t size = 64;
    while (size < TABLE && size < keys * 2)
        size *= 2;
    return size;
}

/* When a round's keys are too many, it becomes two. */
static void look_through(struct search *s, const struct part *p)
{
    size_t size = table_size(keys_in(p));
    s->mask = size - 1;
    s->round_bits = 0;
    for (s->round = 0; s->round >> s->round_bits == 0 && !fault_is(&s->k->fault);) {
        memset(s->table, 0, size * sizeof *s->table);
        s->used = 0;
        s->over = false;
        read_part(s->k, p, look_at, s);
        s->round_bits += s->over;
        s->round = s->over ? s->round * 2 : s->round + 1;
    }
}

struct split {
    struct key_twice *k;
    struct part parts[TWICE_PARTS];
    unsigned bits_done;
};

static void deal(void *arg, const struct twice_key *keys, size_t n)
{
    struct split *s = arg;
    for (size_t i = 0; i < n; i++) {
        struct part *p = &s->parts[(keys[i].hash << s->bits_done) >> (64 - PART_BITS)];
        buf_append(&p->held, &keys[i], sizeof keys[i]);
        if (p->held.len < TWICE_FEED_BYTES)
            continue;
        store_part(s->k, p);
        buf_clear(&p->held);
    }
}

static void search_part(struct search *s, struct part *p, unsigned splits);

static void search_split(struct search *s, struct part *p, unsigned splits)
{
    struct split *split = mem_alloc(sizeof *split);
    *split = (struct split){.k = s->k, .bits_done = s->bits_done};
    parts_begin(split->parts);
    read_part(s->k, p, deal, split);
    part_end(p);
    s->bits_done += PART_BITS;
    for (int i = 0; i < TWICE_PARTS; i++)
        search_part(s, &split->parts[i], splits + 1);
    s->bits_done -= PART_BITS;
    mem_free(split);
}

static void search_part(struct search *s, struct part *p, unsigned splits)
{
    if (splits < SPLITS_MAX && keys_in(p) > TABLE_KEYS)
        search_split(s, p, splits);
    else if (keys_in(p) > 1)
        look_through(s, p);
    part_end(p);
}

bool key_twice_find(struct key_twice *k, struct fault *f)
{
    struct search s = {.k = k, .bits_done = PART_BITS};
    must(!k->found);
    s.table = mem_alloc(TABLE * sizeof *s.table);
    k->found = diff_sort_new(FOUND_HELD);
    for (int i = 0; i < TWICE_PARTS && !fault_is(&k->fault); i++)
        search_part(&s, &k->parts[i], 0);
    mem_free(s.table);
    diff_sort_end(k->found);
    if (fault_is(&k->fault))
        *f = k->fault;
    else if (fault_is(diff_sort_fault(k->found)))
        *f = *diff_sort_fault(k->found);
    return !fault_is(f);
}

bool key_twice_next(struct key_twice *k, struct twice_key *key, struct fault *f)
{
    struct diff_record r;
    while (diff_sort_next(k->found, &r)) {
        key->hash = load_be64((const uint8_t *)r.key.data);
        key->at = load_be64((const uint8_t *)r.key.data + 8);
        if (k->any_told && key->hash == k->told.hash && key->at == k->told.at)
            continue;
        k->told = *key;
        k->any_told = true;
        return true;
    }
    if (fault_is(diff_sort_fault(k->found)))
        *f = *diff_sort_fault(k->found);
    return false;
}
