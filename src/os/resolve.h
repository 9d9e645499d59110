/* SPDX-License-Identifier: BSD-3-Clause */
/* Host names to addresses. Asking may take as long as the system's resolver waits (seconds), so it
 * is done on a worker's thread; an address needs no asking. */
#ifndef OS_RESOLVE_H
#define OS_RESOLVE_H

#include <stdbool.h>

enum { RESOLVED_MAX = 8, RESOLVED_TEXT = 64 };

struct resolved {
    char address[RESOLVED_MAX][RESOLVED_TEXT]; /* in the order in which they should be tried */
    int count;
    char why[128]; /* count 0: why there is none */
};

/* host is one already: "127.0.0.1", "::1", "fe80::1%eth0". */
bool resolve_is_address(const char *host);
/* Waits. Any thread. */
void resolve_host(const char *host, struct resolved *out);

#endif
