/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"

int temp_file(struct fault *f)
{
    const char *dir = getenv("TMPDIR");
    dir = dir && *dir ? dir : "/var/tmp";
    int fd = file_open(dir, O_RDWR | O_TMPFILE, 0600);
    if (fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL) {
        char *path = file_join(dir, "holdfast-XXXXXX");
        fd = mkostemp(path, O_CLOEXEC);
        fd = fd < 0 ? -errno : fd;
        if (fd >= 0)
            unlink(path);
        mem_free(path);
    }
    if (fd < 0)
        fault_io(f, -fd, "open", "No temporary file can be made in %s (TMPDIR)", dir);
    return fd;
}

bool temp_file_write(int *fd, const void *from, size_t n, struct fault *f)
{
    if (fault_is(f))
        return false;
    if (*fd < 0)
        *fd = temp_file(f);
    int err = *fd < 0 ? 0 : file_write_all(*fd, from, n, NULL);
    if (err < 0)
        fault_io(f, -err, "write", "Can't write to a temporary file");
    return !fault_is(f);
}

bool temp_file_read(int fd, void *to, size_t n, uint64_t at, struct fault *f)
{
    for (size_t have = 0; have < n && !fault_is(f);) {
        ssize_t got = file_pread(fd, (char *)to + have, n - have, (off_t)(at + have));
        if (got <= 0)
            fault_io(f, got < 0 ? (int)-got : EIO, "read", "Can't read a temporary file");
        else
            have += (size_t)got;
    }
    return !fault_is(f);
}
