/* SPDX-License-Identifier: BSD-3-Clause */
/* redis-check-rdb: reads every record of a file through the server's own reader and reports what it
 * passes. A line's offset is the number of bytes read so far. Progress goes to standard error, and
 * only when that is a terminal. */
#include "tools/check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/must.h"
#include "base/num.h"
#include "tools/library_text.h"
#include "base/version.h"
#include "format/rdb_read.h"
#include "format/sink_count.h"
#include "os/file.h"
#include "tools/check_rdb_lines.h"
#include "tools/check_rdb_quick.h"
#include "tools/input.h"
#include "tools/pending_file.h"
#include "tools/tool.h"
#include "tools/verbs.h"

struct report {
    FILE *out;
    int fd;
    struct rdb_reader reader;
    const struct check_libraries *libraries;
    void *set;      /* of libraries; NULL: none was met */
    struct check_rdb_counts counts;
    struct buf line;
    int64_t now_ms;
    uint64_t size;  /* of a file, as it was opened; else IN_SIZE_UNKNOWN */
    uint64_t begin; /* of the RDB in it */
    uint64_t shown; /* offset when progress was last told */
    bool progress;
};

/* ---- input ---- */

static ssize_t read_fd(void *arg, void *to, size_t n)
{
    return file_read((int)(intptr_t)arg, to, n);
}

int check_open(const char *path, int flags, struct in *in, uint64_t *size)
{
    struct stat st;
    int fd = input_open_fd(path, flags);
    *size = 0;
    if (fd < 0)
        return fd;
    bool file = file_fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (file)
        *size = (uint64_t)st.st_size;
    in_init_callback(in, read_fd, (void *)(intptr_t)fd, file ? *size : IN_SIZE_UNKNOWN, 0);
    return fd;
}

void check_close(int fd, struct in *in)
{
    in_free(in);
    file_close(fd);
}

/* ---- lines ---- */

static void print_record(struct report *r, const struct rdb_record *rec)
{
    r->counts.keys += rec->kind == RDB_REC_KEY;
    buf_clear(&r->line);
    check_rdb_record_line(&r->line, rec, 0);
    if (r->line.len)
        fwrite(r->line.data, 1, r->line.len, r->out);
}

/* Behind a key's value; the key alone counts before. */
static void count_expiry(struct report *r, const struct rdb_record *rec)
{
    if (rec->kind != RDB_REC_KEY || rec->key.expire_ms == KEY_NO_EXPIRE)
        return;
    r->counts.expires++;
    r->counts.already_expired += rec->key.expire_ms < r->now_ms;
}

/* Only a file can be read once more. */
static void print_bad_blocks(const struct report *r, const struct in *in)
{
    bool whole = r->size != IN_SIZE_UNKNOWN && r->begin == 0 && !in_decoded(in);
    if (whole)
        check_blocks(r->fd, r->size, r->out);
}

static void print_fault(const struct report *r, const struct fault *f)
{
    fprintf(r->out, "--- RDB ERROR DETECTED ---\n");
    fprintf(r->out, "[offset %" PRIu64 "] %s\n", f->offset, f->what);
    if (f->doing)
        fprintf(r->out, "[additional info] While doing: %s\n", f->doing);
    if (f->has_key)
        fprintf(r->out, "[additional info] Reading key '%s'\n", f->key);
    if (f->has_type)
        fprintf(r->out, "[additional info] Reading type %d (%s)\n", f->type,
                rdb_type_name(f->type));
    else if (r->counts.keys == 0) /* so does the original, whose type is 0 at first */
        fprintf(r->out, "[additional info] Reading type 0 (string)\n");
    check_rdb_count_lines(r->out, &r->counts);
}

static void print_note(void *arg, const char *text)
{
    fprintf(((struct report *)arg)->out, "[info] %s\n", text);
}

static void print_progress(struct report *r)
{
    enum { STEP = 64 << 20 };
    uint64_t offset = in_file_offset(r->reader.in), left = in_file_left(r->reader.in);
    if (!r->progress || left == UINT64_MAX || offset - r->shown < STEP)
        return;
    must(offset > r->shown);
    r->shown = offset;
    fprintf(stderr, "\r%d%%", (int)(100.0 * (double)offset / (double)(offset + left)));
    fflush(stderr);
}

/* ---- the check ---- */

static void look_at_library(struct report *r, struct slice code)
{
    struct buf why = {0};
    if (!r->libraries)
        return;
    if (!r->set)
        r->set = r->libraries->begin();
    must(r->set);
    if (!check_library(r->libraries, r->set, code, &why))
        in_fail(r->reader.in, FAULT_FORMAT, "a library of functions: %s", buf_cstr(&why));
    buf_free(&why);
}

static bool read_all(struct report *r, unsigned databases)
{
    struct rdb_record rec;
    struct sink_count counts;
    struct pending_file pending;
    struct rdb_options opt = {.databases = databases, .keep_modules = true, .note = print_note,
                              .distinct_max = RDB_DISTINCT_MAX, .pending = &pending.ops,
                              .note_arg = r};
    pending_file_begin(&pending, PENDING_FILE_HELD);
    sink_count_init(&counts, r->now_ms);
    bool ok = rdb_open(&r->reader, r->reader.in, &opt);
    while (ok && rdb_next(&r->reader, &rec)) {
        print_record(r, &rec);
        if (rec.kind == RDB_REC_FUNCTION)
            look_at_library(r, rec.value);
        ok = !in_bad(r->reader.in) && rdb_body(&r->reader, &rec, &counts.sink);
        if (ok)
            count_expiry(r, &rec);
        print_progress(r);
    }
    pending_file_end(&pending); /* what is read behind it are no values */
    r->counts.subexpires = counts.subexpires;
    must(r->counts.keys == r->reader.keys || in_bad(r->reader.in));
    /* Each key was an event, or empty. */
    must(!ok || !r->reader.ended || counts.keys + r->reader.empty_skipped == r->counts.keys);
    return ok && r->reader.ended;
}

static void print_good(struct report *r, struct in *in)
{
    char hex[DIGEST_HEX];
    struct check_rdb_result result = {
        .offset = in_offset(in), .crc = r->reader.crc, .counts = r->counts,
        .blocks = rdb_blocks_verified(&r->reader), .digest = rdb_digest_verified(&r->reader, hex),
        .trailer = rdb_trailer(&r->reader)};
    check_rdb_good_lines(r->out, &result);
}

static void print_begin(FILE *out, const char *name)
{
    fprintf(out, "[offset 0] Checking RDB file %s\n", name);
}

/* All but the first line. */
static bool check_stream(struct in *in, int fd, unsigned databases,
                         const struct check_libraries *libraries, FILE *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct report r = {.out = out, .fd = fd, .reader.in = in, .libraries = libraries,
                       .size = in->limit,
                       .begin = in_offset(in), .progress = isatty(STDERR_FILENO)};
    r.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    bool ok = read_all(&r, databases);
    must(ok != in_bad(in));
    if (r.shown)
        fprintf(stderr, "\r    \r");
    if (ok) {
        print_good(&r, in);
    } else {
        print_fault(&r, &in->fault);
        print_bad_blocks(&r, in);
    }
    rdb_close(&r.reader);
    buf_free(&r.line);
    if (r.set)
        libraries->end(r.set);
    return ok;
}

bool check_rdb_stream(struct in *in, int fd, const char *name, unsigned databases,
                      const struct check_libraries *libraries, FILE *out)
{
    print_begin(out, name);
    return check_stream(in, fd, databases, libraries, out);
}

bool check_asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* A large file is looked at by all CPUs first. */
static bool is_quickly_good(int fd, uint64_t size, unsigned databases, const struct tool_env *env)
{
    enum { FROM_BYTES = 4 << 20 };
    long threads = sysconf(_SC_NPROCESSORS_ONLN);
    if (size < FROM_BYTES || threads < 2)
        return false;
    return check_rdb_quick(&(struct check_rdb_quick){.fd = fd, .size = size,
                                                     .threads = (uint64_t)threads,
                                                     .databases = databases,
                                                     .libraries = env->libraries}, stdout);
}

static bool check_path(const char *path, unsigned databases, const struct tool_env *env)
{
    struct in in;
    uint64_t size;
    int fd = check_open(path, O_RDONLY, &in, &size);
    print_begin(stdout, path);
    fflush(stdout);
    if (fd < 0) {
        fprintf(stderr, "Cannot open file %s: %s\n", path, strerror(-fd));
        return false;
    }
    bool ok = is_quickly_good(fd, size, databases, env) ||
              check_stream(&in, fd, databases, env->libraries, stdout);
    check_close(fd, &in);
    return ok;
}

static int usage(const char *name)
{
    fprintf(stderr, "Usage: %s <rdb-file-name>\n", name);
    return 1;
}

int check_rdb_main(int argc, char **argv, const struct tool_env *env)
{
    bool classic = argc == 4 && strcmp(argv[1], "--databases") == 0;
    if (!classic && tool_asked(&verb_check, argc, argv))
        return tool_run(&verb_check, argc, argv, env);
    uint64_t databases = CHECK_DATABASES;
    if (argc == 2 && (strcmp(argv[1], "-v") == 0 || strcmp(argv[1], "--version") == 0)) {
        printf("redis-check-rdb %s\n", REDIS_VERSION);
        return 0;
    }
    if (classic) {
        if (!num_parse_u64(slice_str(argv[2]), &databases) || databases > INT32_MAX)
            return usage(argv[0]);
    } else if (argc != 2 || check_asks_help(argv[1])) {
        return usage(argv[0]);
    }
    hash_init(NULL);
    return !check_path(argv[argc - 1], (unsigned)databases, env);
}
