/* SPDX-License-Identifier: BSD-3-Clause */
/* What systemd is told (supervised systemd, or auto where it listens): one datagram of lines to the
 * socket that NOTIFY_SOCKET names; no library is needed for that. Without a supervisor nothing.
 *
 *   supervisor_tell(st, "STATUS=Loading: %d %%", percent);
 *   supervisor_tell(st, SUPERVISOR_PATIENCE);     // again and again while something long goes on
 *
 * What can't be told is worth one warning. Any text; a line end separates lines. */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

struct settings;

/* Half a minute more before a start or a stop counts as hanging. */
#define SUPERVISOR_PATIENCE "EXTEND_TIMEOUT_USEC=30000000"
#define SUPERVISOR_READY "STATUS=Ready to accept connections"

void supervisor_tell(struct settings *st, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
