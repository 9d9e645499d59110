/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server asks of the system and of libraries around it: the kind of event loop, huge
 * pages, the allocator's own thread, the order of letters, whether tables are tended by the clock.
 * Hangs on through CONFIGURED. At start the log warns of what system_check.h finds, but for
 * ignore-warnings. */
#ifndef SERVER_SYSTEM_SETTINGS_H
#define SERVER_SYSTEM_SETTINGS_H

struct server;
struct system_settings;

struct system_settings *system_settings_new(struct server *s);
void system_settings_free(struct system_settings *sys);

#endif
