/* SPDX-License-Identifier: BSD-3-Clause */
/* redis-check-aof --plain: a log as one file of commands, for tools that know nothing else. An RDB
 * part becomes the commands that make its keys; annotations, with them the checksums, which are
 * verified on the way, stay behind. */
#include "tools/plain_aof.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/must.h"
#include "format/aof_read.h"
#include "format/aof_write.h"
#include "format/rdb_read.h"
#include "os/file.h"
#include "tools/check.h"
#include "tools/pending_file.h"

static int write_out(void *arg, const void *from, size_t n)
{
    return file_write_all((int)(intptr_t)arg, from, n, NULL);
}

static bool copy_rdb(struct in *in, struct out *out, struct fault *f)
{
    struct aof_writer w;
    struct rdb_reader r;
    struct pending_file pending;
    aof_writer_init(&w, out);
    pending_file_begin(&pending, PENDING_FILE_HELD);
    bool ok = rdb_open(&r, in, &(struct rdb_options){.pending = &pending.ops}) &&
              rdb_read_all(&r, &w.sink);
    ok = ok && aof_writer_end(&w);
    if (!ok)
        *f = in_bad(in) ? in->fault : w.sink.fault;
    else
        rdb_trailer(&r);
    must(ok || fault_is(f));
    rdb_close(&r);
    pending_file_end(&pending);
    aof_writer_free(&w);
    return ok;
}

static bool copy_commands(struct in *in, struct out *out, struct fault *f)
{
    struct aof_reader r;
    struct buf command = {0};
    enum aof_item what;
    aof_open(&r, in, &(struct aof_limits){.loose = true, .open_end = true});
    while ((what = aof_next(&r)) == AOF_COMMAND || what == AOF_ANNOTATION) {
        if (what == AOF_ANNOTATION)
            continue;
        buf_clear(&command);
        aof_put_command(&command, r.argv, r.argc);
        out_slice(out, buf_slice(&command));
    }
    must((what == AOF_FAULT) == in_bad(in));
    if (what == AOF_FAULT)
        *f = in->fault;
    else if (r.in_multi)
        fault_set(f, FAULT_EOF, "Reached EOF before reading EXEC for MULTI");
    aof_close(&r);
    buf_free(&command);
    return !fault_is(f);
}

/* Each part is read from database 0 on. */
static void put_select(struct out *out)
{
    const struct slice select[] = {SLICE_LIT("SELECT"), SLICE_LIT("0")};
    struct buf command = {0};
    aof_put_command(&command, select, 2);
    if (out_offset(out) > 0)
        out_slice(out, buf_slice(&command));
    buf_free(&command);
}

static bool copy_part(const char *path, struct out *out, struct fault *f)
{
    struct in in;
    uint64_t size;
    must(!fault_is(f) && !out_bad(out));
    int fd = check_open(path, O_RDONLY, &in, &size);
    if (fd < 0) {
        fault_io(f, -fd, "open", "Cannot open file %s", path);
        return false;
    }
    put_select(out);
    bool ok = !aof_has_preamble(&in) || copy_rdb(&in, out, f);
    if (ok)
        put_select(out);
    ok = ok && copy_commands(&in, out, f);
    if (ok && !out_flush(out))
        *f = out->fault;
    must(ok || fault_is(f));
    if (fault_is(f))
        fault_prefix(f, path);
    check_close(fd, &in);
    return !fault_is(f);
}

int plain_aof(const struct manifest *m, const char *path, plain_path *path_of, const char *to)
{
    struct fault f = {0};
    struct out out;
    char line[FAULT_TEXT_MAX];
    int fd = file_open(to, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0) {
        printf("Cannot make file %s: %s\n", to, strerror(-fd));
        return 1;
    }
    out_init_callback(&out, write_out, (void *)(intptr_t)fd, 0);
    struct buf full = {0};
    bool ok = m || copy_part(path, &out, &f);
    if (m && m->base.name)
        ok = copy_part(path_of(&full, path, m->base.name), &out, &f);
    for (size_t i = 0; m && ok && i < m->incr.count; i++)
        ok = copy_part(path_of(&full, path, m->incr.files[i].name), &out, &f);
    must(ok != fault_is(&f));
    int err = ok ? file_fsync(fd) : 0;
    if (err < 0)
        fault_io(&f, -err, "fsync", "Cannot sync %s", to);
    if (fault_is(&f)) {
        printf("%s\nNothing is exported: mend the log first (--fix)\n",
               fault_text(&f, line, sizeof line));
        file_unlink(to);
    } else {
        printf("%" PRIu64 " bytes of commands are in %s\n", out_offset(&out), to);
    }
    out_free(&out);
    buf_free(&full);
    file_close(fd);
    return fault_is(&f);
}
