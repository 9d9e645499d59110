/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/convert_out.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/version.h"
#include "format/manifest.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/key_slot.h"
#include "tools/temp_file.h"

static struct convert_out *out_of(struct sink *s)
{
    return (struct convert_out *)(void *)s;
}

static struct sink *sink_of(struct convert_out *c, struct convert_file *file)
{
    return c->opt.form == CONVERT_AOF ? &file->aof.sink : &file->rdb.sink;
}

/* ---- files ---- */

#define LOG_DIR "appendonlydir"
#define LOG_BASE "appendonly.aof.1.base.rdb"

/* In OUT, when that is a directory. */
static char *name_of(const struct convert_out *c, unsigned number)
{
    static const char *const ends[] = {"rdb", "aof", "rdb"};
    struct buf name = {0};
    if (c->opt.form == CONVERT_LOG)
        buf_printf(&name, LOG_BASE);
    else if (c->opt.split == SPLIT_DB)
        buf_printf(&name, "db-%u.%s", number, ends[c->opt.form]);
    else
        buf_printf(&name, "slots-%u-%u.%s", KEY_SLOTS * number / c->opt.ranges,
                   KEY_SLOTS * (number + 1) / c->opt.ranges - 1, ends[c->opt.form]);
    char *out = mem_strdup(buf_cstr(&name));
    buf_free(&name);
    return out;
}

/* *path: where it is written; *called: what it is called in the end. For mem_free. */
static void paths_of(const struct convert_out *c, unsigned number, char **path, char **called)
{
    char *name = c->in_dir ? name_of(c, number) : NULL;
    char *dir = c->opt.form == CONVERT_LOG ? file_join(c->path, LOG_DIR) : mem_strdup(c->path);
    *path = name ? new_dir_path(&c->dir, name) : mem_strdup(c->path);
    *called = name ? file_join(dir, name) : mem_strdup(c->path);
    mem_free(name);
    mem_free(dir);
}

static void put_aux(struct convert_out *c, struct convert_file *file)
{
    char text[NUM_I64_TEXT];
    rdb_writer_aux(&file->rdb, "redis-ver", slice_str(REDIS_VERSION));
    rdb_writer_aux(&file->rdb, "redis-bits", SLICE_LIT("64"));
    rdb_writer_aux(&file->rdb, "ctime",
                   slice(text, num_format_u64(text, (uint64_t)clock_wall_s())));
    rdb_writer_aux(&file->rdb, "aof-base",
                   c->opt.form == CONVERT_LOG ? SLICE_LIT("1") : SLICE_LIT("0"));
}

/* ---- libraries ---- */

static bool store_libraries(struct convert_out *c, struct fault *f)
{
    bool ok = temp_file_write(&c->stored, c->libraries.data, c->libraries.len, f);
    buf_free(&c->libraries);
    return ok;
}

/* Of one file alone, which is open from the start, nobody asks for them again. */
static void keep_library(struct convert_out *c, struct slice source)
{
    enum { HELD = 4 << 20 };
    if (c->opt.split == SPLIT_NONE)
        return;
    buf_append(&c->libraries, &source.len, sizeof source.len);
    buf_add(&c->libraries, source);
    if (c->libraries.len > HELD)
        store_libraries(c, &c->pass.sink.fault);
}

static void put_held(const struct buf *libraries, struct sink *to)
{
    for (struct slice rest = buf_slice(libraries); rest.len;) {
        size_t n;
        memcpy(&n, rest.data, sizeof n);
        SINK_EVENT(to, function, slice(rest.data + sizeof n, n));
        rest = slice_from(rest, sizeof n + n);
    }
}

static void put_stored(const struct convert_out *c, struct sink *to, struct fault *f)
{
    struct buf text = {0};
    uint64_t size = (uint64_t)file_size(c->stored);
    for (uint64_t at = 0; at < size && !fault_is(f) && !sink_bad(to);) {
        size_t n;
        if (!temp_file_read(c->stored, &n, sizeof n, at, f))
            break;
        must(n <= size - at - sizeof n);
        if (temp_file_read(c->stored, buf_reserve(&text, n + 1), n, at + sizeof n, f))
            SINK_EVENT(to, function, slice(text.data, n));
        at += sizeof n + n;
    }
    buf_free(&text);
}

static void put_libraries(const struct convert_out *c, struct sink *to, struct fault *f)
{
    if (c->stored >= 0)
        put_stored(c, to, f);
    put_held(&c->libraries, to);
}

static struct convert_file *open_file(struct convert_out *c, unsigned number, struct fault *f)
{
    struct convert_file *file = mem_zalloc(sizeof *file);
    char *path;
    file->number = number;
    paths_of(c, number, &path, &file->path);
    if (c->count == CONVERT_FILES_MAX)
        fault_set(f, FAULT_LIMIT, "More than %d files at a time: split in two steps",
                  CONVERT_FILES_MAX);
    else if (out_file_open(&file->output, path, &c->opt.file, f)) {
        struct out *out = &file->output.out;
        bool seal = !c->opt.plain;
        if (c->opt.form == CONVERT_AOF) {
            aof_writer_init(&file->aof, out);
        } else {
            rdb_writer_init(&file->rdb, out, &(struct rdb_write_options){
                .version = c->opt.version, .compress = !c->opt.uncompressed, .blocks = seal,
                .trailer = seal});
            rdb_writer_begin(&file->rdb);
            put_aux(c, file);
        }
        c->files[c->count++] = file;
        put_libraries(c, sink_of(c, file), f);
        mem_free(path);
        return fault_is(f) ? NULL : file; /* what was begun is dropped with the others */
    }
    mem_free(path);
    mem_free(file->path);
    mem_free(file);
    return NULL;
}

static struct convert_file *file_for(struct convert_out *c, const struct key_event *key)
{
    unsigned number = c->opt.split == SPLIT_DB ? key->db :
                      c->opt.split == SPLIT_SLOTS
                          ? key_slot(key->name) * c->opt.ranges / KEY_SLOTS : 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->files[i]->number == number)
            return c->files[i];
    return open_file(c, number, &c->pass.sink.fault);
}

/* ---- events ---- */

static void function(struct sink *s, struct slice source)
{
    struct convert_out *c = out_of(s);
    keep_library(c, source);
    for (size_t i = 0; i < c->count; i++)
        SINK_EVENT(sink_of(c, c->files[i]), function, source);
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    struct convert_out *c = out_of(s);
    for (size_t i = 0; i < c->count; i++)
        SINK_EVENT(sink_of(c, c->files[i]), module_aux, module_id, bytes);
}

static bool key(struct sink *s, const struct key_event *e)
{
    struct convert_out *c = out_of(s);
    struct convert_file *file = file_for(c, e);
    if (!file)
        return false;
    file->keys++;
    c->pass.to = sink_of(c, file);
    return pass_key(s, e);
}

/* ---- begin and end ---- */

bool convert_out_begin(struct convert_out *c, const char *path, const struct convert_options *opt,
                       struct fault *f)
{
    *c = (struct convert_out){.opt = *opt, .path = path, .stored = -1};
    pass_init_each(&c->pass, true);
    c->pass.ops.aux = NULL; /* each file has its own, and no counts of another */
    c->pass.ops.db = NULL;
    c->pass.ops.function = function;
    c->pass.ops.module_aux = module_aux;
    c->pass.ops.key = key;
    bool in_dir = opt->form == CONVERT_LOG || opt->split != SPLIT_NONE;
    if (in_dir && !new_dir_begin(&c->dir, path, opt->form == CONVERT_LOG ? LOG_DIR : NULL, f))
        return false;
    c->in_dir = in_dir;
    /* One file is there also when no key comes. */
    if (opt->split != SPLIT_NONE || open_file(c, 0, f))
        return true;
    convert_out_drop(c);
    return false;
}

static bool end_file(struct convert_out *c, struct convert_file *file, struct fault *f)
{
    bool ok = c->opt.form == CONVERT_AOF ? aof_writer_end(&file->aof) : rdb_writer_end(&file->rdb);
    if (!ok)
        *f = sink_of(c, file)->fault;
    if (!ok) {
        out_file_drop(&file->output);
        return false;
    }
    return out_file_end(&file->output, f);
}

static void free_file(struct convert_out *c, struct convert_file *file)
{
    if (c->opt.form == CONVERT_AOF)
        aof_writer_free(&file->aof);
    else
        rdb_writer_free(&file->rdb);
    mem_free(file->path);
    mem_free(file);
}

/* The manifest makes a log of the base. */
static bool put_manifest(struct convert_out *c, struct fault *f)
{
    struct manifest m = {0};
    struct buf text = {0};
    manifest_set_base(&m, LOG_BASE, 1);
    manifest_print(&m, &text);
    bool ok = new_dir_text(&c->dir, "appendonly.aof.manifest", buf_slice(&text), f);
    manifest_free(&m);
    buf_free(&text);
    return ok;
}

bool convert_out_end(struct convert_out *c, struct fault *f)
{
    bool ok = true;
    for (size_t i = 0; i < c->count; i++)
        if (ok)
            ok = end_file(c, c->files[i], f);
        else
            out_file_drop(&c->files[i]->output);
    if (ok && c->opt.form == CONVERT_LOG)
        ok = put_manifest(c, f);
    if (!c->in_dir)
        return ok;
    if (ok)
        return new_dir_end(&c->dir, f);
    new_dir_drop(&c->dir);
    return false;
}

void convert_out_drop(struct convert_out *c)
{
    for (size_t i = 0; i < c->count; i++)
        out_file_drop(&c->files[i]->output);
    if (c->in_dir)
        new_dir_drop(&c->dir);
}

void convert_out_free(struct convert_out *c)
{
    for (size_t i = 0; i < c->count; i++)
        free_file(c, c->files[i]);
    buf_free(&c->libraries);
    if (c->stored >= 0)
        file_close(c->stored);
}
