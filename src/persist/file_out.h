/* SPDX-License-Identifier: BSD-3-Clause */
/* An out stream's way to a file. incremental: synced every 4 MiB, so that the end has little left
 * to wait for and the page cache does not fill with dirty pages. */
#ifndef PERSIST_FILE_OUT_H
#define PERSIST_FILE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file_out {
    int fd;
    bool incremental;
    size_t unsynced;
};

int file_out_write(void *arg, const void *from, size_t n); /* an out_write; arg: struct file_out */
ssize_t file_in_read(void *arg, void *to, size_t n);       /* an in_read; arg: int *fd */

#endif
