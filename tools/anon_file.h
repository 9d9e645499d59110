/* SPDX-License-Identifier: BSD-3-Clause */
/* A copy of a file that is changed in place, through one window. Its first fault stays. */
#ifndef TOOLS_ANON_FILE_H
#define TOOLS_ANON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "tools/out_file.h"
#include "tools/rdb_image.h"

struct anon_file {
    int fd; /* without a name */
    uint64_t size;
    char *window;
    uint64_t at;
    size_t len;
    bool dirty;
    struct fault fault;
};

/* Of all the bytes of fd, which is size bytes long; pages that can't be read are zeros. */
bool anon_file_copy(struct anon_file *f, int fd, uint64_t size);
void anon_file_close(struct anon_file *f);
void anon_file_put(struct anon_file *f, uint64_t at, const void *bytes, size_t n);
/* Fewer at the end. */
size_t anon_file_get(struct anon_file *f, uint64_t at, void *bytes, size_t n);
bool anon_file_flush(struct anon_file *f); /* what reads fd itself finds all of it then */
bool anon_file_write(struct anon_file *f, struct out_file *o);

#endif
