/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: one line an event, to a file, standard output or syslog.
 *
 *   log_notice("DB saved on disk, %zu keys", n);
 *
 * Line: "pid:role day month year hh:mm:ss.ms mark text", marks . - * # as Redis has them; role M
 * primary, S replica, C child, X sentinel. The file is opened for each line (so rotating it by
 * rename works) and a line is one write. Lines over LOG_LINE_MAX are cut. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_DEBUG_LEVEL,
    LOG_VERBOSE_LEVEL,
    LOG_NOTICE_LEVEL,
    LOG_WARNING_LEVEL,
    LOG_NOTHING_LEVEL,
};
enum { LOG_LINE_MAX = 1024 };

/* file NULL or "": standard output. Copies file. Returns 0, or -errno when it cannot be opened
 * (the log then stays where it was). */
int log_open(const char *file);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_set_role(char role);
/* ident NULL: off. Copies ident. facility is a syslog(3) LOG_* value. */
void log_use_syslog(const char *ident, int facility);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A bare line without the prefix: banners and crash reports. */
void log_raw(enum log_level level, const char *text);
/* The same from a signal handler that will return: not to syslog, whose lock the code that was
 * interrupted may hold. */
void log_raw_signal(enum log_level level, const char *text);
/* A warning: "what: the fault's text", or what NULL: the text alone. */
struct fault;
void log_fault(const char *what, const struct fault *f);
bool log_wants(enum log_level level);

#define log_debug(...) log_write(LOG_DEBUG_LEVEL, __VA_ARGS__)
#define log_verbose(...) log_write(LOG_VERBOSE_LEVEL, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE_LEVEL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING_LEVEL, __VA_ARGS__)

#endif
