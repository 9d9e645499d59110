/* SPDX-License-Identifier: BSD-3-Clause */
/* An out stream's way to a file. incremental: sent to the disk every 4 MiB, so that the end has
 * little left to wait for and the page cache does not fill with dirty pages. max_rate: no faster
 * than that. Tells the child how far it is; while it waits for its rate, too. */
#ifndef PERSIST_FILE_OUT_H
#define PERSIST_FILE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;

struct file_out {
    int fd;
    bool incremental;
    int64_t max_rate;    /* bytes a second; 0: as fast as it goes */
    struct child *child; /* NULL: nobody is told */
    void (*grew)(void *arg, uint64_t written); /* NULL: nor is he; the file has so many bytes */
    void *arg;
    /* private */
    size_t unsynced;
    uint64_t written;
    int64_t began_us;
};

int file_out_write(void *arg, const void *from, size_t n); /* an out_write; arg: struct file_out */
ssize_t file_in_read(void *arg, void *to, size_t n);       /* an in_read; arg: int *fd */

/* Sleeps until so many bytes since began_us are no more than rate allows; at most 100 ms. True when
 * that was not enough. */
bool file_rate_wait(int64_t began_us, uint64_t bytes, int64_t rate);

#endif
