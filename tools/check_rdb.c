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
#include "base/version.h"
#include "format/rdb_read.h"
#include "format/sink_count.h"
#include "os/file.h"
#include "tools/input.h"
#include "tools/tool.h"
#include "tools/verbs.h"

struct report {
    FILE *out;
    int fd;
    struct rdb_reader reader;
    const struct check_libraries *libraries;
    void *set;      /* of libraries; NULL: none was met */
    uint64_t keys, expires, already_expired, subexpires;
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

/* Bytes that could move a terminal's cursor are escaped. */
static void print_text(FILE *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < ' ' || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
}

static void print_record(struct report *r, const struct rdb_record *rec)
{
    char name[10];
    uint64_t offset = rec->offset;
    switch (rec->kind) {
    case RDB_REC_AUX:
        if (slice_eq(rec->name, SLICE_LIT(RDB_AUX_BLOCK)))
            break; /* one a megabyte: told as a number at the end */
        fprintf(r->out, "[offset %" PRIu64 "] AUX FIELD ", offset);
        print_text(r->out, rec->name);
        fprintf(r->out, " = '");
        print_text(r->out, rec->value);
        fprintf(r->out, "'\n");
        break;
    case RDB_REC_DB:
        fprintf(r->out, "[offset %" PRIu64 "] Selecting DB ID %u\n", offset, rec->db);
        break;
    case RDB_REC_MODULE_AUX:
        fprintf(r->out, "[offset %" PRIu64 "] MODULE AUX for: %s\n", offset,
                rdb_module_name(rec->module_id, name));
        break;
    case RDB_REC_KEY:
        r->keys++;
        break;
    default:
        break;
    }
}

/* Behind a key's value; the key alone counts before. */
static void count_expiry(struct report *r, const struct rdb_record *rec)
{
    if (rec->kind != RDB_REC_KEY || rec->key.expire_ms == KEY_NO_EXPIRE)
        return;
    r->expires++;
    r->already_expired += rec->key.expire_ms < r->now_ms;
    must(r->already_expired <= r->expires && r->expires <= r->keys);
}

static void print_counts(const struct report *r)
{
    fprintf(r->out, "[info] %" PRIu64 " keys read\n", r->keys);
    fprintf(r->out, "[info] %" PRIu64 " expires\n", r->expires);
    fprintf(r->out, "[info] %" PRIu64 " already expired\n", r->already_expired);
    if (r->subexpires)
        fprintf(r->out, "[info] %" PRIu64 " subexpires\n", r->subexpires);
}

static void print_integrity(struct report *r)
{
    static const char *const trailer[] = {
        [RDB_TRAILER_OK] = "Block index OK",
        [RDB_TRAILER_SHORT] = "The block index behind the RDB is cut off; the data is whole",
        [RDB_TRAILER_BAD] = "The block index behind the RDB is damaged; the data is whole"};
    char hex[DIGEST_HEX];
    uint64_t blocks = rdb_blocks_verified(&r->reader);
    if (blocks)
        fprintf(r->out, "[info] %" PRIu64 " blocks verified\n", blocks);
    const char *digest = rdb_digest_verified(&r->reader, hex);
    if (digest)
        fprintf(r->out, "[info] Digest equal: %s\n", digest);
    enum rdb_trailer_state state = rdb_trailer(&r->reader);
    must(state <= RDB_TRAILER_BAD);
    if (state != RDB_TRAILER_NONE)
        fprintf(r->out, "[info] %s\n", trailer[state]);
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
    else if (r->keys == 0) /* so does the original, whose type is 0 at first */
        fprintf(r->out, "[additional info] Reading type 0 (string)\n");
    print_counts(r);
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
    if (!r->libraries->take(r->set, code, &why))
        in_fail(r->reader.in, FAULT_FORMAT, "a library of functions: %s", buf_cstr(&why));
    buf_free(&why);
}

static bool read_all(struct report *r, unsigned databases)
{
    struct rdb_record rec;
    struct sink_count counts;
    struct rdb_options opt = {.databases = databases, .keep_modules = true, .note = print_note,
                              .distinct_max = RDB_DISTINCT_MAX,
                              .note_arg = r};
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
    r->subexpires = counts.subexpires;
    must(r->keys == r->reader.keys || in_bad(r->reader.in));
    /* Each key was an event, or empty. */
    must(!ok || !r->reader.ended || counts.keys + r->reader.empty_skipped == r->keys);
    return ok && r->reader.ended;
}

bool check_rdb_stream(struct in *in, int fd, const char *name, unsigned databases,
                      const struct check_libraries *libraries, FILE *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct report r = {.out = out, .fd = fd, .reader.in = in, .libraries = libraries,
                       .size = in->limit,
                       .begin = in_offset(in), .progress = isatty(STDERR_FILENO)};
    r.now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    fprintf(out, "[offset 0] Checking RDB file %s\n", name);
    bool ok = read_all(&r, databases);
    must(ok != in_bad(in));
    if (r.shown)
        fprintf(stderr, "\r    \r");
    uint64_t offset = in_offset(in);
    if (ok && r.reader.crc == RDB_CRC_OK)
        fprintf(out, "[offset %" PRIu64 "] Checksum OK\n", offset);
    if (ok && r.reader.crc == RDB_CRC_NONE)
        fprintf(out, "[offset %" PRIu64 "] RDB file was saved with checksum disabled: "
                     "no check performed.\n", offset);
    if (ok) {
        fprintf(out, "[offset %" PRIu64 "] \\o/ RDB looks OK! \\o/\n", offset);
        print_counts(&r);
        print_integrity(&r);
    } else {
        print_fault(&r, &in->fault);
        print_bad_blocks(&r, in);
    }
    rdb_close(&r.reader);
    if (r.set)
        libraries->end(r.set);
    return ok;
}

bool check_asks_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
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
    uint64_t databases = CHECK_DATABASES, size;
    struct in in;
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
    const char *path = argv[argc - 1];
    int fd = check_open(path, O_RDONLY, &in, &size);
    if (fd < 0) {
        printf("[offset 0] Checking RDB file %s\n", path);
        fflush(stdout);
        fprintf(stderr, "Cannot open file %s: %s\n", path, strerror(-fd));
        return 1;
    }
    bool ok = check_rdb_stream(&in, fd, path, (unsigned)databases, env->libraries, stdout);
    check_close(fd, &in);
    return !ok;
}
