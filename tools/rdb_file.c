/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/rdb_file.h"

#include <stdio.h>
#include <string.h>

#include "format/rdb_read.h"
#include "os/file.h"
#include "tools/temp_file.h"

static bool put(int fd, const void *bytes, size_t n, struct fault *f)
{
    int err = file_write_all(fd, bytes, n, NULL);
    if (err < 0)
        fault_io(f, -err, "write", "Can't write to a temporary file");
    return err >= 0;
}

/* The reader makes in the stream of what is in the envelope; it has read the magic by then. */
static bool unwrap(struct rdb_file *r, struct fault *f)
{
    struct rdb_reader reader;
    struct in *in = &r->input.in;
    char magic[16];
    r->unwrapped = temp_file(f);
    if (r->unwrapped < 0)
        return false;
    bool ok = rdb_open(&reader, in, &(struct rdb_options){.unguarded = true});
    int n = snprintf(magic, sizeof magic, reader.valkey ? "VALKEY%03d" : "REDIS%04d",
                     reader.version);
    ok = ok && put(r->unwrapped, magic, (size_t)n, f);
    while (ok && !in_at_end(in)) {
        struct slice some = in_window(in, SIZE_MAX);
        ok = put(r->unwrapped, some.data, some.len, f);
        in_skip(in, some.len);
    }
    if (in_bad(in))
        r->cut = in->fault;
    rdb_close(&reader);
    return !fault_is(f);
}

bool rdb_file_open(struct rdb_file *r, const char *path, struct fault *f)
{
    return rdb_file_open_part(r, &(struct source_part){.path = (char *)(uintptr_t)path}, f);
}

bool rdb_file_open_part(struct rdb_file *r, const struct source_part *p, struct fault *f)
{
    *r = (struct rdb_file){.unwrapped = -1};
    if (!source_part_open(&r->input, p, f))
        return false;
    bool ok = input_seekable_part(&r->input, f);
    r->cut = *input_cut(&r->input);
    if (ok && slice_eq_str(in_peek(&r->input.in, 4), "VKCS"))
        ok = unwrap(r, f);
    if (!ok) {
        rdb_file_close(r);
        return false;
    }
    r->image.fd = r->unwrapped >= 0 ? r->unwrapped : r->input.fd;
    int64_t size = file_size(r->image.fd);
    r->image.end = size > 0 ? (uint64_t)size : 0;
    return true;
}

void rdb_file_close(struct rdb_file *r)
{
    image_free(&r->image);
    if (r->unwrapped >= 0)
        file_close(r->unwrapped);
    input_close(&r->input);
}
