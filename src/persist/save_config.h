/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of snapshots, with the save points' own reading and printing; and those of children
 * of both kinds. */
#ifndef PERSIST_SAVE_CONFIG_H
#define PERSIST_SAVE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct server;

enum { SAVE_POINTS_MAX = 64 };
struct save_point {
    int64_t seconds, changes;
};

/* rdb-load-ahead: is an RDB read by a thread of its own while it is taken in? AUTO: where that pays
 * (read_ahead.h); tests choose. */
enum load_ahead { LOAD_AHEAD_AUTO, LOAD_AHEAD_YES, LOAD_AHEAD_NO };

struct save_config { /* read only */
    struct server *server;
    struct save_point points[SAVE_POINTS_MAX];
    int point_count;
    bool verify; /* read back before the rename */
    bool blocks; /* block checksums, digest, trailer */
    bool stop_writes_on_error, compress, checksum, incremental_fsync;
    int sanitize;
    int load_ahead; /* enum load_ahead */
    char *filename;
    int64_t target_version, save_delay_us; /* rdb-key-save-delay: microseconds a key, for tests */
    int64_t max_rate; /* bytes a second a child may write; 0: no limit */
    char *save_cpus, *rewrite_cpus; /* that a child may use (cpus.h); NULL: any */
};

struct save_config *save_config_new(struct server *server);
void save_config_free(struct save_config *c);
bool save_config_has_points(const struct save_config *c);

#endif
