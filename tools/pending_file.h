/* SPDX-License-Identifier: BSD-3-Clause */
/* Holds long pending lists of stream groups, for readers of RDB and whoever else joins such a list
 * with what consumers own (pending_list.h): packed, and what is over a limit in a file without a
 * name (temp_file.h).
 *
 *   struct pending_file p;
 *   pending_file_begin(&p, PENDING_FILE_HELD);
 *   rdb_open(&r, &in, &(struct rdb_options){.pending = &p.ops});
 *   ...
 *   if (fault_is(&p.fault)) ...         the reader failed with it: it says nothing of the stream
 *   pending_file_end(&p);
 *
 * One list at a time. Memory: what begin was told, up to 7 MiB of places and a bit an entry, until
 * the list ends; 17 MiB more while a list is sorted that did not come by ascending ids. A live
 * stream's entries take 4 to 6 bytes. Cost of a claim: two searches by halves, and 32 entries to
 * unpack where the one before was not near. */
#ifndef TOOLS_PENDING_FILE_H
#define TOOLS_PENDING_FILE_H

#include "format/pending_list.h"

/* FEW: for who works behind a reader that has one, too. */
enum { PENDING_FILE_HELD = 24 << 20, PENDING_FILE_FEW = 8 << 20 };

struct pending_file {
    struct pending_outside ops;
    struct fault fault;

    /* its own */
    size_t near_max;
    struct buf near, far; /* packed entries; far: those for the file, not yet in it */
    uint64_t far_stored;  /* bytes in the file */
    int fd;               /* -1: none */
    uint64_t count;
    bool ordered;
    struct stream_pending_event last;
    struct buf pages;     /* struct page: where each begins */
    uint64_t page_size;   /* entries */
    struct buf claimed;   /* a bit each */
    struct buf open, raw; /* entries of the page that was looked at last; its bytes */
    uint64_t page;        /* its number */
    uint64_t at;          /* the next */
};

void pending_file_begin(struct pending_file *p, size_t held);
void pending_file_end(struct pending_file *p); /* zeros, or ended before: fine */

#endif
