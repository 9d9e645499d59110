/* SPDX-License-Identifier: BSD-3-Clause */
/* DUMP payloads: type, value, u16le version, u64le CRC of everything before. The value must end
 * exactly where the footer begins. FUNCTION DUMP: opcode 245 records in place of the one value. */
#include "base/bytes.h"
#include "base/crc64.h"
#include "base/must.h"
#include "format/rdb_parts.h"
#include "format/rdb_payload.h"

bool rdb_payload_check(struct slice payload, int *version, struct fault *f)
{
    if (payload.len < RDB_PAYLOAD_FOOTER) {
        fault_set(f, FAULT_EOF, "DUMP payload is too short");
        return false;
    }
    const char *footer = payload.data + payload.len - RDB_PAYLOAD_FOOTER;
    *version = load_le16(footer);
    bool redis = *version >= 1 && *version <= RDB_VERSION_REDIS_MAX;
    bool valkey = *version >= RDB_VERSION_VALKEY_MIN && *version <= RDB_VERSION_VALKEY_MAX;
    if (!redis && !valkey)
        fault_set(f, FAULT_VERSION, "Can't handle DUMP payload version %d", *version);
    else if (crc64(0, payload.data, payload.len - 8) != load_le64(footer + 2))
        fault_set(f, FAULT_CRC, "DUMP payload checksum is wrong");
    return !fault_is(f);
}

static bool open_payload(struct rdb_reader *r, struct in *in, struct slice payload, struct fault *f)
{
    int version;
    if (!rdb_payload_check(payload, &version, f))
        return false;
    in_init_memory(in, slice(payload.data, payload.len - RDB_PAYLOAD_FOOTER));
    *r = (struct rdb_reader){.in = in, .payload = true, .version = version};
    r->valkey = version >= RDB_VERSION_VALKEY_MIN;
    return true;
}

static bool close_payload(struct rdb_reader *r, const struct sink *sink, struct fault *f)
{
    must(r->payload && !fault_is(f));
    if (in_bad(r->in))
        *f = r->in->fault;
    else if (sink && sink_bad(sink))
        *f = sink->fault;
    rdb_reader_free(r);
    return !fault_is(f);
}

static void check_end(struct in *in)
{
    if (!in_bad(in) && !in_at_end(in))
        in_fail(in, FAULT_FORMAT, "Bytes between the value and the footer of a DUMP payload");
}

bool rdb_payload_read(struct slice payload, const struct key_event *key, struct sink *sink,
                      const struct rdb_options *opt, struct fault *f)
{
    struct in in;
    struct rdb_reader r;
    if (!open_payload(&r, &in, payload, f))
        return false;
    r.opt = *opt;
    r.sink = sink;
    struct rdb_record rec = {.kind = RDB_REC_KEY, .key = *key};
    r.rec = &rec;
    in.doing = "read-type";
    uint8_t type = rec.key.rdb_type = in_byte(&in);
    if (!rdb_type_known(&r, type))
        in_fail(&in, FAULT_FORMAT, "Invalid object type: %d", type);
    in.doing = "read-object-value";
    if (!in_bad(&in))
        rdb_value(&r, type);
    check_end(&in);
    if (!in_bad(&in))
        rdb_end_value(&r);
    return close_payload(&r, sink, f);
}

bool rdb_payload_is_string(struct slice payload)
{
    return payload.len && payload.data[0] == RDB_STRING;
}

bool rdb_payload_string(struct slice payload, struct buf *hold, struct slice *text, struct fault *f)
{
    struct in in;
    struct rdb_reader r;
    if (!open_payload(&r, &in, payload, f))
        return false;
    in.doing = "read-object-value";
    in_byte(&in);
    *text = rdb_str(&r, hold);
    check_end(&in);
    return close_payload(&r, NULL, f);
}

bool rdb_payload_functions(struct slice payload, struct sink *sink, struct fault *f)
{
    struct in in;
    struct rdb_reader r;
    if (!open_payload(&r, &in, payload, f))
        return false;
    in.doing = "read-functions";
    while (!in_at_end(&in) && !sink_bad(sink)) {
        if (in_byte(&in) != RDB_OP_FUNCTION)
            in_fail(&in, FAULT_FORMAT, "Not a function in a payload of functions");
        struct slice source = rdb_str(&r, &r.first);
        if (!in_bad(&in))
            SINK_EVENT(sink, function, source);
    }
    return close_payload(&r, sink, f);
}
