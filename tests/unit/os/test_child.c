/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/child.h"
#include "os/clock.h"
#include "tests/unit/unit.h"

struct seen {
    int calls;
    struct child_end end;
    char report[CHILD_REPORT_MAX];
};

static void ended(void *arg, const struct child_end *end)
{
    struct seen *s = arg;
    s->calls++;
    s->end = *end;
    if (end->report)
        memcpy(s->report, end->report, end->report_size);
}

static void turn_until_ended(struct loop *loop, struct seen *s)
{
    int64_t until = clock_mono_us() + 120000000; /* only a hang gets there */
    while (!s->calls && clock_mono_us() < until)
        loop_turn(loop, 100000);
    CHECK_INT(s->calls, 1);
}

static void reports(void)
{
    struct loop *loop = loop_new(NULL);
    struct seen s = {0};
    struct child c = {0};
    struct fault f = {0};
    size_t size = 8 << 20;
    char *memory = mem_alloc(size);
    memset(memory, 1, size);
    pid_t pid = child_fork(&c, loop, &(struct child_spec){"saver", ended, &s}, &f);
    if (pid == 0) {
        char text[CHILD_REPORT_MAX];
        memset(text, 'r', sizeof text);
        child_progress(&c, 17, 0.25);
        memset(memory, 2, size); /* copied page by page */
        usleep(150000);
        child_progress(&c, 42, 0.5);
        child_wrote(&c, 5); /* too soon to be told by itself */
        child_phase(&c, 7);
        child_wrote(&c, 1234);
        child_finish(&c, text, sizeof text, 3);
    }
    CHECK(pid > 0);
    turn_until_ended(loop, &s);
    CHECK_INT(s.end.exit_code, 3);
    CHECK_INT(s.end.signal, 0);
    CHECK_INT(s.end.report_size, CHILD_REPORT_MAX);
    CHECK(s.report[0] == 'r' && s.report[CHILD_REPORT_MAX - 1] == 'r');
    CHECK_INT(c.keys, 42);
    CHECK_INT(c.phase, 7);
    CHECK_INT(c.bytes, 1234); /* with the report */
    CHECK(s.end.cow_bytes >= size);
    CHECK_INT(c.pid, 0);
    mem_free(memory);
    loop_free(loop);
}

static void killed(void)
{
    struct loop *loop = loop_new(NULL);
    struct seen s = {0};
    struct child c = {0};
    struct fault f = {0};
    if (child_fork(&c, loop, &(struct child_spec){"sleeper", ended, &s}, &f) == 0) {
        for (;;)
            pause();
    }
    child_kill(&c, SIGUSR1);
    turn_until_ended(loop, &s);
    CHECK_INT(s.end.signal, SIGUSR1);
    CHECK(s.end.killed);
    CHECK(s.end.report == NULL);
    loop_free(loop);
}

static void waited_for(void)
{
    struct loop *loop = loop_new(NULL);
    struct seen s = {0};
    struct child c = {0};
    struct fault f = {0};
    for (int i = 1; i <= 3; i++) { /* the same struct again */
        if (child_fork(&c, loop, &(struct child_spec){"w", ended, &s}, &f) == 0)
            child_finish(&c, &i, sizeof i, 0);
        child_wait(&c);
        int got;
        memcpy(&got, s.report, sizeof got);
        CHECK_INT(s.calls, i);
        CHECK_INT(got, i);
    }
    loop_free(loop);
}

int main(void)
{
    return UNIT_RUN(UNIT(reports), UNIT(killed), UNIT(waited_for));
}
