/* SPDX-License-Identifier: BSD-3-Clause */
/* The process around the server: log, pid file, daemon, title, signals, supervision. */
#ifndef SERVER_PROCESS_H
#define SERVER_PROCESS_H

#include <stdbool.h>

#include "base/fault.h"

enum { SUPERVISED_NO, SUPERVISED_AUTO, SUPERVISED_SYSTEMD, SUPERVISED_UPSTART };

struct loop;
struct settings;

/* Once, at the very start of main: the room behind argv that a title may take. */
void process_init(int argc, char **argv);
/* After configuration was read, in this order. */
void process_daemonize(struct settings *st);
bool process_open_log(struct settings *st, struct fault *f);
void process_write_pid_file(struct settings *st); /* failing is only logged */
void process_remove_pid_file(struct settings *st);
void process_set_title(struct settings *st);
void process_handle_signals(struct loop *loop);
/* The loop is about to go: a signal that comes while the process ends must not touch it. */
void process_release_signals(void);
/* The signal that asked to stop, or 0; until it is forgotten a second ^C ends the process. */
int process_stop_signal(void);
void process_forget_signal(void);

bool process_check_log_file(void *owner, struct slice text, struct fault *f);
bool process_check_title(void *owner, struct slice text, struct fault *f);
bool process_apply_title(void *owner, struct fault *f);
bool process_apply_log_level(void *owner, struct fault *f);
bool process_apply_crash_log(void *owner, struct fault *f);

#endif
