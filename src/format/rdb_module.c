/* SPDX-License-Identifier: BSD-3-Clause */
/* Module values: an id (nine letters of six bits, ten bits of version) and self-describing items
 * until an end mark. They can be carried on byte for byte but not understood.
 *
 *   item  1 len | 2 len | 3 float | 4 double | 5 str | 0 (the end)
 *   aux   id, 2, when (1 before the keys, 2 behind them), items */
#include "base/must.h"
#include "format/rdb_parts.h"
#include "format/rdb_read.h"

const char *rdb_module_name(uint64_t id, char out[10])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int i = 0; i < 9; i++)
        out[i] = letters[id >> (58 - 6 * i) & 63];
    out[9] = '\0';
    return out;
}

void rdb_module_items(struct rdb_reader *r)
{
    while (!in_bad(r->in)) {
        switch (rdb_len(r)) {
        case RDB_ITEM_END:
            return;
        case RDB_ITEM_SIGNED:
        case RDB_ITEM_UNSIGNED:
            rdb_len(r);
            break;
        case RDB_ITEM_FLOAT:
            in_skip(r->in, 4);
            break;
        case RDB_ITEM_DOUBLE:
            in_skip(r->in, 8);
            break;
        case RDB_ITEM_STRING:
            rdb_str(r, &r->first);
            break;
        default:
            in_fail(r->in, FAULT_FORMAT, "Unknown item in a module's data");
            break;
        }
    }
}

static void refuse_unknown(struct rdb_reader *r, uint64_t id, const char *what)
{
    char name[10];
    if (!r->opt.keep_modules)
        in_fail(r->in, FAULT_CANNOT_HOLD, "The module '%s' that owns this %s is not loaded",
                rdb_module_name(id, name), what);
}

void rdb_module_value(struct rdb_reader *r)
{
    uint64_t id = rdb_len(r);
    refuse_unknown(r, id, "value");
    buf_clear(&r->second);
    in_tap_start(r->in, &r->second);
    rdb_module_items(r);
    in_tap_stop(r->in);
    if (in_bad(r->in))
        return;
    must(r->second.len > 0); /* the end mark at least */
    rdb_begin(r, VALUE_MODULE, 0, 0);
    RDB_EVENT(r, opaque, RDB_MODULE, id, buf_slice(&r->second));
}

void rdb_module_aux(struct rdb_reader *r, struct rdb_record *rec)
{
    r->in->doing = "read-module-aux";
    rec->kind = RDB_REC_MODULE_AUX;
    rec->module_id = rdb_len(r);
    refuse_unknown(r, rec->module_id, "auxiliary data");
    buf_clear(&r->second);
    in_tap_start(r->in, &r->second);
    uint64_t opcode = rdb_len(r);
    rdb_len(r);
    if (opcode != RDB_ITEM_UNSIGNED)
        in_fail(r->in, FAULT_FORMAT, "bad when_opcode");
    rec->offset = in_offset(r->in);
    rdb_module_items(r);
    in_tap_stop(r->in);
    must(in_bad(r->in) || r->second.len > 0);
    rec->value = buf_slice(&r->second);
}
