/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays of Redis 8.8 (type 28): a sparse array of strings and numbers.
 *
 *   count, flag (0, 1), [1: insert index], count elements        count and index: len
 *   element  index, tag, value: 0 str | 1 i64le | 2 double | 3 a short string
 *
 * No server of ours holds them: they are checked and go on as one block, as modules do, with no
 * module's id. How a short string is laid out is not known, so one is refused. */
#include <inttypes.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/num.h"
#include "format/rdb_array.h"
#include "format/rdb_parts.h"

enum { TAG_STRING = 0, TAG_INT = 1, TAG_DOUBLE = 2, TAG_SHORT = 3, ELEMENT_MIN = 3 };
#define INDEX_RESERVED UINT64_MAX

static uint64_t read_index(struct rdb_reader *r)
{
    uint64_t index = rdb_len(r);
    if (index == INDEX_RESERVED)
        in_fail(r->in, FAULT_FORMAT, "An array with an index that is reserved");
    return index;
}

static struct slice read_element(struct rdb_reader *r, char text[NUM_DOUBLE_TEXT])
{
    uint64_t tag = rdb_len(r);
    switch (tag) {
    case TAG_STRING:
        return rdb_str(r, &r->first);
    case TAG_INT:
        return slice(text, num_format_i64(text, (int64_t)in_le64(r->in)));
    case TAG_DOUBLE:
        return slice(text, num_format_double(text, in_le_double(r->in)));
    case TAG_SHORT:
        in_fail(r->in, FAULT_CANNOT_HOLD, "Short strings in arrays (tag 3) are not supported");
        return slice("", 0);
    default:
        in_fail(r->in, FAULT_FORMAT, "An array's element with the unknown tag %" PRIu64, tag);
        return slice("", 0);
    }
}

/* The whole value; visit may be NULL. Ascending indexes are not promised by anyone: each index may
 * come once. */
static void read_array(struct rdb_reader *r, array_visit *visit, void *arg)
{
    char text[NUM_DOUBLE_TEXT];
    uint64_t count = rdb_count(r, ELEMENT_MIN, "array elements");
    uint64_t flag = rdb_len(r);
    if (count == 0)
        in_fail(r->in, FAULT_FORMAT, "An array without elements");
    if (flag > 1)
        in_fail(r->in, FAULT_FORMAT, "An array with the unknown flag %" PRIu64, flag);
    if (flag == 1)
        read_index(r);
    distinct_start(&r->distinct, count);
    for (; count > 0 && !in_bad(r->in); count--) {
        uint64_t index = read_index(r);
        uint8_t as_bytes[8];
        store_le64(as_bytes, index);
        if (!distinct_add(&r->distinct, hash_slice(slice(as_bytes, sizeof as_bytes))))
            in_fail(r->in, FAULT_FORMAT, "An array with the index %" PRIu64 " twice", index);
        struct slice value = read_element(r, text);
        if (visit && !in_bad(r->in))
            visit(arg, index, value);
    }
}

void rdb_array(struct rdb_reader *r)
{
    buf_clear(&r->second);
    in_tap_start(r->in, &r->second);
    read_array(r, NULL, NULL);
    in_tap_stop(r->in);
    if (in_bad(r->in))
        return;
    must(r->second.len > ELEMENT_MIN);
    rdb_begin(r, VALUE_MODULE, 0, 0);
    RDB_EVENT(r, opaque, RDB_ARRAY, 0, buf_slice(&r->second));
}

bool array_each(struct slice bytes, array_visit *visit, void *arg)
{
    struct in in;
    in_init_memory(&in, bytes);
    struct rdb_reader r = {.in = &in};
    read_array(&r, visit, arg);
    rdb_reader_free(&r);
    return !in_bad(&in) && in_at_end(&in);
}
