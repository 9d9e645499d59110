/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_parts.h"

#include <stdio.h>

#include "base/must.h"
#include "format/aof_sum.h"
#include "format/rdb_write.h"
#include "tests/unit/unit.h"

enum { FILES_MAX = 8 };

/* A directory in memory. */
struct dir {
    struct {
        const char *name;
        struct buf bytes;
    } files[FILES_MAX];
    int count;
};

static const char *const logs[] = {"0000000000000000", "00000000000000aa", "00000000000000bb"};

static struct buf *add(struct dir *d, const char *name)
{
    must(d->count < FILES_MAX);
    d->files[d->count].name = name;
    return &d->files[d->count++].bytes;
}

/* An increment of a log, with a few bytes behind its first line. */
static void add_incr(struct dir *d, const char *name, uint64_t id, uint32_t seq)
{
    struct aof_chain chain = {0};
    struct aof_session s = {.id = id, .seq = seq};
    struct buf *b = add(d, name);
    if (id)
        aof_chain_begin(&chain, &s, b);
    buf_printf(b, "*1\r\n$4\r\nPING\r\n");
}

static void add_rdb(struct dir *d, const char *name, uint64_t id, int64_t seq)
{
    struct out out;
    struct rdb_writer w;
    struct aof_origin origin = {.id = id, .seq = seq};
    char text[AOF_PART_AUX_MAX];
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.blocks = true});
    rdb_writer_begin(&w);
    rdb_writer_aux(&w, "redis-ver", SLICE_LIT("7.2.4"));
    if (id)
        rdb_writer_aux(&w, AOF_PART_AUX, slice(text, aof_part_aux(text, &origin)));
    must(rdb_writer_end(&w));
    buf_add(add(d, name), buf_slice(&out.buf));
    rdb_writer_free(&w);
    out_free(&out);
}

static void dir_free(struct dir *d)
{
    for (int i = 0; i < d->count; i++)
        buf_free(&d->files[i].bytes);
}

static bool look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f)
{
    const struct dir *d = arg;
    for (int i = 0; i < d->count; i++) {
        if (strcmp(d->files[i].name, name) != 0)
            continue;
        struct slice all = buf_slice(&d->files[i].bytes);
        *size = all.len;
        buf_append(head, all.data, all.len < AOF_PART_HEAD ? all.len : AOF_PART_HEAD);
        return true;
    }
    fault_set(f, FAULT_IO, "no file %s", name);
    return false;
}

/* "" when the set is right, else the sentence. */
static const char *verdict(struct dir *d, const char *manifest, struct aof_parts *found)
{
    static char what[FAULT_WHAT_MAX];
    struct manifest m = {0};
    struct fault f = {0};
    must(manifest_parse(&m, slice_str(manifest), &f));
    bool ok = aof_parts_check(&m, look, d, found, &f);
    CHECK(ok == !fault_is(&f));
    snprintf(what, sizeof what, "%s", f.what);
    manifest_free(&m);
    return what;
}

#define SAYS(d, manifest, words) says(d, manifest, words, __LINE__)
static void says(struct dir *d, const char *manifest, const char *words, int line)
{
    struct aof_parts found;
    const char *what = verdict(d, manifest, &found);
    if (*words ? !strstr(what, words) : *what != '\0')
        printf("line %d: %s\n", line, what);
    CHECK(*words ? strstr(what, words) != NULL : *what == '\0');
}

static void files_say_where_they_belong(void)
{
    struct dir d = {0};
    add_incr(&d, "i", 0xaa, 7);
    add_rdb(&d, "b", 0xbb, 9);
    struct aof_origin o = aof_part_origin(buf_slice(&d.files[0].bytes));
    CHECK(o.id == 0xaa && o.seq == 7);
    o = aof_part_origin(buf_slice(&d.files[1].bytes));
    CHECK(o.id == 0xbb && o.seq == 9);
    /* no prefix of either says anything else */
    for (int i = 0; i < 2; i++) {
        struct slice all = buf_slice(&d.files[i].bytes);
        uint64_t id = i ? 0xbb : 0xaa;
        for (size_t n = 0; n < all.len; n++) {
            o = aof_part_origin(slice(all.data, n));
            CHECK(o.id == 0 || o.id == id);
        }
    }
    dir_free(&d);
}

static void a_set_of_one_log_is_right(void)
{
    struct dir d = {0};
    struct aof_parts found;
    add_rdb(&d, "b", 0xaa, 2);
    add_incr(&d, "i2", 0xaa, 2);
    add(&d, "i3");
    add_incr(&d, "i4", 0xaa, 4);
    add(&d, "i5");
    static const char manifest[] = "file b seq 2 type b id 00000000000000aa\n"
                                   "file i2 seq 2 type i id 00000000000000aa\n"
                                   "file i3 seq 3 type i id 00000000000000aa size 0\n"
                                   "file i4 seq 4 type i id 00000000000000aa\n"
                                   "file i5 seq 5 type i id 00000000000000aa\n";
    CHECK_STR(verdict(&d, manifest, &found), "");
    CHECK(found.id == 0xaa && found.lost == 0);
    /* a manifest that an old server wrote anew: the files still tell */
    CHECK_STR(verdict(&d, "file b seq 2 type b\nfile i2 seq 2 type i\nfile i3 seq 3 type i\n",
                      &found), "");
    CHECK(found.id == 0xaa);
    dir_free(&d);
}

static void old_sets_are_asked_nothing(void)
{
    struct dir d = {0};
    struct aof_parts found;
    add_rdb(&d, "b", 0, 0);
    add_incr(&d, "i1", 0, 0);
    CHECK_STR(verdict(&d, "file b seq 1 type b\nfile i1 seq 1 type i\n", &found), "");
    CHECK(found.id == 0);
    dir_free(&d);
}

static void foreign_parts_are_refused(void)
{
    struct dir d = {0};
    add_rdb(&d, "b", 0xaa, 1);
    add_incr(&d, "i1", 0xbb, 1);
    add_incr(&d, "plain", 0, 0);
    add_rdb(&d, "bplain", 0, 0);
    char line[200];
    snprintf(line, sizeof line, "file b seq 1 type b id %s\nfile i1 seq 1 type i id %s\n", logs[1],
             logs[1]);
    SAYS(&d, line, "i1 is part of the log 00000000000000bb; the manifest says of 00000000000000aa");
    SAYS(&d, "file b seq 1 type b\nfile i1 seq 1 type i\n",
         "parts of different logs: b of 00000000000000aa, i1 of 00000000000000bb");
    snprintf(line, sizeof line, "file b seq 1 type b id %s\nfile i1 seq 1 type i id %s\n", logs[1],
             logs[2]);
    SAYS(&d, line, "parts of different logs");
    snprintf(line, sizeof line, "file b seq 1 type b id %s\n", logs[2]);
    SAYS(&d, line, "b is part of the log");
    snprintf(line, sizeof line, "file plain seq 1 type i id %s\n", logs[1]);
    SAYS(&d, line, "plain does not say of which log");
    snprintf(line, sizeof line, "file bplain seq 1 type b id %s\n", logs[1]);
    SAYS(&d, line, "bplain does not say of which log");
    /* what changed places */
    snprintf(line, sizeof line, "file i1 seq 2 type i id %s\n", logs[2]);
    SAYS(&d, line, "i1 says that it is number 1");
    dir_free(&d);
}

static void sizes_are_compared(void)
{
    struct dir d = {0};
    struct aof_parts found;
    char line[200];
    add_incr(&d, "i1", 0xaa, 1);
    add_incr(&d, "i2", 0xaa, 2);
    add(&d, "empty");
    long long size = (long long)d.files[0].bytes.len;
    for (int more = -1; more <= 1; more++) {
        snprintf(line, sizeof line, "file i1 seq 1 type i size %lld\nfile i2 seq 2 type i\n",
                 size + more);
        SAYS(&d, line, more ? "when it was closed for good" : "");
        snprintf(line, sizeof line, "file i1 seq 1 type b size %lld\n", size + more);
        SAYS(&d, line, more ? "when it was closed for good" : "");
        snprintf(line, sizeof line, "file i1 seq 1 type i\nfile i2 seq 2 type i size %lld\n",
                 size + more);
        CHECK_STR(verdict(&d, line, &found), "");
        CHECK(found.lost == (more > 0 ? (uint64_t)more : 0));
    }
    CHECK_STR(verdict(&d, "file empty seq 1 type i id 00000000000000aa size 9\n", &found), "");
    CHECK(found.lost == 9);
    SAYS(&d, "file gone seq 1 type i\n", "no file gone");
    dir_free(&d);
}

int main(void)
{
    return UNIT_RUN(UNIT(files_say_where_they_belong), UNIT(a_set_of_one_log_is_right),
                    UNIT(old_sets_are_asked_nothing), UNIT(foreign_parts_are_refused),
                    UNIT(sizes_are_compared));
}
