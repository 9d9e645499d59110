/* SPDX-License-Identifier: BSD-3-Clause */
/* A record as it lies in memory and in the file: u32 length of the key, u32 of the payload, both.
 * A run is sorted through an array of pointers and written at the end of the file. At the end the
 * runs are merged by a heap of their readers; RUNS_MAX of them at once, the others by further
 * runs. What never was over the memory is the only run, and no file is made. */
#include "tools/diff_sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/file.h"
#include "tools/temp_file.h"

enum { HEAD = 8, RUNS_MAX = 256, READ_MIN = 16 << 10 };

struct run {
    uint64_t at, end; /* in the file, not yet read */
    struct buf held;
    size_t next;      /* of held */
    const char *record;
};
struct diff_sort {
    size_t memory;
    struct buf held;     /* records of the run that is being collected */
    struct buf offsets;  /* size_t: of each */
    int fd;              /* -1: none */
    uint64_t stored;
    struct buf runs;     /* struct run, those that wait */
    struct run *merged;  /* heap */
    size_t heap;
    bool ended;          /* nothing is added any more */
    bool begun;          /* heap[0] was given out */
    const char **order;  /* of the only run */
    size_t count, given;
    struct buf writing;
    struct fault fault;
};

struct diff_sort *diff_sort_new(size_t memory)
{
    struct diff_sort *s = mem_zalloc(sizeof *s);
    must(memory > 0);
    s->memory = memory;
    s->fd = -1;
    return s;
}

static void free_runs(struct diff_sort *s)
{
    for (size_t i = 0; i < s->heap; i++)
        buf_free(&s->merged[i].held);
    mem_free(s->merged);
    s->merged = NULL;
    s->heap = 0;
}

void diff_sort_free(struct diff_sort *s)
{
    if (!s)
        return;
    free_runs(s);
    buf_free(&s->held);
    buf_free(&s->offsets);
    buf_free(&s->runs);
    buf_free(&s->writing);
    mem_free(s->order);
    if (s->fd >= 0)
        file_close(s->fd);
    mem_free(s);
}

const struct fault *diff_sort_fault(const struct diff_sort *s)
{
    return &s->fault;
}

static uint32_t word(const char *record, size_t at)
{
    uint32_t n;
    memcpy(&n, record + at, sizeof n);
    return n;
}

static size_t record_size(const char *record)
{
    return HEAD + (size_t)word(record, 0) + word(record, 4);
}

static struct slice key_of(const char *record)
{
    return slice(record + HEAD, word(record, 0));
}

static int by_key(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    return slice_cmp(key_of(x), key_of(y));
}

static void sort_held(struct diff_sort *s)
{
    const size_t *offsets = (const size_t *)(const void *)s->offsets.data;
    s->count = s->offsets.len / sizeof *offsets;
    s->order = mem_realloc(s->order, (s->count + 1) * sizeof *s->order);
    for (size_t i = 0; i < s->count; i++)
        s->order[i] = s->held.data + offsets[i];
    if (s->count)
        qsort(s->order, s->count, sizeof *s->order, by_key);
}

/* ---- runs ---- */

static void write_out(struct diff_sort *s)
{
    temp_file_write(&s->fd, s->writing.data, s->writing.len, &s->fault);
    s->stored += s->writing.len;
    buf_clear(&s->writing);
}

static void write_record(struct diff_sort *s, const char *record)
{
    enum { WRITE = 256 << 10 };
    buf_append(&s->writing, record, record_size(record));
    if (s->writing.len >= WRITE)
        write_out(s);
}

static void end_run(struct diff_sort *s, uint64_t from)
{
    write_out(s);
    struct run r = {.at = from, .end = s->stored};
    buf_append(&s->runs, &r, sizeof r);
}

static void store_run(struct diff_sort *s)
{
    uint64_t from = s->stored;
    must(!s->merged);
    if (s->fd < 0 && !fault_is(&s->fault))
        s->fd = temp_file(&s->fault);
    sort_held(s);
    for (size_t i = 0; i < s->count; i++)
        write_record(s, s->order[i]);
    end_run(s, from);
    buf_clear(&s->held);
    buf_clear(&s->offsets);
    if (s->held.cap > 2 * s->memory) /* a large record was among them */
        buf_free(&s->held);
}

void diff_sort_add(struct diff_sort *s, struct slice key, struct slice payload)
{
    must(!s->ended && key.len <= UINT32_MAX);
    uint32_t head[2] = {(uint32_t)key.len, (uint32_t)payload.len};
    size_t at = s->held.len;
    if (payload.len > UINT32_MAX)
        fault_set(&s->fault, FAULT_LIMIT, "An element is longer than 4 GiB");
    if (fault_is(&s->fault))
        return;
    if (s->held.len + s->offsets.len * 2 + key.len + payload.len > s->memory && at) {
        store_run(s);
        at = 0;
    }
    if (!s->held.data) { /* at once: growing would leave as much behind in pieces */
        buf_reserve(&s->held, s->memory);
        buf_reserve(&s->offsets, s->memory / 4);
    }
    buf_append(&s->offsets, &at, sizeof at);
    buf_append(&s->held, head, sizeof head);
    buf_add(&s->held, key);
    buf_add(&s->held, payload);
}

/* ---- merging ---- */

/* More of a run from the file, so that n bytes are there behind next. */
static bool fill(struct diff_sort *s, struct run *r, size_t n)
{
    must(r->next <= r->held.len && r->at <= r->end);
    size_t have = r->held.len - r->next, size = s->memory / RUNS_MAX;
    if (have >= n)
        return true;
    buf_drop_front(&r->held, r->next);
    r->next = 0;
    size = size < READ_MIN ? READ_MIN : size;
    size = size < n - have ? n - have : size;
    if (size > r->end - r->at)
        size = (size_t)(r->end - r->at);
    if (temp_file_read(s->fd, buf_reserve(&r->held, size), size, r->at, &s->fault)) {
        r->held.len += size;
        r->at += size;
    }
    return r->held.len >= n;
}

/* The run's next record; false: there is none. */
static bool advance(struct diff_sort *s, struct run *r)
{
    if (!fill(s, r, HEAD) || !fill(s, r, record_size(r->held.data + r->next)))
        return false;
    r->record = r->held.data + r->next;
    r->next += record_size(r->record);
    return true;
}

static bool run_before(const struct run *a, const struct run *b)
{
    return slice_cmp(key_of(a->record), key_of(b->record)) < 0;
}

static void sift_down(struct diff_sort *s, size_t at)
{
    for (size_t least = at;; at = least) {
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < s->heap; child++)
            if (run_before(&s->merged[child], &s->merged[least]))
                least = child;
        if (least == at)
            return;
        struct run held = s->merged[at];
        s->merged[at] = s->merged[least];
        s->merged[least] = held;
    }
}

/* The first RUNS_MAX of the runs that wait, or all. */
static void begin_merge(struct diff_sort *s)
{
    size_t n = s->runs.len / sizeof(struct run);
    must(!s->merged && s->heap == 0);
    n = n > RUNS_MAX ? RUNS_MAX : n;
    s->merged = mem_zalloc((n + 1) * sizeof *s->merged);
    memcpy(s->merged, s->runs.data, n * sizeof *s->merged);
    buf_drop_front(&s->runs, n * sizeof *s->merged);
    for (size_t i = 0; i < n; i++)
        if (advance(s, &s->merged[i]))
            s->merged[s->heap++] = s->merged[i];
        else
            buf_free(&s->merged[i].held);
    for (size_t i = s->heap / 2; i-- > 0;)
        sift_down(s, i);
}

/* Behind the record on top. */
static void step(struct diff_sort *s)
{
    must(s->heap > 0);
    if (!advance(s, &s->merged[0])) {
        buf_free(&s->merged[0].held);
        s->merged[0] = s->merged[--s->heap];
    }
    if (s->heap)
        sift_down(s, 0);
}

static void merge_some(struct diff_sort *s)
{
    uint64_t from = s->stored;
    for (begin_merge(s); s->heap && !fault_is(&s->fault); step(s))
        write_record(s, s->merged[0].record);
    free_runs(s);
    end_run(s, from);
    mem_purge();
}

void diff_sort_end(struct diff_sort *s)
{
    must(!s->ended);
    s->ended = true;
    if (s->runs.len == 0) {
        sort_held(s);
        return;
    }
    store_run(s);
    buf_free(&s->held);
    buf_free(&s->offsets);
    mem_free(s->order);
    s->order = NULL;
    mem_purge();
    while (s->runs.len / sizeof(struct run) > RUNS_MAX && !fault_is(&s->fault))
        merge_some(s);
    begin_merge(s);
}

bool diff_sort_next(struct diff_sort *s, struct diff_record *r)
{
    const char *record = NULL;
    must(s->ended);
    if (fault_is(&s->fault))
        return false;
    if (s->order) {
        record = s->given < s->count ? s->order[s->given++] : NULL;
    } else {
        if (s->begun && s->heap)
            step(s);
        s->begun = true;
        record = s->heap ? s->merged[0].record : NULL;
    }
    if (!record || fault_is(&s->fault))
        return false;
    r->key = key_of(record);
    r->payload = slice(record + HEAD + r->key.len, word(record, 4));
    return true;
}
