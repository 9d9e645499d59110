/* SPDX-License-Identifier: BSD-3-Clause */
/* What was put down and is played is what came: every fixture's data set has the same digest and
 * the same lines either way. */
#include "format/event_batch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/digest.h"
#include "format/json_write.h"
#include "format/rdb_read.h"
#include "tests/unit/unit.h"

static bool slurp(const char *path, struct buf *to)
{
    char part[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    while (f && (n = fread(part, 1, sizeof part, f)) > 0)
        buf_append(to, part, n);
    if (f)
        fclose(f);
    return f != NULL;
}

static bool read_to(struct slice file, struct sink *sink)
{
    struct in in;
    struct rdb_reader r;
    in_init_memory(&in, file);
    bool ok = rdb_open(&r, &in, &(struct rdb_options){.keep_modules = true}) &&
              rdb_read_all(&r, sink);
    rdb_close(&r);
    return ok;
}

static void play_all(struct buf *batch, struct sink *sink)
{
    struct event_player p;
    event_player_init(&p, buf_slice(batch));
    while (event_peek(&p) != EVENT_NONE)
        event_play(&p, sink);
}

static void same_either_way(const char *path)
{
    struct buf file = {0}, batch = {0};
    struct event_recorder recorder;
    struct digest one, two;
    struct json_writer first, second;
    struct out lines, again;
    CHECK(slurp(path, &file));
    digest_init(&one);
    digest_init(&two);
    out_init_memory(&lines);
    out_init_memory(&again);
    json_writer_init(&first, &lines);
    json_writer_init(&second, &again);
    event_recorder_init(&recorder, &batch);
    bool whole = read_to(buf_slice(&file), &one.sink);
    read_to(buf_slice(&file), &first.sink);
    CHECK(read_to(buf_slice(&file), &recorder.sink) == whole);
    play_all(&batch, &two.sink);
    play_all(&batch, &second.sink);
    CHECK(one.total.low == two.total.low && one.total.high == two.total.high);
    CHECK_SLICE(buf_slice(&again.buf), buf_slice(&lines.buf));
    json_writer_free(&first);
    json_writer_free(&second);
    digest_free(&one);
    digest_free(&two);
    out_free(&lines);
    out_free(&again);
    buf_free(&file);
    buf_free(&batch);
}

static int each_in(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[1024];
        size_t len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 4, ".rdb") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        same_either_way(path);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

static void every_fixture(void)
{
    const char *shared = getenv("FIXTURES_SHARED");
    CHECK(each_in("fixtures/rdb") > 5);
    each_in(shared ? shared : "../shared/fixtures");
}

/* A sink that wants no values, or fails, gets nothing more of a key. */
struct picky {
    struct sink sink;
    int keys, items, ends;
    bool fails;
};
static bool on_key(struct sink *s, const struct key_event *e)
{
    struct picky *p = (struct picky *)(void *)s;
    (void)e;
    p->keys++;
    if (p->fails)
        fault_set(&s->fault, FAULT_LIMIT, "enough");
    return p->fails;
}
static void on_item(struct sink *s, struct slice text)
{
    (void)text;
    ((struct picky *)(void *)s)->items++;
}
static void on_end(struct sink *s)
{
    ((struct picky *)(void *)s)->ends++;
}

static void what_is_not_wanted_is_passed_over(void)
{
    static const struct sink_ops ops = {.key = on_key, .item = on_item, .end_key = on_end};
    for (int fails = 0; fails < 2; fails++) {
        struct buf batch = {0};
        struct event_recorder r;
        struct picky p = {.sink = {.ops = &ops}, .fails = fails};
        event_recorder_init(&r, &batch);
        for (int i = 0; i < 3; i++) {
            struct key_event key = {.name = SLICE_LIT("k"), .type = VALUE_LIST};
            r.sink.ops->key(&r.sink, &key);
            r.sink.ops->item(&r.sink, SLICE_LIT("a"));
            if (i < 2) /* the last one has no end: its reader failed */
                r.sink.ops->end_key(&r.sink);
            if (i < 2)
                event_batch_mark(&batch, 10 + (uint64_t)i, "reading");
            if (i == 0)
                event_batch_note(&batch, "a word");
        }
        struct event_player player;
        event_player_init(&player, buf_slice(&batch));
        CHECK_INT(event_peek(&player), EVENT_KEY);
        event_play(&player, &p.sink);
        CHECK_INT((int64_t)player.offset, 10);
        CHECK_STR(player.doing, "reading");
        CHECK_INT(event_peek(&player), EVENT_NOTE);
        event_play(&player, &p.sink);
        CHECK_STR(player.note, "a word");
        event_play(&player, &p.sink);
        event_play(&player, &p.sink);
        CHECK_INT(event_peek(&player), EVENT_NONE);
        CHECK_INT(p.keys, 3);
        CHECK_INT(p.items + p.ends, 0);
        buf_free(&batch);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(every_fixture), UNIT(what_is_not_wanted_is_passed_over));
}
