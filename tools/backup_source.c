/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/backup_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/version.h"
#include "format/aof_read.h"
#include "format/manifest.h"
#include "format/rdb_read.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/input.h"
#include "tools/source.h"

enum { POLL_MS = 100, MANIFEST_MAX = 1 << 20 };
static const char log_dir[] = "appendonlydir";

static void add_origin(struct backup_source *s, struct backup *b, const char *name,
                       enum backup_file_kind kind, const struct backup_origin *origin)
{
    struct buf inside = {0};
    if (b->is_dump)
        buf_printf(&inside, "%s", name);
    else
        buf_printf(&inside, "%s/%s", log_dir, name);
    backup_add_file(b, buf_cstr(&inside), kind);
    buf_free(&inside);
    s->origins = mem_realloc(s->origins, (s->count + 1) * sizeof *s->origins);
    s->origins[s->count++] = *origin;
    must(s->count == b->count);
}

/* A text of our own: the files that are in the backup, and no history. */
static void add_manifest(struct backup_source *s, struct backup *b, struct manifest *m,
                         const char *name)
{
    struct buf text = {0};
    manifest_drop_history(m);
    manifest_print(m, &text);
    add_origin(s, b, name, BACKUP_MANIFEST,
               &(struct backup_origin){.text = mem_strdup(buf_cstr(&text)),
                                       .limit = IN_SIZE_UNKNOWN});
    buf_free(&text);
}

/* ---- a log that lies there ---- */

/* How much of an increment that may be written to is whole: up to the last command, or batch. */
static bool whole_part(const char *path, uint64_t *bytes, struct fault *f)
{
    struct input i;
    struct aof_reader r;
    if (!input_open(&i, path, f))
        return false;
    aof_open(&r, &i.in, &(struct aof_limits){.loose = true});
    enum aof_item end = aof_read_all(&r);
    *bytes = r.good_end;
    if (end == AOF_FAULT && i.in.fault.code != FAULT_EOF) {
        *f = i.in.fault;
        fault_prefix(f, path);
    }
    aof_close(&r);
    input_close(&i);
    return !fault_is(f);
}

static bool add_part(struct backup_source *s, struct backup *b, const char *dir,
                     const struct manifest_file *file, enum backup_file_kind kind, bool open,
                     struct fault *f)
{
    struct backup_origin o = {.path = file_join(dir, file->name), .limit = IN_SIZE_UNKNOWN,
                              .closed = !open && file->id != 0};
    if (open && !whole_part(o.path, &o.limit, f)) {
        mem_free(o.path);
        return false;
    }
    add_origin(s, b, file->name, kind, &o);
    return true;
}

/* The newest increment is as long as it is now. */
static bool add_set(struct backup_source *s, struct backup *b, const char *manifest,
                    struct fault *f)
{
    struct source set;
    if (!source_find(&set, manifest, &(struct source_options){0}, f))
        return false;
    struct manifest *m = &set.manifest;
    struct manifest_list *incr = &m->incr;
    bool ok = file_slurp_regular(manifest, MANIFEST_MAX, &s->manifest_was, f);
    s->manifest_path = mem_strdup(manifest);
    if (ok && m->base.name)
        ok = add_part(s, b, set.dir, &m->base, BACKUP_BASE, false, f);
    for (size_t i = 0; ok && i < incr->count; i++)
        ok = add_part(s, b, set.dir, &incr->files[i], BACKUP_INCR, i + 1 == incr->count, f);
    if (ok && incr->count) {
        struct manifest_file *last = &incr->files[incr->count - 1];
        last->size = -1;
        snprintf(b->position, sizeof b->position, "%" PRId64 ":%" PRIu64, last->seq,
                 s->origins[s->count - 1].limit);
        if (last->id)
            snprintf(b->log_id, sizeof b->log_id, "%016" PRIx64, last->id);
    }
    const char *slash = strrchr(manifest, '/');
    if (ok)
        add_manifest(s, b, m, slash ? slash + 1 : manifest);
    source_free(&set);
    return ok;
}

static bool add_dump(struct backup_source *s, struct backup *b, const char *path, struct fault *f)
{
    bool there;
    if (!file_look_for(path, &there, f))
        return false;
    if (!there) {
        fault_set(f, FAULT_INVALID, "%s is not there: the server may keep its files on another "
                  "machine, or under another name here (--data-dir)", path);
        return false;
    }
    b->is_dump = true;
    add_origin(s, b, "dump.rdb", BACKUP_DUMP,
               &(struct backup_origin){.path = mem_strdup(path), .limit = IN_SIZE_UNKNOWN});
    return true;
}

static bool open_directory(struct backup_source *s, const char *word,
                           const struct backup_options *o, struct backup *b, struct fault *f)
{
    struct source found;
    if (!source_find(&found, word, &(struct source_options){.dump = o->dump}, f))
        return false;
    if (*found.why)
        say_line(&s->tool->say, "%s: %s", word, found.why);
    b->server = mem_strdup("");
    bool ok = false;
    if (found.kind == SOURCE_SET)
        ok = add_set(s, b, found.path, f);
    else if (found.kind == SOURCE_RDB)
        ok = add_dump(s, b, found.path, f);
    else
        fault_set(f, FAULT_INVALID, "%s is a single append-only file, as servers before 7.0 have "
                  "it: holdfast convert makes an RDB of it", found.path);
    source_free(&found);
    return ok;
}

/* ---- a server of ours ---- */

static bool word_is(const struct reply_item *item, const char *word)
{
    return item->kind == REPLY_BULK && slice_eq_str(item->text, word);
}

/* Behind the name at depth, in items from..: the place of its value; 0: it is not there. */
static size_t value_at(const struct live *l, size_t from, unsigned depth, const char *name)
{
    for (size_t i = from; i + 1 < l->count && l->items[i].depth >= depth; i++)
        if (l->items[i].depth == depth && word_is(&l->items[i], name) &&
            l->items[i + 1].depth == depth)
            return i + 1;
    return 0;
}

static char *copy_text(struct slice s)
{
    struct buf b = {0};
    buf_add(&b, s);
    char *out = mem_strdup(buf_cstr(&b));
    buf_free(&b);
    return out;
}

static char *text_of(const struct live *l, size_t from, unsigned depth, const char *name)
{
    size_t at = value_at(l, from, depth, name);
    return at ? copy_text(l->items[at].text) : NULL;
}

static int64_t number_of(const struct live *l, size_t from, unsigned depth, const char *name)
{
    size_t at = value_at(l, from, depth, name);
    return at && l->items[at].kind == REPLY_INT ? l->items[at].number : 0;
}

struct line { /* what BACKUP START answered */
    char *dir, *manifest, *log_id, *position, *server;
};

static void line_free(struct line *l)
{
    mem_free(l->dir);
    mem_free(l->manifest);
    mem_free(l->log_id);
    mem_free(l->position);
    mem_free(l->server);
}

/* The directory as it is seen from here. For mem_free. */
static char *seen_from_here(const char *dir, const struct backup_options *o)
{
    const char *slash = strrchr(dir, '/');
    return o->data_dir ? file_join(o->data_dir, slash ? slash + 1 : dir) : mem_strdup(dir);
}

/* files: maps of name, type, seq, size, from. */
static bool add_held_files(struct backup_source *s, struct backup *b, const char *dir,
                           const struct line *line, struct manifest *m, struct fault *f)
{
    const struct live *l = s->live;
    size_t files = value_at(l, 1, 1, "files");
    uint64_t id = 0;
    num_parse_hex(slice_str(line->log_id), &id);
    for (size_t i = files + 1; i < l->count && l->items[i].depth >= 2; i++) {
        if (l->items[i].depth != 2)
            continue;
        char *name = text_of(l, i + 1, 3, "name"), *type = text_of(l, i + 1, 3, "type");
        int64_t seq = number_of(l, i + 1, 3, "seq");
        bool base = type && strcmp(type, "b") == 0;
        if (name && seq > 0 && !strchr(name, '/')) {
            struct manifest_file file = {name, seq, id, number_of(l, i + 1, 3, "size"),
                                         number_of(l, i + 1, 3, "from")};
            struct backup_origin o = {.path = file_join(dir, name), .closed = true,
                                      .limit = IN_SIZE_UNKNOWN};
            add_origin(s, b, name, base ? BACKUP_BASE : BACKUP_INCR, &o);
            if (base)
                manifest_set_base(m, name, seq);
            else
                manifest_add_incr(m, name, seq);
            struct manifest_file *to = base ? &m->base : &m->incr.files[m->incr.count - 1];
            file.name = to->name;
            *to = file;
        }
        mem_free(name);
        mem_free(type);
    }
    if (b->count == 0)
        fault_set(f, FAULT_FORMAT, "%s names no file in its answer to BACKUP START", l->address);
    return b->count > 0;
}

static const struct manifest_file *named_in(const struct manifest *m, const char *name)
{
    if (m->base.name && strcmp(m->base.name, name) == 0)
        return &m->base;
    for (size_t i = 0; i < m->incr.count; i++)
        if (strcmp(m->incr.files[i].name, name) == 0)
            return &m->incr.files[i];
    for (size_t i = 0; i < m->history.count; i++)
        if (strcmp(m->history.files[i].name, name) == 0)
            return &m->history.files[i];
    return NULL;
}

static void take_id(struct manifest_file *file, const struct manifest *now)
{
    const struct manifest_file *is = file->name ? named_in(now, file->name) : NULL;
    file->id = is ? is->id : 0;
}

/* Ids in a manifest are only of files that say theirs: the server's own manifest knows. */
static bool read_ids(struct manifest *m, const char *dir, const char *name, struct fault *f)
{
    struct source set;
    char *path = file_join(dir, name);
    bool ok = source_find(&set, path, &(struct source_options){0}, f);
    mem_free(path);
    if (!ok)
        return false;
    take_id(&m->base, &set.manifest);
    for (size_t i = 0; i < m->incr.count; i++)
        take_id(&m->incr.files[i], &set.manifest);
    source_free(&set);
    return true;
}

static bool add_held(struct backup_source *s, const struct backup_options *o, struct backup *b,
                     struct fault *f)
{
    const struct live *l = s->live;
    struct manifest m = {0};
    struct line line = {.dir = text_of(l, 1, 1, "dir"), .manifest = text_of(l, 1, 1, "manifest"),
                        .log_id = text_of(l, 1, 1, "log-id"),
                        .position = text_of(l, 1, 1, "position"),
                        .server = text_of(l, 1, 1, "server")};
    bool ok = line.dir && line.manifest && line.log_id && line.position && line.server &&
              strlen(line.log_id) == 16 && !strchr(line.manifest, '/');
    if (!ok)
        fault_set(f, FAULT_FORMAT, "%s: this is no answer to BACKUP START", l->address);
    char *dir = ok ? seen_from_here(line.dir, o) : NULL;
    ok = ok && add_held_files(s, b, dir, &line, &m, f) && read_ids(&m, dir, line.manifest, f);
    if (ok) {
        struct buf server = {0};
        buf_printf(&server, "%s (Holdfast)", line.server);
        b->server = mem_strdup(buf_cstr(&server));
        buf_free(&server);
        snprintf(b->log_id, sizeof b->log_id, "%s", line.log_id);
        snprintf(b->position, sizeof b->position, "%s", line.position);
        add_manifest(s, b, &m, line.manifest);
    }
    manifest_free(&m);
    mem_free(dir);
    line_free(&line);
    return ok;
}

/* ---- others ---- */

static char *config_of(struct backup_source *s, const char *name)
{
    struct fault f = {0};
    if (!live_ask(s->live, 3, WORDS(W("CONFIG"), W("GET"), slice_str(name)), &f) ||
        s->live->count < 3)
        return NULL;
    return copy_text(s->live->items[2].text);
}

static bool info_number(struct backup_source *s, const char *name, int64_t *n, struct fault *f)
{
    if (!live_ask(s->live, 2, WORDS(W("INFO"), W("persistence")), f))
        return false;
    if (!num_parse_i64(live_info(s->live->items[0].text, name), n))
        fault_set(f, FAULT_FORMAT, "%s does not tell %s", s->live->address, name);
    return !fault_is(f);
}

static bool wait_until_zero(struct backup_source *s, const char *name, struct fault *f)
{
    int64_t n = 1;
    while (info_number(s, name, &n, f) && n != 0)
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    return !fault_is(f);
}

static bool set_percentage(struct backup_source *s, const char *to, struct fault *f)
{
    return live_ask(s->live, 4, WORDS(W("CONFIG"), W("SET"), W("auto-aof-rewrite-percentage"),
                                      slice_str(to)), f);
}

static bool add_foreign_log(struct backup_source *s, const struct backup_options *o,
                            struct backup *b, struct fault *f)
{
    char *dir = o->data_dir ? mem_strdup(o->data_dir) : config_of(s, "dir");
    char *sub = config_of(s, "appenddirname"), *file = config_of(s, "appendfilename");
    char *percentage = config_of(s, "auto-aof-rewrite-percentage");
    struct buf path = {0};
    bool ok = dir && sub && file && percentage;
    if (!ok)
        fault_set(f, FAULT_NOT_NOW, "%s does not tell where its files are (CONFIG GET dir): name "
                  "its directory in place of its address", s->live->address);
    if (ok && set_percentage(s, "0", f)) {
        s->percentage = percentage;
        percentage = NULL;
    }
    ok = ok && !fault_is(f) && wait_until_zero(s, "aof_rewrite_scheduled", f) &&
         wait_until_zero(s, "aof_rewrite_in_progress", f);
    buf_printf(&path, "%s/%s/%s.manifest", dir ? dir : "", sub ? sub : "", file ? file : "");
    ok = ok && add_set(s, b, buf_cstr(&path), f);
    buf_free(&path);
    mem_free(dir);
    mem_free(sub);
    mem_free(file);
    mem_free(percentage);
    return ok;
}

/* A save that begins after we came: one that runs already is waited for first. */
static bool save_dump(struct backup_source *s, struct fault *f)
{
    bool ok = wait_until_zero(s, "rdb_bgsave_in_progress", f) &&
              live_ask(s->live, 1, WORDS(W("BGSAVE")), f) &&
              wait_until_zero(s, "rdb_bgsave_in_progress", f) &&
              live_ask(s->live, 2, WORDS(W("INFO"), W("persistence")), f);
    if (ok && !slice_eq_str(live_info(s->live->items[0].text, "rdb_last_bgsave_status"), "ok")) {
        fault_set(f, FAULT_NOT_NOW, "%s could not save (rdb_last_bgsave_status)",
                  s->live->address);
        return false;
    }
    return ok;
}

static bool add_saved_dump(struct backup_source *s, const struct backup_options *o,
                           struct backup *b, struct fault *f)
{
    char *dir = o->data_dir ? mem_strdup(o->data_dir) : config_of(s, "dir");
    char *file = config_of(s, "dbfilename");
    bool ok = dir && file;
    if (!ok)
        fault_set(f, FAULT_NOT_NOW, "%s does not tell where its dump is (CONFIG GET dir): name "
                  "its directory in place of its address", s->live->address);
    char *path = ok ? file_join(dir, file) : NULL;
    ok = ok && save_dump(s, f) && add_dump(s, b, path, f);
    mem_free(path);
    mem_free(dir);
    mem_free(file);
    return ok;
}

static char *server_version(struct backup_source *s)
{
    struct fault f = {0};
    struct buf text = {0};
    if (live_ask(s->live, 2, WORDS(W("INFO"), W("server")), &f)) {
        struct slice info = s->live->items[0].text;
        struct slice valkey = live_info(info, "valkey_version");
        buf_printf(&text, "%s", valkey.len ? "Valkey " : "Redis ");
        buf_add(&text, valkey.len ? valkey : live_info(info, "redis_version"));
    }
    char *out = mem_strdup(buf_cstr(&text));
    buf_free(&text);
    return out;
}

static bool open_server(struct backup_source *s, const char *word, const struct backup_options *o,
                        struct backup *b, struct fault *f)
{
    int64_t log_on;
    s->live = live_open(word, f);
    if (!s->live || !info_number(s, "aof_enabled", &log_on, f))
        return false;
    if (log_on && !o->dump) {
        live_put(s->live, 2, WORDS(W("BACKUP"), W("START")));
        if (!live_reply(s->live, f))
            return false;
        s->held = s->live->items[0].kind == REPLY_ARRAY || s->live->items[0].kind == REPLY_MAP;
        struct slice error = s->live->items[0].text;
        if (!s->held && error.len && !memmem(error.data, error.len, "unknown command", 15)) {
            fault_set(f, FAULT_NOT_NOW, "%s answers %.*s", s->live->address, SLICE_ARG(error));
            return false;
        }
    }
    if (s->held)
        return add_held(s, o, b, f);
    b->server = server_version(s);
    return log_on && !o->dump ? add_foreign_log(s, o, b, f) : add_saved_dump(s, o, b, f);
}

bool backup_source_open(struct backup_source *s, struct tool *t, const char *word,
                        const struct backup_options *o, struct backup *b, struct fault *f)
{
    *s = (struct backup_source){.tool = t};
    b->first_ms = b->last_ms = -1;
    bool ok = live_is_address(word) ? open_server(s, word, o, b, f)
                                    : open_directory(s, word, o, b, f);
    b->source = mem_strdup(s->live ? s->live->address : word);
    must(ok != fault_is(f));
    if (!ok)
        backup_source_close(s);
    return ok;
}

/* A manifest that was replaced meanwhile: files that it named may be gone, or not all there is. */
bool backup_source_settle(struct backup_source *s, struct fault *f)
{
    struct buf now = {0};
    if (!s->manifest_path)
        return true;
    bool ok = file_slurp_regular(s->manifest_path, MANIFEST_MAX, &now, f);
    if (ok && !slice_eq(buf_slice(&now), buf_slice(&s->manifest_was)))
        fault_set(f, FAULT_NOT_NOW, "The log was rewritten while it was copied: try again");
    buf_free(&now);
    return !fault_is(f);
}

void backup_source_close(struct backup_source *s)
{
    struct fault f = {0};
    if (s->live && s->percentage && !set_percentage(s, s->percentage, &f))
        say_line(&s->tool->say, "auto-aof-rewrite-percentage could not be set back to %s: %s",
                 s->percentage, f.what);
    live_close(s->live); /* which ends what BACKUP START holds */
    for (size_t i = 0; i < s->count; i++) {
        mem_free(s->origins[i].path);
        mem_free(s->origins[i].text);
    }
    mem_free(s->origins);
    mem_free(s->percentage);
    mem_free(s->manifest_path);
    buf_free(&s->manifest_was);
    *s = (struct backup_source){0};
}
