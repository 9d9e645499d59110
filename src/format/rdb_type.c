/* SPDX-License-Identifier: BSD-3-Clause */
/* The names check-rdb has for the type numbers. */
#include "format/rdb.h"

const char *rdb_type_name(int type)
{
    static const char *const names[] = {
        "string", "list-linked", "set-hashtable", "zset-v1", "hash-hashtable", "zset-v2",
        "module-pre-release", "module-value", "", "hash-zipmap", "list-ziplist", "set-intset",
        "zset-ziplist", "hash-ziplist", "quicklist", "stream", "hash-listpack", "zset-listpack",
        "quicklist-v2", "stream-v2", "set-listpack", "stream-v3", "hash-hashtable-md-pre-release",
        "hash-listpack-md-pre-release", "hash-hashtable-md", "hash-listpack-md", "stream-v4",
        "stream-v5", "array",
    };
    int known = (int)(sizeof names / sizeof *names);
    return type >= 0 && type < known ? names[type] : "";
}
