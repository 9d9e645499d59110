/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/report_tree.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"

enum { CHAINS = 65536, NONE = 0 };

static void add_sums(struct report_sums *to, const struct report_sums *more)
{
    to->keys += more->keys;
    to->elements += more->elements;
    to->bytes += more->bytes;
    to->memory += more->memory;
    to->expiring += more->expiring;
    to->small_strings += more->small_strings;
    to->small_bytes += more->small_bytes;
    to->small_memory += more->small_memory;
}

void report_tree_init(struct report_tree *t)
{
    *t = (struct report_tree){.nodes = mem_zalloc(TREE_NODES * sizeof *t->nodes),
                              .chains = mem_zalloc(CHAINS * sizeof *t->chains), .count = 1};
    t->nodes[0].used = true;
    report_tree_separators(t, ":");
}

void report_tree_free(struct report_tree *t)
{
    mem_free(t->nodes);
    mem_free(t->chains);
    *t = (struct report_tree){0};
}

void report_tree_separators(struct report_tree *t, const char *separators)
{
    size_t n = strlen(separators);
    n = n > TREE_SEPARATORS ? TREE_SEPARATORS : n;
    memcpy(t->separators, separators, n);
    t->separators[n] = '\0';
}

/* ---- parts of a name ---- */

static bool is_separator(const struct report_tree *t, char c)
{
    return c != '\0' && strchr(t->separators, c) != NULL;
}

/* A number, or something like 550e8400-e29b-41d4: what one of a kind is called by. */
static bool is_id(struct slice part)
{
    size_t digits = 0;
    for (size_t i = 0; i < part.len; i++) {
        unsigned char c = (unsigned char)part.data[i];
        if (!isxdigit(c) && c != '-')
            return false;
        digits += isdigit(c) != 0;
    }
    return digits > 0 && (digits == part.len || part.len >= 8);
}

struct parts {
    struct slice name;
    size_t at;
    bool had_id;
    char part[TREE_PART]; /* with its separator, as the tree holds it */
    size_t len;
};

/* The last part, which has no separator, is one only behind an id: it says what of it this is. */
static bool next_part(const struct report_tree *t, struct parts *p)
{
    size_t end = p->at;
    while (end < p->name.len && !is_separator(t, p->name.data[end]))
        end++;
    bool last = end == p->name.len;
    struct slice part = slice(p->name.data + p->at, end - p->at);
    bool id = is_id(part);
    if (last && (!p->had_id || id || !part.len))
        return false;
    if (id)
        part = SLICE_LIT("*");
    if (part.len > TREE_PART - 1)
        part.len = TREE_PART - 1;
    if (part.len)
        memcpy(p->part, part.data, part.len);
    if (!last)
        p->part[part.len] = p->name.data[end];
    p->len = part.len + !last;
    p->at = end + !last;
    p->had_id = p->had_id || id;
    return true;
}

/* ---- nodes ---- */

static uint32_t hash_of(uint32_t parent, const char *part, size_t len)
{
    return (uint32_t)hash_bytes(part, len) ^ parent * 0x9e3779b1u; /* nobody chooses names for it */
}

static uint32_t find(const struct report_tree *t, uint32_t parent, const char *part, size_t len)
{
    uint32_t hash = hash_of(parent, part, len);
    uint32_t i = t->chains[hash % CHAINS];
    for (; i != NONE; i = t->nodes[i].next_hash) {
        const struct report_node *n = &t->nodes[i];
        if (n->hash == hash && n->parent == parent && n->part_len == len &&
            memcmp(n->part, part, len) == 0)
            break;
    }
    return i;
}

static void unlink_node(struct report_tree *t, uint32_t i)
{
    uint32_t *at = &t->chains[t->nodes[i].hash % CHAINS];
    while (*at != i) {
        must(*at != NONE);
        at = &t->nodes[*at].next_hash;
    }
    *at = t->nodes[i].next_hash;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool is_leaf(const struct report_node *n)
{
    return n->used && n->children == 0;
}

/* keep: a node that is about to get a child. */
static void drop_some(struct report_tree *t, uint32_t keep)
{
    uint64_t *memory = mem_alloc(TREE_NODES * sizeof *memory);
    size_t leaves = 0, dropped = 0;
    for (uint32_t i = 1; i < t->count; i++)
        if (is_leaf(&t->nodes[i]) && i != keep)
            memory[leaves++] = t->nodes[i].sums.memory;
    must(leaves > 0); /* a chain of TREE_DEPTH has fewer nodes than there are */
    qsort(memory, leaves, sizeof *memory, by_number);
    uint64_t limit = memory[leaves / 2];
    mem_free(memory);
    for (uint32_t i = 1; i < t->count && dropped <= leaves / 2; i++) {
        struct report_node *n = &t->nodes[i];
        if (!is_leaf(n) || i == keep || n->sums.memory > limit)
            continue;
        unlink_node(t, i);
        t->nodes[n->parent].children--;
        *n = (struct report_node){.next = t->free};
        t->free = i;
        dropped++;
    }
    t->dropped += dropped;
}

static uint32_t add_node(struct report_tree *t, uint32_t parent, const char *part, size_t len)
{
    must(len > 0 && len <= TREE_PART && parent < t->count && t->nodes[parent].used);
    if (t->count == TREE_NODES && t->free == NONE)
        drop_some(t, parent);
    uint32_t i = t->free;
    if (i != NONE)
        t->free = t->nodes[i].next;
    else
        i = t->count++;
    struct report_node *n = &t->nodes[i];
    *n = (struct report_node){.parent = parent, .hash = hash_of(parent, part, len), .used = true,
                              .depth = (uint8_t)(t->nodes[parent].depth + 1),
                              .part_len = (uint8_t)len, .from_later = t->dropped > 0};
    memcpy(n->part, part, len);
    n->next_hash = t->chains[n->hash % CHAINS];
    t->chains[n->hash % CHAINS] = i;
    t->nodes[parent].children++;
    return i;
}

void report_tree_add(struct report_tree *t, struct slice name, const struct report_sums *sums)
{
    struct parts p = {.name = name};
    uint32_t node = 0;
    add_sums(&t->nodes[0].sums, sums);
    while (t->nodes[node].depth < TREE_DEPTH && next_part(t, &p)) {
        uint32_t child = find(t, node, p.part, p.len);
        node = child != NONE ? child : add_node(t, node, p.part, p.len);
        add_sums(&t->nodes[node].sums, sums);
    }
}

/* ---- afterwards ---- */

struct place {
    uint64_t memory;
    uint32_t node;
};

static int by_memory(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->memory != y->memory)
        return x->memory < y->memory ? -1 : 1;
    return (x->node < y->node) - (x->node > y->node);
}

void report_tree_order(struct report_tree *t)
{
    struct place *all = mem_alloc(TREE_NODES * sizeof *all);
    size_t n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        t->nodes[i].first = NONE;
    for (uint32_t i = 1; i < t->count; i++)
        if (t->nodes[i].used)
            all[n++] = (struct place){.memory = t->nodes[i].sums.memory, .node = i};
    if (n)
        qsort(all, n, sizeof *all, by_memory);
    for (size_t k = 0; k < n; k++) { /* the largest is put in front last */
        struct report_node *node = &t->nodes[all[k].node], *parent = &t->nodes[node->parent];
        node->next = parent->first;
        parent->first = all[k].node;
    }
    mem_free(all);
}

static bool passed_over(const struct report_tree *t, uint32_t node)
{
    uint32_t child = t->nodes[node].first;
    return child != NONE && t->nodes[child].sums.keys == t->nodes[node].sums.keys;
}

struct each {
    const struct report_tree *t;
    uint64_t least; /* memory */
    size_t left;
    report_tree_visit *visit;
    void *arg;
};

static void visit_below(struct each *e, uint32_t node, unsigned level)
{
    for (uint32_t i = e->t->nodes[node].first; i != NONE && e->left; i = e->t->nodes[i].next) {
        bool over = passed_over(e->t, i);
        if (e->t->nodes[i].sums.memory < e->least)
            return; /* the others are smaller */
        e->left -= !over;
        if (!over)
            e->visit(e->arg, i, level);
        visit_below(e, i, level + !over);
    }
}

void report_tree_each(const struct report_tree *t, size_t n, report_tree_visit *visit, void *arg)
{
    struct each e = {.t = t, .left = n, .visit = visit, .arg = arg};
    uint64_t *memory = mem_alloc(TREE_NODES * sizeof *memory);
    size_t count = 0;
    for (uint32_t i = 1; i < t->count; i++)
        if (t->nodes[i].used && !passed_over(t, i))
            memory[count++] = t->nodes[i].sums.memory;
    if (count)
        qsort(memory, count, sizeof *memory, by_number);
    e.least = count > n && n ? memory[count - n] : 0;
    mem_free(memory);
    visit_below(&e, 0, 0);
}

struct slice report_tree_prefix(const struct report_tree *t, uint32_t node, struct buf *to)
{
    uint32_t path[TREE_DEPTH];
    unsigned depth = 0;
    must(node < t->count && t->nodes[node].used && t->nodes[node].depth <= TREE_DEPTH);
    for (; node; node = t->nodes[node].parent)
        path[depth++] = node;
    buf_clear(to);
    while (depth--)
        buf_append(to, t->nodes[path[depth]].part, t->nodes[path[depth]].part_len);
    return buf_slice(to);
}

uint32_t report_tree_find(const struct report_tree *t, const struct report_tree *of, uint32_t node)
{
    uint32_t path[TREE_DEPTH], here = 0;
    unsigned depth = 0;
    must(node < of->count && of->nodes[node].depth <= TREE_DEPTH);
    for (; node; node = of->nodes[node].parent)
        path[depth++] = node;
    while (depth--) {
        const struct report_node *n = &of->nodes[path[depth]];
        here = find(t, here, n->part, n->part_len);
        if (here == NONE)
            return NONE;
    }
    return here;
}

/* ---- separators ---- */

void report_separators_add(struct report_separators *s, struct slice name)
{
    bool seen[128] = {false};
    s->names++;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < 128 && !seen[c])
            s->with[c]++;
        if (c < 128)
            seen[c] = true;
    }
}

void report_separators_find(const struct report_separators *s, char out[TREE_SEPARATORS + 1])
{
    size_t n = 0;
    for (const char *c = ":/|"; *c; c++)
        if (s->with[(unsigned char)*c] && s->with[(unsigned char)*c] * 5 >= s->names)
            out[n++] = *c;
    char best = ':';
    for (const char *c = ".-_#"; *c && !n; c++)
        if (s->with[(unsigned char)*c] > s->with[(unsigned char)best])
            best = *c;
    if (!n)
        out[n++] = best;
    out[n] = '\0';
}
