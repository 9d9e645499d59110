/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_undo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "os/file.h"
#include "tools/fix_leftovers.h"
#include "tools/log_write.h"

enum { HEADER_MAX = 1 << 20, FILES_MAX = 4096, WORDS = 7 };
static const char magic[] = "HOLDFAST-UNDO 1\n";

static bool open_bytes(struct log_bytes *b, const char *path, struct fault *f)
{
    int fd = file_open(path, O_RDONLY, 0);
    int64_t size = fd < 0 ? fd : file_size(fd);
    if (size < 0) {
        fault_io(f, (int)-size, "open", "Can't open %s", path);
        if (fd >= 0)
            file_close(fd);
        return false;
    }
    log_bytes_open(b, fd, (uint64_t)size);
    return true;
}

static void close_bytes(struct log_bytes *b)
{
    file_close(b->fd);
    log_bytes_close(b);
}

static uint64_t first_difference(struct log_bytes *a, struct log_bytes *b)
{
    must(a->fd >= 0 && b->fd >= 0);
    uint64_t at = 0, end = a->size < b->size ? a->size : b->size;
    while (at < end) {
        size_t n = end - at < LOG_LOOK_MAX ? (size_t)(end - at) : LOG_LOOK_MAX;
        struct slice s = log_bytes_at(a, at, n), t = log_bytes_at(b, at, n);
        if (s.len != n || t.len != n)
            break;
        if (memcmp(s.data, t.data, n) != 0) {
            while (*s.data == *t.data) {
                s = slice_from(s, 1);
                t = slice_from(t, 1);
                at++;
            }
            break;
        }
        at += n;
    }
    return at;
}

/* The set had lost it. */
static bool compare_made(struct undo_file *u, const char *path, const char *with, struct fault *f)
{
    struct log_bytes new;
    if (!open_bytes(&new, with, f))
        return false;
    *u = (struct undo_file){.path = mem_strdup(path), .made = true, .new_len = new.size};
    u->new_crc = log_bytes_crc(&new, 0, new.size, 0);
    if (fault_is(&new.fault))
        *f = new.fault;
    close_bytes(&new);
    return !fault_is(f);
}

bool undo_compare(struct undo_file *u, const char *path, const char *with, struct fault *f)
{
    struct log_bytes old, new;
    if (!file_exists(path))
        return compare_made(u, path, with, f);
    if (!open_bytes(&old, path, f))
        return false;
    if (!open_bytes(&new, with, f)) {
        close_bytes(&old);
        return false;
    }
    *u = (struct undo_file){.path = mem_strdup(path), .offset = first_difference(&old, &new)};
    u->old_len = old.size - u->offset;
    u->new_len = new.size - u->offset;
    u->head_crc = log_bytes_crc(&old, 0, u->offset, 0);
    u->old_crc = log_bytes_crc(&old, u->offset, old.size, 0);
    u->new_crc = log_bytes_crc(&new, u->offset, new.size, 0);
    if (fault_is(&old.fault) || fault_is(&new.fault))
        *f = fault_is(&old.fault) ? old.fault : new.fault;
    close_bytes(&old);
    close_bytes(&new);
    return !fault_is(f);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool undo_write(const char *undo_path, const struct undo_file *files, size_t count,
                struct fault *f)
{
    struct buf head = {0};
    struct log_writer w;
    struct log_bytes b;
    uint64_t size;
    must(count <= FILES_MAX);
    buf_printf(&head, "%s", magic);
    for (size_t i = 0; i < count; i++) {
        const struct undo_file *u = &files[i];
        if (strchr(name_of(u->path), '\n'))
            fault_set(f, FAULT_INVALID, "A name with a line feed can't be kept");
        buf_printf(&head, "%s %" PRIu64 " %" PRIu64 " %016" PRIx64 " %" PRIu64 " %016" PRIx64
                   " %016" PRIx64 " %s\n", u->made ? "made" : "file", u->offset,
                   u->old_len, u->old_crc, u->new_len, u->new_crc, u->head_crc, name_of(u->path));
    }
    buf_printf(&head, "end %016" PRIx64 "\n", crc64(0, head.data, head.len));
    char *tmp = fix_mended_name(undo_path); /* half of it must not be taken for what is kept */
    bool ok = !fault_is(f) && log_write_open(&w, tmp, f);
    if (ok) {
        out_slice(&w.out, buf_slice(&head));
        for (size_t i = 0; ok && i < count; i++) {
            if (files[i].made)
                continue;
            ok = open_bytes(&b, files[i].path, f);
            if (!ok)
                break;
            log_write_copy(&w, &b, files[i].offset, files[i].offset + files[i].old_len);
            close_bytes(&b);
        }
        if (!ok)
            log_write_drop(&w);
        else
            ok = log_write_end(&w, &size, f) && log_write_place(tmp, undo_path, f);
    }
    mem_free(tmp);
    buf_free(&head);
    return ok;
}

/* ---- putting back ---- */

struct undo {
    struct log_bytes bytes; /* of the file that keeps it */
    uint64_t data;          /* where the old bytes begin */
    struct undo_file *files;
    size_t count;
};

/* One line of a file, in place. */
static bool parse_file(struct slice line, const char *undo_path, struct undo_file *u)
{
    uint64_t *const to[WORDS - 1] = {&u->offset, &u->old_len, &u->old_crc, &u->new_len,
                                     &u->new_crc, &u->head_crc};
    static const bool hex[] = {false, false, true, false, true, true};
    must(line.len >= 5); /* "file ", "made " */
    u->made = line.data[0] == 'm';
    line = slice_from(line, 5);
    for (size_t i = 0; i < WORDS - 1; i++) {
        const char *blank = line.len ? memchr(line.data, ' ', line.len) : NULL;
        struct slice word = slice(line.data, blank ? (size_t)(blank - line.data) : 0);
        if (!(hex[i] ? num_parse_hex(word, to[i]) : num_parse_u64(word, to[i])))
            return false;
        line = slice_from(line, word.len + 1);
    }
    const char *slash = strrchr(undo_path, '/');
    struct buf path = {0};
    if (line.len == 0 || memchr(line.data, '/', line.len) || memchr(line.data, '\0', line.len))
        return false;
    if (slash)
        buf_append(&path, undo_path, (size_t)(slash - undo_path) + 1);
    buf_add(&path, line);
    u->path = mem_strdup(buf_cstr(&path));
    buf_free(&path);
    if (u->made && (u->old_len || u->offset))
        return false;
    return u->old_len <= UINT64_MAX - u->offset && u->new_len <= UINT64_MAX - u->offset;
}

/* The lines of head up to and with "end". */
static bool parse_lines(struct undo *un, struct slice head, const char *undo_path)
{
    size_t at = sizeof magic - 1;
    uint64_t crc;
    while (at < head.len) {
        struct slice rest = slice_from(head, at);
        const char *lf = memchr(rest.data, '\n', rest.len);
        if (!lf || un->count == FILES_MAX)
            return false;
        struct slice line = slice(rest.data, (size_t)(lf - rest.data));
        if (line.len == 20 && memcmp(line.data, "end ", 4) == 0) {
            un->data = at + line.len + 1;
            return num_parse_hex(slice_from(line, 4), &crc) && crc == crc64(0, head.data, at);
        }
        if (line.len < 5 || (memcmp(line.data, "file ", 5) != 0 &&
                             memcmp(line.data, "made ", 5) != 0))
            return false;
        un->files = mem_realloc(un->files, (un->count + 1) * sizeof *un->files);
        un->files[un->count] = (struct undo_file){0};
        if (!parse_file(line, undo_path, &un->files[un->count++]))
            return false;
        at += line.len + 1;
    }
    return false;
}

static bool parse(struct undo *un, const char *undo_path, struct fault *f)
{
    struct buf head = {0};
    while (head.len < HEADER_MAX) {
        struct slice s = log_bytes_at(&un->bytes, head.len, LOG_LOOK_MAX);
        if (s.len == 0)
            break;
        buf_add(&head, s);
    }
    bool ok = head.len >= sizeof magic && memcmp(head.data, magic, sizeof magic - 1) == 0 &&
              parse_lines(un, buf_slice(&head), undo_path);
    uint64_t at = un->data;
    for (size_t i = 0; ok && i < un->count; i++) {
        ok = un->files[i].old_len <= un->bytes.size - at &&
             log_bytes_crc(&un->bytes, at, at + un->files[i].old_len, 0) == un->files[i].old_crc;
        at += ok ? un->files[i].old_len : 0;
    }
    ok = ok && at == un->bytes.size;
    if (!ok)
        fault_set(f, FAULT_FORMAT, "%s is not what fix has kept, or is damaged", undo_path);
    buf_free(&head);
    return ok;
}

enum state { CHANGED, IS_OLD, IS_NEW };

static bool is_now(struct log_bytes *b, const struct undo_file *u, uint64_t len, uint64_t crc)
{
    return b->size == u->offset + len && log_bytes_crc(b, 0, u->offset, 0) == u->head_crc &&
           log_bytes_crc(b, u->offset, b->size, 0) == crc;
}

static enum state state_of(const struct undo_file *u, struct fault *f)
{
    struct log_bytes b;
    if (u->made && !file_exists(u->path))
        return IS_OLD;
    if (!open_bytes(&b, u->path, f))
        return CHANGED;
    /* Of one that was not changed nothing is put back. */
    enum state s = !u->made && is_now(&b, u, u->old_len, u->old_crc) ? IS_OLD :
                   is_now(&b, u, u->new_len, u->new_crc) ? IS_NEW : CHANGED;
    if (s == CHANGED)
        fault_set(f, FAULT_INVALID, "%s is not what fix had made of it: nothing is put back",
                  u->path);
    close_bytes(&b);
    return s;
}

static bool take_away(const struct undo_file *u, struct fault *f)
{
    must(u->made);
    int err = file_unlink(u->path);
    if (err == 0)
        err = file_sync_dir_of(u->path);
    if (err < 0)
        fault_io(f, -err, "unlink", "Can't remove %s", u->path);
    return err == 0;
}

static bool put_back(struct undo *un, const struct undo_file *u, uint64_t at, struct fault *f)
{
    struct log_writer w;
    struct log_bytes b;
    struct stat st;
    uint64_t size;
    if (u->made)
        return take_away(u, f);
    char *tmp = fix_mended_name(u->path);
    bool opened = open_bytes(&b, u->path, f), ok = false;
    if (opened && log_write_open(&w, tmp, f)) {
        if (file_stat(u->path, &st) == 0)
            file_set_attributes(w.fd, &st);
        log_write_copy(&w, &b, 0, u->offset);
        log_write_copy(&w, &un->bytes, at, at + u->old_len);
        ok = log_write_end(&w, &size, f);
    }
    if (opened)
        close_bytes(&b);
    ok = ok && log_write_place(tmp, u->path, f);
    mem_free(tmp);
    return ok;
}

bool undo_restore(const char *undo_path, size_t *files, struct fault *f)
{
    struct undo un = {0};
    must(!fault_is(f));
    *files = 0;
    if (!open_bytes(&un.bytes, undo_path, f))
        return false;
    bool ok = parse(&un, undo_path, f);
    enum state *states = mem_zalloc((un.count + 1) * sizeof *states);
    for (size_t i = 0; ok && i < un.count; i++) {
        states[i] = state_of(&un.files[i], f);
        ok = states[i] != CHANGED;
    }
    uint64_t at = un.data;
    for (size_t i = 0; ok && i < un.count; i++) {
        if (states[i] == IS_NEW)
            ok = put_back(&un, &un.files[i], at, f);
        *files += ok && states[i] == IS_NEW;
        at += un.files[i].old_len;
    }
    for (size_t i = 0; i < un.count; i++)
        mem_free(un.files[i].path);
    mem_free(un.files);
    mem_free(states);
    close_bytes(&un.bytes);
    return ok;
}

/* ---- names ---- */

char *undo_name(const char *path, int64_t now_s)
{
    struct buf name = {0};
    for (int i = 0;; i++) {
        buf_clear(&name);
        buf_printf(&name, "%s" UNDO_MARK "%010" PRId64, path, now_s + i);
        if (!file_exists(buf_cstr(&name)))
            break;
    }
    char *out = mem_strdup(buf_cstr(&name));
    buf_free(&name);
    return out;
}

struct search {
    struct buf prefix;
    const char *than; /* NULL: any */
    char *best;
};

static bool look(void *arg, const char *name)
{
    struct search *s = arg;
    if (strncmp(name, s->prefix.data, s->prefix.len) != 0)
        return true;
    const char *number = name + s->prefix.len; /* half of one has more behind it */
    if (number[strspn(number, "0123456789")] == '\0' &&
        (!s->than || strcmp(name, s->than) < 0) && (!s->best || strcmp(name, s->best) > 0)) {
        mem_free(s->best);
        s->best = mem_strdup(name);
    }
    return true;
}

char *undo_find(const char *path, const char *than)
{
    struct search s = {.than = than ? name_of(than) : NULL};
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_dup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
    buf_printf(&s.prefix, "%s" UNDO_MARK, name_of(path));
    file_each(dir, look, &s);
    char *found = s.best ? file_join(dir, s.best) : NULL;
    mem_free(s.best);
    mem_free(dir);
    buf_free(&s.prefix);
    return found;
}
