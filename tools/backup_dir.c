/* SPDX-License-Identifier: BSD-3-Clause */
/* The directory of backups: which there are, and how one comes and goes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/quote.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/backup.h"

enum { MANIFEST_MAX = 4 << 20 };
static const char manifest_name[] = "backup", mark_name[] = "verified";
static const char unfinished[] = ".unfinished-", going[] = ".removing-";

/* ---- names ---- */

struct names {
    const char *dir;
    char **names;
    size_t count;
};

/* A backup is a directory with a file "backup". */
static bool visit(void *arg, const char *name)
{
    struct names *n = arg;
    struct buf path = {0};
    buf_printf(&path, "%s/%s/%s", n->dir, name, manifest_name);
    if (name[0] != '.' && file_exists(buf_cstr(&path))) {
        n->names = mem_realloc(n->names, (n->count + 1) * sizeof *n->names);
        n->names[n->count++] = mem_strdup(name);
    }
    buf_free(&path);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t backup_names(const char *dir, char ***names, struct fault *f)
{
    struct names n = {.dir = dir};
    int err = file_each(dir, visit, &n);
    if (err < 0)
        fault_io(f, -err, "open", "Can't read the directory of backups %s", dir);
    if (n.count)
        qsort(n.names, n.count, sizeof *n.names, by_name);
    *names = n.names;
    return n.count;
}

void backup_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}

static char *path_in(const char *dir, const char *name, const char *file)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s%s%s", dir, name, file ? "/" : "", file ? file : "");
    char *out = mem_strdup(buf_cstr(&path));
    buf_free(&path);
    return out;
}

bool backup_load(struct backup *b, const char *dir, const char *name, struct fault *f)
{
    struct buf text = {0};
    char *path = path_in(dir, name, manifest_name);
    *b = (struct backup){0};
    bool ok = file_slurp_regular(path, MANIFEST_MAX, &text, f) &&
              backup_parse(b, buf_slice(&text), f);
    if (ok)
        b->name = mem_strdup(name);
    else
        fault_prefix(f, name);
    mem_free(path);
    buf_free(&text);
    return ok;
}

char *backup_path(const char *dir, const struct backup *b, const struct backup_file *file)
{
    static const char *const suffixes[] = {"", ".gz", ".zst"};
    struct buf path = {0};
    bool packed = file->kind != BACKUP_MANIFEST;
    buf_printf(&path, "%s/%s/%s%s", dir, b->name, file->name,
               packed ? suffixes[b->compression] : "");
    char *out = mem_strdup(buf_cstr(&path));
    buf_free(&path);
    return out;
}

/* ---- the mark ---- */

int64_t backup_verified_ms(const char *dir, const char *name, bool *deep)
{
    struct buf text = {0};
    struct fault f = {0};
    struct slice words[2];
    int64_t ms = 0;
    char *path = path_in(dir, name, mark_name);
    if (file_slurp_regular(path, 256, &text, &f)) {
        if (text.len && text.data[text.len - 1] == '\n')
            text.len--;
        buf_cstr(&text);
        if (quote_split(text.data, text.len, words, 2) != 2 || !num_parse_i64(words[0], &ms))
            ms = 0;
        else if (deep)
            *deep = slice_eq_str(words[1], "deep");
    }
    mem_free(path);
    buf_free(&text);
    return ms;
}

bool backup_mark_verified(const char *dir, const char *name, bool deep, struct fault *f)
{
    struct buf text = {0};
    char *path = path_in(dir, name, mark_name), *tmp = path_in(dir, name, ".verified");
    buf_printf(&text, "%" PRId64 " %s\n", clock_wall_ms(), deep ? "deep" : "whole");
    bool ok = file_replace(tmp, path, buf_slice(&text), f);
    buf_free(&text);
    mem_free(path);
    mem_free(tmp);
    return ok;
}

void backup_unmark(const char *dir, const char *name)
{
    char *path = path_in(dir, name, mark_name);
    file_unlink(path);
    mem_free(path);
}

/* ---- going ---- */

static bool remove_tree(const char *path, struct fault *f);

struct removing {
    const char *dir;
    struct fault *fault;
};

static bool remove_entry(void *arg, const char *name)
{
    struct removing *r = arg;
    char *path = file_join(r->dir, name);
    int err = file_is_dir(path) ? 0 : file_unlink(path);
    if (err == 0 && file_is_dir(path))
        remove_tree(path, r->fault);
    else if (err < 0 && err != -ENOENT)
        fault_io(r->fault, -err, "unlink", "Can't remove %s", path);
    mem_free(path);
    return !fault_is(r->fault);
}

static bool remove_tree(const char *path, struct fault *f)
{
    struct removing r = {path, f};
    int err = file_each(path, remove_entry, &r);
    if (err < 0)
        fault_io(f, -err, "open", "Can't read %s", path);
    else if (!fault_is(f) && rmdir(path) < 0)
        fault_io(f, errno, "rmdir", "Can't remove %s", path);
    return !fault_is(f);
}

bool backup_remove(const char *dir, const char *name, struct fault *f)
{
    struct buf gone = {0};
    char *path = path_in(dir, name, NULL);
    buf_printf(&gone, "%s/%s%s", dir, going, name);
    int err = name[0] == '.' ? 0 : file_rename(path, buf_cstr(&gone));
    if (err == 0 && name[0] != '.')
        err = file_sync_dir(dir);
    if (err < 0)
        fault_io(f, -err, "rename", "Can't remove %s", path);
    else
        remove_tree(name[0] == '.' ? path : buf_cstr(&gone), f);
    mem_free(path);
    buf_free(&gone);
    return !fault_is(f);
}

struct leftovers {
    struct tool *tool;
    const char *dir;
};

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool visit_leftover(void *arg, const char *name)
{
    struct leftovers *l = arg;
    struct fault f = {0};
    if (!starts(name, unfinished) && !starts(name, going))
        return true;
    bool making = starts(name, unfinished);
    say_row(&l->tool->say, "leftovers",
            FIELDS(SAY_TEXT("name", name), SAY_BOOL("was_being_made", making)),
            making ? "%s: a backup that was interrupted while it was made: removed"
                   : "%s: a backup whose removal was interrupted: removed", name);
    if (!backup_remove(l->dir, name, &f))
        say_line(&l->tool->say, "%s", f.what);
    return true;
}

void backup_clean(struct tool *t, const char *dir)
{
    struct leftovers l = {t, dir};
    say_list(&t->say, "leftovers");
    file_each(dir, visit_leftover, &l);
}
