/* SPDX-License-Identifier: BSD-3-Clause */
/* The one child, of a kind that persistence does not know. */
#include "persist/persist.h"

#include <unistd.h>

#include "os/clock.h"
#include "persist/aof_state.h"
#include "persist/persist_setup.h"
#include "server/commit.h"
#include "server/config.h"
#include "server/hooks.h"
#include "tests/unit/server/served.h"

static const struct command no_commands[] = {{0}};
static const struct child_kind child_of_ours = {.name = "ours", .title = "Our",
    .work = "Our work", .busy = "Our work is under way", .silent = true};

static struct persist *p;
static struct fork_event events[4];
static int event_count;
static struct fork_event seen_in_child;
static struct fault fault_seen;

static void on_fork(void *arg, const struct fork_event *e)
{
    (void)arg;
    if (e->pid == 0)
        seen_in_child = *e;
    else if (event_count < 4)
        events[event_count++] = *e;
}

static void ended(void *arg, const struct child_end *end)
{
    (void)arg;
    fault_seen = persist_child_fault(end, p->child_kind);
    persist_child_gone(p, end);
}

static void hear(void *arg, const struct commit_batch *batch)
{
    (void)arg, (void)batch;
}

static void begin(void)
{
    struct fault f = {0};
    CHECK_INT(chdir(unit_tmpdir()), 0);
    serve(no_commands);
    p = persist_new(s);
    CHECK(persist_start(p, &f));
    hooks_on_fork(server_hooks(s), on_fork, NULL);
    hooks_on_commit(server_hooks(s), TO_LOG, hear, NULL);
    event_count = 0;
    fault_seen = (struct fault){0};
}

static void end(void)
{
    persist_free(p);
    server_free(s);
}

static void write_something(void)
{
    const struct slice del[] = {SLICE_LIT("DEL"), SLICE_LIT("k")};
    uint64_t before = commit_position(server_commit(s));
    commit_add(server_commit(s), TO_LOG, 0, 2, del);
    commit_end(server_commit(s), 0, true);
    CHECK(commit_position(server_commit(s)) > before);
}

static void wait_for_end(void)
{
    int64_t until_us = clock_mono_us() + 60000000;
    while (p->child_kind && clock_mono_us() < until_us)
        loop_turn(server_loop(s), 10000);
    CHECK(!p->child_kind);
}

static pid_t fork_ours(int exit_code)
{
    struct fault f = {0};
    struct child_report report = {.keys = 7};
    struct child_spec spec = {.ended = ended};
    pid_t pid = persist_fork(p, &child_of_ours, &spec, &f);
    bool told = seen_in_child.kind == &child_of_ours && seen_in_child.pid == 0 &&
                seen_in_child.position == p->fork_position;
    if (pid == 0)
        child_finish(&p->child, &report, sizeof report, told ? exit_code : 99);
    return pid;
}

static void tells_of_its_kind(void)
{
    begin();
    for (int code = 0; code < 2; code++) {
        event_count = 0;
        write_something();
        uint64_t at = commit_position(server_commit(s));
        pid_t pid = fork_ours(code);
        CHECK(pid > 0);
        CHECK(p->child_kind == &child_of_ours);
        CHECK_STR(persist_busy(p), "Our work is under way");
        write_something();
        wait_for_end();
        CHECK(!persist_busy(p));
        CHECK_INT(event_count, 2);
        for (int i = 0; i < 2; i++) {
            CHECK(events[i].kind == &child_of_ours);
            CHECK_INT(events[i].pid, pid);
            CHECK_INT(events[i].position, at);
            CHECK_INT(events[i].ended, i);
        }
        CHECK_INT(events[1].ok, code == 0);
        CHECK_INT(fault_is(&fault_seen), code != 0);
    }
    CHECK_STR(fault_seen.what, "Our work failed with exit code 1");
    end();
}

/* Only that kind, and it is no failure of its work. */
static void is_killed_by_kind(void)
{
    begin();
    struct fault f = {0};
    struct child_spec spec = {.ended = ended};
    pid_t pid = persist_fork(p, &child_of_ours, &spec, &f);
    if (pid == 0)
        for (;;)
            pause();
    persist_kill_child(p, &child_save);
    CHECK(p->child_kind == &child_of_ours);
    persist_kill_child(p, &child_of_ours);
    CHECK(!p->child_kind);
    CHECK(events[1].ended && !events[1].ok);
    end();
}

/* What a log says of what is not all there yet would be wrong: it is refused for now, and with it
 * all that was asked for along with it. */
static void no_log_is_begun_while_loading(void)
{
    struct fault f = {0};
    struct slice bad, pairs[] = {SLICE_LIT("appendfsync"), SLICE_LIT("no"),
                                 SLICE_LIT("appendonly"), SLICE_LIT("yes")};
    begin();
    server_set_loading(s, true);
    CHECK(!config_set(server_config(s), 4, pairs, &bad, &f));
    CHECK_INT(f.code, FAULT_NOT_NOW);
    CHECK_SLICE(bad, SLICE_LIT("appendonly"));
    CHECK_INT(p->aof->state, AOF_OFF);
    CHECK_INT(p->aof->policy, AOF_EVERYSEC);
    f = (struct fault){0};
    CHECK(config_set(server_config(s), 2, pairs, &bad, &f)); /* that is no matter of loading */
    server_set_loading(s, false);
    CHECK(config_set(server_config(s), 4, pairs, &bad, &f));
    CHECK(p->aof->state != AOF_OFF);
    wait_for_end();
    end();
}

int main(void)
{
    return UNIT_RUN(UNIT(tells_of_its_kind), UNIT(is_killed_by_kind),
                    UNIT(no_log_is_begun_while_loading));
}
