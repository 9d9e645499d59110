/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef STORE_VALUE_LIMITS_H
#define STORE_VALUE_LIMITS_H

#include <stdint.h>

/* The thresholds of packed encodings and what else the values need; filled by configuration. */
struct value_limits {
    uint64_t hash_listpack_entries, hash_listpack_value;
    uint64_t set_intset_entries, set_listpack_entries, set_listpack_value;
    uint64_t zset_listpack_entries, zset_listpack_value;
    int64_t list_listpack_size;
    uint64_t list_compress_depth;
    uint64_t list_plain_from; /* bytes of an element (containers/quicklist.h); 0: not set */
    uint64_t hll_sparse_max; /* bytes of a sketch (containers/hll.h) before it is made dense */
    uint64_t stream_node_bytes, stream_node_entries; /* 0: no limit */
    uint64_t string_max; /* proto-max-bulk-len: the longest string a command may make */
};

#endif
