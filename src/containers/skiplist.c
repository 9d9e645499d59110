/* SPDX-License-Identifier: BSD-3-Clause */
/* A node of height h stands in h linked lists; list i + 1 holds about a quarter of list i, so a
 * search that starts in the highest list takes O(log n) steps. Each link knows how many places of
 * the order it leaps, from which ranks follow. Positions: the head is 0, nodes 1 .. count, the end
 * (a NULL link) count + 1; so a link of the lowest list always leaps 1, and the place where that
 * would be stored holds the height and the length of the member instead.
 *
 *   score | prev | next, height+length | next, leap | ... | member bytes
 *
 * Scores are never NaN. */
#include "containers/skiplist.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"

enum { HEIGHT_MAX = 32 };

struct lane {
    struct skipnode *next;
    size_t leap; /* lane 0: length << 8 | height */
};

struct skipnode {
    double score;
    struct skipnode *prev; /* NULL: the first */
    struct lane lane[];
};

struct skiplist {
    struct skipnode *head; /* of full height, no member */
    struct skipnode *tail;
    size_t count, bytes;
    unsigned height; /* lanes in use, at least 1 */
};

/* The nodes after which something is to be done, one a lane, and their positions. */
struct trail {
    struct skipnode *node[HEIGHT_MAX];
    size_t position[HEIGHT_MAX];
};

/* Whenever a node has come or gone. */
static void list_must_hold(const struct skiplist *s)
{
    must(s->height >= 1 && s->height <= HEIGHT_MAX);
    must((s->count == 0) == !s->tail && (s->count == 0) == !s->head->lane[0].next);
}

static inline unsigned height_of(const struct skipnode *n)
{
    return n->lane[0].leap & 255;
}

static inline size_t leap_of(const struct skipnode *n, unsigned lane)
{
    return lane ? n->lane[lane].leap : 1;
}

static size_t node_bytes(unsigned height, size_t len)
{
    return sizeof(struct skipnode) + height * sizeof(struct lane) + len;
}

static struct skipnode *node_new(unsigned height, double score, struct slice member)
{
    must(member.len < SIZE_MAX >> 8);
    struct skipnode *n = mem_alloc(node_bytes(height, member.len));
    n->score = score;
    n->prev = NULL;
    n->lane[0].next = NULL;
    n->lane[0].leap = member.len << 8 | height;
    if (member.len)
        memcpy(&n->lane[height], member.data, member.len);
    return n;
}

static unsigned random_height(void)
{
    unsigned height = 1 + (unsigned)__builtin_ctzll(rand_u64() | 1ull << 62) / 2;
    return height < HEIGHT_MAX ? height : HEIGHT_MAX;
}

static inline bool is_below(const struct skipnode *n, double score, struct slice member)
{
    if (n->score != score)
        return n->score < score;
    return slice_cmp(skipnode_member(n), member) < 0;
}

struct skiplist *skiplist_new(void)
{
    struct skiplist *s = mem_zalloc(sizeof *s);
    s->head = node_new(HEIGHT_MAX, 0, (struct slice){0});
    for (unsigned i = 1; i < HEIGHT_MAX; i++)
        s->head->lane[i] = (struct lane){NULL, 1};
    s->height = 1;
    s->bytes = sizeof *s + node_bytes(HEIGHT_MAX, 0);
    return s;
}

static void node_free(struct skipnode *n)
{
    mem_free_sized(n, node_bytes(height_of(n), skipnode_member(n).len));
}

void skiplist_free(struct skiplist *s)
{
    for (struct skipnode *n = s->head, *next; n; n = next) {
        next = n->lane[0].next;
        node_free(n);
    }
    mem_free(s);
}

size_t skiplist_count(const struct skiplist *s)
{
    return s->count;
}

size_t skiplist_memory(const struct skiplist *s)
{
    return s->bytes;
}

/* The last node of each lane that stands before (score, member). */
static void find_trail(const struct skiplist *s, double score, struct slice member, struct trail *t)
{
    struct skipnode *n = s->head;
    size_t position = 0;
    for (unsigned i = s->height; i-- > 0;) {
        while (n->lane[i].next && is_below(n->lane[i].next, score, member)) {
            position += leap_of(n, i);
            n = n->lane[i].next;
        }
        t->node[i] = n;
        t->position[i] = position;
    }
}

static void link_in(struct skiplist *s, struct skipnode *n)
{
    struct trail t;
    unsigned height = height_of(n);
    find_trail(s, n->score, skipnode_member(n), &t);
    for (; s->height < height; s->height++) {
        t.node[s->height] = s->head;
        t.position[s->height] = 0;
        s->head->lane[s->height] = (struct lane){NULL, s->count + 1};
    }
    size_t position = t.position[0] + 1;
    must(position <= s->count + 1);
    struct skipnode *next = t.node[0]->lane[0].next;
    n->lane[0].next = next;
    t.node[0]->lane[0].next = n;
    for (unsigned i = 1; i < height; i++) {
        struct lane *before = &t.node[i]->lane[i];
        size_t leap = position - t.position[i];
        must(leap > 0 && leap <= before->leap);
        n->lane[i] = (struct lane){before->next, before->leap + 1 - leap};
        *before = (struct lane){n, leap};
    }
    for (unsigned i = height; i < s->height; i++)
        if (i)
            t.node[i]->lane[i].leap++;
    n->prev = t.node[0] == s->head ? NULL : t.node[0];
    if (next)
        next->prev = n;
    else
        s->tail = n;
    s->count++;
    list_must_hold(s);
}

static void link_out(struct skiplist *s, struct skipnode *n)
{
    struct trail t;
    find_trail(s, n->score, skipnode_member(n), &t);
    must(s->count > 0 && t.node[0]->lane[0].next == n);
    t.node[0]->lane[0].next = n->lane[0].next;
    for (unsigned i = 1; i < s->height; i++) {
        struct lane *before = &t.node[i]->lane[i];
        if (before->next == n)
            *before = (struct lane){n->lane[i].next, before->leap + n->lane[i].leap - 1};
        else
            before->leap--;
    }
    if (n->lane[0].next)
        n->lane[0].next->prev = n->prev;
    else
        s->tail = n->prev;
    while (s->height > 1 && !s->head->lane[s->height - 1].next)
        s->height--;
    s->count--;
    list_must_hold(s);
}

struct skipnode *skiplist_insert(struct skiplist *s, double score, struct slice member)
{
    must(score == score);
    struct skipnode *n = node_new(random_height(), score, member);
    s->bytes += node_bytes(height_of(n), member.len);
    link_in(s, n);
    return n;
}

void skiplist_remove(struct skiplist *s, struct skipnode *n)
{
    link_out(s, n);
    s->bytes -= node_bytes(height_of(n), skipnode_member(n).len);
    must(s->bytes >= sizeof *s + node_bytes(HEIGHT_MAX, 0));
    node_free(n);
}

void skiplist_rescore(struct skiplist *s, struct skipnode *n, double score)
{
    must(score == score);
    const struct skipnode *next = n->lane[0].next;
    struct slice member = skipnode_member(n);
    bool above_prev = !n->prev || is_below(n->prev, score, member);
    if (above_prev && (!next || !is_below(next, score, member))) {
        n->score = score; /* it stays where it is, which is what small steps mostly do */
        return;
    }
    link_out(s, n);
    n->score = score;
    link_in(s, n);
}

double skipnode_score(const struct skipnode *n)
{
    return n->score;
}

struct slice skipnode_member(const struct skipnode *n)
{
    return slice(&n->lane[height_of(n)], n->lane[0].leap >> 8);
}

struct skipnode *skipnode_next(const struct skipnode *n)
{
    return n->lane[0].next;
}

struct skipnode *skipnode_prev(const struct skipnode *n)
{
    return n->prev;
}

struct skipnode *skiplist_first(const struct skiplist *s)
{
    return s->head->lane[0].next;
}

struct skipnode *skiplist_last(const struct skiplist *s)
{
    return s->tail;
}

size_t skiplist_rank(const struct skiplist *s, const struct skipnode *n)
{
    /* To the end by the longest leaps there are: each climbs or stays at the top, so there are as
     * few as in a search, and no member is compared. */
    size_t to_end = 0;
    while (n) {
        unsigned top = height_of(n) - 1;
        to_end += leap_of(n, top);
        n = n->lane[top].next;
    }
    must(to_end <= s->count);
    return s->count - to_end;
}

struct skipnode *skiplist_at(const struct skiplist *s, size_t rank)
{
    if (rank >= s->count)
        return NULL;
    struct skipnode *n = s->head;
    size_t left = rank + 1;
    for (unsigned i = s->height; i-- > 0;)
        while (n->lane[i].next && leap_of(n, i) <= left) {
            left -= leap_of(n, i);
            n = n->lane[i].next;
        }
    must(left == 0);
    return n;
}

struct skipnode *skiplist_seek(const struct skiplist *s, skiplist_below *below, const void *arg)
{
    struct skipnode *n = s->head;
    for (unsigned i = s->height; i-- > 0;)
        while (n->lane[i].next && below(n->lane[i].next, arg))
            n = n->lane[i].next;
    return n->lane[0].next;
}
