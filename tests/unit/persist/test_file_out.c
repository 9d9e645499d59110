/* SPDX-License-Identifier: BSD-3-Clause */
/* What is written is synced on the way, where that is wanted; a failure of either is told. */
#include "persist/file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/file.h"
#include "tests/unit/unit.h"

enum { MIB = 1 << 20 };

static struct {
    uint64_t written, at_sync, furthest; /* furthest: most bytes that waited for a sync */
    int syncs, fail_at;
    bool has_behind; /* what is written can be sent to the disk without waiting for it */
} disk;

static ssize_t count_write(int fd, const void *from, size_t n)
{
    (void)fd;
    (void)from;
    disk.written += n;
    if (disk.written - disk.at_sync > disk.furthest)
        disk.furthest = disk.written - disk.at_sync;
    return (ssize_t)n;
}

static int count_sync(int fd)
{
    (void)fd;
    disk.at_sync = disk.written;
    return ++disk.syncs == disk.fail_at ? -EIO : 0;
}

static int count_behind(int fd, off_t from, off_t n)
{
    CHECK_INT((int64_t)disk.written, from + n);
    return count_sync(fd);
}

/* Writes bytes in pieces. Returns the first failure. */
static int put(struct file_out *to, size_t bytes, size_t piece)
{
    static char block[8 * MIB];
    struct file_calls calls = file_calls_real;
    int err = 0;
    calls.write = count_write;
    calls.fdatasync = calls.fsync = count_sync;
    calls.write_behind = disk.has_behind ? count_behind : NULL;
    file_use(&calls);
    for (size_t done = 0; done < bytes && err == 0; done += piece)
        err = file_out_write(to, block, piece);
    file_use(NULL);
    return err;
}

static void synced_on_the_way(void)
{
    static const size_t pieces[] = {4096, 100000, MIB, 3 * MIB, 8 * MIB};
    for (size_t i = 0; i < 2 * sizeof pieces / sizeof *pieces; i++) {
        struct file_out to = {.incremental = true};
        memset(&disk, 0, sizeof disk);
        disk.has_behind = i % 2;
        CHECK_INT(put(&to, 24 * MIB, pieces[i / 2]), 0);
        CHECK(disk.written >= 24 * MIB && disk.syncs >= 3 && disk.syncs <= 6);
        CHECK(disk.furthest < 4 * MIB + pieces[i / 2]);
        CHECK(disk.written - disk.at_sync < 4 * MIB);
    }
}

static void not_synced(void)
{
    struct file_out to = {.incremental = false};
    memset(&disk, 0, sizeof disk);
    CHECK_INT(put(&to, 24 * MIB, MIB), 0);
    CHECK_INT(disk.syncs, 0);
}

static void a_sync_that_fails(void)
{
    struct file_out to = {.incremental = true};
    memset(&disk, 0, sizeof disk);
    disk.fail_at = 2;
    CHECK_INT(put(&to, 24 * MIB, MIB), -EIO);
    CHECK_INT(disk.syncs, 2);
    CHECK_INT((int64_t)disk.written, 8 * MIB);
}

/* A limited rate cuts what comes at once; it is synced all the same. */
static void limited(void)
{
    struct file_out to = {.incremental = true, .max_rate = 100 * MIB};
    memset(&disk, 0, sizeof disk);
    int64_t began = clock_mono_us();
    CHECK_INT(put(&to, 24 * MIB, 8 * MIB), 0);
    CHECK_INT((int64_t)disk.written, 24 * MIB);
    CHECK(disk.syncs >= 2 && disk.furthest <= (4 + 10) * MIB);
    CHECK(clock_mono_us() - began >= 200000);
}

int main(void)
{
    return UNIT_RUN(UNIT(synced_on_the_way), UNIT(not_synced), UNIT(a_sync_that_fails),
                    UNIT(limited));
}
