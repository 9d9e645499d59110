/* SPDX-License-Identifier: BSD-3-Clause */
/* A word is looked at as a person would: is it a directory, a manifest, an RDB, commands? */
#include "tools/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/aof_parts.h"
#include "os/file.h"

enum { HEAD = 1024, MANIFEST_MAX = 1 << 20, MANIFESTS_MAX = 64 };
static const char manifest_suffix[] = ".manifest";

uint64_t source_bytes(const struct source *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->count; i++)
        sum += s->parts[i].size;
    return sum;
}

static void free_opened(struct input *i)
{
    if (i && i->fd >= 0)
        input_close(i);
    mem_free(i);
}

void source_free(struct source *s)
{
    for (size_t i = 0; i < s->count + s->history; i++) {
        mem_free(s->parts[i].name);
        mem_free(s->parts[i].path);
        free_opened(s->parts[i].opened);
    }
    mem_free(s->parts);
    mem_free(s->path);
    mem_free(s->dir);
    mem_free(s->other);
    manifest_free(&s->manifest);
    *s = (struct source){0};
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* For mem_free: what stands in front of the last slash, or ".". */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    struct buf dir = {0};
    buf_append(&dir, path, slash == path ? 1 : (size_t)(slash - path));
    char *out = mem_strdup(buf_cstr(&dir));
    buf_free(&dir);
    return out;
}

/* ---- one file ---- */

static bool is_rdb(struct slice head)
{
    static const char *const magics[] = {"REDIS", "VALKEY", "VKCS"};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (head.len >= strlen(magics[i]) && memcmp(head.data, magics[i], strlen(magics[i])) == 0)
            return true;
    return false;
}

/* A line, "$EOF:" and 40 bytes, which stand behind the RDB again, or "$" and a length. */
bool source_is_file(const char *name, struct slice head, struct fault *f)
{
    enum { LINE_MAX_BYTES = 64 };
    const char *end = head.len && head.data[0] == '$' ? memchr(head.data, '\n', head.len) : NULL;
    size_t line = end ? (size_t)(end - head.data) + 1 : 0;
    bool stream = line > 2 && line <= LINE_MAX_BYTES && is_rdb(slice_from(head, line));
    if (stream)
        fault_set(f, FAULT_INVALID, "%s: a stream of a full sync, not a file: its RDB lies behind "
                  "the first line (tail -n +2%s gives it)", name,
                  line > 5 && memcmp(head.data, "$EOF:", 5) == 0 ? " | head -c -40" : "");
    return !stream;
}

/* By content: the first line that is no comment begins with "file"; or by its name, so that an
 * empty or broken one is not taken for an empty log. */
static bool is_manifest(const char *path, struct slice head)
{
    if (ends_with(path, manifest_suffix))
        return true;
    while (head.len && head.data[0] == '#') {
        const char *end = memchr(head.data, '\n', head.len);
        if (!end)
            return false;
        head = slice_from(head, (size_t)(end - head.data) + 1);
    }
    return head.len >= 5 && strncasecmp(head.data, "file ", 5) == 0;
}

/* "-", a FIFO, a pipe that a shell names. */
static bool is_once(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 ||
           (file_stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static bool look_into(struct source_part *p, struct input *i, struct buf *head, struct fault *f)
{
    p->size = i->file_size;
    p->compression = i->compression;
    buf_add(head, in_peek(&i->in, HEAD));
    p->begins_with_rdb = is_rdb(buf_slice(head));
    p->empty = head->len == 0;
    p->damaged = p->empty && input_cut(i)->code == FAULT_FORMAT;
    if (in_bad(&i->in))
        *f = i->in.fault;
    return !in_bad(&i->in);
}

static bool look_once(struct source_part *p, struct buf *head, struct fault *f)
{
    p->opened = mem_zalloc(sizeof *p->opened);
    if (input_open(p->opened, p->path, f))
        return look_into(p, p->opened, head, f);
    p->opened->fd = -1;
    return false;
}

/* Decoded first bytes of a part. Of a set none should be a FIFO: it is not looked at. */
static bool look(struct source_part *p, struct buf *head, struct fault *f)
{
    struct input i;
    if (is_once(p->path))
        return true;
    if (!input_open(&i, p->path, f))
        return false;
    bool ok = look_into(p, &i, head, f);
    input_close(&i);
    return ok;
}

bool source_part_open(struct input *i, const struct source_part *p, struct fault *f)
{
    if (!p->opened)
        return input_open(i, p->path, f);
    must(p->opened->fd >= 0);
    if (p->opened->seekable)
        return input_again(i, p->opened, f);
    input_move(i, p->opened);
    return true;
}

/* Cut off inside its compression it is kept as far as it goes: whoever reads it is told. */
bool source_keep(struct source *s, struct fault *f)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->parts[i].opened && !input_seekable_part(s->parts[i].opened, f))
            return false;
    return true;
}

bool source_some_unnamed(const struct source *s, struct fault *f)
{
    const struct source_part *p = s->parts;
    bool none = s->kind != SOURCE_SET && p->empty;
    if (none)
        fault_set(f, p->damaged ? FAULT_FORMAT : FAULT_EOF, "%s",
                  p->damaged       ? "its compression is damaged from its front on"
                  : p->compression ? "no byte comes out of its compression"
                                   : "the file is empty");
    return !none;
}

bool source_some(const struct source *s, struct fault *f)
{
    bool some = source_some_unnamed(s, f);
    if (!some)
        fault_prefix(f, s->path);
    return some;
}

/* ---- a set ---- */

static void add_part(struct source *s, const char *name, enum part_kind kind, int64_t seq)
{
    size_t n = s->count + s->history;
    s->parts = mem_realloc(s->parts, (n + 1) * sizeof *s->parts);
    s->parts[n] = (struct source_part){.name = mem_strdup(name), .path = file_join(s->dir, name),
                                       .kind = kind, .seq = seq};
    if (kind == PART_HISTORY)
        s->history++;
    else
        s->count++;
}

/* In a compressed backup the parts have a suffix more than the manifest says. */
static void look_for_packed(struct source_part *p)
{
    static const char *const suffixes[] = {".zst", ".gz"};
    for (size_t i = 0; i < 2 && !file_exists(p->path); i++) {
        struct buf packed = {0};
        buf_printf(&packed, "%s%s", p->path, suffixes[i]);
        if (file_exists(buf_cstr(&packed))) {
            mem_free(p->path);
            p->path = mem_strdup(buf_cstr(&packed));
        }
        buf_free(&packed);
    }
}

/* Missing ones are no fault here: who reads them says so. */
static bool look_at_parts(struct source *s, struct fault *f)
{
    struct buf head = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < s->count + s->history; i++) {
        struct fault one = {0};
        buf_clear(&head);
        look_for_packed(&s->parts[i]);
        if (!look(&s->parts[i], &head, &one)) {
            s->parts[i].missing = one.err == ENOENT;
            ok = s->parts[i].missing || one.code != FAULT_IO;
            if (!ok)
                *f = one;
        }
    }
    buf_free(&head);
    return ok;
}

static bool find_set(struct source *s, const char *path, struct fault *f)
{
    struct buf text = {0};
    s->kind = SOURCE_SET;
    s->path = mem_strdup(path);
    s->dir = dir_of(path);
    bool ok = file_slurp_regular(path, MANIFEST_MAX, &text, f) &&
              aof_parts_manifest(&s->manifest, path, buf_slice(&text), f);
    buf_free(&text);
    if (!ok)
        return false;
    const struct manifest *m = &s->manifest;
    if (m->base.name)
        add_part(s, m->base.name, PART_BASE, m->base.seq);
    for (size_t i = 0; i < m->incr.count; i++)
        add_part(s, m->incr.files[i].name, PART_INCR, m->incr.files[i].seq);
    for (size_t i = m->history.count; i-- > 0;)
        add_part(s, m->history.files[i].name, PART_HISTORY, m->history.files[i].seq);
    return look_at_parts(s, f);
}

static bool find_file(struct source *s, const char *word, struct fault *f)
{
    struct buf head = {0};
    bool once = is_once(word);
    s->dir = dir_of(word);
    const char *slash = strrchr(word, '/');
    add_part(s, slash ? slash + 1 : word, PART_FILE, 0);
    mem_free(s->parts[0].path);
    s->parts[0].path = mem_strdup(word);
    bool ok = once ? look_once(&s->parts[0], &head, f) : look(&s->parts[0], &head, f);
    bool manifest = ok && is_manifest(word, buf_slice(&head));
    bool file = !ok || source_is_file(word, buf_slice(&head), f);
    buf_free(&head);
    if (!file)
        return false;
    if (manifest && once) {
        fault_set(f, FAULT_INVALID, "%s: a manifest comes through a pipe, and the files that it "
                  "names cannot: name it, or its directory", word);
        return false;
    }
    if (manifest) {
        source_free(s);
        return find_set(s, word, f);
    }
    s->path = mem_strdup(word);
    bool rdb = s->parts[0].begins_with_rdb || s->parts[0].empty || ends_with(word, ".rdb");
    s->kind = rdb ? SOURCE_RDB : SOURCE_LOG;
    return ok && (rdb || source_keep(s, f));
}

/* ---- directories ---- */

struct listing {
    const char *dir;
    const char *suffix;
    char *found; /* the first by name */
    size_t count;
};

static bool visit(void *arg, const char *name)
{
    struct listing *l = arg;
    char *path = file_join(l->dir, name);
    bool wanted = ends_with(name, l->suffix) && strncmp(name, "temp-", 5) != 0 && name[0] != '.' &&
                  !file_is_dir(path);
    if (wanted && (++l->count == 1 || strcmp(path, l->found) < 0)) {
        mem_free(l->found);
        l->found = path;
    } else {
        mem_free(path);
    }
    return true;
}

/* In dir itself. *count: how many there are; the name is for mem_free, NULL: none. */
static char *only_file(const char *dir, const char *suffix, size_t *count, int *err)
{
    struct listing l = {.dir = dir, .suffix = suffix};
    *err = file_each(dir, visit, &l);
    *count = l.count;
    return l.found;
}

struct subdirs {
    const char *dir;
    char *manifest;
    size_t count;
};

static bool visit_subdir(void *arg, const char *name)
{
    struct subdirs *d = arg;
    char *path = file_join(d->dir, name);
    size_t count = 0;
    int err;
    char *found = file_is_dir(path) ? only_file(path, manifest_suffix, &count, &err) : NULL;
    mem_free(path);
    d->count += count;
    if (!d->manifest)
        d->manifest = found;
    else
        mem_free(found);
    return true;
}

/* The manifest in dir, or in the directories in it. */
static char *find_manifest(const char *dir, size_t *count, struct fault *f)
{
    int err;
    char *found = only_file(dir, manifest_suffix, count, &err);
    if (err < 0) {
        fault_io(f, -err, "open", "Can't read the directory %s", dir);
        return NULL;
    }
    if (found)
        return found;
    struct subdirs d = {.dir = dir};
    file_each(dir, visit_subdir, &d);
    *count = d.count;
    return d.manifest;
}

static bool too_many(struct fault *f, const char *dir, const char *what, size_t count,
                     const char *one)
{
    if (count > 1)
        fault_set(f, FAULT_INVALID, "%s holds %zu %s: name one of them, as %s", dir, count, what,
                  one);
    return count > 1;
}

static bool find_dir(struct source *s, const char *dir, const struct source_options *opt,
                     struct fault *f)
{
    size_t manifests = 0, dumps = 0;
    int err;
    char *manifest = find_manifest(dir, &manifests, f);
    char *dump = fault_is(f) ? NULL : only_file(dir, ".rdb", &dumps, &err);
    bool log = manifest && !(opt->dump && dump), ok = false;
    if (dump && strstr(dump, ".base.rdb")) { /* a part of a log is no dump */
        mem_free(dump);
        dump = NULL;
    }
    if (fault_is(f))
        ;
    else if (!manifest && !dump)
        fault_set(f, FAULT_INVALID, "%s holds neither an append log nor a dump (*.rdb)", dir);
    else if (!too_many(f, dir, "manifests", log ? manifests : 0, manifest) &&
             !too_many(f, dir, "dumps", log ? 0 : dumps, dump))
        ok = log ? find_set(s, manifest, f) : find_file(s, dump, f);
    if (ok && log)
        snprintf(s->why, sizeof s->why, "the append log: a server with appendonly yes loads it%s",
                 dump ? ", and not the dump" : "");
    else if (ok)
        snprintf(s->why, sizeof s->why, "the dump%s", manifest ? ", as --dump asks" :
                 ": there is no append log");
    if (ok && log)
        s->other = dump ? mem_strdup(dump) : NULL;
    mem_free(manifest);
    mem_free(dump);
    return ok;
}

static bool begins_as_manifest(const char *path)
{
    char head[HEAD];
    int fd = is_once(path) ? -1 : file_open(path, O_RDONLY, 0);
    ssize_t got = fd >= 0 ? file_pread(fd, head, sizeof head, 0) : 0;
    if (fd >= 0)
        file_close(fd);
    return got > 0 && is_manifest(path, slice(head, (size_t)got));
}

bool source_is_place(const char *word)
{
    return file_is_dir(word) || ends_with(word, manifest_suffix) || begins_as_manifest(word);
}

bool source_find(struct source *s, const char *word, const struct source_options *opt,
                 struct fault *f)
{
    *s = (struct source){0};
    bool dir = strcmp(word, "-") != 0 && file_is_dir(word);
    bool ok = dir ? find_dir(s, word, opt, f) : find_file(s, word, f);
    must(ok != fault_is(f));
    if (!ok)
        source_free(s);
    return ok;
}
