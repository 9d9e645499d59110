/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes JSON: a sink that prints one line a key, every byte string as base64.
 *
 *   {"db":0,"key":"aw==","type":"set","pexpireat":null,"value":["YQ=="]}
 *
 * value: string: base64; list: [...] in order; set: [...] sorted; zset: [[member, score text, the
 * double's 16 hex digits]...] ascending; hash: [[field, value, expiry ms or null]...] by field;
 * stream: {length, last_id, max_deleted_id, entries_added, first_id, entries, groups}; module: [id
 * in hex, bytes]; array: [[index, text]...] as stored. A value is collected in memory and printed
 * at its end. Borrowed: out. */
#ifndef FORMAT_JSON_WRITE_H
#define FORMAT_JSON_WRITE_H

#include "base/buf.h"
#include "format/out.h"
#include "format/sink.h"

struct json_writer {
    struct sink sink;
    struct out *out;
    struct key_event key;
    struct buf name;
    struct buf rows;    /* of struct json_row */
    struct buf bytes;   /* what the rows point to */
    struct buf pending; /* of the group being written */
    struct buf entries; /* printed stream entries */
    uint64_t entry_count, module_id;

    struct stream_group_event group; /* being collected */
    size_t group_name_at, owner_at, owner_len; /* names, in bytes */
    struct buf consumers;            /* printed ones of the group */
    uint64_t groups, group_consumers, owned;
};

void json_writer_init(struct json_writer *w, struct out *out);
void json_writer_free(struct json_writer *w);

#endif
