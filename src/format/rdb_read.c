/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of an RDB stream; what they mean is drawn in rdb.h. The way of a key:
 *
 *   rdb_next   collects attributes (expiry, idle, frequency), reads type and name
 *   rdb_body   sets sink and record, calls the reader for the type (rdb_value.c), which calls
 *   rdb_begin  as soon as it knows how many elements come, then the events; nothing begun at the
 *              end means: an empty collection, skipped
 *
 * in->doing names the step for faults; the names are those that check-rdb prints. */
#include "format/rdb_read.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/must.h"
#include "format/rdb_parts.h"

/* ---- header ---- */

/* The fault gets the words people know from check-rdb, and what was being read. */
static bool settle(struct rdb_reader *r, const struct rdb_record *rec)
{
    struct fault *f = &r->in->fault;
    if (!fault_is(f))
        return true;
    rdb_guard_tell(r);
    if (f->code == FAULT_EOF && !r->payload)
        snprintf(f->what, sizeof f->what, "Unexpected EOF reading RDB file");
    if (rec && rec->kind == RDB_REC_KEY && !f->has_type) {
        f->has_type = true;
        f->type = rec->key.rdb_type;
        if (rec->key.name.data)
            fault_set_key(f, rec->key.name);
    }
    return false;
}

static bool digits(const char *text, size_t n, int *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *value = *value * 10 + (text[i] - '0');
    }
    return true;
}

static bool version_known(bool valkey, int version)
{
    if (valkey)
        return version >= RDB_VERSION_VALKEY_MIN && version <= RDB_VERSION_VALKEY_MAX;
    return version >= 1 && version <= RDB_VERSION_REDIS_MAX;
}

static void read_header(struct rdb_reader *r)
{
    char magic[9];
    if (!in_bytes(r->in, magic, sizeof magic))
        return;
    bool redis = memcmp(magic, "REDIS", 5) == 0 && digits(magic + 5, 4, &r->version);
    r->valkey = memcmp(magic, "VALKEY", 6) == 0 && digits(magic + 6, 3, &r->version);
    /* Each magic has its own numbers: REDIS up to 79, VALKEY from 80 on. */
    if (!redis && !r->valkey)
        in_fail(r->in, FAULT_FORMAT, RDB_WRONG_SIGNATURE);
    else if (!version_known(r->valkey, r->version))
        in_fail(r->in, FAULT_VERSION, "Can't handle RDB format version %d", r->version);
}

static void forget_attributes(struct rdb_reader *r)
{
    r->expire_ms = KEY_NO_EXPIRE;
    r->idle_s = KEY_NO_IDLE;
    r->freq = KEY_NO_FREQ;
}

bool rdb_open(struct rdb_reader *r, struct in *in, const struct rdb_options *opt)
{
    *r = (struct rdb_reader){.in = in, .opt = *opt};
    must(!in->tap);
    must(opt->unguarded || !opt->also);
    r->out[RDB_OUT_ALL] = opt->also;
    r->seed = hash_bytes(&(uint64_t){0}, sizeof r->seed);
    forget_attributes(r);
    in->doing = "start";
    rdb_envelope(in);
    in_crc_start(in);
    rdb_guard_begin(r);
    read_header(r);
    return settle(r, NULL);
}

void rdb_resume(struct rdb_reader *r, struct in *in, unsigned db)
{
    must(r->opt.unguarded && r->out[RDB_OUT_ALL] == r->opt.also);
    r->in = in;
    r->db = db;
    r->ended = r->body_due = false;
    r->stored_kind = RDB_STORED_TEXT;
    r->searched = RDB_SEARCH_NONE;
    r->rec = NULL;
    r->out[RDB_OUT_CALLER] = NULL;
    forget_attributes(r);
    in_crc_start(in);
    rdb_guard_begin(r);
}

void rdb_close(struct rdb_reader *r)
{
    must(!r->ended || !r->body_due);
    digest_free(&r->guard.digest); /* of a long string, half read */
    rdb_reader_free(r);
    rdb_templates_free(r);
}

/* ---- records ---- */

/* Redis 8.6: per key, class words of modules with their items; the lowest flag says whether a
 * reader without the module may pass over one. */
static void skip_key_meta(struct rdb_reader *r)
{
    enum { MAY_IGNORE = 1, CLASSES_MAX = 7 };
    uint64_t n = rdb_len(r);
    if (n < 1 || n > CLASSES_MAX)
        in_fail(r->in, FAULT_FORMAT, "Invalid number of key metadata classes");
    for (uint64_t i = 0; i < n && !in_bad(r->in); i++) {
        uint32_t class = in_le32(r->in);
        rdb_module_items(r);
        if (!(class & MAY_IGNORE))
            in_fail(r->in, FAULT_CANNOT_HOLD, "Key metadata of an unknown module");
    }
}

/* True when op was an attribute of the next key. */
static bool read_attribute(struct rdb_reader *r, uint8_t op)
{
    struct in *in = r->in;
    switch (op) {
    case RDB_OP_EXPIRE_S:
        in->doing = "read-expire";
        r->expire_ms = (int64_t)(int32_t)in_le32(in) * 1000;
        return true;
    case RDB_OP_EXPIRE_MS:
        in->doing = "read-expire";
        r->expire_ms = (int64_t)in_le64(in);
        return true;
    case RDB_OP_FREQ:
        r->freq = in_byte(in);
        return true;
    case RDB_OP_IDLE: {
        uint64_t idle = rdb_len(r);
        r->idle_s = idle > INT64_MAX ? INT64_MAX : (int64_t)idle;
        return true;
    }
    case RDB_OP_KEY_META:
        if (r->valkey)
            return false;
        skip_key_meta(r);
        return true;
    default:
        return false;
    }
}

static void read_db(struct rdb_reader *r, struct rdb_record *rec)
{
    r->in->doing = "read-len";
    uint64_t db = rdb_len(r);
    unsigned max = r->opt.databases ? r->opt.databases : (unsigned)INT32_MAX;
    if (db >= max)
        in_fail(r->in, FAULT_LIMIT,
                "DB number %" PRIu64 " is out of range (there are %u databases)", db, max);
    rec->kind = RDB_REC_DB;
    r->db = rec->db = (unsigned)db;
    must(in_bad(r->in) || r->db == db);
}

/* Hints: no more than the bytes that are left could hold. */
static void read_resize(struct rdb_reader *r, struct rdb_record *rec)
{
    enum { KEY_BYTES_MIN = 3 };
    r->in->doing = "read-len";
    rec->kind = RDB_REC_RESIZE;
    rec->db = r->db;
    rec->keys = rdb_len(r);
    rec->expires = rdb_len(r);
    uint64_t most = in_left(r->in) / KEY_BYTES_MIN;
    rec->keys = rec->keys < most ? rec->keys : most;
    rec->expires = rec->expires < rec->keys ? rec->expires : rec->keys;
}

static void read_aux(struct rdb_reader *r, struct rdb_record *rec)
{
    r->in->doing = "read-aux";
    rec->kind = RDB_REC_AUX;
    rdb_stored_as(r, RDB_STORED_AUX_NAME);
    rec->name = rdb_str_kept(r, &r->first);
    rdb_stored_as(r, RDB_STORED_AUX);
    rec->value = rdb_str_kept(r, &r->second);
    rdb_guard_aux(r, rec);
}

static void read_function(struct rdb_reader *r, struct rdb_record *rec)
{
    r->in->doing = "read-functions";
    rec->kind = RDB_REC_FUNCTION;
    rdb_stored_as(r, RDB_STORED_LIBRARY);
    rec->value = rdb_str_kept(r, &r->second);
    if (!in_bad(r->in))
        RDB_EVENT(r, function, rec->value);
}

/* Valkey 9: a slot migration under way. Its keys are in the file like all others. */
static void skip_slot_import(struct rdb_reader *r)
{
    rdb_str(r, &r->first);
    for (uint64_t n = rdb_count(r, 2, "slot ranges"); n > 0 && !in_bad(r->in); n--) {
        rdb_len(r);
        rdb_len(r);
    }
}

static void read_end(struct rdb_reader *r, struct rdb_record *rec)
{
    must(!r->ended);
    rec->kind = RDB_REC_END;
    uint64_t computed = in_crc(r->in);
    in_crc_stop(r->in);
    uint64_t stored = 0;
    r->crc = RDB_CRC_ABSENT;
    if (r->version >= RDB_VERSION_CRC) {
        r->in->doing = "check-sum";
        stored = in_le64(r->in);
        r->crc = stored ? RDB_CRC_OK : RDB_CRC_NONE;
        if (stored && stored != computed && !in_bad(r->in))
            in_fail(r->in, FAULT_CRC, "RDB CRC error");
    }
    rdb_guard_end(r, computed, stored);
    if (r->in->decoder)
        rdb_envelope_end(r->in);
    r->ended = !in_bad(r->in);
}

static void read_key(struct rdb_reader *r, struct rdb_record *rec, uint8_t type)
{
    if (!rdb_type_known(r, type)) {
        in_fail(r->in, FAULT_FORMAT, "Invalid object type: %d", type);
        return;
    }
    uint64_t offset = in_offset(r->in) - 1;
    rec->kind = RDB_REC_KEY;
    rec->key = (struct key_event){.rdb_type = type, .db = r->db, .offset = offset};
    r->in->doing = "read-key";
    rdb_stored_as(r, RDB_STORED_NAME);
    struct slice name = rdb_str_kept(r, &r->key);
    if (in_bad(r->in))
        return;
    rec->key.name = name;
    rec->key.expire_ms = r->expire_ms;
    rec->key.idle_s = r->idle_s;
    rec->key.freq = r->freq;
    forget_attributes(r);
    r->keys++;
    r->guard.blocks.now.keys++;
    r->guard.covered = false;
    must(r->guard.blocks.now.keys <= r->keys);
    r->body_due = true;
}

static void read_record(struct rdb_reader *r, struct rdb_record *rec, uint8_t op)
{
    rec->opcode = op;
    rec->kind = RDB_REC_OTHER;
    switch (op) {
    case RDB_OP_SELECTDB:
        read_db(r, rec);
        break;
    case RDB_OP_RESIZEDB:
        read_resize(r, rec);
        break;
    case RDB_OP_AUX:
        rdb_guard_mark(r);
        read_aux(r, rec);
        break;
    case RDB_OP_FUNCTION:
        read_function(r, rec);
        break;
    case RDB_OP_FUNCTION_OLD:
        rdb_function_old(r, rec);
        break;
    case RDB_OP_MODULE_AUX:
        rdb_module_aux(r, rec);
        break;
    case RDB_OP_SLOT_INFO:
        r->in->doing = "read-len";
        for (int i = 0; i < 3; i++)
            rdb_len(r);
        break;
    case RDB_OP_VALKEY_IMPORT: /* in Redis an attribute, taken before */
        r->in->doing = "read-len";
        skip_slot_import(r);
        break;
    case RDB_OP_EOF:
        read_end(r, rec);
        break;
    case RDB_OP_TEMPLATE:
        if (r->valkey)
            in_fail(r->in, FAULT_CANNOT_HOLD, "Records of a forkless save are not supported");
        else
            rdb_template_record(r);
        break;
    default:
        read_key(r, rec, op);
        break;
    }
}

bool rdb_next(struct rdb_reader *r, struct rdb_record *rec)
{
    must(!r->body_due); /* each key's body is read or skipped before the next record */
    rec->kind = RDB_REC_END; /* each kind sets what it says it has: most records are keys */
    rec->opcode = 0;
    while (!r->ended && !in_bad(r->in)) {
        r->in->doing = "read-type";
        uint8_t op = in_byte(r->in);
        r->stored_kind = RDB_STORED_TEXT;
        if (in_bad(r->in) || read_attribute(r, op))
            continue;
        read_record(r, rec, op);
        if (rec->kind != RDB_REC_MODULE_AUX)
            rec->offset = in_offset(r->in);
        break;
    }
    return settle(r, rec) && !r->ended;
}

static bool read_body(struct rdb_reader *r, const struct rdb_record *rec, struct sink *sink)
{
    must(r->body_due); /* once, and only what rdb_next gave */
    r->sink = sink;
    r->rec = rec;
    r->begun = r->body_due = false;
    r->out[RDB_OUT_CALLER] = NULL;
    r->in->doing = "read-object-value";
    r->stored_kind = RDB_STORED_TEXT;
    r->searched = RDB_SEARCH_NONE;
    rdb_value(r, rec->key.rdb_type);
    if (!in_bad(r->in) && !rdb_elements_distinct(r))
        in_fail(r->in, FAULT_FORMAT, "Duplicate element in a value of more than %" PRIu64,
                r->opt.distinct_max);
    distinct_end(&r->distinct);
    distinct_end(&r->names);
    if (in_bad(r->in))
        return settle(r, rec);
    rdb_end_value(r);
    return !sink || !sink_bad(sink);
}

bool rdb_body(struct rdb_reader *r, const struct rdb_record *rec, struct sink *sink)
{
    must(rec->kind != RDB_REC_END);
    if (rec->kind == RDB_REC_KEY)
        return read_body(r, rec, sink);
    if (rec->kind == RDB_REC_AUX)
        SINK_EVENT(sink, aux, rec->name, rec->value);
    else if (rec->kind == RDB_REC_DB)
        SINK_EVENT(sink, db, rec->db, 0, 0);
    else if (rec->kind == RDB_REC_RESIZE)
        SINK_EVENT(sink, db, rec->db, rec->keys, rec->expires);
    else if (rec->kind == RDB_REC_FUNCTION)
        SINK_EVENT(sink, function, rec->value);
    else if (rec->kind == RDB_REC_MODULE_AUX)
        SINK_EVENT(sink, module_aux, rec->module_id, rec->value);
    return !sink_bad(sink);
}

bool rdb_skip(struct rdb_reader *r, const struct rdb_record *rec)
{
    return rec->kind != RDB_REC_KEY || read_body(r, rec, NULL);
}

bool rdb_read_all(struct rdb_reader *r, struct sink *sink)
{
    struct rdb_record rec;
    while (rdb_next(r, &rec))
        if (!rdb_body(r, &rec, sink))
            return false;
    must(r->ended != in_bad(r->in));
    return r->ended;
}
