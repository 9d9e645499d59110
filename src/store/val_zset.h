/* SPDX-License-Identifier: BSD-3-Clause */
/* A sorted set value: a listpack (member, score, ascending) while small, then a table of the items
 * of a counted tree. Conventions as in val_hash.h. Order: score, then bytes of the member. */
#ifndef STORE_VAL_ZSET_H
#define STORE_VAL_ZSET_H

#include "containers/ranked.h"
#include "containers/table.h"
#include "store/value_ops.h"

struct zset { /* ENC_SKIPLIST; the table's items are those of the order */
    struct table members;
    struct ranked *order;
};

struct val zset_new(void);
void zset_expect(struct val *v, size_t count, const struct value_limits *limits);
void zset_unpack(struct val *v); /* as a table, however small it is */
void zset_pack(struct val *v, const struct value_limits *limits); /* where they allow that */

size_t zset_count(const struct val *v);
bool zset_score(const struct val *v, struct slice member, double *score);
/* Adds or moves. NaN must not come here. */
enum zset_change { ZSET_SAME, ZSET_MOVED, ZSET_ADDED };
enum zset_change zset_set(struct val *v, struct slice member, double score,
                          const struct value_limits *limits);
/* The same; true when new. */
bool zset_put(struct val *v, struct slice member, double score, const struct value_limits *limits);
bool zset_remove(struct val *v, struct slice member);
/* 0-based, from the low end (or the high end). False when absent. */
bool zset_rank(const struct val *v, struct slice member, bool reverse, size_t *rank, double *score);

/* Ranges as commands state them. */
struct zset_score_range {
    double min, max;
    bool min_open, max_open;
};
struct zset_lex_range {
    struct slice min, max;
    bool min_open, max_open;
    bool min_infinite, max_infinite; /* "-" and "+" */
    bool nothing;                    /* min "+" or max "-" */
};
/* Ranks [*first, *first + result) of what lies in the range; 0 when nothing does. */
size_t zset_score_span(const struct val *v, const struct zset_score_range *r, size_t *first);
size_t zset_lex_span(const struct val *v, const struct zset_lex_range *r, size_t *first);

/* From rank on (counted from the low end), upwards or downwards. */
struct zset_iter {
    const struct val *v;
    size_t at;
    struct ranked_walk walk;
    bool reverse;
    char scratch[NUM_I64_TEXT];
};
void zset_iter_init(struct zset_iter *it, const struct val *v, size_t rank, bool reverse);
/* Upwards from the first whose score is at least min: one search, where the rank costs another. */
void zset_iter_seek(struct zset_iter *it, const struct val *v, double min);
bool zset_iter_next(struct zset_iter *it, struct slice *member, double *score);
/* Removes ranks first .. first + count - 1. */
void zset_remove_ranks(struct val *v, size_t first, size_t count);
void zset_random(const struct val *v, struct slice *member, double *score,
                 char scratch[NUM_I64_TEXT]);
typedef void zset_visit(void *arg, struct slice member, double score);
uint64_t zset_scan(const struct val *v, uint64_t cursor, zset_visit *visit, void *arg);

void zset_free(struct val v);

extern const struct value_ops zset_ops;

#endif
