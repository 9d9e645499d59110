/* SPDX-License-Identifier: BSD-3-Clause */
/* backup create | verify | list | restore | expire. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/backup.h"
#include "tools/verbs.h"

static const struct tool_option options[] = {
    TOOL_OPTION("--backup", TEXT, "NAME", struct backup_options, backup,
                "verify, restore: this one and not the newest; all: each of them (verify)"),
    TOOL_OPTION("--deep", FLAG, NULL, struct backup_options, deep,
                "create, verify: also loaded by a server for a moment, and its digest compared"),
    TOOL_OPTION("--compress", TEXT, "gzip|zstd", struct backup_options, compress,
                "create: files are stored compressed"),
    TOOL_OPTION("--level", U64, "N", struct backup_options, level, "how hard --compress tries"),
    TOOL_OPTION("--link", FLAG, NULL, struct backup_options, link,
                "create: second names of the server's closed files in place of copies"),
    TOOL_OPTION("--dump", FLAG, NULL, struct backup_options, dump,
                "create: a dump, also where there is a log"),
    TOOL_OPTION("--data-dir", TEXT, "DIR", struct backup_options, data_dir,
                "create: the server's directory, as it is seen from here"),
    TOOL_OPTION("--to", TEXT, "MOMENT", struct backup_options, to,
                "restore: up to a moment (as holdfast restore --to)"),
    TOOL_OPTION("--keep", U64, "N", struct backup_options, keep, "expire: keep the newest N"),
    TOOL_OPTION("--hourly", U64, "N", struct backup_options, hourly,
                "expire: and the last of each of the newest N hours that have one"),
    TOOL_OPTION("--daily", U64, "N", struct backup_options, daily, "expire: of N days"),
    TOOL_OPTION("--weekly", U64, "N", struct backup_options, weekly, "expire: of N weeks"),
    TOOL_OPTION("--monthly", U64, "N", struct backup_options, monthly, "expire: of N months"),
    {0}};

/* ---- list ---- */

static void list_one(struct tool *t, const char *dir, const char *name, enum tool_exit *worst)
{
    struct backup b;
    struct fault f = {0};
    char verified[SAY_TIME_TEXT], begun[SAY_TIME_TEXT];
    bool deep = false;
    if (!backup_load(&b, dir, name, &f)) {
        *worst = tool_worse(*worst, tool_fault(t, &f));
        return;
    }
    int64_t at = backup_verified_ms(dir, name, &deep);
    uint64_t size = 0, stored = 0;
    for (size_t i = 0; i < b.count; i++) {
        size += b.files[i].size;
        stored += b.files[i].stored;
    }
    say_row(&t->say, "backups",
            FIELDS(SAY_TEXT("name", name), SAY_TEXT("kind", b.is_dump ? "dump" : "log"),
                   SAY_TIME("begun", b.begun_ms), SAY_TIME("ended", b.ended_ms),
                   SAY_TIME("first_annotation", b.first_ms),
                   SAY_TIME("last_annotation", b.last_ms), SAY_TEXT("position", b.position),
                   SAY_TEXT("server", b.server), SAY_TEXT("source", b.source),
                   SAY_U64("bytes", size), SAY_U64("stored", stored), SAY_U64("keys", b.keys),
                   SAY_U64("commands", b.commands), SAY_TEXT("base_digest", b.base_digest),
                   SAY_TIME("verified", at ? at : -1), SAY_BOOL("deep", deep)),
            "%s  %s  %" PRIu64 " keys + %" PRIu64 " commands, %" PRIu64 " bytes, %s%s%s", name,
            say_time(begun, b.begun_ms), b.keys, b.commands, size,
            at ? "verified " : "NOT VERIFIED", at ? say_time(verified, at) : "",
            at && deep ? " (deep)" : "");
    backup_free(&b);
}

static int backup_list(struct tool *t, const struct backup_options *o)
{
    struct fault f = {0};
    char **names;
    enum tool_exit worst = TOOL_GOOD;
    (void)o;
    say_list(&t->say, "backups");
    size_t count = backup_names(t->args[1], &names, &f);
    if (fault_is(&f))
        return tool_fault(t, &f);
    for (size_t i = 0; i < count; i++)
        list_one(t, t->args[1], names[i], &worst);
    if (count == 0)
        say_line(&t->say, "There is no backup in %s", t->args[1]);
    backup_names_free(names, count);
    return worst;
}

/* ---- which one ---- */

/* The one that --backup names, or the newest. For mem_free; NULL: told in *code. */
static char *choose(struct tool *t, const struct backup_options *o, enum tool_exit *code)
{
    struct fault f = {0};
    char **names, *chosen = NULL;
    size_t count = backup_names(t->args[1], &names, &f);
    for (size_t i = 0; i < count; i++)
        if (o->backup ? strcmp(names[i], o->backup) == 0 : i + 1 == count)
            chosen = mem_strdup(names[i]);
    backup_names_free(names, count);
    if (!chosen && !fault_is(&f))
        fault_set(&f, FAULT_INVALID, o->backup ? "There is no backup %s in %s"
                                               : "There is no backup%s in %s",
                  o->backup ? o->backup : "", t->args[1]);
    *code = chosen ? TOOL_GOOD : tool_fault(t, &f);
    return chosen;
}

/* ---- verify ---- */

static enum tool_exit verify_one(struct tool *t, const char *name, bool deep)
{
    const char *dir = t->args[1];
    struct backup b;
    struct fault f = {0};
    if (!backup_load(&b, dir, name, &f)) {
        backup_unmark(dir, name);
        return tool_fault(t, &f);
    }
    bool good = backup_check(t, dir, &b, deep, false, NULL);
    if (!good)
        backup_unmark(dir, name);
    else if (!backup_mark_verified(dir, name, deep, &f)) /* on read-only media: good all the same */
        say_line(&t->say, "%s", f.what);
    say_row(&t->say, "verified",
            FIELDS(SAY_TEXT("name", name), SAY_BOOL("good", good), SAY_BOOL("deep", deep),
                   SAY_U64("keys", b.keys), SAY_U64("commands", b.commands)),
            good ? "%s: good: %" PRIu64 " keys and %" PRIu64 " commands, each file as it was noted"
                 : "%s: NOT GOOD (%" PRIu64 " keys and %" PRIu64 " commands were noted)",
            name, b.keys, b.commands);
    backup_free(&b);
    return good ? TOOL_GOOD : TOOL_LOSS;
}

static int backup_verify(struct tool *t, const struct backup_options *o)
{
    enum tool_exit worst = TOOL_GOOD;
    say_list(&t->say, "verified");
    if (o->backup && strcmp(o->backup, "all") == 0) {
        struct fault f = {0};
        char **names;
        size_t count = backup_names(t->args[1], &names, &f);
        if (fault_is(&f))
            return tool_fault(t, &f);
        for (size_t i = 0; i < count; i++)
            worst = tool_worse(worst, verify_one(t, names[i], o->deep));
        backup_names_free(names, count);
        return worst;
    }
    char *name = choose(t, o, &worst);
    if (name)
        worst = verify_one(t, name, o->deep);
    mem_free(name);
    return worst;
}

/* ---- restore ---- */

static bool make_dir(const char *path, struct fault *f)
{
    int err = file_mkdir(path, 0700);
    if (err < 0)
        fault_io(f, -err, "mkdir", "Can't make %s", path);
    return err == 0;
}

static bool put_files(const char *dir, const char *to_dir, const struct backup *b, struct fault *f)
{
    for (size_t i = 0; i < b->count; i++) {
        struct backup_file copy = b->files[i];
        char *from = backup_path(dir, b, &b->files[i]), *to = file_join(to_dir, b->files[i].name);
        bool ok = backup_copy(from, UINT64_MAX, to, &(struct out_file_options){0}, &copy, f);
        if (ok && (copy.size != b->files[i].size ||
                   strcmp(copy.sha256, b->files[i].sha256) != 0)) {
            fault_set(f, FAULT_CRC, "%s is not what was backed up: SHA-256 differs", from);
            ok = false;
        }
        mem_free(from);
        mem_free(to);
        if (!ok)
            return false;
    }
    return true;
}

/* OUT has its name when all is in it. */
static bool put_back(const char *dir, const char *out, const struct backup *b, struct fault *f)
{
    const char *slash = strrchr(out, '/');
    struct buf name = {0}, parent = {0}, work = {0}, log = {0};
    bool there;
    buf_append(&parent, slash ? out : ".", slash ? (size_t)(slash - out) + (slash == out) : 1);
    buf_printf(&name, ".unfinished-%s", slash ? slash + 1 : out);
    buf_printf(&work, "%s/%s", buf_cstr(&parent), buf_cstr(&name));
    buf_printf(&log, "%s/appendonlydir", buf_cstr(&work));
    bool ok = file_look_for(out, &there, f);
    if (ok && there)
        fault_set(f, FAULT_INVALID, "%s is there already: nothing is written over it", out);
    ok = ok && !there;
    if (ok && file_is_dir(buf_cstr(&work))) /* of a run that was interrupted */
        ok = backup_remove(buf_cstr(&parent), buf_cstr(&name), f);
    ok = ok && make_dir(buf_cstr(&work), f) && (b->is_dump || make_dir(buf_cstr(&log), f)) &&
         put_files(dir, buf_cstr(&work), b, f);
    const struct renaming list = {buf_cstr(&work), out};
    struct renamed r = ok ? file_rename_durably(&list, 1) : (struct renamed){.end = RENAME_FAILED};
    if (ok && r.end != RENAME_DONE)
        fault_io(f, -r.err, "rename", "Can't give %s its name", out);
    struct fault late = {0};
    if (fault_is(f) && !there && file_is_dir(buf_cstr(&work)))
        backup_remove(buf_cstr(&parent), buf_cstr(&name), &late);
    buf_free(&name);
    buf_free(&parent);
    buf_free(&work);
    buf_free(&log);
    return !fault_is(f);
}

/* Up to a moment: the backup's files are the set that holdfast restore takes. A dump is named
 * itself: nobody looks for one under the name it has when it is stored compressed. */
static int restore_to(struct tool *t, const struct backup *b, const struct backup_options *o)
{
    const struct backup_file *dump = backup_file_named(b, "dump.rdb");
    char *set = b->is_dump && dump ? backup_path(t->args[1], b, dump)
                                   : file_join(t->args[1], b->name);
    const char *how = t->json ? "--json" : t->quiet ? "--quiet" : NULL;
    char *words[] = {(char *)(uintptr_t)"restore", set, t->args[2],
                     (char *)(uintptr_t)"--to", (char *)(uintptr_t)o->to, (char *)(uintptr_t)how,
                     NULL};
    int code = tool_run(&verb_restore, how ? 6 : 5, words, t->env);
    t->say.json = false; /* it has answered */
    mem_free(set);
    return code;
}

static int backup_restore(struct tool *t, const struct backup_options *o)
{
    enum tool_exit code;
    struct backup b;
    struct fault f = {0};
    char *name = choose(t, o, &code);
    if (!name)
        return code;
    if (!backup_load(&b, t->args[1], name, &f)) {
        code = tool_fault(t, &f);
    } else if (o->to) {
        code = (enum tool_exit)restore_to(t, &b, o);
        backup_free(&b);
    } else {
        if (!put_back(t->args[1], t->args[2], &b, &f))
            code = tool_fault(t, &f);
        else
            say_fields(&t->say, FIELDS(SAY_TEXT("backup", name), SAY_TEXT("out", t->args[2]),
                                       SAY_U64("keys", b.keys)),
                       "%s is in %s: start a server with dir %s%s", name, t->args[2], t->args[2],
                       b.is_dump ? "" : " and appendonly yes");
        backup_free(&b);
    }
    mem_free(name);
    return code;
}

/* ---- expire ---- */

struct expire {
    const char *dir;
    char **names;
    bool *keep;
    bool *unread;      /* its list of files can't be read */
    int64_t *begun_ms;
    size_t count, unread_count;
};

static void keep_newest(struct expire *e, uint64_t n)
{
    for (size_t i = e->count; n && i-- > 0;) {
        if (e->unread[i])
            continue;
        e->keep[i] = true;
        n--;
    }
}

/* The newest backup of each of the newest n periods that have one. */
static void keep_periods(struct expire *e, uint64_t n, const char *form)
{
    char last[32] = "", period[32];
    for (size_t i = e->count; n && i-- > 0;) {
        time_t s = (time_t)(e->begun_ms[i] / 1000);
        struct tm tm;
        if (e->unread[i])
            continue;
        gmtime_r(&s, &tm);
        strftime(period, sizeof period, form, &tm);
        if (strcmp(period, last) == 0)
            continue;
        memcpy(last, period, sizeof last);
        e->keep[i] = true;
        n--;
    }
}

/* The newest that is whole stays, which is read now, as each behind it that is not, whether it was
 * called good once or not: damage is told each time. So does the newest of those that were called
 * good before, if it still is. False: none is whole. */
static bool keep_last_good(struct tool *t, struct expire *e, enum tool_exit *worst)
{
    bool good = false;
    must(e->count > 0);
    for (size_t i = e->count; i-- > 0;) {
        bool marked = backup_verified_ms(e->dir, e->names[i], NULL) != 0;
        if (e->unread[i] || (good && !marked))
            continue;
        enum tool_exit is = verify_one(t, e->names[i], false);
        *worst = tool_worse(*worst, is);
        if (is != TOOL_GOOD)
            continue;
        e->keep[i] = good = true;
        if (marked)
            return true;
    }
    return good;
}

static size_t count_going(const struct expire *e)
{
    size_t going = 0;
    for (size_t i = 0; i < e->count; i++)
        going += !e->keep[i];
    return going;
}

static enum tool_exit remove_others(struct tool *t, struct expire *e)
{
    struct fault f = {0};
    enum tool_exit worst = TOOL_GOOD;
    size_t going = count_going(e);
    if (going && !tool_agreed(t, "Remove up to %zu of %zu backups?", going, e->count))
        return TOOL_FAILED;
    bool none = e->count && e->unread_count == e->count;
    if (none || (going && !keep_last_good(t, e, &worst)))
        return tool_tell(t, TOOL_LOSS, "None of the backups is whole: none is removed");
    for (size_t i = 0; i < e->count; i++) {
        if (!e->keep[i] && !backup_remove(e->dir, e->names[i], &f))
            return tool_fault(t, &f);
        say_row(&t->say, "backups",
                FIELDS(SAY_TEXT("name", e->names[i]), SAY_BOOL("removed", !e->keep[i])),
                "%s: %s", e->names[i], e->keep[i] ? "kept" : "removed");
    }
    return worst;
}

/* What can't be read has no moment: it is kept, is none of those that were asked for, and is a
 * fault that is told. */
static enum tool_exit load_moments(struct tool *t, struct expire *e)
{
    enum tool_exit worst = TOOL_GOOD;
    for (size_t i = 0; i < e->count; i++) {
        struct backup b;
        struct fault f = {0};
        if (backup_load(&b, e->dir, e->names[i], &f)) {
            e->begun_ms[i] = b.begun_ms;
            backup_free(&b);
        } else {
            e->keep[i] = e->unread[i] = true;
            e->unread_count++;
            backup_unmark(e->dir, e->names[i]);
            worst = tool_worse(worst, tool_fault(t, &f));
        }
    }
    return worst;
}

static int backup_expire(struct tool *t, const struct backup_options *o)
{
    struct expire e = {.dir = t->args[1]};
    struct fault f = {0};
    if (!o->keep && !o->hourly && !o->daily && !o->weekly && !o->monthly)
        return tool_usage(t, "what is to stay? --keep, --hourly, --daily, --weekly, --monthly");
    say_list(&t->say, "backups");
    say_list(&t->say, "verified");
    backup_clean(t, e.dir);
    e.count = backup_names(e.dir, &e.names, &f);
    if (fault_is(&f))
        return tool_fault(t, &f);
    e.keep = mem_zalloc(e.count * sizeof *e.keep + 1);
    e.unread = mem_zalloc(e.count * sizeof *e.unread + 1);
    e.begun_ms = mem_zalloc(e.count * sizeof *e.begun_ms + 1);
    enum tool_exit code = load_moments(t, &e);
    keep_newest(&e, o->keep);
    keep_periods(&e, o->hourly, "%Y%m%d%H");
    keep_periods(&e, o->daily, "%Y%m%d");
    keep_periods(&e, o->weekly, "%G%V");
    keep_periods(&e, o->monthly, "%Y%m");
    code = tool_worse(code, remove_others(t, &e));
    backup_names_free(e.names, e.count);
    mem_free(e.keep);
    mem_free(e.unread);
    mem_free(e.begun_ms);
    return code;
}

/* ---- the words ---- */

static const struct {
    const char *word, *args;
    size_t count; /* args, the word included */
    int (*run)(struct tool *t, const struct backup_options *o);
} words[] = {
    {"create", "create HOST:PORT|DATA-DIR DIR", 3, backup_create},
    {"verify", "verify DIR", 2, backup_verify},
    {"list", "list DIR", 2, backup_list},
    {"restore", "restore DIR OUT", 3, backup_restore},
    {"expire", "expire DIR", 2, backup_expire},
};

static int run(struct tool *t, void *state)
{
    struct backup_options *o = state;
    if (o->compress && !compression_called(slice_str(o->compress), &o->compression))
        return tool_usage(t, "--compress %s: gzip or zstd", o->compress);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(t->args[0], words[i].word) == 0)
            return t->argc == words[i].count ? words[i].run(t, o)
                                             : (int)tool_usage(t, "backup %s", words[i].args);
    return tool_usage(t, "backup %s: create, verify, list, restore or expire", t->args[0]);
}

const struct verb verb_backup = {
    .name = "backup",
    .does = "makes, verifies, lists, restores and expires backups of a server's files",
    .args = "create HOST:PORT|DATA-DIR DIR | verify DIR | list DIR | restore DIR OUT | expire DIR",
    .example = "  holdfast backup create 127.0.0.1:6379 /backups\n"
               "  holdfast backup verify /backups --deep\n"
               "  holdfast backup restore /backups /var/lib/redis-restored\n"
               "  holdfast backup expire /backups --hourly 24 --daily 7 --weekly 5 --yes",
    .text = "A backup is a directory named by the moment it was begun, with the files as a server "
            "finds them.\nFiles that did not change since the backup before are shared with it.\n"
            "A backup is read back before it is called one. expire never removes the last good "
            "one: before it\nremoves any it verifies the newest again, which reads all of it, and "
            "those before it until one\nis whole, which stays, as does the newest of those that "
            "were verified before; if none is whole, it\nremoves none (exit code 5).",
    .options = options,
    .state_size = sizeof(struct backup_options),
    .args_min = 2,
    .args_max = 3,
    .run = run,
};
