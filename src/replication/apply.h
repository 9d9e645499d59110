/* SPDX-License-Identifier: BSD-3-Clause */
/* The primary's stream, taken in: its commands are run as the primary's (FROM_PRIMARY), and its
 * bytes become the next ones of the history here, byte for byte. A transaction counts when it is
 * whole: of a link that was cut in its middle nothing is kept, and it comes again.
 *
 * While the disk does not take what this server is to keep there, nothing is taken in, unless
 * replica-ignore-disk-write-errors says so: the link is cut, and what comes is there again later.
 *
 *   apply_begin(&a, &spec);     the socket is a client from now on: CLIENT LIST shows it
 *   ... until the client goes: CLIENT KILL, the primary, apply_end ...
 *   apply_lost(&a)              its owner says so, from the CLIENT hook */
#ifndef REPLICATION_APPLY_H
#define REPLICATION_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "os/wire.h"

struct client;
struct repl;

/* Own positions (commit.h) and the offsets of the history that were reached there: what the disk
 * has of the one tells what it has of the other. Of those that lie close together the later
 * counts. */
enum { APPLY_PAIRS = 64 };
struct apply_durable {
    struct {
        uint64_t position;
        int64_t offset;
    } pairs[APPLY_PAIRS];
    unsigned first, count;
    int64_t offset; /* all before and with it is durable; -1: not known */
};

struct apply { /* zero it; read only */
    struct repl *repl;
    struct client *client; /* NULL: there is no stream */
    int64_t heard_us;      /* monotonic */
    uint64_t failed;       /* commands that the primary did and that failed here */
    /* private */
    bool ack_due;
    int64_t told_us, told_disk_us;
    struct apply_durable durable;
};

struct apply_spec {
    struct repl *repl;
    int fd;
    struct wire wire;
    struct slice first; /* bytes of the stream that came already */
};
void apply_begin(struct apply *a, const struct apply_spec *spec);
/* The client is asked to go; what it still holds is not run. */
void apply_end(struct apply *a);
/* It has gone, or is about to. */
void apply_lost(struct apply *a);
/* Why nothing is taken in now. NULL: it is. */
const char *apply_refusal(const struct repl *r);
/* Tells the primary how far this server is, and its log. */
void apply_ack(struct apply *a);
/* From STAGE_LOG on: what was done so far is on its way to the log. */
void apply_note_position(struct apply *a);

#endif
