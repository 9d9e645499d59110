/* SPDX-License-Identifier: BSD-3-Clause */
/* The server itself: server_frame.c makes it, server.c gives access to it. One pointer for each
 * part, and the little state that belongs to none: what is of one part only lies in that part. */
#ifndef SERVER_SERVER_PARTS_H
#define SERVER_SERVER_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/gate.h"

struct server {
    struct loop *loop;
    struct workers *workers;
    struct lazy_free *lazy_free;
    struct keyspace *keyspace;
    struct hooks *hooks;
    struct commands *commands;
    struct commit *commit;
    struct config *config;
    struct config_later *later;
    struct settings *settings;
    struct shutdown *shutdown;
    struct pauses *pauses;
    struct progress *progress;
    struct pubsub *pubsub;
    struct keyspace_events *keyspace_events;
    struct role *role;
    struct acl *acl;
    struct clients *clients;
    struct exec *exec;
    struct watches *watches;
    struct slots *slots;
    struct stats *stats;
    struct info *info;
    struct cron *cron;
    struct debug *debug;
    struct net *net;
    struct waits *waits;
    struct monitors *monitors;
    struct slow_log *slow_log;
    struct spikes *spikes;
    struct tls_config *tls;
    struct tracking *tracking;
    struct gates gates;
    unsigned expired_stay; /* EXPIRED_* */
    unsigned change_listeners; /* CHANGES_* */
    struct notify *notify;
    size_t startup_memory;
    bool stopping;
    bool unsure; /* forced to stop: what was acknowledged may not be where it belongs */
    int exit_code;
    char run_id[41];
};

#endif
