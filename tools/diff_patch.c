/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/diff_patch.h"

#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "format/rdb.h"
#include "format/resp_write.h"

enum { BATCH_ARGS = 128, BATCH_BYTES = 64 << 10, PAYLOAD_VERSION = 10 };

void diff_patch_init(struct diff_patch *p, struct out *out)
{
    *p = (struct diff_patch){.out = out, .db = -1};
    aof_writer_init(&p->plain, out);
    p->commands_to = unsaid_begin(&p->unsaid, &p->plain.sink);
    restore_writer_init(&p->restore, out, PAYLOAD_VERSION);
}

void diff_patch_free(struct diff_patch *p)
{
    aof_writer_free(&p->plain);
    unsaid_end(&p->unsaid);
    restore_writer_free(&p->restore);
    buf_free(&p->name);
    for (int i = 0; i < 2; i++)
        buf_free(&p->batches[i].words);
    buf_free(&p->text);
}

static void put(struct diff_patch *p, const struct slice *argv, size_t argc)
{
    buf_clear(&p->text);
    aof_put_command(&p->text, argv, argc);
    out_slice(p->out, buf_slice(&p->text));
    p->commands++;
}
#define PUT(p, ...) \
    do { \
        struct slice argv_[] = {__VA_ARGS__}; \
        put(p, argv_, sizeof argv_ / sizeof *argv_); \
    } while (0)

static void select_db(struct diff_patch *p, unsigned db)
{
    char number[NUM_I64_TEXT];
    if (p->db != (int64_t)db)
        PUT(p, SLICE_LIT("SELECT"), slice(number, num_format_u64(number, db)));
    p->db = db;
}

/* ---- whole values ---- */

struct sink *diff_patch_whole(struct diff_patch *p, const struct key_event *key, bool existed)
{
    diff_patch_key(p, key->db, key->name);
    if (existed)
        diff_patch_delete(p);
    p->plain.db = p->restore.db = p->db;
    bool exact = key->type == VALUE_MODULE || (p->restore_all && key->type != VALUE_STRING) ||
                 (key->type == VALUE_STREAM && key->rdb_type > RDB_STREAM_3);
    return exact ? restore_writer_sink(&p->restore) : p->commands_to;
}

void diff_patch_part(struct diff_patch *p, struct slice bytes, bool first, uint64_t left)
{
    struct buf head = {0};
    must(p->db >= 0);
    if (first) {
        resp_put_head(&head, '*', 3);
        resp_put_bulk(&head, SLICE_LIT("SET"));
        resp_put_bulk(&head, buf_slice(&p->name));
        buf_printf(&head, "$%" PRIu64 "\r\n", (uint64_t)bytes.len + left);
        out_slice(p->out, buf_slice(&head));
        buf_free(&head);
    }
    out_slice(p->out, bytes);
    if (!left)
        out_bytes(p->out, "\r\n", 2);
}

/* ---- commands ---- */

void diff_patch_key(struct diff_patch *p, unsigned db, struct slice name)
{
    must(p->batches[0].args == 0 && p->batches[1].args == 0);
    select_db(p, db);
    buf_clear(&p->name);
    buf_add(&p->name, name);
}

void diff_patch_delete(struct diff_patch *p)
{
    must(p->db >= 0);
    PUT(p, SLICE_LIT("DEL"), buf_slice(&p->name));
}

void diff_patch_expire(struct diff_patch *p, int64_t expire_ms)
{
    char number[NUM_I64_TEXT];
    if (expire_ms == KEY_NO_EXPIRE)
        PUT(p, SLICE_LIT("PERSIST"), buf_slice(&p->name));
    else
        PUT(p, SLICE_LIT("PEXPIREAT"), buf_slice(&p->name),
            slice(number, num_format_i64(number, expire_ms)));
}

void diff_patch_field_expire(struct diff_patch *p, struct slice field, int64_t expire_ms)
{
    p->unsaid.expiries += expire_ms != KEY_NO_EXPIRE;
    char number[NUM_I64_TEXT];
    diff_patch_flush(p); /* the field must be there */
    PUT(p, SLICE_LIT("HPEXPIREAT"), buf_slice(&p->name),
        slice(number, num_format_i64(number, expire_ms)), SLICE_LIT("FIELDS"), SLICE_LIT("1"),
        field);
}

static void flush(struct diff_patch *p, struct diff_batch *b)
{
    must((b->args == 0) == (b->words.len == 0));
    if (b->args == 0)
        return;
    buf_clear(&p->text);
    resp_put_head(&p->text, '*', b->args + 2);
    resp_put_bulk(&p->text, slice_str(b->verb));
    resp_put_bulk(&p->text, buf_slice(&p->name));
    out_slice(p->out, buf_slice(&p->text));
    out_slice(p->out, buf_slice(&b->words));
    buf_clear(&b->words);
    b->args = 0;
    p->commands++;
}

void diff_patch_flush(struct diff_patch *p)
{
    flush(p, &p->batches[0]);
    flush(p, &p->batches[1]);
}

void diff_patch_element(struct diff_patch *p, const char *verb, struct slice first,
                        const struct slice *second)
{
    struct diff_batch *b = &p->batches[0];
    if (b->args && strcmp(b->verb, verb) != 0)
        b = &p->batches[1];
    must(b->args == 0 || strcmp(b->verb, verb) == 0);
    b->verb = verb;
    resp_put_bulk(&b->words, first);
    if (second)
        resp_put_bulk(&b->words, *second);
    b->args += second ? 2 : 1;
    if (b->args >= BATCH_ARGS || b->words.len >= BATCH_BYTES)
        flush(p, b);
}

void diff_patch_function(struct diff_patch *p, struct slice source)
{
    PUT(p, SLICE_LIT("FUNCTION"), SLICE_LIT("LOAD"), SLICE_LIT("REPLACE"), source);
}

void diff_patch_function_delete(struct diff_patch *p, struct slice name)
{
    PUT(p, SLICE_LIT("FUNCTION"), SLICE_LIT("DELETE"), name);
}
