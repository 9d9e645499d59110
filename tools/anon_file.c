/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/temp_file.h"

enum { WINDOW = 256 << 10 };

static void failed(struct anon_file *f, int err)
{
    if (!fault_is(&f->fault))
        fault_io(&f->fault, err, "write", "Can't write to a temporary file");
}

bool anon_file_copy(struct anon_file *f, int fd, uint64_t size)
{
    struct rdb_image from = {.fd = fd, .end = size};
    *f = (struct anon_file){.window = mem_alloc(WINDOW), .size = size};
    f->fd = temp_file(&f->fault);
    for (uint64_t at = 0; at < size && !fault_is(&f->fault);) {
        ssize_t got = image_read(&from, at, size, f->window, WINDOW);
        if (got <= 0) {
            f->size = at;
            break;
        }
        int err = file_write_all(f->fd, f->window, (size_t)got, NULL);
        if (err < 0)
            failed(f, -err);
        at += (uint64_t)got;
    }
    image_free(&from);
    return !fault_is(&f->fault);
}

void anon_file_close(struct anon_file *f)
{
    if (f->fd >= 0)
        file_close(f->fd);
    mem_free(f->window);
    *f = (struct anon_file){.fd = -1};
}

bool anon_file_flush(struct anon_file *f)
{
    for (size_t done = 0; f->dirty && done < f->len && !fault_is(&f->fault);) {
        ssize_t n = pwrite(f->fd, f->window + done, f->len - done, (off_t)(f->at + done));
        if (n < 0 && errno != EINTR)
            failed(f, errno);
        else if (n > 0)
            done += (size_t)n;
    }
    f->dirty = false;
    return !fault_is(&f->fault);
}

/* The window holds the byte at at, and how many from there on. */
static size_t hold(struct anon_file *f, uint64_t at)
{
    if (at >= f->at && at < f->at + f->len)
        return (size_t)(f->at + f->len - at);
    anon_file_flush(f);
    f->at = at;
    f->len = 0;
    while (f->len < WINDOW && at + f->len < f->size && !fault_is(&f->fault)) {
        ssize_t got = file_pread(f->fd, f->window + f->len, WINDOW - f->len,
                                 (off_t)(at + f->len));
        if (got <= 0) {
            failed(f, got ? (int)-got : EIO);
            break;
        }
        f->len += (size_t)got;
    }
    if (f->len > f->size - at && at <= f->size)
        f->len = (size_t)(f->size - at);
    return fault_is(&f->fault) ? 0 : f->len;
}

void anon_file_put(struct anon_file *f, uint64_t at, const void *bytes, size_t n)
{
    must(at <= f->size && n <= f->size - at);
    for (size_t done = 0; done < n;) {
        size_t here = hold(f, at + done), part = here < n - done ? here : n - done;
        if (part == 0)
            return;
        memcpy(f->window + (at + done - f->at), (const char *)bytes + done, part);
        f->dirty = true;
        done += part;
    }
}

size_t anon_file_get(struct anon_file *f, uint64_t at, void *bytes, size_t n)
{
    size_t done = 0;
    while (done < n && at + done < f->size) {
        size_t here = hold(f, at + done), part = here < n - done ? here : n - done;
        if (part == 0)
            break;
        memcpy((char *)bytes + done, f->window + (at + done - f->at), part);
        done += part;
    }
    return done;
}

bool anon_file_write(struct anon_file *f, struct out_file *o)
{
    anon_file_flush(f);
    for (uint64_t at = 0; at < f->size && !fault_is(&f->fault) && !out_bad(&o->out);) {
        size_t n = hold(f, at);
        out_bytes(&o->out, f->window + (at - f->at), n);
        at += n;
    }
    return !fault_is(&f->fault);
}
