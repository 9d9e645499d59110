/* SPDX-License-Identifier: BSD-3-Clause */
/* What crash_disk.c (following a trace) and crash_choose.c (making states) share. */
#ifndef TESTS_CRASH_DISK_PARTS_H
#define TESTS_CRASH_DISK_PARTS_H

#include "base/buf.h"
#include "base/mem.h"
#include "tests/crash/crash_disk.h"

struct data_op {
    bool truncate;
    uint64_t at; /* of a truncation: the size */
    const char *bytes;
    size_t n;
    bool doomed; /* a sync that covered it failed */
};

struct inode {
    bool dir;
    struct buf durable;
    struct data_op *ops;
    size_t count, cap;
    uint64_t applied; /* operations that left ops */
    uint64_t size;    /* as the program sees it */
};

struct entry_name {
    char *path;
    size_t inode;
};
struct names {
    struct entry_name *list;
    size_t count, cap;
};

enum name_kind { LINK, UNLINK, RENAME };
struct name_op {
    enum name_kind kind;
    char *path, *to; /* to: of a rename */
    size_t inode;
    uint64_t number;
};

struct open_fd {
    int pid, fd, flags;
    size_t inode; /* SIZE_MAX: none */
    uint64_t at;
    char *path;
};

struct sync {
    int64_t id;
    size_t inode;
    uint64_t until; /* data operations, or name operations, below this number */
    char *path;
};

struct disk {
    struct inode *inodes;
    size_t inode_count, inode_cap;
    struct names durable, now;
    struct name_op *ops;
    size_t op_count, op_cap;
    uint64_t op_number;
    struct open_fd *fds;
    size_t fd_count, fd_cap;
    struct sync *syncs;
    size_t sync_count, sync_cap;
    size_t last; /* inode written last; SIZE_MAX: none */
};

#define ROOM(list, count, cap) \
    do { \
        if ((count) == (cap)) { \
            (cap) = (cap) ? (cap) * 2 : 8; \
            (list) = mem_realloc((list), (cap) * sizeof *(list)); \
        } \
    } while (0)

size_t disk_names_find(const struct names *n, const char *path); /* SIZE_MAX: none */
void disk_names_do(struct names *n, const struct name_op *op);
void disk_names_copy(struct names *to, const struct names *from);
void disk_names_free(struct names *n);
/* Drops from keep what needs something that is not kept. */
void disk_close_down(const struct disk *d, bool *keep);
void disk_set_size(struct buf *b, uint64_t size);
void disk_write_bytes(struct buf *b, uint64_t at, const char *bytes, size_t n); /* NULL: zeros */
void disk_do_data(struct buf *b, const struct data_op *op);

#endif
