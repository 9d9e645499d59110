/* SPDX-License-Identifier: BSD-3-Clause */
/* backup create: copied under a name that says it is not finished, read back, and only then called
 * a backup. Whenever it is interrupted, the backups before are as they were. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/sha.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/lock_file.h"
#include "tools/backup.h"
#include "tools/backup_source.h"

struct create {
    struct tool *t;
    const struct backup_options *o;
    const char *dir;
    struct backup b, before; /* before.name NULL: there is none */
    struct backup_source source;
    char *name, *work; /* the final name; the unfinished one, which b.name is meanwhile */
    const struct backup_file **shared; /* of before, for each file of b; NULL: copied */
    uint64_t copied, linked;
};

/* Of a name that choose_name gave. */
static bool time_of(const char *name, int64_t *ms)
{
    struct tm tm = {0};
    int year, month, milli, end = 0;
    if (sscanf(name, "%4d%2d%2dT%2d%2d%2d.%3dZ%n", &year, &month, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &milli, &end) != 7 || end == 0 || name[end])
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *ms = (int64_t)timegm(&tm) * 1000 + milli;
    return true;
}

/* 20261129T140300.250Z. Names sort as the backups were made, also where the clock was set back;
 * what somebody named otherwise is not asked. */
static void choose_name(struct create *c)
{
    char stamp[64];
    struct buf name = {0};
    struct tm tm;
    int64_t ms = c->b.begun_ms, newest;
    if (c->before.name && time_of(c->before.name, &newest) && newest >= ms)
        ms = newest + 1;
    time_t s = (time_t)(ms / 1000);
    gmtime_r(&s, &tm);
    size_t n = strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &tm);
    snprintf(stamp + n, sizeof stamp - n, ".%03dZ", (int)(ms % 1000));
    buf_printf(&name, ".unfinished-%s", stamp);
    c->name = mem_strdup(stamp);
    c->work = mem_strdup(buf_cstr(&name));
    c->b.name = mem_strdup(c->work);
    buf_free(&name);
}

static bool make_dir(const char *path, struct fault *f)
{
    int err = file_mkdir(path, 0700);
    if (err < 0 && err != -EEXIST)
        fault_io(f, -err, "mkdir", "Can't make %s", path);
    return !fault_is(f);
}

static bool make_dirs(struct create *c, struct fault *f)
{
    char *work = file_join(c->dir, c->work), *log = file_join(work, "appendonlydir");
    bool ok = make_dir(work, f) && (c->b.is_dump || make_dir(log, f));
    mem_free(work);
    mem_free(log);
    return ok;
}

/* ---- files ---- */

/* Its size as it would be stored unpacked. */
static bool size_of(const struct backup_origin *o, uint64_t *size)
{
    struct stat st;
    bool ok = o->path && file_stat(o->path, &st) == 0;
    *size = !ok ? 0 : o->limit < (uint64_t)st.st_size ? o->limit : (uint64_t)st.st_size;
    return ok;
}

/* In the backup before; NULL: it has none such. A closed file of the same log by its name and size;
 * else by its bytes, which are read here only when one has as many. */
static const struct backup_file *same_before(const struct create *c, const struct backup_file *file,
                                             const struct backup_origin *o)
{
    const struct backup *old = &c->before;
    const struct backup_file *was = old->name ? backup_file_named(old, file->name) : NULL;
    bool log = *c->b.log_id && strcmp(old->log_id, c->b.log_id) == 0;
    struct fault f = {0};
    char sha256[65] = "";
    uint64_t size, bytes;
    if (!old->name || old->compression != c->b.compression || !size_of(o, &size))
        return NULL;
    if (was && o->closed && log)
        return was->size == size ? was : NULL;
    for (size_t i = 0; i < old->count; i++) {
        was = &old->files[i];
        if (was->size != size || was->kind == BACKUP_MANIFEST)
            continue;
        if (!*sha256 && !backup_hash(o->path, o->limit, sha256, &bytes, &f))
            return NULL;
        if (strcmp(sha256, was->sha256) == 0)
            return was;
    }
    return NULL;
}

/* What is known not to be good is not called verified, either. */
static void say_not_shared(struct create *c, const struct backup_file *was, const char *why)
{
    const char *name = c->before.name;
    say_row(&c->t->say, "not_shared",
            FIELDS(SAY_TEXT("backup", name), SAY_TEXT("file", was->name), SAY_TEXT("why", why)),
            "%s of the backup before, %s, is damaged: it is copied afresh (%s)", was->name, name,
            why);
    backup_unmark(c->dir, name);
}

/* Whether it is still what was noted shows when the backup is read back. */
static bool link_from_before(struct create *c, struct backup_file *file,
                             const struct backup_origin *o)
{
    const struct backup_file *was = same_before(c, file, o);
    if (!was)
        return false;
    must(*was->sha256);
    char *from = backup_path(c->dir, &c->before, was), *to = backup_path(c->dir, &c->b, file);
    int err = file_link(from, to);
    bool linked = err == 0;
    if (err == -ENOENT)
        say_not_shared(c, was, "it is not there any more");
    if (linked) {
        file->size = was->size;
        file->stored = was->stored;
        memcpy(file->sha256, was->sha256, sizeof file->sha256);
        c->linked += was->stored;
        c->shared[file - c->b.files] = was;
    }
    mem_free(from);
    mem_free(to);
    return linked;
}

/* --link: a second name of the server's own file, which it does not change any more. */
static bool link_origin(struct create *c, struct backup_file *file, const struct backup_origin *o,
                        const char *to)
{
    bool may = c->o->link && c->b.compression == COMPRESSION_NONE && o->path &&
               (o->closed || file->kind == BACKUP_DUMP) && o->limit == IN_SIZE_UNKNOWN;
    if (!may || file_link(o->path, to) < 0)
        return false;
    *file->sha256 = '\0'; /* read with the check */
    return true;
}

static bool put_text(const char *text, const char *to, struct backup_file *file, struct fault *f)
{
    struct buf tmp = {0};
    struct slice content = slice_str(text);
    buf_printf(&tmp, "%s.tmp", to);
    bool ok = file_replace(buf_cstr(&tmp), to, content, f);
    buf_free(&tmp);
    file->size = file->stored = content.len;
    sha256_hex(content, file->sha256);
    return ok;
}

static bool copy_file(struct create *c, size_t i, struct fault *f)
{
    struct backup_file *file = &c->b.files[i];
    const struct backup_origin *o = &c->source.origins[i];
    const struct out_file_options how = {.compression = c->b.compression,
                                       .level = (int)c->o->level};
    char *to = backup_path(c->dir, &c->b, file);
    bool ok = o->text ? put_text(o->text, to, file, f)
              : link_origin(c, file, o, to) || backup_copy(o->path, o->limit, to, &how, file, f);
    c->copied += ok ? file->stored : 0;
    mem_free(to);
    return ok;
}

static bool bring_all(struct create *c, struct fault *f)
{
    c->shared = mem_zalloc((c->b.count + 1) * sizeof *c->shared);
    for (size_t i = 0; i < c->b.count; i++)
        if (!link_from_before(c, &c->b.files[i], &c->source.origins[i]) && !copy_file(c, i, f))
            return false;
    return backup_source_settle(&c->source, f);
}

/* A file that rotted where it lies is not shared, or no backup after it would be good. */
static bool bring_again(void *arg, struct backup_file *file, const char *why)
{
    struct create *c = arg;
    size_t i = (size_t)(file - c->b.files);
    const struct backup_file *was = c->shared[i];
    struct fault f = {0};
    must(i < c->b.count);
    if (!was)
        return false;
    say_not_shared(c, was, why);
    c->shared[i] = NULL;
    c->linked -= was->stored;
    char *path = backup_path(c->dir, &c->b, file);
    int err = file_unlink(path);
    if (err < 0)
        fault_io(&f, -err, "unlink", "Can't remove %s", path);
    bool ok = err == 0 && copy_file(c, i, &f);
    if (!ok)
        tool_fault(c->t, &f);
    mem_free(path);
    return ok;
}

/* ---- the end ---- */

/* "backup" makes it one, when it has its name. */
static bool finish(struct create *c, struct fault *f)
{
    struct buf text = {0};
    char *work = file_join(c->dir, c->work), *done = file_join(c->dir, c->name);
    char *manifest = file_join(work, "backup"), *tmp = file_join(work, ".backup");
    c->b.ended_ms = clock_wall_ms();
    backup_print(&c->b, &text);
    bool ok = file_replace(tmp, manifest, buf_slice(&text), f) &&
              backup_mark_verified(c->dir, c->work, c->o->deep, f);
    const struct renaming list = {work, done};
    struct renamed r = ok ? file_rename_durably(&list, 1) : (struct renamed){.end = RENAME_FAILED};
    if (ok && r.end != RENAME_DONE)
        fault_io(f, -r.err, "rename", "Can't give %s its name", done);
    buf_free(&text);
    mem_free(work);
    mem_free(done);
    mem_free(manifest);
    mem_free(tmp);
    return !fault_is(f);
}

static void tell(struct create *c)
{
    const struct backup *b = &c->b;
    uint64_t size = 0;
    for (size_t i = 0; i < b->count; i++)
        size += b->files[i].size;
    say_fields(&c->t->say,
               FIELDS(SAY_TEXT("backup", c->name), SAY_TEXT("kind", b->is_dump ? "dump" : "log"),
                      SAY_TEXT("server", b->server), SAY_TEXT("position", b->position),
                      SAY_U64("bytes", size), SAY_U64("bytes_copied", c->copied),
                      SAY_U64("bytes_shared", c->linked), SAY_U64("keys", b->keys),
                      SAY_U64("commands", b->commands), SAY_TEXT("base_digest", b->base_digest),
                      SAY_TEXT("state_digest", *b->state_digest ? b->state_digest : NULL)),
               "%s: %" PRIu64 " bytes (%" PRIu64 " copied, %" PRIu64 " shared with the backup "
               "before), %" PRIu64 " keys and %" PRIu64 " commands behind them; read back whole",
               c->name, size, c->copied, c->linked, b->keys, b->commands);
}

/* The newest backup, whose files may be shared. One that can't be read is no
 * reason to make none. */
static void find_before(struct create *c)
{
    struct fault f = {0};
    char **names;
    size_t count = backup_names(c->dir, &names, &f);
    if (count && !backup_load(&c->before, c->dir, names[count - 1], &f))
        say_line(&c->t->say, "%s", f.what);
    backup_names_free(names, count);
}

static enum tool_exit make(struct create *c)
{
    struct fault f = {0};
    enum tool_exit code = TOOL_GOOD;
    if (!make_dirs(c, &f) || !bring_all(c, &f))
        code = tool_fault(c->t, &f);
    else if (!backup_check(c->t, c->dir, &c->b, c->o->deep, true,
                           &(struct backup_mend){bring_again, c}))
        code = TOOL_LOSS; /* told: the source itself is damaged, or the copy */
    else if (!finish(c, &f))
        code = tool_fault(c->t, &f);
    if (code == TOOL_GOOD) {
        tell(c);
        return code;
    }
    struct fault late = {0};
    backup_remove(c->dir, c->work, &late);
    return code;
}

int backup_create(struct tool *t, const struct backup_options *o)
{
    struct create c = {.t = t, .o = o, .dir = t->args[2]};
    struct fault f = {0};
    pid_t holder;
    if (!make_dir(c.dir, &f))
        return tool_fault(t, &f);
    char *lock_path = file_join(c.dir, ".lock");
    int lock = lock_file_take_from_ended(lock_path, &holder);
    mem_free(lock_path);
    if (lock == -EAGAIN)
        fault_set(&f, FAULT_NOT_NOW, "Another backup is being made in %s (process %ld)", c.dir,
                  (long)holder);
    if (fault_is(&f))
        return tool_fault(t, &f);
    backup_clean(t, c.dir);
    say_list(&t->say, "not_shared");
    find_before(&c);
    c.b.begun_ms = clock_wall_ms();
    c.b.compression = o->compression;
    enum tool_exit code;
    if (!backup_source_open(&c.source, t, t->args[1], o, &c.b, &f)) {
        code = tool_fault(t, &f);
    } else {
        choose_name(&c);
        code = make(&c);
        backup_source_close(&c.source);
    }
    if (lock >= 0)
        file_close(lock);
    backup_free(&c.b);
    backup_free(&c.before);
    mem_free((void *)c.shared);
    mem_free(c.name);
    mem_free(c.work);
    return code;
}
