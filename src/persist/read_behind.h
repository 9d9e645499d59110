/* SPDX-License-Identifier: BSD-3-Clause */
/* A file that one thread reads while another writes it: the reader never goes beyond what the
 * writer told of, and waits there for more.
 *
 *   the writer                                 the reader
 *   read_behind_init(&b, fd);                  in_init_callback(&in, read_behind, &b,
 *   read_behind_grew(&b, bytes);                                IN_SIZE_UNKNOWN, 0);
 *   read_behind_whole(&b);                     ... up to the end of the file, or a fault ...
 *   read_behind_wait_over(&b, ms)              read_behind_over(&b);
 *
 * fd is the reader's, borrowed: a descriptor of its own. Each call is short but for read_behind and
 * read_behind_wait_over. */
#ifndef PERSIST_READ_BEHIND_H
#define PERSIST_READ_BEHIND_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct read_behind {
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    uint64_t written, read;
    bool whole, given_up, over;
};

void read_behind_init(struct read_behind *b, int fd);
void read_behind_free(struct read_behind *b); /* the reader has gone; fd stays open */

/* ---- the writer ---- */
void read_behind_grew(struct read_behind *b, uint64_t bytes); /* so many are in the file */
void read_behind_whole(struct read_behind *b);                /* no more come */
void read_behind_give_up(struct read_behind *b);              /* the reader meets an end at once */
/* Has the reader come to its end, now or within so many milliseconds? What it did before it said so
 * is seen then. */
bool read_behind_wait_over(struct read_behind *b, unsigned ms);
uint64_t read_behind_read(struct read_behind *b); /* bytes */

/* ---- the reader ---- */
/* of in_init_callback; arg: the struct */
ssize_t read_behind(void *arg, void *to, size_t n);
void read_behind_over(struct read_behind *b);

#endif
