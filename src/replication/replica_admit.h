/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients may not do on a replica: write to one that is read-only (READONLY), and whatever
 * shows data while it is out of touch with its primary and replica-serve-stale-data is no
 * (MASTERDOWN). What of this cannot be at the moment costs nothing. */
#ifndef REPLICATION_REPLICA_ADMIT_H
#define REPLICATION_REPLICA_ADMIT_H

struct repl;

struct replica_admit {
    struct repl *repl;
};

/* Hangs on, for as long as the server lives. */
void replica_admit_init(struct replica_admit *a, struct repl *r);
/* Link or options are others: what is asked about changes with them, and so does the role. Where
 * they let this server change what its primary has sent, the data set strays (repl.h). */
void replica_admit_settle(struct replica_admit *a);

#endif
