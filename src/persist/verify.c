/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/verify.h"

#include <fcntl.h>
#include <inttypes.h>

#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "os/file.h"
#include "persist/file_out.h"

struct proof {
    int fd;
    struct in in;
};

static bool begin(struct proof *p, const char *path, uint64_t bytes, struct fault *f)
{
    p->fd = file_open(path, O_RDONLY, 0);
    if (p->fd < 0) {
        fault_io(f, -p->fd, "open", "Can't open %s to verify it", path);
        return false;
    }
    int64_t size = file_size(p->fd);
    if (size < 0 || (uint64_t)size != bytes) {
        fault_set(f, FAULT_FORMAT, "%s has %" PRId64 " bytes, %" PRIu64 " were written", path, size,
                  bytes);
        file_close(p->fd);
        return false;
    }
    in_init_callback(&p->in, file_in_read, &p->fd, bytes, 0);
    return true;
}

static bool end(struct proof *p, const char *path, struct fault *f)
{
    if (in_bad(&p->in) && !fault_is(f)) {
        *f = p->in.fault;
        fault_clear(f);
        fault_set(f, p->in.fault.code, "%s does not read back: %s", path, p->in.fault.what);
        f->offset = p->in.fault.offset;
    }
    in_free(&p->in);
    file_close(p->fd);
    return !fault_is(f);
}

bool verify_rdb(const char *path, uint64_t bytes, uint64_t keys, struct fault *f)
{
    struct proof p;
    struct rdb_reader r;
    struct rdb_options options = {.keep_modules = true, .trust_distinct = true};
    struct sink_count count;
    if (!begin(&p, path, bytes, f))
        return false;
    sink_count_init(&count, 0);
    if (rdb_open(&r, &p.in, &options))
        rdb_read_all(&r, &count.sink);
    rdb_close(&r);
    if (!in_bad(&p.in) && count.keys != keys)
        fault_set(f, FAULT_FORMAT, "%s reads back with %" PRIu64 " keys, %" PRIu64 " were written",
                  path, count.keys, keys);
    return end(&p, path, f);
}

bool verify_commands(const char *path, uint64_t bytes, struct fault *f)
{
    struct proof p;
    struct aof_reader r;
    enum aof_item item;
    if (!begin(&p, path, bytes, f))
        return false;
    aof_open(&r, &p.in, &(struct aof_limits){.bulk_max = UINT64_MAX / 2});
    do
        item = aof_next(&r);
    while (item == AOF_COMMAND || item == AOF_ANNOTATION);
    aof_close(&r);
    return end(&p, path, f);
}
