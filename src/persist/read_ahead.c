/* SPDX-License-Identifier: BSD-3-Clause */
/* Two batches or more go round: the reader fills one while another is played. A ring under one
 * mutex: they change hands a few thousand times a second at most. */
#include "persist/read_ahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/event_batch.h"

enum { BATCHES = 4, BATCH_BYTES = 512 << 10, KEEP_BYTES = 4 << 20, PAYS_FROM = 4 << 20 };
enum { MEMORY_TIMES = 4 }; /* of what events take, the most that their values do */

struct read_ahead {
    struct in *in;
    struct rdb_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock: of the ring, from the oldest on */
    struct buf batches[BATCHES];
    unsigned first, full;
    bool over;
    bool playing;          /* the first of the full ones is being played */
    _Atomic bool stop;
    struct mem_nest nest;  /* where the other side allocates */
    enum rdb_trailer_state trailer;
    struct buf *filling;   /* the reader's alone, as are: */
    struct buf notes;      /* each with its NUL */
};

bool read_ahead_pays(const struct in *in)
{
    return in->limit != IN_SIZE_UNKNOWN && in->limit >= PAYS_FROM &&
           sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/* ---- the reader's thread ---- */

/* The one being filled is done; the next free one, or NULL when nobody wants more. */
static struct buf *hand_over(struct read_ahead *a)
{
    pthread_mutex_lock(&a->lock);
    if (a->filling)
        a->full++;
    must(a->full <= BATCHES);
    pthread_cond_signal(&a->changed);
    while (a->full == BATCHES && !a->stop)
        pthread_cond_wait(&a->changed, &a->lock);
    struct buf *next = a->stop ? NULL : &a->batches[(a->first + a->full) % BATCHES];
    pthread_mutex_unlock(&a->lock);
    if (next && next->cap > KEEP_BYTES)
        buf_free(next);
    if (next)
        buf_clear(next);
    return a->filling = next;
}

static void note(void *arg, const char *text)
{
    struct read_ahead *a = arg;
    must(text && a->filling);
    buf_append(&a->notes, text, strlen(text) + 1);
}

/* Behind the record during which they came. */
static void put_notes(struct read_ahead *a)
{
    must(a->filling);
    for (struct slice rest = buf_slice(&a->notes); rest.len;) {
        event_batch_note(a->filling, rest.data);
        rest = slice_from(rest, strlen(rest.data) + 1);
    }
    buf_clear(&a->notes);
}

static void read_all(struct read_ahead *a)
{
    must(!a->filling && !a->full);
    struct rdb_reader r;
    struct rdb_record rec;
    struct event_recorder recorder;
    if (!hand_over(a))
        return;
    bool ok = rdb_open(&r, a->in, &a->options);
    event_recorder_init(&recorder, a->filling);
    while (ok && rdb_next(&r, &rec)) {
        size_t before = recorder.to->len;
        ok = rdb_body(&r, &rec, &recorder.sink);
        if (ok && recorder.to->len > before) /* else it is nothing to take in */
            event_batch_mark(recorder.to, in_offset(a->in), a->in->doing);
        put_notes(a);
        if (recorder.to->len >= BATCH_BYTES) {
            mem_nest_warm(&a->nest, recorder.to->len * MEMORY_TIMES);
            recorder.to = hand_over(a);
            ok = ok && recorder.to;
        }
    }
    if (a->filling)
        put_notes(a); /* of a fault, too */
    if (ok && !in_bad(a->in))
        a->trailer = rdb_trailer(&r);
    rdb_close(&r);
}

static void *run(void *arg)
{
    struct read_ahead *a = arg;
    mem_thread_enter();
    pthread_setname_np(pthread_self(), "rdb-reader");
    read_all(a);
    pthread_mutex_lock(&a->lock);
    if (a->filling)
        a->full++;
    a->over = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    mem_thread_leave();
    return NULL;
}

/* ---- the other side ---- */

struct read_ahead *read_ahead_start(struct in *in, const struct rdb_options *options)
{
    struct read_ahead *a = mem_zalloc(sizeof *a);
    must(!in_bad(in));
    a->in = in;
    a->options = *options;
    mem_nest_begin(&a->nest);
    a->options.note = note;
    a->options.note_arg = a;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (pthread_create(&a->thread, NULL, run, a) == 0)
        return a;
    pthread_mutex_destroy(&a->lock); /* no thread to be had: the caller reads by itself */
    pthread_cond_destroy(&a->changed);
    mem_free(a);
    return NULL;
}

bool read_ahead_next(struct read_ahead *a, struct slice *batch)
{
    pthread_mutex_lock(&a->lock);
    if (a->playing) {
        a->first = (a->first + 1) % BATCHES;
        a->full--;
        pthread_cond_signal(&a->changed);
    }
    while (a->full == 0 && !a->over)
        pthread_cond_wait(&a->changed, &a->lock);
    must(a->full <= BATCHES && a->first < BATCHES);
    a->playing = a->full > 0;
    if (a->playing)
        *batch = buf_slice(&a->batches[a->first]);
    pthread_mutex_unlock(&a->lock);
    return a->playing;
}

void read_ahead_end(struct read_ahead *a, enum rdb_trailer_state *trailer)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    must(pthread_join(a->thread, NULL) == 0);
    *trailer = a->trailer;
    mem_nest_end(&a->nest);
    for (unsigned i = 0; i < BATCHES; i++)
        buf_free(&a->batches[i]);
    buf_free(&a->notes);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->changed);
    mem_free(a);
}
