/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters of the server: plain numbers, added to where things happen, shown by INFO, zeroed by
 * CONFIG RESETSTAT. */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* A rate per second, over the last RATE_SAMPLES samples (every 100 ms). */
enum { RATE_SAMPLES = 16 };
struct stats_rate {
    uint64_t samples[RATE_SAMPLES];
    uint64_t last_count;
    int64_t last_us;
    unsigned at;
};
enum { STATS_ERROR_CODES = 128, STATS_ERROR_MADE_UP = 96, STATS_ERROR_CODE_MAX = 32 };
struct stats_error {
    char code[STATS_ERROR_CODE_MAX];
    uint64_t count;
};

struct stats {
    uint64_t connections, rejected_connections, commands;
    uint64_t input_bytes, output_bytes, reads, writes;
    uint64_t replication_input_bytes, replication_output_bytes;
    uint64_t sync_full, sync_partial_ok, sync_partial_err; /* asked for by replicas */
    uint64_t sync_log, sync_log_bytes; /* of sync_partial_ok, from the log; what it gave so far */
    uint64_t error_replies, evicted_clients, query_buffer_limit, output_buffer_limit;
    uint64_t denied_auth, denied_command, denied_key, denied_channel;
    uint64_t command_us;      /* time spent in handlers */
    uint64_t expire_us;       /* time spent on active expiry */
    uint64_t forks;
    int64_t last_fork_us;
    uint64_t peak_memory;
    int64_t peak_time_s;
    uint64_t cycles_base, busy_base_us; /* the loop's numbers at the last reset */
    size_t recent_input_max, recent_output_max;
    struct stats_rate ops, input, output, cycles, cycle_us, replication_input, replication_output;
    struct stats_error errors[STATS_ERROR_CODES];
    unsigned error_kinds, error_made_up; /* of them, codes that are not the server's */
};

struct stats *stats_new(void);
void stats_free(struct stats *st);
/* CONFIG RESETSTAT (command numbers are the registry's). */
void stats_reset(struct stats *st);
/* An error was replied: text begins with its code. */
void stats_error(struct stats *st, struct slice text);
/* Notes the counter's present value; every 100 ms. */
void stats_rate_sample(struct stats_rate *r, uint64_t count, int64_t now_us);
uint64_t stats_rate(const struct stats_rate *r);

/* Latency in microseconds by order of magnitude: 16 steps for each power of two, so a percentile is
 * right to 3 %. Allocated when first used. */
struct latency;
void latency_add(struct latency **l, uint64_t us);
/* The value below which that many percent lie. */
uint64_t latency_percentile(const struct latency *l, double percent);
/* How many there are, and how many of them are of the step that us lies in, or below. l may be
 * NULL. */
uint64_t latency_count(const struct latency *l);
uint64_t latency_up_to(const struct latency *l, uint64_t us);
void latency_free(struct latency *l);

#endif
