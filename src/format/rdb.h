/* SPDX-License-Identifier: BSD-3-Clause */
/* The RDB format: numbers that reader, writer and tools share, and the frame in short. Values are
 * drawn at the head of the files that read them (rdb_value.c, rdb_packed.c, rdb_stream.c ...).
 *
 *   file    magic records... 255 crc64le          no crc before version 5; stored 0 = not computed
 *   magic   "REDIS" + 4 digits, or "VALKEY" + 3 digits (versions >= 80)
 *   record  opcode and its payload, or a key: [attributes] type str value
 *   len     00xxxxxx | 01xxxxxx b (14 bits) | 80 u32be | 81 u64be | 11xxxxxx: a string form
 *   str     len bytes | c0 i8 | c1 i16le | c2 i32le | c3 len len lzf-bytes
 *   payload of DUMP: type value u16le-version crc64le-of-all-before
 *
 * Integrity (ours; older servers pass over all of it): AUX records with checksums of blocks and a
 * digest, and an index behind the end, drawn in rdb_block.h.
 *
 * Numbers 22, 23, 242, 243 mean different things in Redis and Valkey: the magic decides. */
#ifndef FORMAT_RDB_H
#define FORMAT_RDB_H

enum {
    RDB_VERSION_OURS = 11,       /* what we write when nothing else is asked for */
    RDB_VERSION_WRITE_MIN = 9,
    RDB_VERSION_REDIS_MAX = 15,  /* newest REDIS magic that is understood */
    RDB_VERSION_VALKEY_MIN = 80,
    RDB_VERSION_VALKEY_MAX = 81,
    RDB_VERSION_CRC = 5,         /* from here a CRC64 trailer */
    RDB_VERSION_AUX = 7,         /* from here AUX records */
    RDB_VERSION_FUNCTIONS = 10,  /* from here libraries of functions, in front of all keys */
    RDB_VERSION_TEMPLATES = 15,  /* Redis: from here hashes that share their fields */
    RDB_PAYLOAD_FOOTER = 10,
};

enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET_TEXT = 3,
    RDB_HASH = 4,
    RDB_ZSET = 5,
    RDB_MODULE_OLD = 6,
    RDB_MODULE = 7,
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_QUICKLIST = 14,
    RDB_STREAM_1 = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_QUICKLIST_2 = 18,
    RDB_STREAM_2 = 19,
    RDB_SET_LISTPACK = 20,
    RDB_STREAM_3 = 21,
    RDB_HASH_TTL_OLD = 22,     /* Redis before 7.4 GA */
    RDB_HASH_TTL_PACK_OLD = 23,
    RDB_HASH_TTL = 24,
    RDB_HASH_TTL_PACK = 25,
    RDB_STREAM_4 = 26,
    RDB_STREAM_5 = 27,
    RDB_ARRAY = 28,
    RDB_HASH_TEMPLATED_PACK = 29,
    RDB_HASH_TEMPLATED_PACK_REF = 30,
    RDB_HASH_TEMPLATED = 31,
    RDB_HASH_TEMPLATED_REF = 32,
    RDB_VALKEY_HASH_TTL = 22,
    RDB_VALKEY_HASH_PATH = 23,
};

enum rdb_opcode {
    RDB_OP_TEMPLATE = 242,      /* Redis; Valkey: records of a forkless save */
    RDB_OP_KEY_META = 243,
    RDB_OP_VALKEY_IMPORT = 243,
    RDB_OP_SLOT_INFO = 244,
    RDB_OP_FUNCTION = 245,
    RDB_OP_FUNCTION_OLD = 246,
    RDB_OP_MODULE_AUX = 247,
    RDB_OP_IDLE = 248,
    RDB_OP_FREQ = 249,
    RDB_OP_AUX = 250,
    RDB_OP_RESIZEDB = 251,
    RDB_OP_EXPIRE_MS = 252,
    RDB_OP_EXPIRE_S = 253,
    RDB_OP_SELECTDB = 254,
    RDB_OP_EOF = 255,
};

enum rdb_module_item {
    RDB_ITEM_END = 0,
    RDB_ITEM_SIGNED = 1,
    RDB_ITEM_UNSIGNED = 2,
    RDB_ITEM_FLOAT = 3,
    RDB_ITEM_DOUBLE = 4,
    RDB_ITEM_STRING = 5,
};

enum { /* first bytes of the special string forms */
    RDB_STR_I8 = 0xc0,
    RDB_STR_I16 = 0xc1,
    RDB_STR_I32 = 0xc2,
    RDB_STR_LZF = 0xc3,
};

enum { RDB_NODE_PLAIN = 1, RDB_NODE_PACKED = 2 };                 /* quicklist 2 containers */
enum { STREAM_ENTRY_DELETED = 1, STREAM_ENTRY_SAME_FIELDS = 2 };  /* flags of stream entries */

#define RDB_FIELD_EXPIRE_MAX ((1ULL << 48) - 1)

/* As check-rdb prints it; "" for a number without one. */
const char *rdb_type_name(int type);

#endif
