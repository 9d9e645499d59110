/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/aof_check.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"

bool aof_look_at_part(const char *path, uint64_t *size, struct buf *head, struct fault *f)
{
    *size = 0;
    if (!file_is_regular(path, f))
        return false;
    int fd = file_open(path, O_RDONLY, 0);
    int64_t bytes = fd < 0 ? fd : file_size(fd);
    ssize_t got = bytes < 0 ? (ssize_t)bytes
                            : file_pread(fd, buf_reserve(head, AOF_PART_HEAD), AOF_PART_HEAD, 0);
    must(got <= AOF_PART_HEAD);
    if (got < 0)
        fault_io(f, (int)-got, fd < 0 ? "open" : "read", "Can't %s %s", fd < 0 ? "open" : "read",
                 path);
    else
        head->len += (size_t)got;
    if (fd >= 0)
        file_close(fd);
    *size = bytes < 0 ? 0 : (uint64_t)bytes;
    must(got >= 0 || fault_is(f));
    return got >= 0;
}

bool aof_look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f)
{
    char *path = aof_path(arg, name);
    bool ok = aof_look_at_part(path, size, head, f);
    mem_free(path);
    return ok;
}

bool aof_check_parts(struct aof *a, struct fault *f)
{
    struct aof_parts found;
    const struct manifest_list *incr = &a->manifest.incr;
    if (!a->checksum) /* parts that others wrote, or changed, are taken for what they are */
        return true;
    if (!aof_parts_check(&a->manifest, aof_look, a, &found, f)) {
        must(fault_is(f));
        if (f->code != FAULT_IO)
            fault_prefix(f, a->dir);
        return false;
    }
    if (a->state == AOF_OFF)
        aof_id_is(a, found.id);
    if (found.lost == 0)
        return true;
    must(incr->count > 0); /* whose newest has lost them */
    const char *name = incr->files[incr->count - 1].name;
    if (!a->load_truncated) {
        fault_set(f, FAULT_FORMAT,
                  "%s is %" PRIu64 " bytes shorter than it was when the server was stopped, and "
                  "aof-load-truncated is off", name, found.lost);
        return false;
    }
    log_warning("!!! Warning: %s has lost its last %" PRIu64 " bytes since the server was stopped "
                "!!!", name, found.lost);
    log_warning("AOF loaded anyway because aof-load-truncated is enabled");
    return true;
}
