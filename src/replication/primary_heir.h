/* SPDX-License-Identifier: BSD-3-Clause */
/* A replica of this server that is to lead in its place, as the link to it (primary_link.h) and who
 * hands over (failover.h) speak of it. */
#ifndef REPLICATION_PRIMARY_HEIR_H
#define REPLICATION_PRIMARY_HEIR_H

#include <stdbool.h>

struct primary_heir {
    bool may_lack; /* it need not have all that is here */
    void (*answered)(void *arg, bool leads, const char *why);
    void *arg;
};

#endif
