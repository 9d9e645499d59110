/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/file_out.h"

#include "os/file.h"

enum { SYNC_EVERY = 4 << 20 };

int file_out_write(void *arg, const void *from, size_t n)
{
    struct file_out *to = arg;
    int err = file_write_all(to->fd, from, n, NULL);
    to->unsynced += n;
    if (err < 0 || !to->incremental || to->unsynced < SYNC_EVERY)
        return err;
    to->unsynced = 0;
    return file_fdatasync(to->fd);
}

ssize_t file_in_read(void *arg, void *to, size_t n)
{
    return file_read(*(int *)arg, to, n);
}
