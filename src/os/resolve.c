/* SPDX-License-Identifier: BSD-3-Clause */
#include "os/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/must.h"

bool resolve_is_address(const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    freeaddrinfo(found);
    return true;
}

void resolve_host(const char *host, struct resolved *out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    must(host && out);
    memset(out, 0, sizeof *out);
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0) {
        snprintf(out->why, sizeof out->why, "%s",
                 rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
        return;
    }
    for (struct addrinfo *a = found; a && out->count < RESOLVED_MAX; a = a->ai_next)
        if (getnameinfo(a->ai_addr, a->ai_addrlen, out->address[out->count], RESOLVED_TEXT, NULL, 0,
                        NI_NUMERICHOST) == 0)
            out->count++;
    freeaddrinfo(found);
    must(out->count <= RESOLVED_MAX);
    if (!out->count)
        snprintf(out->why, sizeof out->why, "no address");
}
