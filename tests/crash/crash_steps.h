/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done in a recorded run, step by step; each tells the trace what the client knows then. A
 * server that does other than it should makes the run bad, and all steps behind it do nothing. */
#ifndef TESTS_CRASH_STEPS_H
#define TESTS_CRASH_STEPS_H

#include "tests/crash/crash_scenario.h"

void step_complain(struct run *r, const char *what);
void step_start(struct run *r); /* and connects */
void step_stop(struct run *r, const char *how); /* SHUTDOWN's word */
void step_kill(struct run *r);
void step_mode(struct run *r, enum trace_mode m);
void step_floor(struct run *r, uint64_t units); /* so many are durable */
void step_units(struct run *r, int count);
/* A command that replies no error; the words end with NULL. */
void step_call(struct run *r, const char *a, const char *b, const char *c, const char *d);
void step_await(struct run *r, const char *field, const char *value); /* of INFO */
/* A rewrite with so many units meanwhile; its end was reported. */
void step_rewrite(struct run *r, int meanwhile);
/* A save that counts from its report on. */
void step_bgsave(struct run *r, int meanwhile);
void step_save(struct run *r);
/* WAITAOF: when so many disks have all, it is durable. True: they had. */
bool step_wait_durable(struct run *r, const char *local, const char *replicas,
                       const char *timeout_ms);
/* Data of an earlier life, not recorded: the units so far are durable. */
void step_earlier(struct run *r, const struct args *args, int count);

#endif
