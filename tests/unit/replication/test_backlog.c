/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "replication/backlog.h"
#include "replication/backlog_memory.h"
#include "tests/unit/unit.h"

static struct backlog *b;

static void begin(size_t keep, int64_t first)
{
    b = backlog_new(keep);
    backlog_start(b, first);
}

/* What is behind the cursor, which stays where it is. */
static struct slice behind(const struct backlog_cursor *c, struct buf *out)
{
    struct iovec parts[64];
    int n = backlog_parts(b, c, SIZE_MAX, parts, 64);
    buf_clear(out);
    for (int i = 0; i < n; i++)
        buf_append(out, parts[i].iov_base, parts[i].iov_len);
    return buf_slice(out);
}

static void a_cursor_follows(void)
{
    struct backlog_cursor c = {0};
    struct buf got = {0};
    begin(100, 1);
    backlog_seek(b, &c, 1);
    CHECK_INT((int64_t)backlog_left(b, &c), 0);
    backlog_add(b, SLICE_LIT("hello"));
    backlog_add(b, SLICE_LIT(" world"));
    CHECK_INT((int64_t)backlog_left(b, &c), 11);
    CHECK_SLICE(behind(&c, &got), SLICE_LIT("hello world"));
    backlog_take(b, &c, 6);
    CHECK_SLICE(behind(&c, &got), SLICE_LIT("world"));
    CHECK_INT(c.offset, 7);
    CHECK_INT(backlog_next(b), 12);
    struct iovec part;
    CHECK_INT(backlog_parts(b, &c, 3, &part, 1), 1);
    CHECK_SLICE(slice(part.iov_base, part.iov_len), SLICE_LIT("wor"));
    backlog_take(b, &c, 5);
    CHECK_INT((int64_t)backlog_left(b, &c), 0);
    CHECK_INT(backlog_parts(b, &c, SIZE_MAX, &part, 1), 0);
    backlog_release(b, &c);
    buf_free(&got);
    backlog_free(b);
}

/* PSYNC finds any offset that is kept, and the next. */
static void any_kept_offset_is_found(void)
{
    struct buf all = {0}, got = {0};
    begin(200000, 1001);
    for (int i = 0; i < 36000; i++)
        buf_printf(&all, "%05d,", i);
    for (size_t at = 0; at < all.len; at += 1000)
        backlog_add(b, slice(all.data + at, all.len - at < 1000 ? all.len - at : 1000));
    CHECK_INT(backlog_next(b), 1001 + 216000);
    CHECK_INT(backlog_first(b), 1001 + 16000);
    CHECK_INT((int64_t)backlog_kept(b), 200000);
    for (int64_t offset = backlog_first(b); offset <= backlog_next(b); offset += 1009) {
        struct backlog_cursor c = {0};
        backlog_seek(b, &c, offset);
        CHECK_INT(c.offset, offset);
        CHECK_SLICE(behind(&c, &got), slice_from(buf_slice(&all), (size_t)(offset - 1001)));
        backlog_release(b, &c);
    }
    buf_free(&all);
    buf_free(&got);
    backlog_free(b);
}

static void memory_is_bounded(void)
{
    char line[1000];
    memset(line, 'x', sizeof line);
    begin(100000, 1);
    for (int i = 0; i < 5000; i++)
        backlog_add(b, slice(line, sizeof line));
    CHECK(backlog_memory(b) < 100000 + 3 * BACKLOG_BLOCK);
    backlog_resize(b, 1);
    CHECK_INT((int64_t)backlog_kept(b), 1);
    CHECK_INT((int64_t)backlog_memory(b), 2 * BACKLOG_BLOCK);
    backlog_resize(b, 1000000);
    CHECK_INT((int64_t)backlog_kept(b), 1); /* what is gone does not come back */
    backlog_add(b, slice(line, sizeof line));
    CHECK_INT((int64_t)backlog_kept(b), 1001);
    backlog_stop(b);
    CHECK(!backlog_is_on(b));
    CHECK_INT((int64_t)backlog_memory(b), 0);
    backlog_free(b);
}

/* Ten that are slow hold what one holds. */
static void slow_ones_share(void)
{
    struct backlog_cursor c[10] = {{0}};
    char line[1000];
    memset(line, 'x', sizeof line);
    begin(1000, 1);
    for (int i = 0; i < 10; i++)
        backlog_seek(b, &c[i], 1);
    for (int i = 0; i < 1000; i++)
        backlog_add(b, slice(line, sizeof line));
    CHECK(backlog_memory(b) >= 1000000 && backlog_memory(b) < 1000000 + 3 * BACKLOG_BLOCK);
    CHECK_INT((int64_t)backlog_kept(b), 1000);
    for (int i = 0; i < 9; i++)
        backlog_release(b, &c[i]);
    CHECK(backlog_memory(b) >= 1000000);
    backlog_take(b, &c[9], 900000);
    CHECK(backlog_memory(b) < 100000 + 3 * BACKLOG_BLOCK);
    backlog_release(b, &c[9]);
    CHECK(backlog_memory(b) <= 2 * BACKLOG_BLOCK);
    backlog_free(b);
}

/* What is in use, and what is held, is told for its blocks whoever they are of. */
static void a_large_one_is_counted_and_given_back(void)
{
    enum { MIB = 1 << 20, KEEP = 20 * MIB };
    struct backlog_cursor early = {0}, late = {0};
    struct buf got = {0}, piece = {0};
    for (int i = 0; i < MIB / 8; i++)
        buf_printf(&piece, "%07d,", i);
    size_t before = mem_used();
    begin(KEEP, 1);
    backlog_seek(b, &early, 1);
    for (int i = 0; i < 60; i++) {
        backlog_add(b, buf_slice(&piece));
        if (i == 30)
            backlog_release(b, &early);
        if (i == 50)
            backlog_seek(b, &late, backlog_next(b) - MIB);
        if (i >= 31) /* what only a cursor held has gone */
            CHECK(backlog_memory(b) <= KEEP + 3 * BACKLOG_BLOCK);
        CHECK(mem_used() - before >= backlog_memory(b));
        CHECK(mem_used() - before < backlog_memory(b) + 64 * 1024);
    }
    CHECK(backlog_memory(b) >= KEEP);
    backlog_stop(b);
    CHECK(backlog_memory(b) > 0 && backlog_memory(b) < 11 * MIB);
    CHECK_INT((int64_t)backlog_left(b, &late), 10 * MIB);
    CHECK_SLICE(slice(behind(&late, &got).data, MIB), buf_slice(&piece));
    backlog_release(b, &late);
    CHECK_INT((int64_t)backlog_memory(b), 0);
    backlog_start(b, 5);
    backlog_add(b, buf_slice(&piece));
    CHECK_INT((int64_t)backlog_kept(b), MIB);
    backlog_free(b);
    buf_free(&got);
    CHECK_INT((int64_t)mem_used(), (int64_t)before);
    buf_free(&piece);
}

static void an_old_cursor_sees_the_old_end(void)
{
    struct backlog_cursor old = {0}, present = {0};
    struct buf got = {0};
    begin(100, 1);
    backlog_seek(b, &old, 1);
    backlog_add(b, SLICE_LIT("before"));
    backlog_start(b, 2);
    backlog_seek(b, &present, 2);
    backlog_add(b, SLICE_LIT("behind it"));
    CHECK_INT((int64_t)backlog_left(b, &old), 6);
    CHECK_SLICE(behind(&old, &got), SLICE_LIT("before"));
    CHECK_SLICE(behind(&present, &got), SLICE_LIT("behind it"));
    backlog_take(b, &old, 6);
    CHECK_INT((int64_t)backlog_left(b, &old), 0);
    backlog_release(b, &old);
    backlog_release(b, &present);
    buf_free(&got);
    backlog_free(b);
}

static void bytes_come_without_a_copy(void)
{
    struct backlog_cursor c = {0};
    struct buf got = {0}, all = {0};
    begin(1 << 20, 1);
    backlog_seek(b, &c, 1);
    for (int i = 0; i < 400; i++) {
        size_t room;
        char *to = backlog_room(b, &room);
        size_t n = room < 1111 ? room : 1111;
        CHECK(n > 0);
        memset(to, 'a' + i % 26, n);
        buf_append(&all, to, n);
        backlog_grew(b, n);
    }
    CHECK_SLICE(behind(&c, &got), buf_slice(&all));
    backlog_release(b, &c);
    buf_free(&got);
    buf_free(&all);
    backlog_free(b);
}

/* Against a model: all bytes ever, and the offset of each cursor. */
enum { CURSORS = 8 };
struct model {
    struct buf all;
    size_t keep;
    int64_t first;
    struct backlog_cursor cursors[CURSORS];
};

static void step(struct model *m)
{
    struct backlog_cursor *c = &m->cursors[rand_below(CURSORS)];
    uint64_t what = rand_below(10);
    if (what < 4) {
        size_t n = rand_below(what ? 300 : 160000), from = m->all.len;
        for (size_t i = 0; i < n; i++)
            buf_byte(&m->all, (unsigned char)rand_below(256));
        backlog_add(b, slice_from(buf_slice(&m->all), from));
    } else if (what == 4) {
        m->keep = 1 + rand_below(400000);
        backlog_resize(b, m->keep);
    } else if (!c->block) {
        backlog_seek(b, c, backlog_first(b) + (int64_t)rand_below(backlog_kept(b) + 1));
    } else if (what == 5) {
        backlog_release(b, c);
    } else {
        backlog_take(b, c, rand_below(backlog_left(b, c) + 1));
    }
    int64_t least = backlog_next(b) - (int64_t)m->keep;
    m->first = least > m->first ? least : m->first;
}

static void check_model(const struct model *m, struct buf *got)
{
    CHECK_INT(backlog_next(b), (int64_t)m->all.len + 1);
    CHECK_INT(backlog_first(b), m->first);
    for (int i = 0; i < CURSORS; i++) {
        const struct backlog_cursor *c = &m->cursors[i];
        if (!c->block)
            continue;
        size_t at = (size_t)c->offset - 1;
        CHECK_INT((int64_t)backlog_left(b, c), (int64_t)(m->all.len - at));
        struct slice some = behind(c, got);
        CHECK_SLICE(some, slice(m->all.len ? m->all.data + at : "", some.len));
    }
}

static void as_the_model_says(void)
{
    struct model m = {.keep = 20000, .first = 1};
    struct buf got = {0};
    rand_seed(unit_seed());
    begin(m.keep, 1);
    for (int i = 0; i < 3000; i++) {
        step(&m);
        if (i % 7 == 0)
            check_model(&m, &got);
    }
    for (int i = 0; i < CURSORS; i++)
        backlog_release(b, &m.cursors[i]);
    CHECK(backlog_memory(b) <= m.keep + 3 * BACKLOG_BLOCK);
    buf_free(&m.all);
    buf_free(&got);
    backlog_free(b);
}

int main(void)
{
    return UNIT_RUN(UNIT(a_cursor_follows), UNIT(any_kept_offset_is_found),
                    UNIT(memory_is_bounded), UNIT(slow_ones_share),
                    UNIT(a_large_one_is_counted_and_given_back),
                    UNIT(an_old_cursor_sees_the_old_end), UNIT(bytes_come_without_a_copy),
                    UNIT(as_the_model_says));
}
