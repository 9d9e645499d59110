/* SPDX-License-Identifier: BSD-3-Clause */
/* Prefixes of key names, found while names come: "user:17:cart" counts for "user:", "user:*:" and
 * "user:*:cart", as a part that is a number, or looks like an id, is any, and what stands behind
 * one tells kinds apart. What is counted for a prefix is counted for those it begins with.
 *
 *   report_tree_init(&t);
 *   report_tree_separators(&t, ":/");            or report_separators_find, of a sample of names
 *   report_tree_add(&t, name, &sums);
 *   report_tree_order(&t);                       then t.nodes[i]: children by memory, largest first
 *   report_tree_free(&t);
 *
 * Bounded: of so many prefixes that TREE_NODES are not enough, those of the least memory that have
 * no others below them are dropped, half of them at once; what they counted stays counted in
 * the prefixes above. One that comes again counts from then on: node.from_later says that it may
 * have lost some before. Memory: 8 MiB. */
#ifndef TOOLS_REPORT_TREE_H
#define TOOLS_REPORT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { TREE_NODES = 32768, TREE_DEPTH = 6, TREE_PART = 64, TREE_SEPARATORS = 8 };

struct report_sums {
    uint64_t keys, elements, bytes, memory;
    uint64_t expiring;
    uint64_t small_strings, small_bytes; /* that would be smaller as fields; of name and value */
    uint64_t small_memory;
};

struct report_node {
    struct report_sums sums;
    uint32_t parent, children;
    uint32_t next_hash;   /* in its chain; 0: the end */
    uint32_t first, next; /* child, sibling; after report_tree_order */
    uint32_t hash;
    uint8_t depth, part_len;
    bool from_later, used;
    char part[TREE_PART]; /* with its separator */
};
struct report_tree {
    struct report_node *nodes; /* [0]: all keys */
    uint32_t *chains;
    uint32_t count, free;      /* free: a chain of unused nodes */
    char separators[TREE_SEPARATORS + 1];
    uint64_t dropped;          /* prefixes */
};

void report_tree_init(struct report_tree *t);
void report_tree_free(struct report_tree *t);
void report_tree_separators(struct report_tree *t, const char *separators);
void report_tree_add(struct report_tree *t, struct slice name, const struct report_sums *sums);
void report_tree_order(struct report_tree *t);
/* The n prefixes of most memory, each behind the one it lies in, siblings by memory. One that has
 * all its keys in a single longer one is passed over. level: how many of those given it lies in. */
typedef void report_tree_visit(void *arg, uint32_t node, unsigned level);
void report_tree_each(const struct report_tree *t, size_t n, report_tree_visit *visit, void *arg);
/* The whole prefix, into to (cleared). */
struct slice report_tree_prefix(const struct report_tree *t, uint32_t node, struct buf *to);
/* The node of such a prefix in another tree; 0: there is none. */
uint32_t report_tree_find(const struct report_tree *t, const struct report_tree *of, uint32_t node);

/* Which characters separate parts of names? Of : / | those that a fifth of the names have; if none
 * has, of . - _ # the most frequent one. */
struct report_separators {
    uint64_t names, with[128];
};
void report_separators_add(struct report_separators *s, struct slice name);
void report_separators_find(const struct report_separators *s, char out[TREE_SEPARATORS + 1]);

#endif
