/* SPDX-License-Identifier: BSD-3-Clause */
/* A node is one block. The path to a node is the bytes on the way from the root: for each step the
 * byte that chooses the child, then the child's prefix.
 *
 *   header | children, ordered by their bytes | those bytes | prefix
 *
 * The root always exists and has no prefix. Any other node has a value or at least two children:
 * putting a key splits a prefix where it parts, removing one joins a node with its only child. So
 * there are fewer than twice as many nodes as keys.
 *
 * An iterator keeps the nodes from the root to where it stands, each with the child taken and the
 * length of the key up to and including its prefix. The tree must not change while it is used; seek
 * again after a change. Nothing recurses: a chain of keys each of which is a prefix of the next can
 * be as deep as there are keys. */
#include "containers/radix.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

struct node {
    void *value;
    uint32_t prefix_len;
    uint16_t count; /* children */
    bool has_value;
    struct node *child[];
};

struct radix {
    struct node *root;
    size_t count, bytes;
};

struct step {
    const struct node *node;
    size_t key_len;
    unsigned taken; /* child that the next step stands on; unused in the last step */
};

/* ---- nodes ---- */

static size_t node_size(size_t count, size_t prefix_len)
{
    return sizeof(struct node) + count * (sizeof(struct node *) + 1) + prefix_len;
}

static inline uint8_t *bytes_of(const struct node *n)
{
    return (uint8_t *)(uintptr_t)&n->child[n->count];
}

static inline uint8_t *prefix_of(const struct node *n)
{
    return bytes_of(n) + n->count;
}

static struct node *node_new(struct radix *r, const struct node *like, size_t count,
                             const uint8_t *prefix, size_t prefix_len)
{
    must(prefix_len <= UINT32_MAX && count <= 256);
    size_t size = node_size(count, prefix_len);
    struct node *n = mem_alloc(size);
    r->bytes += size;
    n->value = like ? like->value : NULL;
    n->has_value = like && like->has_value;
    n->prefix_len = (uint32_t)prefix_len;
    n->count = (uint16_t)count;
    if (prefix_len)
        memcpy(prefix_of(n), prefix, prefix_len);
    return n;
}

static void node_drop(struct radix *r, struct node *n)
{
    size_t size = node_size(n->count, n->prefix_len);
    must(r->bytes >= size);
    r->bytes -= size;
    mem_free_sized(n, size);
}

/* The first child whose byte is >= byte. */
static inline unsigned lower_child(const struct node *n, uint8_t byte)
{
    const uint8_t *bytes = bytes_of(n);
    unsigned low = 0, high = n->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (bytes[middle] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline bool child_at(const struct node *n, unsigned i, uint8_t byte)
{
    return i < n->count && bytes_of(n)[i] == byte;
}

static void copy_children(struct node *to, unsigned to_at, const struct node *from,
                          unsigned from_at, unsigned n)
{
    if (!n)
        return;
    memcpy(&to->child[to_at], &from->child[from_at], n * sizeof *to->child);
    memcpy(bytes_of(to) + to_at, bytes_of(from) + from_at, n);
}

static void add_child(struct radix *r, struct node **link, uint8_t byte, struct node *child)
{
    struct node *old = *link;
    unsigned at = lower_child(old, byte);
    must(!child_at(old, at, byte));
    struct node *n = node_new(r, old, old->count + 1u, prefix_of(old), old->prefix_len);
    copy_children(n, 0, old, 0, at);
    n->child[at] = child;
    bytes_of(n)[at] = byte;
    copy_children(n, at + 1, old, at, old->count - at);
    node_drop(r, old);
    *link = n;
}

static void remove_child(struct radix *r, struct node **link, unsigned at)
{
    struct node *old = *link;
    must(at < old->count);
    struct node *n = node_new(r, old, old->count - 1u, prefix_of(old), old->prefix_len);
    copy_children(n, 0, old, 0, at);
    copy_children(n, at, old, at + 1, old->count - at - 1u);
    node_drop(r, old);
    *link = n;
}

/* Puts a node that ends after keep bytes of the prefix above the node at *link. */
static void split(struct radix *r, struct node **link, size_t keep)
{
    struct node *old = *link;
    const uint8_t *prefix = prefix_of(old);
    must(keep < old->prefix_len);
    struct node *above = node_new(r, NULL, 1, prefix, keep);
    size_t rest = old->prefix_len - keep - 1;
    struct node *below = node_new(r, old, old->count, prefix + keep + 1, rest);
    copy_children(below, 0, old, 0, old->count);
    above->child[0] = below;
    bytes_of(above)[0] = prefix[keep];
    node_drop(r, old);
    *link = above;
}

/* The node at *link has no value and one child: makes one of the two. */
static void join(struct radix *r, struct node **link)
{
    struct node *above = *link, *below = above->child[0];
    size_t len = above->prefix_len + 1 + (size_t)below->prefix_len;
    must(!above->has_value && above->count == 1);
    struct node *n = node_new(r, below, below->count, NULL, 0);
    r->bytes += len;
    n = mem_realloc(n, node_size(below->count, len));
    n->prefix_len = (uint32_t)len;
    uint8_t *to = prefix_of(n);
    memcpy(to, prefix_of(above), above->prefix_len);
    to[above->prefix_len] = bytes_of(above)[0];
    memcpy(to + above->prefix_len + 1, prefix_of(below), below->prefix_len);
    copy_children(n, 0, below, 0, below->count);
    node_drop(r, above);
    node_drop(r, below);
    *link = n;
}

static size_t common(const struct node *n, struct slice key)
{
    size_t most = n->prefix_len < key.len ? n->prefix_len : key.len, i = 0;
    const uint8_t *prefix = prefix_of(n);
    while (i < most && prefix[i] == (uint8_t)key.data[i])
        i++;
    return i;
}

/* ---- the tree ---- */

struct radix *radix_new(void)
{
    struct radix *r = mem_zalloc(sizeof *r);
    r->bytes = sizeof *r;
    r->root = node_new(r, NULL, 0, NULL, 0);
    return r;
}

void radix_free(struct radix *r, void (*free_value)(void *value))
{
    struct buf todo = {0};
    size_t values = 0;
    buf_append(&todo, &r->root, sizeof r->root);
    while (todo.len) {
        struct node *n;
        todo.len -= sizeof n;
        memcpy(&n, todo.data + todo.len, sizeof n);
        buf_append(&todo, n->child, n->count * sizeof n);
        values += n->has_value;
        if (n->has_value && free_value)
            free_value(n->value);
        node_drop(r, n);
    }
    must(values == r->count && r->bytes == sizeof *r);
    buf_free(&todo);
    mem_free(r);
}

size_t radix_count(const struct radix *r)
{
    return r->count;
}

size_t radix_memory(const struct radix *r)
{
    return r->bytes;
}

static bool set_value(struct radix *r, struct node *n, void *value, void **old)
{
    bool is_new = !n->has_value;
    if (!is_new && old)
        *old = n->value;
    n->has_value = true;
    n->value = value;
    r->count += is_new;
    return is_new;
}

bool radix_put(struct radix *r, struct slice key, void *value, void **old)
{
    struct node **link = &r->root;
    for (;;) {
        size_t same = common(*link, key);
        if (same < (*link)->prefix_len)
            split(r, link, same);
        if (same == key.len)
            return set_value(r, *link, value, old);
        uint8_t byte = (uint8_t)key.data[same];
        key = slice_from(key, same + 1);
        unsigned at = lower_child(*link, byte);
        if (!child_at(*link, at, byte)) {
            struct node *leaf = node_new(r, NULL, 0, (const uint8_t *)key.data, key.len);
            add_child(r, link, byte, leaf);
            return set_value(r, leaf, value, old);
        }
        link = &(*link)->child[at];
    }
}

bool radix_get(const struct radix *r, struct slice key, void **value)
{
    const struct node *n = r->root;
    for (;;) {
        if (common(n, key) < n->prefix_len)
            return false;
        key = slice_from(key, n->prefix_len);
        if (key.len == 0)
            break;
        uint8_t byte = (uint8_t)key.data[0];
        unsigned at = lower_child(n, byte);
        if (!child_at(n, at, byte))
            return false;
        key = slice_from(key, 1);
        n = n->child[at];
    }
    if (n->has_value && value)
        *value = n->value;
    return n->has_value;
}

void radix_each_prefix(const struct radix *r, struct slice text, radix_visit *visit, void *arg)
{
    struct slice rest = text;
    for (const struct node *n = r->root; common(n, rest) == n->prefix_len;) {
        rest = slice_from(rest, n->prefix_len);
        if (n->has_value && !visit(arg, slice(text.data, text.len - rest.len), n->value))
            return;
        if (rest.len == 0)
            return;
        uint8_t byte = (uint8_t)rest.data[0];
        unsigned at = lower_child(n, byte);
        if (!child_at(n, at, byte))
            return;
        rest = slice_from(rest, 1);
        n = n->child[at];
    }
}

bool radix_remove(struct radix *r, struct slice key, void **old)
{
    struct node **link = &r->root, **parent = NULL;
    unsigned at = 0;
    for (;;) {
        if (common(*link, key) < (*link)->prefix_len)
            return false;
        key = slice_from(key, (*link)->prefix_len);
        if (key.len == 0)
            break;
        uint8_t byte = (uint8_t)key.data[0];
        at = lower_child(*link, byte);
        if (!child_at(*link, at, byte))
            return false;
        key = slice_from(key, 1);
        parent = link;
        link = &(*link)->child[at];
    }
    struct node *n = *link;
    if (!n->has_value)
        return false;
    if (old)
        *old = n->value;
    must(r->count > 0);
    n->has_value = false;
    r->count--;
    if (parent && n->count == 0) {
        remove_child(r, parent, at);
        node_drop(r, n);
        link = parent;
    }
    if (link != &r->root && !(*link)->has_value && (*link)->count == 1)
        join(r, link);
    return true;
}

/* ---- iterating ---- */

static struct step *top(const struct radix_iter *it)
{
    must(it->path.len);
    return (struct step *)(void *)(it->path.data + it->path.len) - 1;
}

static void push(struct radix_iter *it, const struct node *n)
{
    buf_append(&it->key, prefix_of(n), n->prefix_len);
    struct step s = {.node = n, .key_len = it->key.len};
    buf_append(&it->path, &s, sizeof s);
}

static void push_child(struct radix_iter *it, unsigned at)
{
    struct step *s = top(it);
    const struct node *n = s->node;
    must(at < n->count);
    s->taken = at;
    buf_byte(&it->key, bytes_of(n)[at]);
    push(it, n->child[at]);
}

static void start(struct radix_iter *it)
{
    it->valid = false;
    it->value = NULL;
    buf_clear(&it->key);
    buf_clear(&it->path);
    push(it, it->radix->root);
}

static bool stand(struct radix_iter *it)
{
    must(top(it)->node->has_value);
    it->value = top(it)->node->value;
    return it->valid = true;
}

static bool nowhere(struct radix_iter *it)
{
    it->value = NULL;
    return it->valid = false;
}

/* Drops the last step; false when that was the root. */
static bool pop(struct radix_iter *it)
{
    must(it->path.len >= sizeof(struct step));
    it->path.len -= sizeof(struct step);
    if (it->path.len == 0)
        return false;
    it->key.len = top(it)->key_len;
    return true;
}

/* To the least key at or below the last step. */
static bool go_least(struct radix_iter *it)
{
    while (!top(it)->node->has_value) {
        if (top(it)->node->count == 0) {
            must(top(it)->node == it->radix->root);
            return nowhere(it);
        }
        push_child(it, 0);
    }
    return stand(it);
}

static bool go_greatest(struct radix_iter *it)
{
    while (top(it)->node->count)
        push_child(it, top(it)->node->count - 1u);
    return top(it)->node->has_value ? stand(it) : nowhere(it);
}

/* To the least key above all at and below the last step. */
static bool go_after(struct radix_iter *it)
{
    while (pop(it))
        if (top(it)->taken + 1 < top(it)->node->count) {
            push_child(it, top(it)->taken + 1);
            return go_least(it);
        }
    return nowhere(it);
}

/* To the greatest key below all at and below the last step. */
static bool go_before(struct radix_iter *it)
{
    while (pop(it)) {
        if (top(it)->taken > 0) {
            push_child(it, top(it)->taken - 1);
            return go_greatest(it);
        }
        if (top(it)->node->has_value)
            return stand(it);
    }
    return nowhere(it);
}

void radix_iter_init(struct radix_iter *it, const struct radix *r)
{
    *it = (struct radix_iter){.radix = r};
}

void radix_iter_free(struct radix_iter *it)
{
    buf_free(&it->key);
    buf_free(&it->path);
    it->valid = false;
}

static bool seek(struct radix_iter *it, struct slice key, bool le)
{
    start(it);
    for (;;) {
        const struct node *n = top(it)->node;
        size_t same = common(n, key);
        if (same < n->prefix_len) {
            bool is_above = same == key.len || (uint8_t)key.data[same] < prefix_of(n)[same];
            if (le)
                return is_above ? go_before(it) : go_greatest(it);
            return is_above ? go_least(it) : go_after(it);
        }
        if (same == key.len) {
            if (n->has_value)
                return stand(it);
            return le ? go_before(it) : go_least(it);
        }
        uint8_t byte = (uint8_t)key.data[same];
        unsigned at = lower_child(n, byte);
        if (child_at(n, at, byte)) {
            key = slice_from(key, same + 1);
            push_child(it, at);
            continue;
        }
        if (!le) {
            if (at == n->count)
                return go_after(it);
            push_child(it, at);
            return go_least(it);
        }
        if (at > 0) {
            push_child(it, at - 1);
            return go_greatest(it);
        }
        return n->has_value ? stand(it) : go_before(it);
    }
}

/* Seeks, and tells whether key itself was found. It may be the iterator's own. */
static bool seek_any(struct radix_iter *it, struct slice key, bool le)
{
    struct buf own = it->key;
    bool is_own = own.data && key.data >= own.data && key.data <= own.data + own.cap;
    if (is_own)
        it->key = (struct buf){0};
    bool exact = seek(it, key, le) && slice_eq(buf_slice(&it->key), key);
    if (is_own)
        buf_free(&own);
    return exact;
}

bool radix_seek(struct radix_iter *it, struct slice key, bool le)
{
    seek_any(it, key, le);
    return it->valid;
}

bool radix_seek_after(struct radix_iter *it, struct slice key)
{
    return seek_any(it, key, false) ? radix_next(it) : it->valid;
}

bool radix_seek_before(struct radix_iter *it, struct slice key)
{
    return seek_any(it, key, true) ? radix_prev(it) : it->valid;
}

bool radix_first(struct radix_iter *it)
{
    start(it);
    return go_least(it);
}

bool radix_last(struct radix_iter *it)
{
    start(it);
    return go_greatest(it);
}

bool radix_next(struct radix_iter *it)
{
    if (!it->valid)
        return false;
    if (top(it)->node->count) {
        push_child(it, 0);
        return go_least(it);
    }
    return go_after(it);
}

bool radix_prev(struct radix_iter *it)
{
    return it->valid && go_before(it);
}
