/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/fix_leftovers.h"

#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_parts.h"
#include "os/file.h"
#include "tools/unfinished.h"

static const char mark[] = ".mended-", manifest[] = ".manifest";

char *fix_mended_name(const char *path)
{
    return unfinished_name(path, mark);
}

struct search {
    const char *log; /* its name */
    size_t length;
    char *stem;      /* of a set: x.aof of x.aof.manifest; NULL */
    struct buf names;
};

static bool look(void *arg, const char *name)
{
    struct search *s = arg;
    size_t n;
    if (!unfinished_left(name, mark, &n))
        return true;
    char *file = mem_dup(name, n);
    bool kept = strncmp(file, s->log, s->length) == 0 &&
                strncmp(file + s->length, UNDO_MARK, sizeof UNDO_MARK - 1) == 0;
    if (kept || strcmp(file, s->log) == 0 || (s->stem && aof_part_kind(s->stem, file)))
        buf_append(&s->names, name, strlen(name) + 1);
    mem_free(file);
    return true;
}

static void tell(struct tool *t, const char *dir, const char *name, bool remove)
{
    char *path = file_join(dir, name);
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        bool removed = remove && file_unlink(path) == 0;
        say_row(&t->say, "leftovers", FIELDS(SAY_TEXT("file", name), SAY_BOOL("removed", removed)),
                "%s: a fix that was interrupted left it%s", name,
                removed  ? ": removed"
                : remove ? ": it can't be removed"
                         : "; --in-place removes it");
    }
    mem_free(path);
}

void fix_leftovers(struct tool *t, const char *path, bool remove)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_dup(path, (size_t)(slash - path) + 1) : mem_strdup("./");
    struct search s = {.log = slash ? slash + 1 : path};
    size_t n = s.length = strlen(s.log), tail = sizeof manifest - 1;
    if (n > tail && strcmp(s.log + n - tail, manifest) == 0)
        s.stem = mem_dup(s.log, n - tail);
    say_list(&t->say, "leftovers");
    file_each(dir, look, &s); /* collected first: a directory must not change under the reader */
    must(s.names.len == 0 || s.names.data[s.names.len - 1] == '\0');
    for (size_t at = 0; at < s.names.len; at += strlen(s.names.data + at) + 1)
        tell(t, dir, s.names.data + at, remove);
    buf_free(&s.names);
    mem_free(s.stem);
    mem_free(dir);
}
