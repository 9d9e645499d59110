/* SPDX-License-Identifier: BSD-3-Clause */
/* watchdog-period: when cron has not come for so many milliseconds, because one turn of the loop
 * takes that long, the log gets the stack of what it is at. For finding out why a server stands
 * still now and then; off (0) unless asked for, and then costs nothing. */
#ifndef SERVER_TURN_WATCH_H
#define SERVER_TURN_WATCH_H

struct server;
struct turn_watch;

/* On the thread whose turns are watched. */
struct turn_watch *turn_watch_new(struct server *s);
void turn_watch_free(struct turn_watch *w);

#endif
