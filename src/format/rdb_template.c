/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes of Redis 8.10 that share their list of fields. Here each becomes a plain hash.
 *
 *   opcode 242   len id, len n, n str fields (ascending by length, then bytes)
 *   type 29      fields, str listpack: id, n values       fields: 0 str listpack | 1 n, n str
 *   type 31      fields, n str values
 *   type 30      str listpack: id, n values               the fields are those of opcode 242's id
 *   type 32      len id, n str values
 *
 * The reader keeps the templates of the file, each as a listpack of its fields. */
#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"
#include "format/rdb_parts.h"
#include "format/rdb_read.h"

struct rdb_template {
    uint64_t id;
    uint8_t *fields;
    size_t count;
};

static void refuse(struct rdb_reader *r, const char *why)
{
    in_fail(r->in, FAULT_FORMAT, "%s", why);
}

static struct rdb_template *templates(const struct rdb_reader *r, size_t *count)
{
    must(r->templates.len % sizeof(struct rdb_template) == 0);
    *count = r->templates.len / sizeof(struct rdb_template);
    return (struct rdb_template *)(void *)r->templates.data;
}

void rdb_templates_free(struct rdb_reader *r)
{
    size_t n;
    struct rdb_template *all = templates(r, &n);
    for (size_t i = 0; i < n; i++)
        mem_free(all[i].fields);
    buf_free(&r->templates);
}

size_t rdb_templates_known(const struct rdb_reader *r)
{
    return r->templates.len / sizeof(struct rdb_template);
}

void rdb_templates_forget(struct rdb_reader *r, size_t known)
{
    size_t n;
    struct rdb_template *all = templates(r, &n);
    must(known <= n);
    for (size_t i = known; i < n; i++)
        mem_free(all[i].fields);
    r->templates.len = known * sizeof *all;
}

static const struct rdb_template *find(struct rdb_reader *r, uint64_t id)
{
    size_t n;
    const struct rdb_template *all = templates(r, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i].id == id)
            return &all[i];
    return NULL;
}

static const struct rdb_template *referred(struct rdb_reader *r, uint64_t id)
{
    const struct rdb_template *t = find(r, id);
    if (!t)
        refuse(r, "A hash refers to a template that is not in the file");
    return t;
}

/* n, n strings, into a new listpack; all different. */
static uint8_t *read_names(struct rdb_reader *r, size_t *count)
{
    uint8_t *lp = lp_new();
    *count = (size_t)rdb_count(r, 1, "fields of a template");
    for (size_t i = 0; i < *count && !in_bad(r->in); i++) {
        struct slice name = rdb_str(r, &r->first);
        if (!lp_fits(lp, name.len))
            refuse(r, "A template of too many fields");
        else
            lp = lp_append(lp, name);
    }
    if (!in_bad(r->in) && (*count == 0 || !distinct_listpack(&r->distinct, lp, *count, 1)))
        refuse(r, "A template without fields or with a field twice");
    return lp;
}

/* A str that is a listpack, kept in *hold. */
static const uint8_t *read_listpack(struct rdb_reader *r, struct buf *hold, size_t *count)
{
    const char *why = "";
    struct slice blob = rdb_str_kept(r, hold);
    if (in_bad(r->in))
        return NULL;
    if (!lp_validate(blob, count, &why)) {
        refuse(r, why);
        return NULL;
    }
    return (const uint8_t *)blob.data;
}

void rdb_template_record(struct rdb_reader *r)
{
    struct rdb_template t = {.id = rdb_len(r)};
    if (find(r, t.id))
        refuse(r, "Two templates with one id");
    t.fields = read_names(r, &t.count);
    if (in_bad(r->in)) {
        mem_free(t.fields);
        return;
    }
    must(t.fields && t.count > 0);
    buf_append(&r->templates, &t, sizeof t);
}

/* The fields that stand in front of the values of types 29 and 31. */
static struct rdb_template own_fields(struct rdb_reader *r)
{
    struct rdb_template t = {0};
    uint64_t form = rdb_len(r);
    if (form == 1) {
        t.fields = read_names(r, &t.count);
        return t;
    }
    rdb_stored_as(r, form == 0 ? RDB_STORED_FIELDS : RDB_STORED_TEXT);
    const uint8_t *lp = form == 0 ? read_listpack(r, &r->packed, &t.count) : NULL;
    if (form > 1)
        refuse(r, "Unknown form of a hash's fields");
    if (!lp)
        return t;
    if (t.count == 0 || !distinct_listpack(&r->distinct, lp, t.count, 1))
        refuse(r, "A template without fields or with a field twice");
    t.fields = mem_dup(lp, lp_bytes(lp));
    return t;
}

/* The values stand in a listpack behind an integer. */
static void packed_values(struct rdb_reader *r, const struct rdb_template *t, const uint8_t *lp,
                          size_t count)
{
    char scratch[2][NUM_I64_TEXT];
    if (count != t->count + 1) {
        refuse(r, "A hash has not as many values as its template has fields");
        return;
    }
    must(t->fields && t->count > 0);
    rdb_begin(r, VALUE_HASH, t->count, 0);
    size_t value = lp_next(lp, lp_first(lp));
    for (size_t at = lp_first(t->fields); at; at = lp_next(t->fields, at)) {
        struct slice field = lp_get(t->fields, at, scratch[0]);
        rdb_pair(r, field, lp_get(lp, value, scratch[1]), KEY_NO_EXPIRE);
        value = lp_next(lp, value);
    }
    must(value == 0); /* both end together */
}

static void single_values(struct rdb_reader *r, const struct rdb_template *t)
{
    char scratch[NUM_I64_TEXT];
    must(t->fields && t->count > 0);
    rdb_begin(r, VALUE_HASH, t->count, 0);
    for (size_t at = lp_first(t->fields); at && !in_bad(r->in); at = lp_next(t->fields, at))
        rdb_pair(r, lp_get(t->fields, at, scratch), rdb_str(r, &r->second), KEY_NO_EXPIRE);
}

static void read_with_fields(struct rdb_reader *r, bool packed)
{
    int64_t id;
    struct slice text;
    size_t count = 0;
    struct rdb_template t = own_fields(r);
    rdb_stored_as(r, packed ? RDB_STORED_VALUES : RDB_STORED_TEXT);
    const uint8_t *lp = packed && !in_bad(r->in) ? read_listpack(r, &r->second, &count) : NULL;
    if (lp && (count == 0 || !lp_get_int(lp, lp_first(lp), &id, &text)))
        refuse(r, "A packed hash without the id of its template");
    else if (lp)
        packed_values(r, &t, lp, count);
    else if (!packed && !in_bad(r->in))
        single_values(r, &t);
    mem_free(t.fields);
}

static void read_by_reference(struct rdb_reader *r, bool packed)
{
    int64_t id;
    struct slice text;
    size_t count = 0;
    if (!packed) {
        const struct rdb_template *t = referred(r, rdb_len(r));
        if (t)
            single_values(r, t);
        return;
    }
    rdb_stored_as(r, RDB_STORED_VALUES);
    const uint8_t *lp = read_listpack(r, &r->second, &count);
    if (lp && (count == 0 || !lp_get_int(lp, lp_first(lp), &id, &text))) {
        refuse(r, "A packed hash without the id of its template");
        return;
    }
    const struct rdb_template *t = lp ? referred(r, (uint64_t)id) : NULL;
    if (t)
        packed_values(r, t, lp, count);
}

void rdb_templated(struct rdb_reader *r, int type)
{
    bool packed = type == RDB_HASH_TEMPLATED_PACK || type == RDB_HASH_TEMPLATED_PACK_REF;
    bool reference = type == RDB_HASH_TEMPLATED_PACK_REF || type == RDB_HASH_TEMPLATED_REF;
    must(packed || reference || type == RDB_HASH_TEMPLATED);
    must(!r->begun);
    if (reference && r->payload) /* nothing to refer to */
        refuse(r, "A hash refers to a template that is not in the payload");
    else if (reference)
        read_by_reference(r, packed);
    else
        read_with_fields(r, packed);
}
