/* SPDX-License-Identifier: BSD-3-Clause */
/* latency-monitor-threshold: the option, and the commands that are observed because of it. Apart
 * from spikes.h, which is for all who only note. */
#ifndef SERVER_SPIKES_OPTION_H
#define SERVER_SPIKES_OPTION_H

struct server;
struct spikes;

void spikes_option_add(struct spikes *sp, struct server *s);
void spikes_option_release(struct spikes *sp); /* before spikes_free */

#endif
