/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"

static int write_out(void *arg, const void *from, size_t n)
{
    return file_write_all((int)(intptr_t)arg, from, n, NULL);
}

bool log_write_open(struct log_writer *w, const char *path, struct fault *f)
{
    *w = (struct log_writer){.path = mem_strdup(path)};
    w->fd = file_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (w->fd < 0) {
        fault_io(f, -w->fd, "open", "Can't make %s", path);
        mem_free(w->path);
        return false;
    }
    out_init_callback(&w->out, write_out, (void *)(intptr_t)w->fd, 0);
    return true;
}

void log_write_copy(struct log_writer *w, struct log_bytes *b, uint64_t from, uint64_t to)
{
    must(from <= to && !w->batch.len);
    while (from < to && !out_bad(&w->out)) {
        size_t n = to - from < LOG_LOOK_MAX ? (size_t)(to - from) : LOG_LOOK_MAX;
        struct slice s = log_bytes_at(b, from, n);
        if (s.len == 0)
            break;
        out_slice(&w->out, s);
        from += s.len;
    }
    if (fault_is(&b->fault))
        w->fault = b->fault;
}

void log_write_seal(struct log_writer *w, uint64_t id, uint32_t seq)
{
    must(!w->sealing && !w->batch.len);
    w->sealing = id != 0;
    w->session = (struct aof_session){.id = id, .seq = seq};
}

bool log_write_place(const char *from, const char *to, struct fault *f)
{
    struct renaming one = {from, to};
    struct renamed done = file_rename_durably(&one, 1);
    if (done.end != RENAME_DONE)
        fault_io(f, -done.err, "rename", "Can't give %s its name", to);
    return !fault_is(f);
}

/* A server that reads it starts only when all of it is on the disk: so says each line. */
static void put_line(struct log_writer *w, uint64_t len, uint64_t crc)
{
    char line[AOF_SUM_LINE];
    must(w->sealing && w->session.id);
    if (!w->chain.open) {
        struct buf first = {0};
        w->session.offset = out_offset(&w->out);
        aof_chain_begin(&w->chain, &w->session, &first);
        out_slice(&w->out, buf_slice(&first));
        buf_free(&first);
    }
    uint64_t at = out_offset(&w->out);
    aof_chain_seal_sum(&w->chain, line, len, crc, at, at);
    out_bytes(&w->out, line, sizeof line);
}

static void flush_batch(struct log_writer *w)
{
    if (!w->batch.len)
        return;
    put_line(w, w->batch.len, crc64(0, w->batch.data, w->batch.len));
    out_slice(&w->out, buf_slice(&w->batch));
    buf_clear(&w->batch);
}

void log_write_unit(struct log_writer *w, struct log_bytes *b, uint64_t from, uint64_t to)
{
    must(from <= to && to <= b->size);
    if (!w->sealing) {
        log_write_copy(w, b, from, to);
        return;
    }
    if (to - from > AOF_BATCH_BYTES) {
        flush_batch(w);
        put_line(w, to - from, log_bytes_crc(b, from, to, 0));
        log_write_copy(w, b, from, to);
        return;
    }
    buf_add(&w->batch, log_bytes_at(b, from, (size_t)(to - from)));
    if (fault_is(&b->fault))
        w->fault = b->fault;
    if (w->batch.len >= AOF_BATCH_BYTES)
        flush_batch(w);
}

static void finish(struct log_writer *w)
{
    out_free(&w->out);
    buf_free(&w->batch);
    if (w->fd >= 0)
        file_close(w->fd);
    w->fd = -1;
}

bool log_write_end(struct log_writer *w, uint64_t *size, struct fault *f)
{
    must(w->fd >= 0);
    flush_batch(w);
    if (fault_is(&w->fault))
        *f = w->fault;
    else if (!out_flush(&w->out))
        *f = w->out.fault;
    int err = fault_is(f) ? 0 : file_fsync(w->fd);
    if (err < 0)
        fault_io(f, -err, "fsync", "Can't sync %s", w->path);
    *size = out_offset(&w->out);
    finish(w);
    if (fault_is(f))
        file_unlink(w->path);
    mem_free(w->path);
    return !fault_is(f);
}

void log_write_drop(struct log_writer *w)
{
    finish(w);
    file_unlink(w->path);
    mem_free(w->path);
}

bool log_write_file(const char *path, const char *from, const char *like, uint64_t *size,
                    struct fault *f)
{
    struct log_writer w;
    struct log_bytes b;
    struct stat st;
    int fd = file_open(from, O_RDONLY, 0);
    int64_t len = fd < 0 ? fd : file_size(fd);
    if (len < 0) {
        fault_io(f, (int)-len, "open", "Can't open %s", from);
        if (fd >= 0)
            file_close(fd);
        return false;
    }
    log_bytes_open(&b, fd, (uint64_t)len);
    bool ok = log_write_open(&w, path, f);
    if (ok && like && file_stat(like, &st) == 0)
        file_set_attributes(w.fd, &st);
    if (ok) {
        log_write_copy(&w, &b, 0, (uint64_t)len);
        ok = log_write_end(&w, size, f);
    }
    log_bytes_close(&b);
    file_close(fd);
    return ok;
}
