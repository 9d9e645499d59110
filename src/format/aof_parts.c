/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"
#include "format/aof_read.h"
#include "format/aof_sum.h"
#include "format/in.h"
#include "format/rdb_read.h"

enum { ID_DIGITS = 16 };

/* ---- what a file says of itself ---- */

static struct aof_origin parse_aux(struct slice value)
{
    struct aof_origin o = {0};
    if (value.len < ID_DIGITS + 2 || value.data[ID_DIGITS] != ' ' ||
        !num_parse_hex(slice(value.data, ID_DIGITS), &o.id) ||
        !num_parse_i64(slice_from(value, ID_DIGITS + 1), &o.seq))
        return (struct aof_origin){0};
    return o;
}

size_t aof_part_aux(char out[AOF_PART_AUX_MAX], const struct aof_origin *o)
{
    int len = snprintf(out, AOF_PART_AUX_MAX, "%016" PRIx64 " %" PRId64, o->id, o->seq);
    must(len > ID_DIGITS && len < AOF_PART_AUX_MAX);
    struct aof_origin again = parse_aux(slice(out, (size_t)len));
    must(again.id == o->id && again.seq == o->seq);
    return (size_t)len;
}

/* The field stands before the first key; where the head ends in its middle there is none. */
static struct aof_origin origin_of_rdb(struct slice head)
{
    struct aof_origin o = {0};
    struct in in;
    struct rdb_reader r;
    struct rdb_record rec;
    in_init_memory(&in, head);
    bool more = rdb_open(&r, &in, &(struct rdb_options){.keep_modules = true});
    while (more && rdb_next(&r, &rec) && rec.kind == RDB_REC_AUX) {
        more = !slice_eq(rec.name, SLICE_LIT(AOF_PART_AUX));
        if (!more)
            o = parse_aux(rec.value);
    }
    rdb_close(&r);
    in_free(&in);
    return o;
}

struct aof_origin aof_part_origin(struct slice head)
{
    struct aof_session s;
    if (head.len >= 5 && memcmp(head.data, "REDIS", 5) == 0)
        return origin_of_rdb(head);
    if (head.len >= AOF_LOG_LINE && aof_session_parse(slice(head.data, AOF_LOG_LINE), &s) &&
        s.offset == 0)
        return (struct aof_origin){.id = s.id, .seq = s.seq};
    return (struct aof_origin){0};
}

enum aof_content aof_part_content(struct slice head)
{
    struct in in;
    struct aof_reader r;
    enum aof_item what;
    in_init_memory(&in, head);
    enum aof_content found = aof_has_preamble(&in) ? AOF_WHOLE : AOF_NOTHING;
    aof_open(&r, &in, &(struct aof_limits){.loose = true});
    if (found == AOF_NOTHING) {
        while ((what = aof_next(&r)) == AOF_COMMAND || what == AOF_ANNOTATION)
            if (what == AOF_COMMAND)
                found = AOF_BROKEN;
        if (what != AOF_END && head.len > AOF_LOG_LINE)
            found = AOF_BROKEN;
        else if (what == AOF_END && found == AOF_BROKEN)
            found = AOF_WHOLE;
    }
    aof_close(&r);
    in_free(&in);
    return found;
}

/* ---- the manifest ---- */

bool aof_parts_manifest(struct manifest *m, const char *path, struct slice text, struct fault *f)
{
    const char *slash = strrchr(path, '/');
    bool ok = manifest_parse(m, text, f);
    if (ok && manifest_names(m, slash ? slash + 1 : path)) {
        fault_set(f, FAULT_FORMAT, "AOF manifest: it names itself");
        ok = false;
    }
    must(ok || fault_is(f));
    return ok;
}

/* ---- what is not named ---- */

const char *aof_part_kind(const char *stem, const char *name)
{
    size_t len = strlen(stem);
    if (strncmp(name, stem, len) != 0 || name[len] != '.')
        return NULL;
    size_t digits = strspn(name + len + 1, "0123456789");
    const char *rest = name + len + 1 + digits;
    if (digits == 0)
        return NULL;
    return strncmp(rest, ".base.", 6) == 0 ? "base"
           : strcmp(rest, ".incr.aof") == 0 ? "increment" : NULL;
}

/* An increment no longer than its first line may be what a loss of power put there (a block that
 * was used before): one that ends in the middle of a command, or lies beside a base that says its
 * id (there, commands stand behind a line that does so too). It stops no start. */
static bool is_missed(const struct manifest *m, uint64_t size, struct slice head, bool incr)
{
    enum aof_content content = size > head.len ? AOF_WHOLE : aof_part_content(head);
    bool remains = incr && size <= AOF_LOG_LINE && (content == AOF_BROKEN || m->base.id);
    return content != AOF_NOTHING && !remains;
}

static void stray_fault(struct fault *f, const char *name, const char *kind)
{
    fault_set(f, FAULT_FORMAT, "%.128s is there, but the manifest names no %s: restore the "
              "manifest, or move the file away", name, kind);
}

bool aof_part_is_stray(const struct manifest *m, const char *stem, const char *name,
                       aof_part_look *look, void *arg, struct fault *f)
{
    struct buf head = {0};
    uint64_t size = 0;
    const char *kind = aof_part_kind(stem, name);
    bool incr = kind && *kind == 'i';
    if (!kind || manifest_names(m, name) || (incr ? m->incr.count > 0 : m->base.name != NULL))
        return false;
    if (look(arg, name, &size, &head, f) && is_missed(m, size, buf_slice(&head), incr))
        stray_fault(f, name, kind);
    buf_free(&head);
    return fault_is(f);
}

/* ---- the set ---- */

struct check {
    struct aof_parts *found;
    struct fault *fault;
};

static bool check_size(struct check *c, const struct manifest_file *file, uint64_t size,
                       bool newest)
{
    uint64_t told = (uint64_t)file->size;
    if (file->size < 0 || size == told || (newest && size > told))
        return true;
    must(c->found->lost == 0); /* only one is the newest */
    if (newest) {
        c->found->lost = told - size;
        must(c->found->lost > 0 && c->found->lost <= told);
        return true;
    }
    fault_set(c->fault, FAULT_FORMAT,
              "%s has %" PRIu64 " bytes, but it had %" PRIu64 " when it was closed for good",
              file->name, size, told);
    return false;
}

/* All that is told must tell of one log. */
static bool same_log(struct aof_parts *found, const char *name, uint64_t id, struct fault *f)
{
    must((found->id == 0) == (found->told_by == NULL));
    if (id == 0 || found->id == 0 || id == found->id) {
        if (id && found->id == 0) {
            found->id = id;
            found->told_by = name;
        }
        return true;
    }
    fault_set(f, FAULT_FORMAT,
              "the files are parts of different logs: %s of %016" PRIx64 ", %s of %016" PRIx64,
              found->told_by, found->id, name, id);
    return false;
}

bool aof_part_belongs(struct aof_parts *found, const struct manifest_file *file,
                      struct slice head, struct fault *f)
{
    struct aof_origin o = aof_part_origin(head);
    if (file->id && o.id == 0)
        fault_set(f, FAULT_FORMAT,
                  "%s does not say of which log it is a part; the manifest says of %016" PRIx64,
                  file->name, file->id);
    else if (file->id && o.id != file->id)
        fault_set(f, FAULT_FORMAT,
                  "%s is part of the log %016" PRIx64 "; the manifest says of %016" PRIx64,
                  file->name, o.id, file->id);
    else if (file->id && o.seq != file->seq)
        fault_set(f, FAULT_FORMAT,
                  "%s says that it is number %" PRId64 " of its kind; the manifest says %" PRId64,
                  file->name, o.seq, file->seq);
    else
        return same_log(found, file->name, o.id, f);
    return false;
}

/* newest: the newest increment, the only file that may have grown or lost its end. */
static bool check_file(struct check *c, const struct manifest_file *file, bool base, bool newest,
                       aof_part_look *look, void *arg)
{
    struct buf head = {0};
    uint64_t size = 0;
    bool ok = look(arg, file->name, &size, &head, c->fault) && check_size(c, file, size, newest);
    /* An increment that nothing was written to, or that has lost all, is part of any log. */
    if (ok && (base || size > 0))
        ok = aof_part_belongs(c->found, file, buf_slice(&head), c->fault);
    must(ok || fault_is(c->fault));
    buf_free(&head);
    return ok;
}

bool aof_parts_check(const struct manifest *m, aof_part_look *look, void *arg,
                     struct aof_parts *found, struct fault *f)
{
    struct check c = {.found = found, .fault = f};
    const struct manifest_list *incr = &m->incr;
    *found = (struct aof_parts){0};
    bool ok = !m->base.name || check_file(&c, &m->base, true, false, look, arg);
    for (size_t i = 0; ok && i < incr->count; i++)
        ok = check_file(&c, &incr->files[i], false, i + 1 == incr->count, look, arg);
    must(found->lost == 0 || incr->count > 0);
    return ok;
}
