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
