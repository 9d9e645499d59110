/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/verify.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/must.h"
#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "os/child.h"
#include "os/file.h"

struct proof {
    int fd;
    struct child *child;
    uint64_t read;
    struct in in;
};

static ssize_t read_back(void *arg, void *to, size_t n)
{
    struct proof *p = arg;
    ssize_t got = file_read(p->fd, to, n);
    p->read += got > 0 ? (uint64_t)got : 0;
    if (p->child)
        child_wrote(p->child, p->read);
    return got;
}

static bool begin(struct proof *p, const char *path, uint64_t bytes, struct child *child,
                  struct fault *f)
{
    *p = (struct proof){.child = child};
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
    in_init_callback(&p->in, read_back, p, bytes, 0);
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
    must(!in_bad(&p->in) || fault_is(f));
    in_free(&p->in);
    file_close(p->fd);
    if (fault_is(f))
        f->doing = "verify";
    return !fault_is(f);
}

static void check_end(struct rdb_reader *r, const char *path, bool guarded, struct fault *f)
{
    if (in_bad(r->in))
        return;
    char hex[DIGEST_HEX];
    bool digest = rdb_digest_verified(r, hex) != NULL;
    if (rdb_trailer(r) != (guarded ? RDB_TRAILER_OK : RDB_TRAILER_NONE) || digest != guarded)
        fault_set(f, FAULT_CRC, "%s reads back without the right block index or digest", path);
    else if (!in_bad(r->in) && !in_at_end(r->in))
        fault_set(f, FAULT_FORMAT, "%s reads back with bytes behind its end", path);
}

bool verify_rdb(const char *path, uint64_t bytes, uint64_t keys, bool guarded, struct child *child,
                struct fault *f)
{
    struct proof p;
    struct rdb_reader r;
    struct rdb_record rec;
    struct rdb_options options = {.keep_modules = true, .trust_distinct = true};
    if (!begin(&p, path, bytes, child, f))
        return false;
    bool ok = rdb_open(&r, &p.in, &options);
    while (ok && rdb_next(&r, &rec))
        ok = rdb_skip(&r, &rec);
    check_end(&r, path, guarded, f);
    uint64_t found = r.keys - r.empty_skipped;
    rdb_close(&r);
    if (!in_bad(&p.in) && found != keys)
        fault_set(f, FAULT_FORMAT, "%s reads back with %" PRIu64 " keys, %" PRIu64 " were written",
                  path, found, keys);
    return end(&p, path, f);
}

bool verify_commands(const char *path, uint64_t bytes, bool sealed, struct child *child,
                     struct fault *f)
{
    struct proof p;
    struct aof_reader r;
    if (!begin(&p, path, bytes, child, f))
        return false;
    aof_open(&r, &p.in, &(struct aof_limits){0});
    if (aof_read_all(&r) == AOF_END && r.bytes_checked != (sealed ? bytes : 0))
        fault_set(f, FAULT_CRC, "%s reads back with checksums for %" PRIu64 " of %" PRIu64 " bytes",
                  path, r.bytes_checked, bytes);
    aof_close(&r);
    return end(&p, path, f);
}
