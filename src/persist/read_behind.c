/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/read_behind.h"

#include <time.h>

#include "base/must.h"
#include "os/file.h"

void read_behind_init(struct read_behind *b, int fd)
{
    *b = (struct read_behind){.fd = fd};
    must(pthread_mutex_init(&b->lock, NULL) == 0);
    must(pthread_cond_init(&b->changed, NULL) == 0);
}

void read_behind_free(struct read_behind *b)
{
    must(b->read <= b->written);
    pthread_mutex_destroy(&b->lock);
    pthread_cond_destroy(&b->changed);
}

/* ---- the writer ---- */

static void tell(struct read_behind *b, bool *state)
{
    pthread_mutex_lock(&b->lock);
    *state = true;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

void read_behind_grew(struct read_behind *b, uint64_t bytes)
{
    pthread_mutex_lock(&b->lock);
    must(bytes >= b->written && !b->whole && !b->given_up);
    b->written = bytes;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

void read_behind_whole(struct read_behind *b)
{
    must(!b->whole);
    must(!b->given_up);
    tell(b, &b->whole);
}

void read_behind_give_up(struct read_behind *b)
{
    tell(b, &b->given_up);
}

bool read_behind_wait_over(struct read_behind *b, unsigned ms)
{
    enum { NS_PER_MS = 1000 * 1000, NS_PER_S = 1000 * 1000 * 1000 };
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * NS_PER_MS;
    until.tv_sec += until.tv_nsec / NS_PER_S;
    until.tv_nsec %= NS_PER_S;
    pthread_mutex_lock(&b->lock);
    for (int rc = 0; ms && !b->over && rc == 0;)
        rc = pthread_cond_timedwait(&b->changed, &b->lock, &until);
    bool over = b->over;
    must(b->read <= b->written);
    pthread_mutex_unlock(&b->lock);
    return over;
}

uint64_t read_behind_read(struct read_behind *b)
{
    pthread_mutex_lock(&b->lock);
    uint64_t read = b->read;
    pthread_mutex_unlock(&b->lock);
    return read;
}

/* ---- the reader ---- */

ssize_t read_behind(void *arg, void *to, size_t n)
{
    struct read_behind *b = arg;
    pthread_mutex_lock(&b->lock);
    while (b->read == b->written && !b->whole && !b->given_up)
        pthread_cond_wait(&b->changed, &b->lock);
    must(b->read <= b->written && !b->over);
    uint64_t more = b->given_up ? 0 : b->written - b->read;
    pthread_mutex_unlock(&b->lock);
    ssize_t got = more ? file_read(b->fd, to, n < more ? n : (size_t)more) : 0;
    pthread_mutex_lock(&b->lock);
    b->read += got > 0 ? (uint64_t)got : 0;
    pthread_mutex_unlock(&b->lock);
    return got;
}

void read_behind_over(struct read_behind *b)
{
    must(!b->over);
    tell(b, &b->over);
}
