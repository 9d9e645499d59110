/* SPDX-License-Identifier: BSD-3-Clause */
/* redis-check-aof: a manifest and the files it names, or one file. Each file is read by the
 * server's own reader (an RDB part, if it has one, by check_rdb_stream). What can be mended is the
 * end of the last file: it is cut behind the last whole command that is in no open transaction, or
 * the last whole batch (aof_sum.h). What is cut off is kept beside the file (os/file_cut.h). */
#include "tools/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "base/num.h"
#include "base/version.h"
#include "format/aof_damage.h"
#include "format/aof_parts.h"
#include "format/aof_read.h"
#include "format/manifest.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/file_cut.h"
#include "tools/aof_commands.h"
#include "tools/library_text.h"
#include "tools/plain_aof.h"
#include "tools/tool.h"
#include "tools/verbs.h"

struct check {
    bool fix;
    const char *plain; /* --plain: the file to make */
    int64_t to_timestamp; /* 0: no */
    uint64_t lines;       /* over all files */
    struct manifest *manifest; /* NULL: a single file */
    const char *manifest_path;
    uint64_t log_id; /* of the set; 0: not known */
    uint64_t errors; /* commands that the server would not run, over all files */
    struct aof_known known;
    const struct check_libraries *libraries;
    uint64_t lost;   /* bytes of the newest increment, which it had when the server was stopped */
};

enum verdict { GOOD, EMPTY, BAD, CUT };

/* One file of the set, or the only one. */
struct part {
    const char *name, *path;
    bool last;
    int fd;
    struct in in;
    uint64_t size;
    uint64_t start, commands; /* where they begin; how many were read */
    uint64_t errors;          /* of these, the server would not run */
    uint64_t behind, behind_end; /* of those: they lie behind this good_end */
    struct aof_reader reader;
};

static int usage(const char *name)
{
    printf("Usage: %s [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n"
           "       %s --plain <file.manifest|file.aof> <out>\n", name, name);
    return 1;
}

static const char *path_of(struct buf *path, const char *manifest, const char *name)
{
    const char *slash = strrchr(manifest, '/');
    buf_clear(path);
    buf_append(path, slash ? manifest : "./", slash ? (size_t)(slash - manifest) + 1 : 2);
    buf_add(path, slice_str(name));
    return buf_cstr(path);
}

/* A file that is to be shorter than the manifest says would look as if it had lost its end. */
static bool forget_size(const struct check *c)
{
    if (!c->manifest)
        return true;
    struct manifest_list *incr = &c->manifest->incr;
    struct manifest_file *file = incr->count ? &incr->files[incr->count - 1] : &c->manifest->base;
    if (file->size < 0)
        return true;
    must(file->name);
    const char *slash = strrchr(c->manifest_path, '/');
    struct buf text = {0}, name = {0}, tmp = {0};
    struct fault f = {0};
    file->size = -1;
    manifest_print(c->manifest, &text);
    buf_printf(&name, "temp-%s", slash ? slash + 1 : c->manifest_path);
    bool ok = file_replace(path_of(&tmp, c->manifest_path, buf_cstr(&name)), c->manifest_path,
                           buf_slice(&text), &f);
    if (!ok)
        printf("Failed to update the manifest: %s\n", f.what);
    buf_free(&text);
    buf_free(&name);
    buf_free(&tmp);
    return ok;
}

/* Durable before the good news is told. What goes is kept, which is told only where the output has
 * no other tool's to be like. */
static bool truncate_part(const struct check *c, struct part *p, uint64_t size)
{
    must(c->fix || c->to_timestamp);
    must(p->last); /* nothing is taken from under what follows */
    if (!forget_size(c))
        return false;
    struct buf kept = {0};
    struct fault f = {0};
    bool ok = file_cut(p->path, size, clock_wall_ms() / 1000, &kept, &f);
    if (!ok)
        printf("Failed to truncate AOF %s: %s\n", p->name, f.what);
    else if (kept.len && p->reader.has_session)
        printf("What is cut off is kept in %s\n", buf_cstr(&kept));
    buf_free(&kept);
    return ok;
}

/* ---- --truncate-to-timestamp ---- */

/* Cuts in front of the annotation at p->reader.at, which is younger than wanted: in front of its
 * batch, if it has one. */
static enum verdict cut_at(const struct check *c, struct part *p)
{
    const struct aof_reader *r = &p->reader;
    uint64_t at = r->in_batch ? r->batch_at : r->at;
    must(at <= r->at && at >= p->start);
    if (at == 0 || (r->has_session && p->start + p->commands == 0)) {
        printf("AOF %s has nothing before timestamp %" PRId64 ", aborting...\n", p->path,
               c->to_timestamp);
        return BAD;
    }
    if (!p->last) {
        printf("Failed to truncate AOF %s to timestamp %" PRId64 " to offset %" PRIu64
               " because it is not the last file.\n", p->path, c->to_timestamp, at);
        printf("To go back that far, remove the files that the manifest names behind this one, and "
               "their lines in it; then run redis-check-aof again.\n");
        return BAD;
    }
    if (r->in_batch && r->at != r->batch_body)
        printf("The timestamp at offset %" PRIu64 " lies inside a batch with a checksum: cutting "
               "in front of the batch, at offset %" PRIu64 "\n", r->at, at);
    return truncate_part(c, p, at) ? CUT : BAD;
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

static bool agreed(void)
{
    char answer[16];
    printf("Continue? [y/N]: ");
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    printf("Aborting...\n");
    return false;
}

struct tail {
    int fd;
    off_t at;
};

static ssize_t read_tail(void *arg, void *to, size_t n)
{
    struct tail *t = arg;
    ssize_t got = file_pread(t->fd, to, n, t->at);
    t->at += got > 0 ? got : 0;
    return got;
}

/* Torn or rotten, and what would be lost: where the file, or its log, has checksums. */
static void tell_damage(const struct check *c, const struct part *p, uint64_t good)
{
    const struct aof_reader *r = &p->reader;
    const uint64_t *id = r->has_session ? &r->chain.id : c->log_id ? &c->log_id : NULL;
    struct tail t = {.fd = p->fd, .at = (off_t)r->at};
    struct aof_damage d;
    struct in in;
    struct buf text = {0};
    must(in_bad(&p->in));
    if (p->size < r->at || (!id && p->in.fault.code == FAULT_EOF))
        return;
    in_init_callback(&in, read_tail, &t, p->size - r->at, 0);
    if (!aof_damage_look(&in, r->at, id, &d)) {
        printf("Cannot read what lies behind the damage: %s\n", in.fault.what);
    } else if (r->has_session || d.rot) {
        aof_damage_tell(&d, good, p->size, &text);
        printf("%s\n", buf_cstr(&text));
    }
    in_free(&in);
    buf_free(&text);
}

static void not_valid(const char *name)
{
    printf("AOF %s is not valid. Use the --fix option to try fixing it.\n", name);
}

static enum verdict mend(const struct check *c, struct part *p, uint64_t good)
{
    must(good <= p->size);
    tell_damage(c, p, good);
    if (!c->fix) {
        not_valid(p->name);
        return BAD;
    }
    if (!p->last) {
        printf("Failed to truncate AOF %s because it is not the last file\n", p->name);
        return BAD;
    }
    printf("This will shrink the AOF %s from %" PRIu64 " bytes, with %" PRIu64 " bytes, to %" PRIu64
           " bytes\n", p->name, p->size, p->size - good, good);
    if (!agreed())
        return BAD;
    if (!truncate_part(c, p, good))
        return BAD;
    printf("Successfully truncated AOF %s\n", p->name);
    return CUT;
}

static void tell_coverage(const struct part *p)
{
    const struct aof_reader *r = &p->reader;
    if (r->has_session)
        printf("Checksums: %" PRIu64 " bytes in %" PRIu64 " batches checked%s\n", r->bytes_checked,
               r->batches, r->chain.open ? "" : "; the end has none");
}

static void tell_error(struct part *p, uint64_t at, const char *what)
{
    enum { TELL_MAX = 20 };
    uint64_t good = p->reader.good_end;
    if (at >= good)
        p->behind = good == p->behind_end ? p->behind + 1 : 1;
    p->behind_end = at >= good ? good : p->behind_end;
    if (++p->errors <= TELL_MAX)
        printf("0x%16" PRIx64 ": %s in AOF %s\n", at, what, p->name);
    else if (p->errors == TELL_MAX + 1)
        printf("(and more)\n");
    must(p->behind <= p->errors);
    must(p->errors <= p->commands);
}

/* FUNCTION LOAD: would the library load? By itself: others come and go with later commands. */
static void look_at_library(struct check *c, struct part *p)
{
    const struct aof_reader *r = &p->reader;
    struct buf why = {0}, text = {0};
    if (!c->libraries || r->argc < 3 || !slice_eq_nocase(r->argv[0], "function") ||
        !slice_eq_nocase(r->argv[1], "load"))
        return;
    void *set = c->libraries->begin();
    if (!check_library(c->libraries, set, r->argv[r->argc - 1], &why)) {
        buf_printf(&text, "a library of functions: %s", buf_cstr(&why));
        tell_error(p, r->at, buf_cstr(&text));
    }
    c->libraries->end(set);
    buf_free(&why);
    buf_free(&text);
}

/* The bytes are whole. Would the server run what they say? */
static void look_at_command(struct check *c, struct part *p)
{
    const struct aof_reader *r = &p->reader;
    const char *why = r->misplaced ? r->misplaced : aof_command_fault(&c->known, r->argc, r->argv);
    struct buf text = {0};
    p->commands++;
    if (!why) {
        look_at_library(c, p);
        return;
    }
    buf_printf(&text, "%s", why);
    if (!r->misplaced) {
        struct fault name = {0};
        fault_set_key(&name, r->argv[0]);
        buf_printf(&text, " (%s)", name.key);
    }
    tell_error(p, r->at, buf_cstr(&text));
    buf_free(&text);
}

static void tell_errors(struct check *c, struct part *p)
{
    const struct aof_reader *r = &p->reader;
    p->errors += !p->last && r->in_multi && r->at == p->size; /* told already: EXEC is missing */
    if (p->errors)
        printf("AOF %s loads only with aof-load-errors skip, which leaves out what can't be run: "
               "%" PRIu64 " here\n", p->name, p->errors);
    c->errors += p->errors;
}

static enum verdict read_commands(struct check *c, struct part *p)
{
    enum aof_item what;
    p->start = in_offset(&p->in);
    aof_open(&p->reader, &p->in, &(struct aof_limits){.loose = true});
    while ((what = aof_next(&p->reader)) == AOF_COMMAND || what == AOF_ANNOTATION) {
        if (what == AOF_COMMAND)
            look_at_command(c, p);
        enum verdict v = what == AOF_ANNOTATION ? look_at_note(c, p) : GOOD;
        if (v == CUT)
            printf("Successfully truncated AOF %s to timestamp %" PRId64 "\n", p->name,
                   c->to_timestamp);
        if (v != GOOD)
            return v;
    }
    must((what == AOF_FAULT) == in_bad(&p->in));
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
    tell_coverage(p);
    tell_errors(c, p);
    enum verdict v = what == AOF_FAULT ? mend(c, p, good) : GOOD;
    if (v == CUT && p->behind_end == good) { /* they are gone with it */
        must(p->behind <= p->errors && p->errors <= c->errors);
        p->errors -= p->behind;
        c->errors -= p->behind;
    }
    return v;
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
        if (!check_rdb_stream(&p->in, p->fd, p->name, CHECK_DATABASES, c->libraries, stdout)) {
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
    must(v != CUT || p->last);
    check_close(p->fd, &p->in);
    if (v == EMPTY || (v == GOOD && !p->errors))
        printf("%s %s is %s\n", label, p->name, v == GOOD ? "valid" : "empty");
    return v != BAD && (c->manifest || !p->errors); /* of a set, all files are looked at */
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

static bool look_at_part(void *arg, const char *name, uint64_t *size, struct buf *head,
                         struct fault *f)
{
    const struct check *c = arg;
    struct buf path = {0};
    struct in in;
    int fd = check_open(path_of(&path, c->manifest_path, name), O_RDONLY, &in, size);
    if (fd >= 0) {
        buf_add(head, in_peek(&in, AOF_PART_HEAD));
        check_close(fd, &in);
    } else {
        fault_io(f, -fd, "open", "Cannot open file %s", buf_cstr(&path));
    }
    buf_free(&path);
    return fd >= 0;
}

struct stray_search {
    struct check *check;
    char stem[256];
    struct fault fault;
};

static bool look_for_stray(void *arg, const char *name)
{
    struct stray_search *s = arg;
    return !aof_part_is_stray(s->check->manifest, s->stem, name, look_at_part, s->check, &s->fault);
}

/* The server starts over no part that its manifest has forgotten. */
static bool no_strays(struct check *c)
{
    static const char suffix[] = ".manifest";
    const char *slash = strrchr(c->manifest_path, '/');
    const char *name = slash ? slash + 1 : c->manifest_path;
    size_t len = strlen(name), stem = len > sizeof suffix - 1 ? len - (sizeof suffix - 1) : 0;
    struct stray_search s = {.check = c};
    struct buf dir = {0};
    must(c->manifest);
    if (stem == 0 || stem >= sizeof s.stem || strcmp(name + stem, suffix) != 0)
        return true;
    memcpy(s.stem, name, stem);
    int err = file_each(path_of(&dir, c->manifest_path, "."), look_for_stray, &s);
    if (err < 0)
        fault_io(&s.fault, -err, "readdir", "Cannot look into %s", buf_cstr(&dir));
    if (fault_is(&s.fault))
        printf("%s\n", s.fault.what);
    buf_free(&dir);
    return !fault_is(&s.fault);
}

/* Do the files belong together? What cannot be opened is told when its turn comes. */
static bool check_parts(struct check *c)
{
    struct aof_parts found;
    struct fault f = {0};
    bool ok = aof_parts_check(c->manifest, look_at_part, c, &found, &f);
    c->log_id = found.id;
    c->lost = ok ? found.lost : 0;
    if (!ok && f.code != FAULT_IO)
        printf("%s\n", f.what);
    return ok || f.code == FAULT_IO;
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

/* Its commands are whole, but some are missing that were there when the server was stopped. */
static bool check_end(const struct check *c)
{
    const struct manifest_list *incr = &c->manifest->incr;
    must(c->lost == 0 || incr->count > 0);
    if (c->lost == 0 || incr->files[incr->count - 1].size < 0) /* or it was cut just now */
        return true;
    const char *name = incr->files[incr->count - 1].name;
    printf("AOF %s has lost its last %" PRIu64 " bytes since the server was stopped: it starts "
           "only if aof-load-truncated is on\n", name, c->lost);
    if (!c->fix) {
        not_valid(name);
        return false;
    }
    printf("This will accept the loss: nothing is left of those bytes\n");
    return agreed() && forget_size(c);
}

static bool check_manifest(struct check *c, const char *path, struct slice text)
{
    struct manifest m = {0};
    struct fault f = {0};
    must(!c->manifest);
    if (!c->plain)
        printf("Start checking Multi Part AOF\n");
    bool ok = aof_parts_manifest(&m, path, text, &f), plain = ok && c->plain;
    if (!ok)
        printf("\n*** FATAL AOF MANIFEST FILE ERROR ***\n%s\n", f.what);
    if (ok) {
        c->manifest = &m;
        c->manifest_path = path;
        ok = check_parts(c) && no_strays(c);
        if (plain)
            ok = ok && plain_aof(&m, path, path_of, c->plain) == 0;
        else
            ok = check_files(c, &m, path) && ok && check_end(c) && !c->errors;
        c->manifest = NULL;
    }
    if (ok && !plain)
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
    enum { MANIFEST_MAX = 1 << 20 };
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
    if (!manifest && c->plain) {
        check_close(p.fd, &p.in);
        return plain_aof(NULL, path, path_of, c->plain) == 0;
    }
    if (!manifest) { /* the same stream goes on: it may be a pipe */
        printf("Start checking Old-Style AOF\n");
        return check_part(c, "AOF", &p);
    }
    check_close(p.fd, &p.in);
    return check_set(c, path);
}

int check_aof_main(int argc, char **argv, const struct tool_env *env)
{
    struct check c = {.lines = 1, .libraries = env->libraries};
    if (tool_asked(&verb_check, argc, argv))
        return tool_run(&verb_check, argc, argv, env);
    hash_init(NULL);
    if (argc == 2 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0)) {
        printf("redis-check-aof %s\n", REDIS_VERSION);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--fix") == 0) {
        c.fix = true;
    } else if (argc == 4 && strcmp(argv[1], "--plain") == 0) {
        c.plain = argv[3];
        return !check_any(&c, argv[2]);
    } else if (argc == 4 && strcmp(argv[1], "--truncate-to-timestamp") == 0) {
        if (!num_parse_i64(slice_str(argv[2]), &c.to_timestamp)) {
            printf("Invalid timestamp, aborting...\n");
            return 1;
        }
    } else if (argc != 2 || check_asks_help(argv[1]) || strcmp(argv[1], "--plain") == 0) {
        return usage(argv[0]);
    }
    if ((c.fix || c.to_timestamp) && !check_lock(argv[argc - 1]))
        return 1;
    return !check_any(&c, argv[argc - 1]);
}
