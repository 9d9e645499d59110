/* SPDX-License-Identifier: BSD-3-Clause */
/* redis-check-aof: a manifest and the files it names, or one file. Each file is read by the
 * server's own reader (an RDB part, if it has one, by check_rdb_stream). What can be mended is the
 * end of the last file: it is cut behind the last whole command that is in no open transaction. */
#include "tools/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "format/aof_read.h"
#include "format/manifest.h"
#include "os/file.h"

struct check {
    bool fix;
    int64_t to_timestamp; /* 0: no */
    uint64_t lines;       /* over all files */
};

enum verdict { GOOD, EMPTY, BAD, CUT };

/* One file of the set, or the only one. */
struct part {
    const char *name, *path;
    bool last;
    int fd;
    struct in in;
    uint64_t size;
    struct aof_reader reader;
};

static int usage(const char *name)
{
    printf("Usage: %s [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n", name);
    return 1;
}

/* Durable before the good news is told. */
static bool truncate_part(struct part *p, uint64_t size)
{
    int err = file_truncate(p->fd, (off_t)size);
    if (err == 0)
        err = file_fsync(p->fd);
    if (err)
        printf("Failed to truncate AOF %s: %s\n", p->name, strerror(-err));
    return err == 0;
}

/* ---- --truncate-to-timestamp ---- */

/* Cuts in front of the annotation at p->reader.at, which is younger than wanted. */
static enum verdict cut_at(const struct check *c, struct part *p)
{
    uint64_t at = p->reader.at;
    if (at == 0) {
        printf("AOF %s has nothing before timestamp %" PRId64 ", aborting...\n", p->path,
               c->to_timestamp);
        return BAD;
    }
    if (!p->last) {
        printf("Failed to truncate AOF %s to timestamp %" PRId64 " to offset %" PRIu64
               " because it is not the last file.\n", p->path, c->to_timestamp, at);
        printf("If you insist, please delete all files after this file according to the manifest "
               "file and delete the corresponding records in manifest file manually. "
               "Then re-run redis-check-aof.\n");
        return BAD;
    }
    return truncate_part(p, at) ? CUT : BAD;
}

/* GOOD: go on reading. */
static enum verdict look_at_note(const struct check *c, struct part *p)
{
    int64_t ts;
    struct slice note = p->reader.note;
    if (!c->to_timestamp || note.len < 4 || memcmp(note.data, "#TS:", 4) != 0)
        return GOOD;
    if (!num_parse_i64(slice_from(note, 4), &ts)) {
        printf("Invalid timestamp annotation\n");
        return BAD;
    }
    return ts > c->to_timestamp ? cut_at(c, p) : GOOD;
}

/* ---- one file ---- */

static void print_fault(struct part *p)
{
    const struct fault *f = &p->in.fault;
    if (p->reader.bad_prefix)
        printf("AOF %s format error\n", p->name);
    else if (strncmp(f->what, "Unexpected ", 11) == 0) /* a MULTI or EXEC out of place */
        printf("0x%16" PRIx64 ": %s in AOF %s\n", f->offset, f->what, p->name);
    else
        printf("0x%16" PRIx64 ": %s\n", f->offset, f->what);
}

static bool agreed(const struct part *p, uint64_t good)
{
    char answer[16];
    printf("This will shrink the AOF %s from %" PRIu64 " bytes, with %" PRIu64 " bytes, to %" PRIu64
           " bytes\n", p->name, p->size, p->size - good, good);
    printf("Continue? [y/N]: ");
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static enum verdict mend(const struct check *c, struct part *p, uint64_t good)
{
    if (!c->fix) {
        printf("AOF %s is not valid. Use the --fix option to try fixing it.\n", p->name);
        return BAD;
    }
    if (!p->last) {
        printf("Failed to truncate AOF %s because it is not the last file\n", p->name);
        return BAD;
    }
    if (!agreed(p, good)) {
        printf("Aborting...\n");
        return BAD;
    }
    if (!truncate_part(p, good))
        return BAD;
    printf("Successfully truncated AOF %s\n", p->name);
    return CUT;
}

static enum verdict read_commands(struct check *c, struct part *p)
{
    enum aof_item what;
    aof_open(&p->reader, &p->in, &(struct aof_limits){0});
    while ((what = aof_next(&p->reader)) == AOF_COMMAND || what == AOF_ANNOTATION) {
        enum verdict v = what == AOF_ANNOTATION ? look_at_note(c, p) : GOOD;
        if (v == CUT)
            printf("Successfully truncated AOF %s to timestamp %" PRId64 "\n", p->name,
                   c->to_timestamp);
        if (v != GOOD)
            return v;
    }
    c->lines += p->reader.lines;
    if (c->to_timestamp && what == AOF_END) {
        printf("Truncate nothing in AOF %s to timestamp %" PRId64 "\n", p->name, c->to_timestamp);
        return GOOD;
    }
    if (what == AOF_FAULT)
        print_fault(p);
    uint64_t good = p->reader.good_end;
    if (p->size < good)
        p->size = good; /* no plain file: what was read is all that is known */
    printf("AOF analyzed: filename=%s, size=%" PRIu64 ", ok_up_to=%" PRIu64
           ", ok_up_to_line=%" PRIu64 ", diff=%" PRIu64 "\n", p->name, p->size, good, c->lines,
           p->size - good);
    return what == AOF_FAULT ? mend(c, p, good) : GOOD;
}

static enum verdict read_part(struct check *c, struct part *p)
{
    if (in_at_end(&p->in) && !in_bad(&p->in))
        return EMPTY;
    if (in_bad(&p->in)) {
        printf("Cannot read file: %s\n", p->path);
        return BAD;
    }
    if (aof_has_preamble(&p->in)) {
        if (!check_rdb_stream(&p->in, p->name, CHECK_DATABASES, stdout)) {
            printf("RDB preamble of AOF file is not sane, aborting.\n");
            return BAD;
        }
        printf("RDB preamble is OK, proceeding with AOF tail...\n");
    }
    enum verdict v = read_commands(c, p);
    aof_close(&p->reader);
    return v;
}

/* label: "AOF", "BASE AOF", "INCR AOF". Closes the part. */
static bool check_part(struct check *c, const char *label, struct part *p)
{
    enum verdict v = read_part(c, p);
    check_close(p->fd, &p->in);
    if (v == GOOD || v == EMPTY)
        printf("%s %s is %s\n", label, p->name, v == GOOD ? "valid" : "empty");
    return v != BAD;
}

static int open_part(const struct check *c, struct part *p)
{
    p->fd = check_open(p->path, c->fix || c->to_timestamp ? O_RDWR : O_RDONLY, &p->in, &p->size);
    return p->fd;
}

static bool check_named(struct check *c, const char *label, struct part p)
{
    if (open_part(c, &p) < 0) {
        printf("Cannot open file %s: %s, aborting...\n", p.path, strerror(-p.fd));
        return false;
    }
    return check_part(c, label, &p);
}

/* ---- a set of files ---- */

static const char *path_of(struct buf *path, const char *manifest, const char *name)
{
    const char *slash = strrchr(manifest, '/');
    buf_clear(path);
    buf_append(path, slash ? manifest : "./", slash ? (size_t)(slash - manifest) + 1 : 2);
    buf_add(path, slice_str(name));
    return buf_cstr(path);
}

/* False when it cannot be opened. */
static bool tell_base(const char *path)
{
    struct in in;
    uint64_t size;
    int fd = check_open(path, O_RDONLY, &in, &size);
    if (fd < 0) {
        printf("Cannot open file %s: %s\n", path, strerror(-fd));
        return false;
    }
    printf("Start to check BASE AOF (%s format).\n", aof_has_preamble(&in) ? "RDB" : "RESP");
    check_close(fd, &in);
    return true;
}

static bool check_files(struct check *c, const struct manifest *m, const char *manifest_path)
{
    struct buf path = {0};
    bool ok = true;
    size_t incr = m->incr.count;
    if (m->base.name) {
        const char *full = path_of(&path, manifest_path, m->base.name);
        ok = tell_base(full) &&
             check_named(c, "BASE AOF",
                         (struct part){.name = m->base.name, .path = full, .last = incr == 0});
    }
    if (ok && incr)
        printf("Start to check INCR files.\n");
    for (size_t i = 0; i < incr && ok; i++) {
        const char *name = m->incr.files[i].name;
        ok = check_named(c, "INCR AOF",
                         (struct part){.name = name, .path = path_of(&path, manifest_path, name),
                                       .last = i + 1 == incr});
    }
    buf_free(&path);
    return ok;
}

static bool check_manifest(struct check *c, const char *path, struct slice text)
{
    struct manifest m = {0};
    struct fault f = {0};
    printf("Start checking Multi Part AOF\n");
    bool ok = manifest_parse(&m, text, &f);
    if (!ok)
        printf("\n*** FATAL AOF MANIFEST FILE ERROR ***\n%s\n", f.what);
    else if ((ok = check_files(c, &m, path)))
        printf("All AOF files and manifest are valid\n");
    manifest_free(&m);
    return ok;
}

/* By content: the first line that is no comment begins with "file"; by name, so that an empty or
 * broken one is not taken for an empty log. */
static bool is_manifest(const char *path, struct slice head)
{
    struct slice name = slice_str(path), suffix = SLICE_LIT(".manifest");
    if (name.len > suffix.len && slice_eq(slice_from(name, name.len - suffix.len), suffix))
        return true;
    while (head.len && head.data[0] == '#') {
        const char *end = memchr(head.data, '\n', head.len);
        if (!end)
            return false;
        head = slice_from(head, (size_t)(end - head.data) + 1);
    }
    return head.len >= 4 && strncasecmp(head.data, "file", 4) == 0;
}

static bool check_set(struct check *c, const char *path)
{
    enum { MANIFEST_MAX = 16 << 20 };
    struct buf text = {0};
    struct fault f = {0};
    bool ok = file_slurp(path, MANIFEST_MAX, &text, &f);
    if (ok)
        ok = check_manifest(c, path, buf_slice(&text));
    else
        printf("%s\n", f.what);
    buf_free(&text);
    return ok;
}

static bool check_any(struct check *c, const char *path)
{
    enum { HEAD = 1024 };
    struct part p = {.name = path, .path = path, .last = true};
    if (open_part(c, &p) < 0) {
        printf("Cannot open file %s: %s\n", path, strerror(-p.fd));
        return false;
    }
    bool manifest = is_manifest(path, in_peek(&p.in, HEAD));
    if (in_bad(&p.in)) {
        printf("Cannot read file: %s\n", path);
        check_close(p.fd, &p.in);
        return false;
    }
    if (!manifest) { /* the same stream goes on: it may be a pipe */
        printf("Start checking Old-Style AOF\n");
        return check_part(c, "AOF", &p);
    }
    check_close(p.fd, &p.in);
    return check_set(c, path);
}

int check_aof_main(int argc, char **argv)
{
    struct check c = {.lines = 1};
    hash_init(NULL);
    if (argc == 2 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0)) {
        printf("redis-check-aof %s\n", CHECK_VERSION);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--fix") == 0) {
        c.fix = true;
    } else if (argc == 4 && strcmp(argv[1], "--truncate-to-timestamp") == 0) {
        if (!num_parse_i64(slice_str(argv[2]), &c.to_timestamp)) {
            printf("Invalid timestamp, aborting...\n");
            return 1;
        }
    } else if (argc != 2) {
        return usage(argv[0]);
    }
    return !check_any(&c, argv[argc - 1]);
}
