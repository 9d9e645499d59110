/* SPDX-License-Identifier: BSD-3-Clause */
/* Values that are written element by element, and the dispatch by type number.
 *
 *   0 string   str
 *   1 list     n str...                2 set    n str...
 *   3 zset     n (str text-double)...  5 zset   n (str double)...
 *   4 hash     n (str str)...
 *   22 hash    n (len-expiry str str)...                  Redis before 7.4
 *   24 hash    u64-min n (len-t str str)...               expiry = min + t - 1; t 0: none
 *   22 hash    n (str str i64-expiry)...                  Valkey: -1 none
 *
 * An element's first string is copied aside before the second is read, because reading may move
 * the window; the second and lone ones are handed on from where they lie. */
#include <inttypes.h>
#include <math.h>

#include "base/hash.h"
#include "base/must.h"
#include "format/rdb_parts.h"
#include "format/rdb_read.h"
#include "format/score.h"

/* The consumer finds duplicates itself, unless it did not want this value. */
static bool trusted(const struct rdb_reader *r)
{
    return r->opt.trust_distinct && (rdb_wanted(r) || !r->sink);
}

/* From here on it is another who searches, from the value's first element on. */
static void begin_search(struct rdb_reader *r)
{
    const struct rdb_search *search = r->opt.search;
    must(r->searched == RDB_SEARCH_NONE);
    r->searched = RDB_SEARCH_OPEN;
    search->begin(search->arg);
    for (size_t i = 0; i < r->distinct.size; i++)
        if (r->distinct.slots[i])
            search->add(search->arg, r->distinct.slots[i]);
    distinct_free(&r->distinct);
}

/* Refuses an element that the value has already. */
static void check_new(struct rdb_reader *r, struct slice element, const char *what)
{
    if (trusted(r))
        return;
    uint64_t hash = hash_fixed64(element.data, element.len, r->seed);
    bool full = r->opt.distinct_max && r->distinct.used >= r->opt.distinct_max;
    if (full && r->opt.search)
        begin_search(r);
    if (r->searched == RDB_SEARCH_OPEN) {
        r->opt.search->add(r->opt.search->arg, hash + (hash == 0));
    } else if (full) {
        if (r->distinct.used++ == r->opt.distinct_max)
            rdb_note(r, "A value has more than %" PRIu64 " elements: those behind them were not "
                     "searched for duplicates", r->opt.distinct_max);
    } else if (!distinct_add(&r->distinct, hash)) {
        in_fail(r->in, FAULT_FORMAT, "Duplicate %s", what);
    }
}

bool rdb_elements_distinct(struct rdb_reader *r)
{
    const struct rdb_search *search = r->opt.search;
    if (r->searched == RDB_SEARCH_OPEN)
        r->searched = search->distinct(search->arg) ? RDB_SEARCH_DISTINCT : RDB_SEARCH_TWICE;
    return r->searched != RDB_SEARCH_TWICE;
}

/* The element count; 0 also on a fault. Begins the value. */
static uint64_t begin_counted(struct rdb_reader *r, enum value_type type, unsigned min_bytes,
                              const char *what)
{
    uint64_t n = rdb_count(r, min_bytes, what);
    if (n == 0)
        rdb_empty(r);
    else
        rdb_begin(r, type, n, 0);
    must(n == 0 || r->begun || in_bad(r->in));
    if (!trusted(r))
        distinct_start(&r->distinct, n);
    return n;
}

static void read_string(struct rdb_reader *r)
{
    if (rdb_long_string(r))
        return;
    struct slice value = rdb_str(r, &r->first);
    rdb_begin(r, VALUE_STRING, 1, 0);
    rdb_item(r, value);
}

static void read_list(struct rdb_reader *r)
{
    uint64_t n = begin_counted(r, VALUE_LIST, 1, "list elements");
    for (; n > 0 && !in_bad(r->in); n--)
        rdb_item(r, rdb_str(r, &r->first));
}

static void read_set(struct rdb_reader *r)
{
    uint64_t n = begin_counted(r, VALUE_SET, 1, "set members");
    for (; n > 0 && !in_bad(r->in); n--) {
        struct slice member = rdb_str(r, &r->first);
        check_new(r, member, "set member");
        rdb_item(r, member);
    }
}

static double text_double(struct rdb_reader *r)
{
    enum { TEXT_NAN = 253, TEXT_INF = 254, TEXT_MINUS_INF = 255 };
    uint8_t len = in_byte(r->in);
    if (len == TEXT_INF || len == TEXT_MINUS_INF)
        return len == TEXT_INF ? INFINITY : -INFINITY;
    double score = 0;
    if (len == TEXT_NAN)
        in_fail(r->in, FAULT_FORMAT, "Zset with NAN score detected");
    else if (!score_parse(in_slice(r->in, len, &r->second), &score))
        in_fail(r->in, FAULT_FORMAT, "Zset score is not a number");
    return score;
}

static double binary_double(struct rdb_reader *r)
{
    double score = in_le_double(r->in);
    if (isnan(score))
        in_fail(r->in, FAULT_FORMAT, "Zset with NAN score detected");
    return score;
}

static void read_zset(struct rdb_reader *r, bool text)
{
    enum { TEXT_MIN = 2, BINARY_MIN = 9 };
    uint64_t n = begin_counted(r, VALUE_ZSET, text ? TEXT_MIN : BINARY_MIN, "zset members");
    for (; n > 0 && !in_bad(r->in); n--) {
        struct slice member = rdb_str_kept(r, &r->first);
        check_new(r, member, "zset member");
        double score = text ? text_double(r) : binary_double(r);
        rdb_score(r, member, score);
    }
}

static void read_hash(struct rdb_reader *r)
{
    uint64_t n = begin_counted(r, VALUE_HASH, 2, "hash fields");
    for (; n > 0 && !in_bad(r->in); n--) {
        struct slice field = rdb_str_kept(r, &r->first);
        check_new(r, field, "hash field");
        rdb_pair(r, field, rdb_str(r, &r->second), KEY_NO_EXPIRE);
    }
}

/* One stored expiry: base 0 and min false for absolute ones. */
static int64_t field_expire(struct rdb_reader *r, uint64_t min, bool relative)
{
    uint64_t stored = rdb_len(r);
    if (stored == 0)
        return KEY_NO_EXPIRE;
    if (stored > RDB_FIELD_EXPIRE_MAX || (relative && min + stored - 1 > RDB_FIELD_EXPIRE_MAX)) {
        in_fail(r->in, FAULT_FORMAT, "Invalid expiration time of a hash field");
        return KEY_NO_EXPIRE;
    }
    return (int64_t)(relative ? min + stored - 1 : stored);
}

static void read_hash_ttl(struct rdb_reader *r, bool relative)
{
    enum { TRIPLE_MIN = 3 };
    uint64_t min = relative ? in_le64(r->in) : 0;
    if (min > RDB_FIELD_EXPIRE_MAX)
        in_fail(r->in, FAULT_FORMAT, "Invalid lowest expiration time of a hash");
    uint64_t n = begin_counted(r, VALUE_HASH, TRIPLE_MIN, "hash fields");
    for (; n > 0 && !in_bad(r->in); n--) {
        int64_t expire = field_expire(r, min, relative);
        struct slice field = rdb_str_kept(r, &r->first);
        check_new(r, field, "hash field");
        rdb_pair(r, field, rdb_str(r, &r->second), expire);
    }
}

static void read_hash_valkey(struct rdb_reader *r)
{
    enum { TRIPLE_MIN = 10 };
    uint64_t n = begin_counted(r, VALUE_HASH, TRIPLE_MIN, "hash fields");
    for (; n > 0 && !in_bad(r->in); n--) {
        struct slice field = rdb_str_kept(r, &r->first);
        check_new(r, field, "hash field");
        struct slice value = rdb_str_kept(r, &r->second);
        int64_t expire = (int64_t)in_le64(r->in);
        if (expire < KEY_NO_EXPIRE)
            in_fail(r->in, FAULT_FORMAT, "Invalid expiration time of a hash field");
        rdb_pair(r, field, value, expire);
    }
}

static void read_redis_only(struct rdb_reader *r, int type)
{
    switch (type) {
    case RDB_HASH_TTL_OLD:
        read_hash_ttl(r, false);
        break;
    case RDB_HASH_TTL_PACK_OLD:
    case RDB_HASH_TTL_PACK:
        rdb_packed_value(r, (enum rdb_type)type);
        break;
    case RDB_HASH_TTL:
        read_hash_ttl(r, true);
        break;
    case RDB_STREAM_4:
    case RDB_STREAM_5:
        rdb_stream(r, type);
        break;
    case RDB_ARRAY:
        rdb_array(r);
        break;
    case RDB_HASH_TEMPLATED_PACK:
    case RDB_HASH_TEMPLATED_PACK_REF:
    case RDB_HASH_TEMPLATED:
    case RDB_HASH_TEMPLATED_REF:
        rdb_templated(r, type);
        break;
    default:
        in_fail(r->in, FAULT_CANNOT_HOLD, "Values of type %d are not supported", type);
        break;
    }
}

static void read_valkey_only(struct rdb_reader *r, int type)
{
    if (type == RDB_VALKEY_HASH_TTL)
        read_hash_valkey(r);
    else
        in_fail(r->in, FAULT_CANNOT_HOLD, "Values of Valkey's type %d are not supported", type);
}

void rdb_value(struct rdb_reader *r, int type)
{
    must(!r->begun && !rdb_wanted(r));
    must(rdb_type_known(r, (uint8_t)type));
    switch (type) {
    case RDB_STRING:
        read_string(r);
        break;
    case RDB_LIST:
        read_list(r);
        break;
    case RDB_SET:
        read_set(r);
        break;
    case RDB_ZSET_TEXT:
    case RDB_ZSET:
        read_zset(r, type == RDB_ZSET_TEXT);
        break;
    case RDB_HASH:
        read_hash(r);
        break;
    case RDB_MODULE:
        rdb_module_value(r);
        break;
    case RDB_QUICKLIST:
    case RDB_QUICKLIST_2:
        rdb_quicklist(r, type == RDB_QUICKLIST_2);
        break;
    case RDB_STREAM_1:
    case RDB_STREAM_2:
    case RDB_STREAM_3:
        rdb_stream(r, type);
        break;
    default:
        if (type < RDB_HASH_TTL_OLD)
            rdb_packed_value(r, (enum rdb_type)type);
        else if (r->valkey)
            read_valkey_only(r, type);
        else
            read_redis_only(r, type);
        break;
    }
}
