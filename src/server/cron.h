/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done by the clock, hz times a second: active expiry, clients' timeouts, samples, TICK. */
#ifndef SERVER_CRON_H
#define SERVER_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct cron;
struct server;

struct cron *cron_new(struct server *s);
void cron_free(struct cron *c);
void cron_start(struct cron *c);
/* hz as it is now: with dynamic-hz more when there are many clients. */
int64_t cron_hz(const struct cron *c);
int64_t cron_uptime_s(const struct cron *c);
bool cron_apply_hz(void *owner, struct fault *f);

#endif
