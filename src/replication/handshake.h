/* SPDX-License-Identifier: BSD-3-Clause */
/* The talk with a primary up to its answer to PSYNC, as bytes in and bytes out: no socket, no
 * clock, nothing of the server. Each step waits for the answer to the one before:
 *
 *   PING -> AUTH (with a password) -> REPLCONF listening-port, ip-address, capa (together) -> PSYNC
 *
 *   handshake_begin(&h, &facts);                 h.out is to be sent, and to be emptied
 *   used = handshake_feed(&h, data, len);        again, until h.end is not HANDSHAKE_MORE
 *   handshake_free(&h);
 *
 * Bytes behind the last answer are not used: they are of the synchronisation, or of the stream.
 * Empty lines are signs of life. Facts are borrowed until the answer to PSYNC. */
#ifndef REPLICATION_HANDSHAKE_H
#define REPLICATION_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { HANDSHAKE_ID = 40, HANDSHAKE_LINE_MAX = 1024, HANDSHAKE_WHY_MAX = 256 };

struct handshake_facts {
    struct slice user, password; /* empty password: AUTH is not said; empty user: of the default */
    int port;                    /* where this server listens, for who asks the primary */
    struct slice ip;             /* the same; empty: as the primary sees it */
    const char *id;              /* of the history that is to go on; NULL: all is asked for */
    int64_t offset;              /* of the first byte of it that is wanted */
    bool take_over;              /* the primary is a replica of this server, and is to lead */
};

enum handshake_step { SAY_PING, SAY_AUTH, SAY_PORT, SAY_IP, SAY_CAPA, SAY_PSYNC };
enum handshake_end {
    HANDSHAKE_MORE,
    HANDSHAKE_FULL,     /* id, offset: a whole data set comes, of the history before offset + 1 */
    HANDSHAKE_CONTINUE, /* the stream comes, from the byte that was asked for; id: its name now */
    HANDSHAKE_LATER,    /* the primary cannot now, or does not want: why */
    HANDSHAKE_LEADS,    /* the same: it was to take over, and leads already */
    HANDSHAKE_BAD,      /* what it says makes no sense: why */
};

struct handshake {
    const struct handshake_facts *facts;
    struct buf out;
    enum handshake_step step; /* whose answer is waited for */
    enum handshake_end end;
    char id[HANDSHAKE_ID + 1]; /* "": it has not been told */
    int64_t offset;
    char why[HANDSHAKE_WHY_MAX];
    /* private */
    char line[HANDSHAKE_LINE_MAX];
    size_t line_len;
};

void handshake_begin(struct handshake *h, const struct handshake_facts *facts);
void handshake_free(struct handshake *h);
/* Returns how many of the bytes were used: all of them, unless the talk is over. */
size_t handshake_feed(struct handshake *h, const char *data, size_t len);

#endif
