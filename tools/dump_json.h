/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink that writes a data set as lines of JSON for programs, one a key, as it comes: nothing is
 * collected, whatever a value's size. (format/json_write.h is for tests: sorted, all base64.)
 *
 *   {"db":0,"key":"k","type":"hash","expires_at":null,"expire_ms":null,"value":[["f","v"],...]}
 *
 * value by type:
 *   string        bytes: a string when it is UTF-8, else {"base64":"..."}
 *   list set      [bytes, ...]                           in the order of the source
 *   hash          [[field, value], ...], [field, value, expire_ms] where a field expires
 *   zset          [[member, score], ...]                 inf and -inf as "inf", "-inf"
 *   stream        {"entries":[["1-1",[[field,value],...]],...],"length":n,"last_id":"1-1",
 *                  "first_id":"1-1","max_deleted_id":"0-0","entries_added":n,
 *                  "groups":[{"name":bytes,"last_id":"1-1","entries_read":n or null,
 *                    "pending":[["1-1",delivered_ms,count],...],
 *                    "consumers":[{"name":bytes,"seen_ms":n,"active_ms":n or null,
 *                                  "pending":["1-1",...]}]}]}
 *   module        {"module":"name","bytes":{"base64":...}}   array: {"bytes":...} likewise
 * A library of functions: {"function":bytes}. AUX fields on request: {"aux":bytes,
 * "value":bytes}. */
#ifndef TOOLS_DUMP_JSON_H
#define TOOLS_DUMP_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "format/out.h"
#include "format/sink.h"

struct dump_json {
    struct sink sink;
    struct out *out;
    bool aux;        /* AUX fields, too */
    bool keys_only;  /* no "value" */
    struct buf text; /* of one element */
    bool in_parts;   /* a string, of which more is to come: always as base64 */
    uint8_t carry[3];
    unsigned carried; /* bytes that make no whole group yet */
    enum value_type type;
    unsigned db;
    uint64_t keys;
    /* what stands open in the value: elements, groups, consumers, their lists */
    uint64_t elements, groups, group_items, consumers, owned;
};

void dump_json_init(struct dump_json *d, struct out *out);
void dump_json_free(struct dump_json *d);

#endif
