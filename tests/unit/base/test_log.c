/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/unit.h"

static char path[128];

static void open_fresh(void)
{
    snprintf(path, sizeof path, "%s/log", unit_tmpdir());
    unlink(path);
    CHECK_INT(log_open(path), 0);
    log_set_level(LOG_NOTICE_LEVEL);
}

static size_t read_log(char *out, size_t size)
{
    FILE *f = fopen(path, "r");
    CHECK(f);
    size_t len = fread(out, 1, size - 1, f);
    fclose(f);
    out[len] = '\0';
    return len;
}

static void writes_the_line_of_the_field(void)
{
    open_fresh();
    log_set_role('S');
    log_warning("disk %d%% full", 97);
    log_set_role('M');
    char text[2048], role, mark, month[4], rest[64];
    size_t len = read_log(text, sizeof text);
    CHECK(text[len - 1] == '\n');
    int pid, day, year, hour, minute, second, milli;
    int got = sscanf(text, "%d:%c %2d %3s %4d %2d:%2d:%2d.%3d %c %63[^\n]", &pid, &role, &day,
                     month, &year, &hour, &minute, &second, &milli, &mark, rest);
    CHECK_INT(got, 11);
    CHECK_INT(pid, getpid());
    CHECK(role == 'S' && mark == '#');
    CHECK_STR(rest, "disk 97% full");
}

/* The date computed here is the C library's. */
static time_t exact_time(void)
{
    struct timespec t; /* time() may be a tick behind */
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

static void tells_local_time(void)
{
    open_fresh();
    char text[2048], before[64], after[64];
    time_t t = exact_time();
    strftime(before, sizeof before, " %d %b %Y %H:%M:%S.", localtime(&t));
    log_notice("x");
    t = exact_time();
    strftime(after, sizeof after, " %d %b %Y %H:%M:%S.", localtime(&t));
    read_log(text, sizeof text);
    CHECK(strstr(text, before) || strstr(text, after));
}

static void keeps_to_its_level(void)
{
    open_fresh();
    char text[2048];
    log_verbose("no");
    log_debug("no");
    CHECK(!log_wants(LOG_VERBOSE_LEVEL) && log_wants(LOG_WARNING_LEVEL));
    log_set_level(LOG_DEBUG_LEVEL);
    log_debug("a");
    log_verbose("b");
    log_set_level(LOG_NOTHING_LEVEL);
    log_warning("no");
    CHECK_INT(log_get_level(), LOG_NOTHING_LEVEL);
    log_set_level(LOG_NOTICE_LEVEL);
    log_raw(LOG_NOTICE_LEVEL, "bare\n");
    read_log(text, sizeof text);
    CHECK(!strstr(text, "no"));
    CHECK(strstr(text, " . a\n") && strstr(text, " - b\n") && strstr(text, "\nbare\n"));
}

static void cuts_and_goes_on_after_rename(void)
{
    open_fresh();
    char text[2048], wide[3000], moved[160];
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    errno = 77;
    log_notice("%s", wide);
    CHECK_INT(errno, 77);
    CHECK_INT(read_log(text, sizeof text), LOG_LINE_MAX);
    CHECK(text[LOG_LINE_MAX - 1] == '\n');
    snprintf(moved, sizeof moved, "%s.1", path);
    CHECK(rename(path, moved) == 0);
    log_notice("fresh");
    CHECK(read_log(text, sizeof text) < 100);
}

static void stays_when_it_cannot_open(void)
{
    open_fresh();
    char text[2048];
    CHECK_INT(log_open("/nonexistent/dir/log"), -ENOENT);
    log_notice("still here");
    read_log(text, sizeof text);
    CHECK(strstr(text, "still here"));
    CHECK_INT(log_open(NULL), 0);
}

int main(void)
{
    /* Before the first line: the offset is kept for a quarter of an hour. */
    static const char *const zones[] = {"UTC0", "IST-5:30", "NST3:30"};
    setenv("TZ", zones[unit_seed() % 3], 1);
    tzset();
    return UNIT_RUN(UNIT(writes_the_line_of_the_field), UNIT(tells_local_time),
                    UNIT(keeps_to_its_level), UNIT(cuts_and_goes_on_after_rename),
                    UNIT(stays_when_it_cannot_open));
}
