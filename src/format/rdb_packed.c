/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that lie in the file as one block: listpack, intset, and the older ziplist and zipmap,
 * which become listpacks here. Each block is walked whole before a byte of it is handed on:
 *
 *   block -> well-formed? -> (old form: into a listpack) -> the rules of its type -> event
 *
 * A sorted set's block that is not in order is handed on member by member: whoever takes the
 * members puts them in order. Quicklists are a sequence of such blocks. */
#include <inttypes.h>
#include <math.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "containers/intset.h"
#include "containers/legacy.h"
#include "containers/listpack.h"
#include "format/rdb_parts.h"
#include "format/score.h"

static void refuse(struct rdb_reader *r, const char *why)
{
    in_fail(r->in, FAULT_FORMAT, "%s", why);
}

/* ---- old forms ---- */

static bool append_element(void *arg, struct slice element)
{
    uint8_t **lp = arg;
    if (!lp_fits(*lp, element.len))
        return false;
    *lp = lp_append(*lp, element);
    return true;
}

typedef bool old_walk(struct slice, legacy_visit *, void *, size_t *, const char **);

/* A block of the allocator's, or NULL after a fault. */
static uint8_t *convert(struct rdb_reader *r, struct slice blob, old_walk *walk, size_t *count)
{
    const char *why = "";
    if (in_bad(r->in))
        return NULL;
    uint8_t *lp = lp_new();
    if (walk(blob, append_element, &lp, count, &why))
        return lp;
    refuse(r, why);
    mem_free(lp);
    return NULL;
}

/* ---- the rules ---- */

static bool pairs_ok(struct rdb_reader *r, const uint8_t *lp, size_t count)
{
    if (count % 2)
        refuse(r, "Odd number of elements in a packed hash or zset");
    else if (!distinct_listpack(&r->distinct, lp, count, 2))
        refuse(r, "Duplicate field or member in a packed hash or zset");
    return !in_bad(r->in);
}

/* Every score a number; *sorted: by (score, member). */
static bool scores_ok(struct rdb_reader *r, const uint8_t *lp, bool *sorted)
{
    char scratch[2][NUM_I64_TEXT];
    double before = -INFINITY;
    size_t member_before = 0;
    *sorted = true;
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at)) {
        size_t member = at;
        double score;
        at = lp_next(lp, at);
        if (!score_at(lp, at, &score) || isnan(score)) {
            refuse(r, "Zset score is not a number");
            return false;
        }
        if (member_before && score <= before &&
            (score < before || slice_cmp(lp_get(lp, member_before, scratch[0]),
                                         lp_get(lp, member, scratch[1])) >= 0))
            *sorted = false;
        before = score;
        member_before = member;
    }
    return true;
}

/* Triples with expiry: ascending, those without one last. */
static bool triples_ok(struct rdb_reader *r, const uint8_t *lp, size_t count)
{
    if (count % 3 || !distinct_listpack(&r->distinct, lp, count, 3)) {
        refuse(r, count % 3 ? "Hash with field expiry: not a multiple of three elements"
                            : "Duplicate field in a packed hash");
        return false;
    }
    int64_t before = 0, expire;
    bool none_seen = false;
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at)) {
        struct slice text;
        at = lp_next(lp, lp_next(lp, at));
        bool number = lp_get_int(lp, at, &expire, &text);
        if (!number || expire < 0 || (uint64_t)expire > RDB_FIELD_EXPIRE_MAX ||
            (expire && (none_seen || expire < before))) {
            refuse(r, "Invalid or unsorted expiration time of a hash field");
            return false;
        }
        none_seen = none_seen || expire == 0;
        before = expire;
    }
    return true;
}

/* ---- handing on ---- */

static void hand_hash(struct rdb_reader *r, const uint8_t *lp, size_t count)
{
    if (!pairs_ok(r, lp, count))
        return;
    must(count > 0 && count % 2 == 0);
    rdb_begin(r, VALUE_HASH, count / 2, 0);
    rdb_packed(r, PACK_HASH, lp_blob(lp));
}

static void hand_zset(struct rdb_reader *r, const uint8_t *lp, size_t count)
{
    bool sorted;
    if (!pairs_ok(r, lp, count) || !scores_ok(r, lp, &sorted))
        return;
    must(count > 0 && count % 2 == 0);
    rdb_begin(r, VALUE_ZSET, count / 2, 0);
    if (sorted)
        rdb_packed(r, PACK_ZSET, lp_blob(lp));
    else
        rdb_unpacked(r, PACK_ZSET, lp_blob(lp));
}

static void hand_set(struct rdb_reader *r, const uint8_t *lp, size_t count)
{
    if (!distinct_listpack(&r->distinct, lp, count, 1)) {
        refuse(r, "Duplicate member in a packed set");
        return;
    }
    rdb_begin(r, VALUE_SET, count, 0);
    rdb_packed(r, PACK_SET, lp_blob(lp));
}

static void hand_hash_ttl(struct rdb_reader *r, const uint8_t *lp, size_t count)
{
    if (!triples_ok(r, lp, count))
        return;
    must(count > 0 && count % 3 == 0);
    rdb_begin(r, VALUE_HASH, count / 3, 0);
    rdb_packed(r, PACK_HASH_TTL, lp_blob(lp));
}

static void hand_listpack(struct rdb_reader *r, enum rdb_type type, const uint8_t *lp, size_t count)
{
    if (count == 0) {
        rdb_empty(r);
        return;
    }
    switch (type) {
    case RDB_LIST_ZIPLIST:
        rdb_begin(r, VALUE_LIST, count, 1);
        rdb_packed(r, PACK_LIST, lp_blob(lp));
        break;
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
        hand_hash(r, lp, count);
        break;
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK:
        hand_zset(r, lp, count);
        break;
    case RDB_SET_LISTPACK:
        hand_set(r, lp, count);
        break;
    default:
        must(type == RDB_HASH_TTL_PACK || type == RDB_HASH_TTL_PACK_OLD);
        hand_hash_ttl(r, lp, count);
        break;
    }
}

static void read_intset(struct rdb_reader *r)
{
    const char *why = "";
    rdb_stored_as(r, RDB_STORED_BLOCK);
    struct slice blob = rdb_str(r, &r->packed);
    if (in_bad(r->in))
        return;
    if (!intset_validate(blob, &why)) {
        refuse(r, why);
        return;
    }
    must(intset_count((const uint8_t *)blob.data) > 0); /* 0 would be: not known */
    rdb_begin(r, VALUE_SET, intset_count((const uint8_t *)blob.data), 0);
    rdb_packed(r, PACK_INTSET, blob);
}

static void read_old(struct rdb_reader *r, enum rdb_type type)
{
    enum { ZIPMAP_NO_COUNT = 255 };
    size_t count = 0;
    rdb_stored_as(r, RDB_STORED_BLOCK);
    struct slice blob = rdb_str(r, &r->packed);
    bool zipmap = type == RDB_HASH_ZIPMAP;
    uint8_t *lp = convert(r, blob, zipmap ? zipmap_walk : ziplist_walk, &count);
    if (lp && zipmap && (count == 0 || (uint8_t)blob.data[0] == ZIPMAP_NO_COUNT))
        refuse(r, count ? "Zipmap with a count no writer puts" : "Empty zipmap");
    else if (lp)
        hand_listpack(r, type, lp, count);
    mem_free(lp);
}

static void read_listpack(struct rdb_reader *r, enum rdb_type type)
{
    const char *why = "";
    size_t count = 0;
    if (type == RDB_HASH_TTL_PACK && in_le64(r->in) > RDB_FIELD_EXPIRE_MAX)
        refuse(r, "Invalid lowest expiration time of a hash");
    rdb_stored_as(r, RDB_STORED_BLOCK);
    struct slice blob = rdb_str(r, &r->packed);
    if (in_bad(r->in))
        return;
    if (lp_validate(blob, &count, &why))
        hand_listpack(r, type, (const uint8_t *)blob.data, count);
    else
        refuse(r, why);
}

void rdb_packed_value(struct rdb_reader *r, enum rdb_type type)
{
    must(!r->begun);
    switch (type) {
    case RDB_SET_INTSET:
        read_intset(r);
        break;
    case RDB_HASH_ZIPMAP:
    case RDB_LIST_ZIPLIST:
    case RDB_ZSET_ZIPLIST:
    case RDB_HASH_ZIPLIST:
        read_old(r, type);
        break;
    default:
        read_listpack(r, type);
        break;
    }
}

/* ---- quicklists ---- */

/* One node of a list that has nodes of them. A lone node tells the element count. */
static void hand_node(struct rdb_reader *r, const uint8_t *lp, size_t count, uint64_t nodes)
{
    if (count == 0)
        return;
    must(nodes > 1 || !r->begun);
    rdb_begin(r, VALUE_LIST, nodes == 1 ? count : 0, nodes == 1);
    rdb_packed(r, PACK_LIST, lp_blob(lp));
}

static void read_old_node(struct rdb_reader *r, uint64_t nodes)
{
    size_t count = 0;
    rdb_stored_as(r, RDB_STORED_BLOCK);
    uint8_t *lp = convert(r, rdb_str(r, &r->packed), ziplist_walk, &count);
    if (lp)
        hand_node(r, lp, count, nodes);
    mem_free(lp);
}

static void read_node(struct rdb_reader *r, uint64_t nodes)
{
    const char *why = "";
    size_t count = 0;
    uint64_t container = rdb_len(r);
    rdb_stored_as(r, container == RDB_NODE_PLAIN ? RDB_STORED_TEXT : RDB_STORED_BLOCK);
    struct slice blob = rdb_str(r, &r->packed);
    if (in_bad(r->in))
        return;
    if (container == RDB_NODE_PLAIN && blob.len) {
        rdb_begin(r, VALUE_LIST, nodes == 1, nodes == 1);
        rdb_item(r, blob);
    } else if (container != RDB_NODE_PACKED) {
        refuse(r, "Invalid quicklist node");
    } else if (lp_validate(blob, &count, &why)) {
        hand_node(r, (const uint8_t *)blob.data, count, nodes);
    } else {
        refuse(r, why);
    }
}

void rdb_quicklist(struct rdb_reader *r, bool second)
{
    uint64_t nodes = rdb_count(r, second ? 2 : 1, "quicklist nodes");
    for (uint64_t i = 0; i < nodes && !in_bad(r->in); i++) {
        if (second)
            read_node(r, nodes);
        else
            read_old_node(r, nodes);
    }
    if (!r->begun)
        rdb_empty(r);
}
