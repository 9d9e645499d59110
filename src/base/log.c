/* SPDX-License-Identifier: BSD-3-Clause */
/* Any thread and a forked child may log. A line is made on the stack and leaves in one write to a
 * file opened O_APPEND, so lines never mix and no lock is needed; settings change only while the
 * program is set up or by CONFIG SET, and a line written meanwhile goes to the old or the new file.
 *
 * The C library's localtime takes a lock that a child may inherit taken. So the date is computed
 * here, from an offset to UTC that is looked up when the quarter of an hour changes (offsets change
 * at such times only). */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/must.h"

enum { QUARTER_S = 900, DAY_S = 86400 };

static struct {
    char file[2][PATH_MAX]; /* the one in use and the one being set */
    _Atomic int which;
    _Atomic int level;
    _Atomic char role;
    _Atomic int syslog_on;
    char ident[64];
    _Atomic long quarter; /* the quarter of an hour for which offset holds, + 1 */
    _Atomic long offset;
} state = {.level = LOG_NOTICE_LEVEL, .role = 'M'};

int log_open(const char *file)
{
    if (!file)
        file = "";
    size_t len = strlen(file);
    if (len >= PATH_MAX)
        return -ENAMETOOLONG;
    if (len) {
        int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return -errno;
        close(fd);
    }
    int other = !state.which;
    memcpy(state.file[other], file, len + 1);
    state.which = other;
    return 0;
}

void log_set_level(enum log_level level)
{
    state.level = (int)level;
}

enum log_level log_get_level(void)
{
    return (enum log_level)state.level;
}

void log_set_role(char role)
{
    state.role = role;
}

void log_use_syslog(const char *ident, int facility)
{
    if (state.syslog_on)
        closelog();
    state.syslog_on = ident != NULL;
    if (!ident)
        return;
    snprintf(state.ident, sizeof state.ident, "%s", ident);
    openlog(state.ident, LOG_PID | LOG_NDELAY | LOG_NOWAIT, facility);
}

bool log_wants(enum log_level level)
{
    return (int)level >= state.level && level < LOG_NOTHING_LEVEL;
}

static void emit_file(const char *line, size_t len)
{
    const char *file = state.file[state.which];
    int fd = STDOUT_FILENO;
    if (file[0])
        fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    /* There is nowhere to tell that the log cannot be written. */
    if (fd >= 0 && write(fd, line, len) < 0)
        errno = 0;
    if (fd >= 0 && file[0])
        close(fd);
}

static void emit(enum log_level level, const char *line, size_t len)
{
    static const int priority[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING};
    emit_file(line, len);
    if (state.syslog_on)
        syslog(priority[level], "%.*s", (int)len, line);
}

/* Seconds since 1970 in local time. */
static long local_seconds(time_t now)
{
    long quarter = (long)(now / QUARTER_S) + 1;
    if (state.quarter != quarter) {
        struct tm tm;
        if (localtime_r(&now, &tm))
            state.offset = tm.tm_gmtoff;
        state.quarter = quarter;
    }
    return (long)now + state.offset;
}

static bool is_leap(long year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int stamp(char *out, size_t size, const struct timespec *now)
{
    static const char month_name[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    static const char month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    long seconds = local_seconds(now->tv_sec);
    long day = seconds / DAY_S, left = seconds % DAY_S, year = 1970;
    if (left < 0) { /* a clock before 1970 is off anyway; show something sane */
        day = 0;
        left = 0;
    }
    for (; day >= 365 + is_leap(year); year++)
        day -= 365 + is_leap(year);
    int month = 0;
    for (; month < 11; month++) {
        long days = month_days[month] + (month == 1 && is_leap(year));
        if (day < days)
            break;
        day -= days;
    }
    return snprintf(out, size, "%02d %s %ld %02d:%02d:%02d.%03d", (int)day + 1, month_name[month],
                    year, (int)(left / 3600), (int)(left / 60 % 60), (int)(left % 60),
                    (int)(now->tv_nsec / 1000000));
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char mark[] = {'.', '-', '*', '#'};
    if (!log_wants(level))
        return;
    int saved_errno = errno;
    char line[LOG_LINE_MAX], date[128];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    stamp(date, sizeof date, &now);
    int head = snprintf(line, sizeof line, "%ld:%c %s %c ", (long)getpid(), state.role, date,
                        mark[level]);
    va_list ap;
    va_start(ap, format);
    int body = vsnprintf(line + head, sizeof line - (size_t)head, format, ap);
    va_end(ap);
    size_t len = (size_t)head + (body > 0 ? (size_t)body : 0);
    if (len > sizeof line - 1)
        len = sizeof line - 1;
    line[len++] = '\n'; /* in place of the NUL */
    emit(level, line, len);
    errno = saved_errno;
}

void log_raw(enum log_level level, const char *text)
{
    if (!log_wants(level))
        return;
    int saved_errno = errno;
    emit(level, text, strlen(text));
    errno = saved_errno;
}

void log_raw_signal(enum log_level level, const char *text)
{
    int saved_errno = errno;
    must(text && level < LOG_NOTHING_LEVEL);
    if (log_wants(level))
        emit_file(text, strlen(text));
    errno = saved_errno;
}

void log_fault(const char *what, const struct fault *f)
{
    char text[FAULT_TEXT_MAX];
    log_warning("%s%s%s", what ? what : "", what ? ": " : "", fault_text(f, text, sizeof text));
}
