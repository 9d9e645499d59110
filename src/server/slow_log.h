/* SPDX-License-Identifier: BSD-3-Clause */
/* SLOWLOG: the last slowlog-max-len commands that took slowlog-log-slower-than microseconds or
 * more. It is the time alone that they ran: not what they waited, nor what their client took to
 * read.
 *
 * Each call is judged by itself, those of a transaction and of a script, too. Of a command that
 * waited it is the run that ended the waiting. Kept are at most SLOW_WORDS_MAX words, and the
 * client's name, each cut to SLOW_WORD_MAX bytes; what is left out is counted in their place.
 * Secrets are never kept (ctx_shown).
 *
 * Cost: the executor compares one number behind each command; an entry is one allocation. Switched
 * off by a negative time or no length. */
#ifndef SERVER_SLOW_LOG_H
#define SERVER_SLOW_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/link.h"
#include "base/slice.h"

struct server;
struct slow_log; /* opaque */

enum { SLOW_WORDS_MAX = 32, SLOW_WORD_MAX = 128 };

struct slow_entry {
    struct link link;
    uint64_t id, took_us;
    int64_t time_s;
    struct slice peer, name; /* of the client */
    size_t count;
    struct slice words[];    /* and all the bytes behind them */
};

struct slow_log *slow_log_new(struct server *s);
void slow_log_free(struct slow_log *l);
size_t slow_log_count(const struct slow_log *l);
void slow_log_reset(struct slow_log *l); /* ids go on */
/* From the newest on; NULL: no more. Valid until a command ends. */
const struct slow_entry *slow_log_newest(const struct slow_log *l);
const struct slow_entry *slow_log_older(const struct slow_log *l, const struct slow_entry *e);

#endif
