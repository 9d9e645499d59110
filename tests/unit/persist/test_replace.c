/* SPDX-License-Identifier: BSD-3-Clause */
/* The data set replaced by a stream: whole or not at all, with the log on and off, and what a start
 * finds after a kill. */
#include "base/mem.h"
#include "format/digest.h"
#include "persist/missing_data.h"
#include "persist/rewrite.h"
#include "persist/save_config.h"
#include "persist/snapshot.h"
#include "server/commit.h"
#include "server/shutdown.h"
#include "tests/unit/persist/replaced.h"

static const struct command no_commands[] = {{0}};

static void start(bool log)
{
    start_with(no_commands, log);
}

/* 'o' the old data set, 'n' the new one, 'e' nothing, '?' something else. */
static char data_set(struct keyspace *ks)
{
    struct keyspace like[2];
    char have[DIGEST_HEX], text[DIGEST_HEX];
    char found = keyspace_count(ks) ? '?' : 'e';
    for (int i = -1; i < 2; i++) {
        struct digest d;
        struct walk_progress walk = {0};
        if (i >= 0) {
            keyspace_init(&like[i], 16);
            fill(&like[i], i ? "new" : "old", i ? NEW_KEYS : OLD_KEYS);
        }
        digest_init(&d);
        NEED(walk_keyspace(i < 0 ? ks : &like[i], &d.sink, &walk));
        digest_hex(&d, i < 0 ? have : text);
        digest_free(&d);
        if (i >= 0 && strcmp(have, text) == 0)
            found = i ? 'n' : 'o';
        if (i >= 0)
            keyspace_release(&like[i]);
    }
    return found;
}

struct run {
    bool log;
    enum replace_how how;
    int part;
    bool rewritten; /* wait until the log is in force again */
};

/* The old data set is durable, then the replacement, then the end. */
static void run_server(const struct run *r)
{
    struct fault f = {0};
    start(r->log);
    fill(server_keyspace(s), "old", OLD_KEYS);
    if (r->log) {
        NEED(rewrite_start(p->aof, &f));
        turn_for(60000, log_is_in_force);
        NEED(log_is_in_force());
    }
    NEED(snapshot_save(p->snapshot, &f));
    NEED(data_set(server_keyspace(s)) == 'o' && commit_dirty(server_commit(s)) == 0);
    bool ok = replace(r->how, r->part, &f), back = r->how != REPLACE_EMPTIED;
    NEED(ok == (r->part == 8) && ok != fault_is(&f) && !p->loading);
    NEED(data_set(server_keyspace(s)) == (ok ? 'n' : back ? 'o' : 'e'));
    NEED((commit_dirty(server_commit(s)) > 0) == (ok || !back));
    NEED(p->unfilled == (!ok && !back));
    NEED((p->aof->state != AOF_OFF) == (r->log && !p->unfilled));
    if (!ok && back && r->log) /* it goes on as it was, at once */
        NEED(p->aof->state == AOF_ON && !p->child_kind);
    if (r->rewritten)
        turn_for(60000, log_is_in_force);
    NEED(!r->rewritten || log_is_in_force());
    _exit(0);
}

static void check_start(bool log, char want)
{
    start(log);
    char have = data_set(server_keyspace(s));
    if (have != want)
        fprintf(stderr, "a start finds '%c', not '%c'\n", have, want);
    NEED(have == want);
    _exit(0);
}

/* want: what a start finds after a kill. */
static void run_and_start(const struct run *r, char want)
{
    enter_room();
    pid_t pid = fork();
    if (pid == 0)
        run_server(r);
    check_exit(pid);
    pid = fork();
    if (pid == 0)
        check_start(r->log, want);
    check_exit(pid);
}

static void whole_stream(void)
{
    for (int how = REPLACE_EMPTIED; how <= REPLACE_SERVED; how++) {
        run_and_start(&(struct run){.how = (enum replace_how)how, .part = 8}, 'o');
        run_and_start(&(struct run){true, (enum replace_how)how, 8, true}, 'n');
    }
}

/* The kill comes while the log's first base is written: the log before is there, whole. */
static void killed_at_once(void)
{
    run_and_start(&(struct run){true, REPLACE_EMPTIED, 8, false}, 'o');
}

static void fault_in_mid_stream(void)
{
    for (int log = 0; log < 2; log++)
        for (int how = REPLACE_EMPTIED; how <= REPLACE_SERVED; how++)
            for (int part = 0; part < 8; part += 3)
                run_and_start(&(struct run){log, (enum replace_how)how, part, false}, 'o');
}

static bool never(void)
{
    return false;
}

static void dump_bytes(struct buf *to)
{
    struct fault f = {0};
    buf_clear(to);
    NEED(file_slurp(p->save->filename, 1 << 20, to, &f) && to->len > 0);
}

/* Nothing on disk is written over by the empty data set; an order to save it, or to keep it, is. */
static void run_empty(bool keep)
{
    struct fault f = {0};
    start(true);
    fill(server_keyspace(s), "old", OLD_KEYS);
    NEED(rewrite_start(p->aof, &f));
    turn_for(60000, log_is_in_force);
    struct buf dump = {0}, dump_now = {0};
    NEED(snapshot_save(p->snapshot, &f));
    dump_bytes(&dump);
    NEED(!replace(REPLACE_EMPTIED, 4, &f));
    p->save->points[0] = (struct save_point){1, 1};
    p->save->point_count = 1;
    p->snapshot->last_save_mono_s -= 100;
    fault_clear(&f);
    snapshot_tick(p->snapshot, clock_mono_us() / 1000);
    NEED(!p->child_kind && !rewrite_start(p->aof, &f));
    turn_for(200, never);
    NEED(!p->child_kind && p->aof->state == AOF_OFF);
    NEED(keep || shutdown_begin(server_shutdown(s), 0) == SHUTDOWN_STOPS);
    dump_bytes(&dump_now);
    NEED(slice_eq(buf_slice(&dump_now), buf_slice(&dump)));
    if (!keep)
        _exit(0);
    persist_keep_empty(p);
    turn_for(60000, log_is_in_force);
    NEED(log_is_in_force());
    _exit(0);
}

static void empty_is_not_kept(void)
{
    for (int keep = 0; keep < 2; keep++) {
        enter_room();
        pid_t pid = fork();
        if (pid == 0)
            run_empty(keep);
        check_exit(pid);
        pid = fork();
        if (pid == 0)
            check_start(true, keep ? 'e' : 'o');
        check_exit(pid);
    }
}

/* A replica that removes its dump starts again without it. */
static void dump_removed(void)
{
    enter_room();
    pid_t pid = fork();
    if (pid == 0) {
        struct fault f = {0};
        start(false);
        fill(server_keyspace(s), "old", OLD_KEYS);
        NEED(snapshot_save(p->snapshot, &f));
        missing_data_removing(p->missing, NULL);
        NEED(file_unlink(p->save->filename) == 0);
        _exit(0);
    }
    check_exit(pid);
    pid = fork();
    if (pid == 0)
        check_start(false, 'e');
    check_exit(pid);
}

int main(void)
{
    return UNIT_RUN(UNIT(whole_stream), UNIT(killed_at_once), UNIT(fault_in_mid_stream),
                    UNIT(empty_is_not_kept), UNIT(dump_removed));
}
