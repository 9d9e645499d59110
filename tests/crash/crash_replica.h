/* SPDX-License-Identifier: BSD-3-Clause */
/* Scenarios of two servers: the recorded one is a replica, and units go to its primary, whose disk
 * nobody asks. What WAITAOF counted there is durable here. */
#ifndef TESTS_CRASH_REPLICA_H
#define TESTS_CRASH_REPLICA_H

#include "tests/crash/crash_scenario.h"

void replica_play(struct run *r);
void replica_beside_play(struct run *r);

#endif
