/* SPDX-License-Identifier: BSD-3-Clause */
/* Settings of the core that belong to no part of their own, and how the process was started. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "os/socket.h"

struct config;
struct server;

enum { PERCENTILES_MAX = 128 };
enum allowed { ALLOWED_NO, ALLOWED_YES, ALLOWED_LOCAL };

struct settings {
    struct server *server;
    bool latency_tracking;
    int enable_debug, enable_module, enable_protected; /* enum allowed */
    int64_t databases;
    double percentiles[PERCENTILES_MAX];
    int percentile_count;
    /* the network: net.c */
    char **binds;
    int bind_count;
    int64_t port, backlog, keepalive_s, unix_perm, mark;
    char *unix_path;
    bool protected_mode;
    int64_t tls_port;
    /* the process: process.c */
    bool daemonize, set_title, syslog_on, crash_log, crash_memcheck, always_logo;
    int log_level, supervised, shutdown_on_sigint, shutdown_on_sigterm, syslog_facility;
    char *log_file, *pid_file, *title_template, *syslog_ident, *cpus, *worker_cpus;
    int64_t shutdown_timeout_s;
    bool supervisor_warned; /* set by supervisor.c, once for all settings that name one */
    char *dir; /* the working directory, absolute */
    bool (*may_use_dir)(void *arg, struct fault *f);
    void *may_use_dir_arg;
    /* time: cron.c */
    int64_t hz, active_expire_effort;
    bool dynamic_hz;
    bool active_expire_off, paused; /* DEBUG SET-ACTIVE-EXPIRE, PAUSE-CRON */
    /* value thresholds and memory that have aliases and live in keyspace are registered for it */
    bool lazy_user_del, lazy_user_flush;
};

struct settings *settings_new(struct server *s);
void settings_free(struct settings *st);
void settings_register(struct settings *st, struct config *cfg);
/* Was the working directory removed and made anew? Then the new one is it from now on. */
void settings_find_dir(struct settings *st);

/* Asked after each change of the working directory; false with f puts the old one back. */
void settings_on_dir(struct settings *st, bool (*may_use)(void *arg, struct fault *f), void *arg);

/* For a CONFIG_STRING that is a list of CPUs. */
bool settings_check_cpus(void *owner, struct slice text, struct fault *f);

#endif
