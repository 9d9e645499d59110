/* SPDX-License-Identifier: BSD-3-Clause */
/* Is a backup good? Each of its files is read back once: unpacked, hashed, and through the readers
 * that would load it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/sha.h"
#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "os/file.h"
#include "tools/backup.h"
#include "tools/dataset.h"
#include "tools/element_search.h"
#include "tools/pending_file.h"
#include "tools/findings.h"
#include "tools/input.h"
#include "tools/out_file.h"
#include "tools/sift.h"

/* A stream of a file's unpacked bytes that are hashed on their way. */
struct hashed {
    struct input input;
    struct in in;
    struct sha256 *sha;
    uint64_t bytes;
};

static ssize_t read_hashed(void *arg, void *to, size_t n)
{
    struct hashed *h = arg;
    struct in *under = &h->input.in;
    if (in_at_end(under))
        return in_bad(under) ? under->fault.code == FAULT_IO ? -under->fault.err : -EBADMSG : 0;
    struct slice some = in_window(under, n);
    must(some.len > 0);
    memcpy(to, some.data, some.len);
    in_skip(under, some.len);
    sha256_add(h->sha, to, some.len);
    h->bytes += some.len;
    return (ssize_t)some.len;
}

static bool hashed_open(struct hashed *h, const char *path, uint64_t limit, struct fault *f)
{
    if (!input_open(&h->input, path, f))
        return false;
    h->sha = sha256_begin();
    h->bytes = 0;
    in_init_callback(&h->in, read_hashed, h, limit, 0);
    return true;
}

/* What nobody has read so far counts, too. */
static void hashed_close(struct hashed *h, char sha256[65])
{
    while (!in_at_end(&h->in))
        in_skip(&h->in, in_window(&h->in, SIZE_MAX).len);
    if (!in_bad(&h->in))
        h->in.fault = *input_cut(&h->input);
    in_free(&h->in);
    input_close(&h->input);
    sha256_end(h->sha, sha256);
}

/* ---- what is in a file ---- */

struct check {
    struct tool *tool;
    struct backup *b;
    struct findings findings;
    bool fill_in;
    const struct backup_mend *mend;
    uint64_t keys, commands;
    int64_t first_ms, last_ms;
    char base_digest[DIGEST_HEX];
};

static void read_rdb(struct check *c, struct in *in)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct digest d;
    struct element_search search;
    struct pending_file pending;
    digest_init(&d);
    element_search_begin(&search);
    pending_file_begin(&pending, PENDING_FILE_HELD);
    bool ok = rdb_open(&r, in, &(struct rdb_options){.keep_modules = true,
                                                      .distinct_max = RDB_DISTINCT_FEW,
                                                      .search = &search.ops,
                                                      .pending = &pending.ops});
    while (ok && rdb_next(&r, &rec))
        ok = rdb_body(&r, &rec, &d.sink);
    if (ok && !in_bad(in))
        rdb_trailer(&r);
    if (fault_is(&search.fault) && !in_bad(in))
        in_fail(in, search.fault.code, "%s", search.fault.what);
    element_search_end(&search);
    pending_file_end(&pending);
    c->keys += r.keys - r.empty_skipped;
    digest_hex(&d, c->base_digest);
    rdb_close(&r);
    digest_free(&d);
}

static void read_commands(struct check *c, struct in *in)
{
    struct aof_reader r;
    enum aof_item what;
    int64_t s;
    aof_open(&r, in, &(struct aof_limits){.loose = true});
    while ((what = aof_next(&r)) == AOF_COMMAND || what == AOF_ANNOTATION) {
        c->commands += what == AOF_COMMAND;
        if (what == AOF_COMMAND || r.note.len < 4 || memcmp(r.note.data, "#TS:", 4) != 0 ||
            !num_parse_i64(slice_from(r.note, 4), &s))
            continue;
        c->first_ms = c->first_ms < 0 ? s * 1000 : c->first_ms;
        c->last_ms = s * 1000;
    }
    aof_close(&r);
}

static bool is_rdb(struct in *in)
{
    struct slice head = in_peek(in, 6);
    return head.len == 6 && (memcmp(head.data, "REDIS", 5) == 0 ||
                             memcmp(head.data, "VALKEY", 6) == 0);
}

static bool ends(const char *text, const char *with)
{
    size_t n = strlen(text), m = strlen(with);
    return n >= m && memcmp(text + n - m, with, m) == 0;
}

/* A dump is RDB, whatever it begins with: one that was emptied holds no keys, but not because the
 * server had none. A base may be commands, and no commands at all, unless its name says RDB. */
static bool must_be_rdb(const struct backup_file *file, struct in *in)
{
    return file->kind == BACKUP_DUMP ||
           (file->kind == BACKUP_BASE && ends(file->name, ".rdb") && in_at_end(in));
}

static void read_file(struct check *c, const struct backup_file *file, struct in *in)
{
    if (file->kind == BACKUP_MANIFEST)
        return;
    if (is_rdb(in) || must_be_rdb(file, in))
        read_rdb(c, in);
    if (file->kind != BACKUP_DUMP && !in_bad(in))
        read_commands(c, in);
}

static void differs(struct check *c, const char *file, const char *what)
{
    finding_add(&c->findings, &(struct finding){.cost = TOOL_LOSS, .file = file, .unit = "file",
                                                .what = what});
}

/* What was read of a file: its bytes, and what is wrong with them. */
struct seen {
    uint64_t bytes, stored;
    char sha256[65];
    struct fault f;
};

static void read_once(struct check *c, const char *dir, const struct backup_file *file,
                      struct seen *x)
{
    struct hashed h;
    char *path = backup_path(dir, c->b, file);
    *x = (struct seen){0};
    if (hashed_open(&h, path, IN_SIZE_UNKNOWN, &x->f)) {
        progress_bar_begin(&c->tool->progress, file->name, h.input.file_size);
        read_file(c, file, &h.in);
        x->stored = h.input.file_size;
        hashed_close(&h, x->sha256);
        x->f = h.in.fault; /* also of what only hashed_close read */
        x->bytes = h.bytes;
        progress_bar_end(&c->tool->progress);
    }
    mem_free(path);
}

/* NULL: as it was noted. */
static const char *unlike(const struct seen *x, const struct backup_file *file)
{
    return fault_is(&x->f) ? x->f.what
           : x->bytes != file->size ? "its size is not the one that was noted"
           : strcmp(x->sha256, file->sha256) != 0
               ? "its bytes are not those that were backed up: SHA-256 differs" : NULL;
}

static void check_file(struct check *c, const char *dir, struct backup_file *file)
{
    struct check before = *c;
    struct seen x;
    read_once(c, dir, file, &x);
    const char *why = *file->sha256 ? unlike(&x, file) : NULL;
    if (why && c->mend && c->mend->again(c->mend->arg, file, why)) {
        *c = before;
        read_once(c, dir, file, &x);
    }
    if (c->fill_in && !*file->sha256 && !fault_is(&x.f)) {
        file->size = x.bytes;
        file->stored = x.stored;
        memcpy(file->sha256, x.sha256, sizeof x.sha256);
    }
    why = unlike(&x, file);
    if (fault_is(&x.f))
        finding_fault(&c->findings, file->name, &x.f);
    else if (why)
        differs(c, file->name, why);
}

/* What the file "backup" says of all of them. */
static void check_figures(struct check *c)
{
    struct backup *b = c->b;
    if (c->fill_in) {
        b->keys = c->keys;
        b->commands = c->commands;
        b->first_ms = c->first_ms;
        b->last_ms = c->last_ms;
        memcpy(b->base_digest, c->base_digest, sizeof b->base_digest);
        return;
    }
    if (c->keys != b->keys || c->commands != b->commands)
        differs(c, b->name, "it holds other numbers of keys or commands than were noted");
    else if (*b->base_digest && strcmp(b->base_digest, c->base_digest) != 0)
        differs(c, b->name, "the digest of its base is not the one that was noted");
}

/* ---- deep ---- */

/* Loaded by a server: the digest of all keys that do not expire. */
static bool load_deep(struct check *c, const char *dir, char digest[DIGEST_HEX])
{
    struct dataset set;
    struct digest d;
    struct sift sift;
    struct fault f = {0};
    const struct key_filter lasting = {.without_expiry = true};
    const struct backup_file *main = NULL;
    for (size_t i = 0; i < c->b->count; i++)
        if (c->b->files[i].kind == BACKUP_MANIFEST || c->b->files[i].kind == BACKUP_DUMP)
            main = &c->b->files[i];
    char *path = main ? backup_path(dir, c->b, main) : NULL;
    digest_init(&d);
    sift_init(&sift, &lasting, &d.sink);
    bool ok = path && dataset_open(&set, c->tool, path, &(struct dataset_options){0}, &f);
    if (ok) {
        ok = dataset_read(&set, &sift.pass.sink, &f);
        dataset_close(&set);
    }
    digest_hex(&d, digest);
    digest_free(&d);
    mem_free(path);
    if (!path)
        differs(c, c->b->name, "it has neither a manifest nor a dump");
    else if (!ok)
        finding_fault(&c->findings, c->b->name, &f);
    return ok;
}

static void check_deep(struct check *c, const char *dir)
{
    char digest[DIGEST_HEX];
    if (!load_deep(c, dir, digest))
        return;
    if (c->fill_in)
        memcpy(c->b->state_digest, digest, sizeof digest);
    else if (*c->b->state_digest && strcmp(digest, c->b->state_digest) != 0)
        differs(c, c->b->name, "a server that loads it has other data than was noted");
}

bool backup_check(struct tool *t, const char *dir, struct backup *b, bool deep, bool fill_in,
                  const struct backup_mend *mend)
{
    struct check c = {.tool = t, .b = b, .fill_in = fill_in, .mend = mend, .first_ms = -1,
                      .last_ms = -1};
    findings_begin(&c.findings, t);
    for (size_t i = 0; i < b->count; i++)
        check_file(&c, dir, &b->files[i]);
    check_figures(&c);
    if (deep && c.findings.count == 0)
        check_deep(&c, dir);
    return c.findings.count == 0;
}

/* ---- one file ---- */

bool backup_hash(const char *path, uint64_t limit, char sha256[65], uint64_t *bytes,
                 struct fault *f)
{
    struct hashed h;
    if (!hashed_open(&h, path, limit, f))
        return false;
    hashed_close(&h, sha256);
    *f = h.in.fault;
    *bytes = h.bytes;
    return !fault_is(f);
}

bool backup_copy(const char *from, uint64_t limit, const char *to,
                 const struct out_file_options *how, struct backup_file *file, struct fault *f)
{
    struct hashed h;
    struct out_file o;
    if (!hashed_open(&h, from, limit, f))
        return false;
    if (!out_file_open(&o, to, how, f)) {
        hashed_close(&h, file->sha256);
        return false;
    }
    while (!in_at_end(&h.in) && !out_bad(&o.out)) {
        struct slice some = in_window(&h.in, SIZE_MAX);
        out_slice(&o.out, some);
        in_skip(&h.in, some.len);
    }
    bool ok = !in_bad(&h.in);
    if (!ok)
        *f = h.in.fault;
    hashed_close(&h, file->sha256);
    if (ok)
        ok = out_file_end(&o, f);
    else
        out_file_drop(&o);
    struct stat st;
    file->size = h.bytes;
    file->stored = ok && file_stat(to, &st) == 0 ? (uint64_t)st.st_size : 0;
    return ok;
}
