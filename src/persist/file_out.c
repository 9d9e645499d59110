/* SPDX-License-Identifier: BSD-3-Clause */
/* A limited rate is kept by writing no more than a tenth of a second's worth at once and then
 * sleeping until it is due, in short sleeps: progress keeps being told. */
#include "persist/file_out.h"

#include <unistd.h>

#include "base/must.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/file.h"

enum { SYNC_EVERY = 4 << 20, SLEEP_MAX_US = 100000, PART_MIN = 4096, PARTS_A_SECOND = 10 };

bool file_rate_wait(int64_t began_us, uint64_t bytes, int64_t rate)
{
    must(rate > 0);
    int64_t due_us = began_us + (int64_t)((double)bytes / (double)rate * 1e6);
    int64_t left_us = due_us - clock_mono_us();
    if (left_us > 0)
        usleep((useconds_t)(left_us < SLEEP_MAX_US ? left_us : SLEEP_MAX_US));
    return left_us > SLEEP_MAX_US;
}

static int write_part(struct file_out *to, const char *from, size_t n)
{
    must(to->fd >= 0 && to->unsynced <= to->written);
    int err = file_write_all(to->fd, from, n, NULL);
    to->unsynced += n;
    to->written += n;
    if (err == 0 && to->incremental && to->unsynced >= SYNC_EVERY) {
        off_t behind = (off_t)to->unsynced;
        to->unsynced = 0;
        if (file_write_behind(to->fd, (off_t)to->written - behind, behind) < 0)
            err = file_fdatasync(to->fd);
    }
    if (to->child)
        child_wrote(to->child, to->written);
    if (err == 0 && to->grew)
        to->grew(to->arg, to->written);
    return err;
}

int file_out_write(void *arg, const void *from, size_t n)
{
    struct file_out *to = arg;
    if (to->max_rate <= 0)
        return write_part(to, from, n);
    if (to->began_us == 0)
        to->began_us = clock_mono_us();
    size_t most = (size_t)to->max_rate / PARTS_A_SECOND;
    if (most < PART_MIN)
        most = PART_MIN;
    int err = 0;
    for (size_t done = 0; done < n && err == 0;) {
        size_t part = n - done < most ? n - done : most;
        err = write_part(to, (const char *)from + done, part);
        done += part;
        while (err == 0 && file_rate_wait(to->began_us, to->written, to->max_rate))
            if (to->child)
                child_wrote(to->child, to->written);
    }
    return err;
}

ssize_t file_in_read(void *arg, void *to, size_t n)
{
    return file_read(*(int *)arg, to, n);
}
