/* SPDX-License-Identifier: BSD-3-Clause */
/* The pieces of a file are its blocks, in their order; each thread takes the next one that nobody
 * has taken. The checksum of the whole is put together from those of the blocks. */
#include "tools/rdb_quick.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_read.h"
#include "os/worker.h"

enum { MAGIC = 9, THREADS_MAX = 64 };

struct shared {
    struct rdb_quick *q;
    pthread_mutex_t libraries;
    _Atomic size_t next;
    _Atomic bool bad;
    _Atomic uint64_t done;
    bool alone; /* no blocks: one piece */
};
struct lane {
    struct worker_job job;
    struct shared *all;
    struct rdb_reader reader;
    struct in head;
    char magic[MAGIC + 7];
    struct check_sink sink;
    struct key_feed feed;
    bool ended;
    uint64_t stored, crc; /* the file's checksum as it stands there; of the piece's bytes before */
};

static bool library(void *arg, struct slice code)
{
    struct shared *all = arg;
    if (!all->q->library)
        return true;
    pthread_mutex_lock(&all->libraries);
    bool ok = all->q->library(all->q->library_arg, code);
    pthread_mutex_unlock(&all->libraries);
    return ok;
}

static void lane_begin(struct lane *l, struct shared *all)
{
    struct rdb_quick *q = all->q;
    const struct rdb_options opt = {.databases = q->databases, .keep_modules = true,
                                    .unguarded = true, .trust_distinct = true};
    *l = (struct lane){.all = all};
    snprintf(l->magic, sizeof l->magic, q->valkey ? "VALKEY%03d" : "REDIS%04d", q->version);
    in_init_memory(&l->head, slice(l->magic, MAGIC));
    bool ok = rdb_open(&l->reader, &l->head, &opt);
    must(ok);
    check_sink_init(&l->sink, q->now_ms);
    key_feed_begin(&l->feed, q->twice);
    l->sink.feed = &l->feed;
    l->sink.library = library;
    l->sink.library_arg = all;
}

static void lane_end(struct lane *l)
{
    key_feed_end(&l->feed);
    l->reader.ended = false;
    rdb_close(&l->reader);
    in_free(&l->head);
    check_sink_add(&l->all->q->sums, &l->sink);
    check_sink_free(&l->sink);
}

/* Opcode 255 stands next: true when the file's own checksum is all that follows in the piece. */
static bool take_end(struct lane *l, struct in *in)
{
    uint8_t opcode;
    bool has = l->reader.version >= RDB_VERSION_CRC;
    in_bytes(in, &opcode, 1);
    l->crc = in_crc(in);
    l->stored = has ? in_le64(in) : 0;
    l->ended = !in_bad(in);
    return l->ended;
}

/* All records of a piece; its bytes' checksum. */
static bool read_piece(struct lane *l, uint64_t from, uint64_t to, unsigned db, uint64_t *crc)
{
    struct image_stream s;
    struct in in;
    struct rdb_record rec;
    uint64_t shown = 0;
    image_stream(&s, &in, l->all->q->image, from, to, 0);
    rdb_resume(&l->reader, &in, db);
    l->sink.base = from;
    bool ok = true, over = false;
    while (ok && !over && !in_at_end(&in)) {
        over = in_peek(&in, 1).data[0] == (char)RDB_OP_EOF;
        if (over)
            ok = take_end(l, &in);
        else
            ok = rdb_next(&l->reader, &rec) && rdb_body(&l->reader, &rec, &l->sink.sink);
        if (in_offset(&in) - shown > 1 << 20) {
            l->all->done += in_offset(&in) - shown;
            shown = in_offset(&in);
            if (l == l->all->q->first)
                progress_bar_at(l->all->q->progress, l->all->done);
        }
        ok = ok && !l->all->bad;
    }
    l->all->done += in_offset(&in) - shown;
    *crc = !ok || in_bad(&in) ? 0 : in_crc(&in); /* not behind an end that rdb_next has read */
    ok = ok && !in_bad(&in) && l->reader.expire_ms == KEY_NO_EXPIRE &&
         (in_left(&in) == 0 || l->all->alone);
    if (over)
        l->all->q->end_at = image_place(&s, in_offset(&in));
    in_free(&in);
    return ok;
}

static void run_lane(struct worker_job *job)
{
    struct lane *l = (struct lane *)job;
    struct shared *all = l->all;
    const struct blocks_list *list = all->q->list;
    size_t i;
    while (!all->bad && (i = all->next++) < blocks_count(list)) {
        const struct listed_block *b = blocks_at(list, i);
        uint64_t crc, keys = l->reader.keys;
        bool last = i + 1 == blocks_count(list);
        uint64_t from = i == 0 ? b->from + MAGIC : b->from;
        bool ok = read_piece(l, from, b->to, b->told.db, &crc);
        if (i == 0)
            crc = crc64_combine(crc64(0, l->magic, MAGIC), crc, b->to - from);
        if (!ok || crc != b->told.crc || l->reader.keys - keys != b->told.keys ||
            l->ended != last)
            all->bad = true;
    }
}

/* In order, without holes, from the magic to the end. */
static bool list_is_whole(const struct rdb_quick *q)
{
    uint64_t at = q->image->begin;
    const struct listed_block *b = NULL;
    for (size_t i = 0; i < blocks_count(q->list); i++) {
        b = blocks_at(q->list, i);
        if (b->from != at || b->to < b->from + (i == 0 ? MAGIC : 0))
            return false;
        at = b->to;
    }
    return b && q->list->by_trailer && at == q->list->rdb_end;
}

static void run_lanes(struct shared *all, struct lane *lanes, size_t n)
{
    struct workers *workers = n > 1 ? workers_new(NULL) : NULL;
    struct worker *each[THREADS_MAX];
    for (size_t i = 0; i < n; i++) {
        lane_begin(&lanes[i], all);
        lanes[i].job.run = run_lane;
    }
    all->q->first = &lanes[0];
    for (size_t i = 1; i < n; i++) {
        each[i] = worker_new(workers, "check-block");
        worker_give(each[i], &lanes[i].job);
    }
    run_lane(&lanes[0].job);
    for (size_t i = 1; i < n; i++)
        worker_drain(each[i]);
    if (workers)
        workers_free(workers);
}

/* Of all blocks but what the last has from its stored checksum on. */
static uint64_t whole_crc(const struct rdb_quick *q)
{
    uint64_t crc = 0;
    size_t n = blocks_count(q->list);
    for (size_t i = 0; i + 1 < n; i++) {
        const struct listed_block *b = blocks_at(q->list, i);
        crc = crc64_combine(crc, b->told.crc, b->told.len);
    }
    const struct listed_block *last = blocks_at(q->list, n - 1);
    return image_crc(q->image, crc, last->from, last->to - 8);
}

static bool read_blocks(struct rdb_quick *q, struct shared *all)
{
    size_t n = q->threads < THREADS_MAX ? (size_t)q->threads : THREADS_MAX;
    /* Templates stand in front of all keys, and a thread that begins behind them has none. */
    if (!q->valkey && q->version >= 15)
        n = 1;
    n = n < blocks_count(q->list) ? n : blocks_count(q->list);
    struct lane *lanes = mem_alloc(n * sizeof *lanes);
    run_lanes(all, lanes, n);
    uint64_t stored = 0;
    for (size_t i = 0; i < n; i++) {
        stored = lanes[i].ended ? lanes[i].stored : stored;
        lane_end(&lanes[i]);
    }
    mem_free(lanes);
    q->crc_stored = stored != 0;
    return !all->bad && (stored == 0 || stored == whole_crc(q));
}

static bool read_alone(struct rdb_quick *q, struct shared *all)
{
    struct lane *l = mem_alloc(sizeof *l);
    uint64_t crc, from = q->image->begin + MAGIC;
    lane_begin(l, all);
    q->first = l;
    all->alone = true;
    bool ok = read_piece(l, from, q->image->end, 0, &crc) && l->ended;
    q->crc_stored = l->stored != 0;
    if (ok && l->stored) {
        uint64_t len = q->end_at - 8 - from;
        ok = crc64_combine(crc64(0, l->magic, MAGIC), l->crc, len) == l->stored;
    }
    lane_end(l);
    mem_free(l);
    return ok;
}

bool rdb_quick(struct rdb_quick *q)
{
    struct shared all = {.q = q};
    pthread_mutex_init(&all.libraries, NULL);
    check_sink_init(&q->sums, q->now_ms);
    q->end_at = 0;
    bool ok = list_is_whole(q) ? read_blocks(q, &all)
                               : !q->list->by_trailer && read_alone(q, &all);
    pthread_mutex_destroy(&all.libraries);
    /* Records of blocks that nobody compared need another checksum over the same bytes. */
    return ok && (q->list->by_trailer || q->crc_stored || blocks_count(q->list) == 0);
}
