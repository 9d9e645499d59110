/* SPDX-License-Identifier: BSD-3-Clause */
/* Blocks: each thread takes the next one that nobody has taken. Guesses: the file is divided into
 * steps; who comes to the end of one goes on into the next, unless that is somebody's. The checksum
 * of the whole is put together from those of the pieces. */
#include "tools/rdb_quick.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/worker.h"
#include "tools/pending_file.h"
#include "tools/rdb_footing.h"

enum { MAGIC = 9, THREADS_MAX = 64, HEAD_RECORDS = 64, STEP_BYTES = 1 << 20 };
enum { READ_BYTES = 64 << 10 }; /* at once: it stays in the cache while it is looked at */
enum { SEARCH_BYTES = 256 << 10 }; /* for the begin of a record: then it is a large value */

enum taken { FREE, UNFIT /* for a guess */, SEARCHED, TAKEN };
struct piece {
    uint64_t from, to;      /* to: where it came out */
    unsigned db, db_to;     /* selected at its begin, and at its end */
    uint64_t keys;
    uint64_t crc, crc_read; /* of its bytes; up to the file's own checksum, if it has that */
};
struct shared {
    struct rdb_quick *q;
    bool guessed;
    pthread_mutex_t lock;
    struct buf pieces;    /* struct piece; guessed ones come under lock */
    size_t next;          /* block, under lock */
    uint8_t *taken;       /* enum taken of each step, under lock */
    pthread_cond_t found; /* a search is over */
    size_t steps;
    uint64_t step;        /* bytes */
    _Atomic unsigned db;  /* selected where somebody was last */
    _Atomic bool bad;
    _Atomic uint64_t done;
};
struct lane {
    struct worker_job job;
    struct shared *all;
    struct rdb_reader reader, scout; /* scout: finds where pieces begin */
    struct pending_file pending; /* of both */
    struct in head;
    char magic[MAGIC + 7];
    struct sink *sink;
    uint64_t limit; /* a record that begins at or behind it is another's */
    bool ended;
    uint64_t end_at; /* behind it */
    uint64_t stored; /* the file's checksum as it stands there */
};

static struct piece *piece_at(const struct shared *all, size_t i)
{
    return (struct piece *)(void *)all->pieces.data + i;
}

static size_t piece_count(const struct shared *all)
{
    return all->pieces.len / sizeof(struct piece);
}

/* ---- steps ---- */

static uint64_t step_begin(const struct shared *all, size_t i)
{
    return i < all->steps ? all->q->image->begin + i * all->step : all->q->image->end;
}

static size_t step_of(const struct shared *all, uint64_t at)
{
    return (size_t)((at - all->q->image->begin) / all->step);
}

/* Somebody has come to place at, a record's begin: may he go on? Up to *limit, then. */
static bool take_on(struct shared *all, uint64_t at, uint64_t *limit)
{
    size_t from = step_of(all, *limit - 1) + 1; /* those in between hold no record's begin */
    size_t to = step_of(all, at) + 1;
    bool free = true;
    to = to < all->steps ? to : all->steps;
    pthread_mutex_lock(&all->lock);
    for (size_t k = from; k < to && free; k++) {
        while (all->taken[k] == SEARCHED)
            pthread_cond_wait(&all->found, &all->lock);
        free = all->taken[k] != TAKEN;
    }
    if (free && from < to)
        memset(all->taken + from, TAKEN, to - from);
    pthread_mutex_unlock(&all->lock);
    if (free)
        *limit = step_begin(all, to);
    return free;
}

/* What a search for a record's begin in the step came to. */
static void settle_step(struct shared *all, size_t i, enum taken is)
{
    pthread_mutex_lock(&all->lock);
    all->taken[i] = (uint8_t)is;
    pthread_cond_broadcast(&all->found);
    pthread_mutex_unlock(&all->lock);
}

/* The step that lies next to the middle of steps from..to and can be tried; 0: none. */
static size_t nearest_free(const struct shared *all, size_t from, size_t to)
{
    size_t middle = from + (to - from) / 2;
    for (size_t i = middle; i < to; i++)
        if (all->taken[i] == FREE)
            return i;
    for (size_t i = middle; i > from; i--)
        if (all->taken[i - 1] == FREE)
            return i - 1;
    return 0;
}

/* A step in the middle of the longest run of those that nobody has; 0: there is none worth it. */
static size_t take_middle(struct shared *all)
{
    size_t best = 1, best_to = 0, run = 0, middle = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 1; i < all->steps; i++) {
        run = all->taken[i] == FREE || all->taken[i] == UNFIT ? run + 1 : 0;
        if (run > best) {
            best = run;
            best_to = i + 1;
        }
    }
    if (best_to)
        middle = nearest_free(all, best_to - best, best_to);
    if (middle)
        all->taken[middle] = SEARCHED;
    pthread_mutex_unlock(&all->lock);
    return middle;
}

/* ---- a thread ---- */

/* Readers that are ready for the middle of a file. */
static void open_reader(struct lane *l, struct rdb_reader *r, const struct rdb_options *opt)
{
    in_init_memory(&l->head, slice(l->magic, MAGIC));
    must(rdb_open(r, &l->head, opt));
    in_free(&l->head);
}

static void lane_begin(struct lane *l, struct shared *all)
{
    struct rdb_quick *q = all->q;
    struct rdb_options opt = {.databases = q->databases, .keep_modules = true, .unguarded = true,
                              .trust_distinct = true, .pending = &l->pending.ops};
    *l = (struct lane){.all = all};
    pending_file_begin(&l->pending, PENDING_FILE_HELD);
    snprintf(l->magic, sizeof l->magic, q->valkey ? "VALKEY%03d" : "REDIS%04d", q->version);
    open_reader(l, &l->scout, &opt);
    l->sink = q->ops->begin(q->arg, &opt);
    open_reader(l, &l->reader, &opt);
}

static void lane_end(struct lane *l, bool good)
{
    struct rdb_quick *q = l->all->q;
    q->keys += l->reader.keys;
    l->reader.ended = l->reader.body_due = false;
    l->scout.ended = l->scout.body_due = false;
    rdb_close(&l->reader);
    rdb_close(&l->scout);
    pending_file_end(&l->pending);
    q->ops->end(q->arg, l->sink, good);
}

/* Opcode 255 stands next: true when the file's own checksum is all that follows in the piece. */
static bool take_end(struct lane *l, struct in *in, struct piece *p)
{
    uint8_t opcode;
    bool has = l->reader.version >= RDB_VERSION_CRC;
    in_bytes(in, &opcode, 1);
    p->crc_read = in_crc(in);
    l->stored = has ? in_le64(in) : 0;
    l->ended = !in_bad(in);
    return l->ended;
}

static void tell_progress(struct lane *l, uint64_t more)
{
    struct rdb_quick *q = l->all->q;
    l->all->done += more;
    if (q->progress && l == q->first)
        progress_bar_at(q->progress, l->all->done);
}

static bool read_record(struct lane *l)
{
    struct rdb_record rec;
    if (!rdb_next(&l->reader, &rec))
        return false;
    if (l->all->q->ops->record)
        l->all->q->ops->record(l->sink, &rec);
    return rdb_body(&l->reader, &rec, l->sink);
}

/* All records of the piece. */
static bool read_piece(struct lane *l, struct piece *p)
{
    enum { SHOWN_EACH = 1 << 20 };
    struct shared *all = l->all;
    struct image_stream s;
    struct in in;
    uint64_t shown = 0, keys = l->reader.keys;
    image_stream(&s, &in, all->q->image, p->from, all->guessed ? all->q->image->end : l->limit,
                 READ_BYTES);
    rdb_resume(&l->reader, &in, p->db);
    if (all->q->ops->piece)
        all->q->ops->piece(l->sink, p->from);
    bool ok = true, over = false;
    while (ok && !over && !in_at_end(&in)) {
        uint64_t at = image_place(&s, in_offset(&in));
        if (at >= l->limit && !(all->guessed && take_on(all, at, &l->limit)))
            break;
        over = in_peek(&in, 1).data[0] == (char)RDB_OP_EOF;
        ok = (over ? take_end(l, &in, p) : read_record(l)) && !all->bad;
        if (in_offset(&in) - shown > SHOWN_EACH) {
            tell_progress(l, in_offset(&in) - shown);
            shown = in_offset(&in);
        }
    }
    tell_progress(l, in_offset(&in) - shown);
    ok = ok && !in_bad(&in) && l->reader.expire_ms == KEY_NO_EXPIRE;
    p->crc = ok ? in_crc(&in) : 0;
    p->crc_read = over ? p->crc_read : p->crc;
    p->keys = l->reader.keys - keys;
    p->to = image_place(&s, in_offset(&in));
    p->db_to = all->db = l->reader.db;
    if (over)
        l->end_at = p->to;
    in_free(&in);
    return ok;
}

static void read_blocks(struct lane *l)
{
    struct shared *all = l->all;
    while (!all->bad) {
        pthread_mutex_lock(&all->lock);
        size_t i = all->next++;
        pthread_mutex_unlock(&all->lock);
        if (i >= piece_count(all))
            return;
        l->limit = blocks_at(all->q->list, i)->to;
        if (!read_piece(l, piece_at(all, i)))
            all->bad = true;
    }
}

static void read_guessed(struct lane *l, struct piece p)
{
    struct shared *all = l->all;
    bool ok = read_piece(l, &p);
    pthread_mutex_lock(&all->lock);
    buf_append(&all->pieces, &p, sizeof p);
    pthread_mutex_unlock(&all->lock);
    if (!ok)
        all->bad = true;
}

/* Where nothing is found, whoever reads what lies before will come by. */
static void read_by_guesses(struct lane *l)
{
    struct shared *all = l->all;
    size_t i;
    while (!all->bad && (i = take_middle(all)) > 0) {
        uint64_t from = step_begin(all, i);
        struct rdb_footing f = {.image = all->q->image, .reader = &l->scout, .db = all->db,
                                .to = all->q->image->end, .until = from + SEARCH_BYTES,
                                .window_bytes = READ_BYTES};
        struct piece p = {.db = f.db};
        bool found = rdb_footing(&f, from, &p.from);
        rdb_footing_free(&f);
        l->limit = step_begin(all, i + 1);
        settle_step(all, i, found ? TAKEN : UNFIT);
        if (found)
            read_guessed(l, p);
    }
}

static void run_lane(struct worker_job *job)
{
    struct lane *l = (struct lane *)job;
    struct shared *all = l->all;
    if (!all->guessed) {
        read_blocks(l);
        return;
    }
    if (l == all->q->first) {
        l->limit = step_begin(all, 1);
        read_guessed(l, (struct piece){.from = all->q->image->begin + MAGIC});
    }
    read_by_guesses(l);
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
        each[i] = worker_new(workers, "check-rdb");
        worker_give(each[i], &lanes[i].job);
    }
    run_lane(&lanes[0].job);
    for (size_t i = 1; i < n; i++)
        worker_drain(each[i]);
    if (workers)
        workers_free(workers);
}

/* ---- pieces that are blocks ---- */

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

static void cut_by_blocks(struct shared *all)
{
    const struct blocks_list *list = all->q->list;
    for (size_t i = 0; i < blocks_count(list); i++) {
        const struct listed_block *b = blocks_at(list, i);
        struct piece p = {.from = i == 0 ? b->from + MAGIC : b->from, .db = b->told.db};
        buf_append(&all->pieces, &p, sizeof p);
    }
}

/* ---- pieces that are guessed ---- */

/* The database that the first keys are in. */
static unsigned first_db(struct rdb_quick *q)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct image_stream s;
    struct in in;
    const struct rdb_options opt = {.keep_modules = true, .unguarded = true};
    image_stream(&s, &in, q->image, q->image->begin, q->image->end, 0);
    bool ok = rdb_open(&r, &in, &opt);
    for (int n = 0; ok && n < HEAD_RECORDS; n++)
        ok = rdb_next(&r, &rec) && rec.kind != RDB_REC_KEY;
    unsigned db = r.db;
    r.body_due = false;
    rdb_close(&r);
    in_free(&in);
    return db;
}

static void cut_by_guess(struct shared *all)
{
    struct rdb_quick *q = all->q;
    uint64_t size = q->image->end - q->image->begin;
    bool may = q->threads > 1 && !q->image->open_end && q->image->cuts.len == 0 &&
               (q->valkey || q->version < RDB_VERSION_TEMPLATES);
    all->guessed = true;
    all->step = !may ? size + 1 : q->step_bytes ? q->step_bytes : STEP_BYTES;
    all->steps = (size_t)((size + all->step - 1) / all->step);
    all->taken = mem_zalloc(all->steps);
    all->taken[0] = TAKEN;
    all->db = all->steps > 1 ? first_db(q) : 0;
}

static int by_place(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->from == y->from) /* one without a record goes first */
        return (x->to > y->to) - (x->to < y->to);
    return x->from < y->from ? -1 : 1;
}

/* Each guess was where the one before came out. */
static bool guesses_hold(const struct shared *all)
{
    uint64_t at = all->q->image->begin + MAGIC;
    unsigned db = 0;
    qsort(all->pieces.data, piece_count(all), sizeof(struct piece), by_place);
    for (size_t i = 0; i < piece_count(all); i++) {
        const struct piece *p = piece_at(all, i);
        if (p->from != at || p->db != db)
            return false;
        at = p->to;
        db = p->db_to;
    }
    return at == all->q->end_at;
}

/* ---- all of them ---- */

/* Blocks are what their index tells, each as a whole. */
static bool blocks_hold(const struct shared *all, const char *magic)
{
    const struct blocks_list *list = all->q->list;
    for (size_t i = 0; i < piece_count(all); i++) {
        const struct listed_block *b = blocks_at(list, i);
        const struct piece *p = piece_at(all, i);
        uint64_t crc = p->crc;
        if (i == 0)
            crc = crc64_combine(crc64(0, magic, MAGIC), crc, b->to - p->from);
        if (p->to != b->to || p->keys != b->told.keys || crc != b->told.crc)
            return false;
    }
    return all->q->end_at == piece_at(all, piece_count(all) - 1)->to;
}

/* Of all that stands in front of the stored one. */
static uint64_t whole_crc(const struct shared *all, const char *magic)
{
    uint64_t crc = crc64(0, magic, MAGIC);
    for (size_t i = 0; i < piece_count(all); i++) {
        const struct piece *p = piece_at(all, i);
        uint64_t own = p->to == all->q->end_at ? sizeof crc : 0;
        crc = crc64_combine(crc, p->crc_read, p->to - own - p->from);
    }
    return crc;
}

static bool settle(struct shared *all, const struct lane *lanes, size_t n)
{
    struct rdb_quick *q = all->q;
    const struct lane *last = NULL;
    for (size_t i = 0; i < n; i++)
        if (lanes[i].ended) {
            if (last)
                return false;
            last = &lanes[i];
        }
    if (all->bad || !last)
        return false;
    q->crc_stored = last->stored != 0;
    q->end_at = last->end_at;
    if (!(all->guessed ? guesses_hold(all) : blocks_hold(all, last->magic)))
        return false;
    return !last->stored || last->stored == whole_crc(all, last->magic);
}

bool rdb_quick(struct rdb_quick *q)
{
    struct shared all = {.q = q};
    bool by_blocks = list_is_whole(q);
    q->keys = q->end_at = 0;
    if (!by_blocks && q->list->by_trailer)
        return false;
    if (by_blocks)
        cut_by_blocks(&all);
    else
        cut_by_guess(&all);
    size_t n = q->threads < THREADS_MAX ? (size_t)q->threads : THREADS_MAX;
    size_t most = by_blocks ? piece_count(&all) : all.steps;
    /* Templates stand in front of all keys, and a thread that begins behind them has none. */
    if (!q->valkey && q->version >= RDB_VERSION_TEMPLATES)
        n = 1;
    n = n < most ? n : most;
    n += n == 0;
    struct lane *lanes = mem_alloc(n * sizeof *lanes);
    pthread_mutex_init(&all.lock, NULL);
    pthread_cond_init(&all.found, NULL);
    run_lanes(&all, lanes, n);
    bool ok = settle(&all, lanes, n);
    /* Records of blocks that nobody compared need another checksum over the same bytes. */
    ok = ok && (by_blocks || q->crc_stored || blocks_count(q->list) == 0);
    for (size_t i = 0; i < n; i++)
        lane_end(&lanes[i], ok);
    pthread_cond_destroy(&all.found);
    pthread_mutex_destroy(&all.lock);
    mem_free(lanes);
    mem_free(all.taken);
    buf_free(&all.pieces);
    return ok;
}
