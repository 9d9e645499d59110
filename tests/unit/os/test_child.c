/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
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

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void turn_until_ended(struct loop *loop, struct seen *s)
{
    int64_t until = clock_mono_us() + 120000000; /* only a hang gets there */
    while (!s->calls && clock_mono_us() < until)
        loop_turn(loop, 100000);
    CHECK_INT(s->calls, 1);
}

static pid_t fork_as(const char *name, struct child *c, struct loop *loop, struct seen *s)
{
    struct fault f = {0};
    struct child_spec spec = {.name = name, .ended = ended, .arg = s};
    return child_fork(c, loop, &spec, &f);
}

/* Two of six descriptors stay open, named in no order. */
static void keeps(void)
{
    struct loop *loop = loop_new(NULL);
    struct seen s = {0};
    struct child c = {0};
    struct fault f = {0};
    int fds[6];
    for (int i = 0; i < 6; i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int keep[] = {fds[4], fds[1]};
    struct child_spec spec = {.name = "keeper", .ended = ended, .arg = &s, .keep = keep,
                              .keep_count = 2};
    pid_t pid = child_fork(&c, loop, &spec, &f);
    if (pid == 0) {
        char open_ones[6];
        for (int i = 0; i < 6; i++)
            open_ones[i] = is_open(fds[i]) ? 'o' : '-';
        child_finish(&c, open_ones, sizeof open_ones, 0);
    }
    CHECK(pid > 0);
    turn_until_ended(loop, &s);
    CHECK_INT(s.end.pid, pid);
    CHECK_INT(s.end.exit_code, 0);
    CHECK_SLICE(slice(s.report, 6), SLICE_LIT("-o--o-"));
    for (int i = 0; i < 6; i++)
        close(fds[i]);
    loop_free(loop);
}

static void reports(void)
{
    struct loop *loop = loop_new(NULL);
    struct seen s = {0};
    struct child c = {0};
    size_t size = 8 << 20;
    char *memory = mem_alloc(size);
    memset(memory, 1, size);
    pid_t pid = fork_as("saver", &c, loop, &s);
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
    if (fork_as("sleeper", &c, loop, &s) == 0) {
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
    for (int i = 1; i <= 3; i++) { /* the same struct again */
        if (fork_as("w", &c, loop, &s) == 0)
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
    return UNIT_RUN(UNIT(keeps), UNIT(reports), UNIT(killed), UNIT(waited_for));
}
